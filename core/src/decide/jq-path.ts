import type { JqExpression } from '../jq/jq-expression.ts'
import { isJqMistake, parseJq } from '../jq/parse-jq.ts'

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
 * `.spec.sources[] | select(.repoURL | contains("charts")).chart`. Undefined for every other expression: a place that
 * is looked for with more than these says nothing of where a value is to be put back.
 */
export function parseJqPath(expression: string): DocumentPath | undefined {
  const read = parseJq(expression)
  const steps = isJqMistake(read) ? undefined : stepsOf(read)
  if (!steps || steps.length === 0 || steps.length > MOST_STEPS) return undefined
  // Only an element of a list is kept or left by what it says.
  const astray = steps.some(({ kind }, index) => kind === 'where' && steps[index - 1]?.kind !== 'each')
  return astray ? undefined : steps
}

function stepsOf(expression: JqExpression): readonly PathStep[] | undefined {
  switch (expression.kind) {
    case 'identity':
      return []
    case 'field':
      return [{ kind: 'field', name: expression.name }]
    case 'index':
      return expression.index < 0 ? undefined : [{ kind: 'index', index: expression.index }]
    case 'each':
      return [{ kind: 'each' }]
    case 'pipe': {
      const [left, right] = [stepsOf(expression.left), stepsOf(expression.right)]
      return left && right && [...left, ...right]
    }
    case 'call': {
      const where = expression.name === 'select' ? whereOf(expression.arguments[0]) : undefined
      return where && [where]
    }
    default:
      return undefined
  }
}

/** `.ref == "values"`, or `.repoURL | contains("charts")`. */
function whereOf(test: JqExpression | undefined): PathStep | undefined {
  if (test?.kind === 'compare') {
    if (test.operator !== '==') return undefined
    return where(test.left, 'equal', test.right)
  }
  if (test?.kind !== 'pipe' || test.right.kind !== 'call') return undefined
  const { name, arguments: given } = test.right
  return name === 'contains' || name === 'startswith' || name === 'endswith'
    ? where(test.left, name, given[0])
    : undefined
}

function where(of: JqExpression, is: TextTest, wanted: JqExpression | undefined): PathStep | undefined {
  const steps = stepsOf(of)
  const path = steps?.flatMap(step => (step.kind === 'field' ? [step.name] : []))
  if (!path || path.length === 0 || path.length !== steps?.length) return undefined
  if (wanted?.kind !== 'literal' || typeof wanted.value !== 'string') return undefined
  return { kind: 'where', path, is, text: wanted.value }
}
