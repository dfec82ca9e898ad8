import { PLACEHOLDER } from './data-rule.ts'

/** What a path or a message may name where it stands. */
export interface Surroundings {
  /** Values that are worked out before. */
  readonly names: ReadonlySet<string>
  /** There is an entry of a list. */
  readonly inList: boolean
  /** There may be a condition. */
  readonly inMessage: boolean
}

/** Why a path cannot be read there; undefined when it can. `starred`: it may have `*` for each entry. */
export function pathMistake(path: readonly string[], within: Surroundings, starred: boolean): string | undefined {
  const [first = '', ...rest] = path
  if (path.length === 0 || path.includes('')) return 'is no path: names with a dot between them, or a list of names'
  if (first === 'entry' && !within.inList) return 'names an entry, and there is no list here'
  if (first === 'condition' && !within.inMessage) return 'names a condition, which only a message can'
  if (first.startsWith('$') && !within.names.has(first.slice(1))) {
    return `names the value ${first}, which is not worked out before`
  }
  if (path.includes('*') && !starred) return 'has a *, and is to be one value'
  return first === '*' || rest.some(name => name.startsWith('$')) ? 'has a * or $ where it cannot be' : undefined
}

/** What is wrong with the placeholders of a message. */
export function messageMistakes(message: string, within: Surroundings): readonly string[] {
  const pieces = message.split(PLACEHOLDER)
  const mistakes = pieces.flatMap((piece, index) => {
    return index % 2 === 0 ? [] : piece.split('|').flatMap(one => placeholderMistakes(one, within))
  })
  const outside = pieces.filter((_, index) => index % 2 === 0)
  if (outside.some(piece => /[{}]/.test(piece))) mistakes.push('has a brace that names nothing')
  return mistakes
}

function placeholderMistakes(placeholder: string, within: Surroundings): readonly string[] {
  if (placeholder.startsWith("'")) {
    return /^'[^']*'$/.test(placeholder) ? [] : [`has {${placeholder}}, whose quotes do not end`]
  }
  const mistake = pathMistake(placeholder.split('.'), within, false)
  return mistake === undefined ? [] : [`has {${placeholder}}, which ${mistake}`]
}
