/** One step of a path into a document. */
export type PathStep =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  /** Every element of a list. */
  | { readonly kind: 'each' }
  /** Only elements whose text at that path is, or has, this one. */
  | { readonly kind: 'where'; readonly path: readonly string[]; readonly is: TextTest; readonly text: string }

export type TextTest = 'equal' | 'contains' | 'startswith' | 'endswith'

export type DocumentPath = readonly PathStep[]

/** RFC 6901; undefined when it is no pointer. A step that is a number is an index where a list is. */
export function parsePointerPath(pointer: string): DocumentPath | undefined {
  if (pointer === '' || !pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map(part => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      return /^(0|[1-9]\d{0,8})$/.test(name) ? { kind: 'index', index: Number(name) } : { kind: 'field', name }
    })
}

const MOST_STEPS = 64

/**
 * The part of jq that names a place in a document: `.spec.source.helm.values`, `.metadata.annotations["a/b"]`,
 * `.spec.sources[0].path`, `.spec.sources[].targetRevision`, `.spec.sources[] | select(.ref == "values") | .path`,
 * `.spec.sources[] | select(.repoURL | contains("charts")).chart`. Undefined for every other expression: jq is a language, and this is no interpreter of it.
 */
export function parseJqPath(expression: string): DocumentPath | undefined {
  const steps: PathStep[] = []
  let rest = expression.trim()
  if (!rest.startsWith('.')) return undefined
  while (rest !== '') {
    const read = readStep(rest)
    if (!read || steps.length >= MOST_STEPS) return undefined
    if (read.step) steps.push(read.step)
    rest = read.rest
  }
  const selects = steps.some(({ kind }, index) => kind === 'where' && steps[index - 1]?.kind !== 'each')
  return steps.length === 0 || selects ? undefined : steps
}

interface ReadStep {
  readonly step?: PathStep
  readonly rest: string
}

const FIELD = /^\.([A-Za-z_][A-Za-z0-9_]*)/
const QUOTED = /^\.?\["((?:[^"\\]|\\["\\])*)"\]|^\."((?:[^"\\]|\\["\\])*)"/
const INDEX = /^\.?\[(\d{1,9})\]/
const EACH = /^\.?\[\]/
const SELECT =
  /^\|\s*select\(\s*((?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*(==|\|\s*(?:contains|startswith|endswith)\s*\()\s*"((?:[^"\\]|\\["\\])*)"\s*(\)?)\s*\)\s*/
const PIPE = /^\s*\|\s*(?=\.[A-Za-z_["])/

function readStep(text: string): ReadStep | undefined {
  const field = FIELD.exec(text)
  if (field) return { step: { kind: 'field', name: field[1]! }, rest: text.slice(field[0].length) }
  const quoted = QUOTED.exec(text)
  if (quoted) {
    const name = unquoted(quoted[1] ?? quoted[2]!)
    return { step: { kind: 'field', name }, rest: text.slice(quoted[0].length) }
  }
  const index = INDEX.exec(text)
  if (index) return { step: { kind: 'index', index: Number(index[1]) }, rest: text.slice(index[0].length) }
  const each = EACH.exec(text)
  if (each) return { step: { kind: 'each' }, rest: text.slice(each[0].length) }
  const trimmed = text.trimStart()
  const select = SELECT.exec(trimmed)
  if (select) {
    const [whole, path = '', test = '', text = '', closed = ''] = select
    const word = /[a-z]+/.exec(test)?.[0] as TextTest | undefined
    if ((word === undefined) !== (closed === '')) return undefined
    const step = { kind: 'where', path: path.slice(1).split('.'), is: word ?? 'equal', text: unquoted(text) } as const
    return { step, rest: trimmed.slice(whole.length) }
  }
  const pipe = PIPE.exec(text)
  return pipe ? { rest: text.slice(pipe[0].length) } : undefined
}

function unquoted(text: string): string {
  return text.replaceAll(/\\(["\\])/g, '$1')
}
