/**
 * Globs as Argo CD's policies and Projects use them: `*` (not across a separator), `**` (across), `?`, `[a-z]`,
 * `[!a-z]`, `{a,b}`, and `\` before a character that is meant literally. Matching takes time proportional to pattern
 * times text, whatever the pattern: patterns come from documents of others.
 */
export type Glob = (text: string) => boolean

type Token =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'star'; readonly acrossSeparators: boolean }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }

export class GlobSyntaxError extends Error {
  constructor(pattern: string, why: string) {
    super(`glob "${pattern}": ${why}`)
    this.name = 'GlobSyntaxError'
  }
}

/** More alternatives than people write, few enough that `{a,b}{a,b}…` cannot explode. */
const MOST_ALTERNATIVES = 256

/**
 * @param separator The character that `*` and `?` do not cross; empty: they cross everything.
 * @throws GlobSyntaxError
 *
 * @example
 * compileGlob('shop-*', '')('shop-checkout') // => true
 */
export function compileGlob(pattern: string, separator: string): Glob {
  const alternatives = expandBraces(pattern).map(text => tokenise(text, pattern, separator))
  return text => {
    const characters = [...text]
    return alternatives.some(tokens => matches(tokens, characters, separator))
  }
}

/** Simulates all ways to match at once: the set of token positions reachable after each character. */
function matches(tokens: readonly Token[], characters: readonly string[], separator: string): boolean {
  let reachable = new Set<number>([0])
  skipStars(reachable, tokens)
  for (const character of characters) {
    const next = new Set<number>()
    for (const position of reachable) {
      const token = tokens[position]
      if (!token) continue
      if (token.kind === 'star') {
        if (token.acrossSeparators || character !== separator) next.add(position)
      } else if (consumes(token, character, separator)) {
        next.add(position + 1)
      }
    }
    skipStars(next, tokens)
    if (next.size === 0) return false
    reachable = next
  }
  return reachable.has(tokens.length)
}

function skipStars(positions: Set<number>, tokens: readonly Token[]): void {
  for (const position of positions) if (tokens[position]?.kind === 'star') positions.add(position + 1)
}

function consumes(token: Exclude<Token, { kind: 'star' }>, character: string, separator: string): boolean {
  if (token.kind === 'literal') return token.character === character
  if (token.kind === 'one') return character !== separator
  return token.ranges.some(([from, to]) => character >= from && character <= to) !== token.negated
}

function tokenise(text: string, pattern: string, separator: string): Token[] {
  const characters = [...text]
  const tokens: Token[] = []
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!
    if (character === '\\') {
      index++
      if (index >= characters.length) throw new GlobSyntaxError(pattern, 'ends in a backslash')
      tokens.push({ kind: 'literal', character: characters[index]! })
    } else if (character === '*') {
      let stars = 1
      while (characters[index + 1] === '*') {
        stars++
        index++
      }
      tokens.push({ kind: 'star', acrossSeparators: stars > 1 || separator === '' })
    } else if (character === '?') {
      tokens.push({ kind: 'one' })
    } else if (character === '[') {
      const end = readClass(characters, index, pattern)
      tokens.push(end.token)
      index = end.index
    } else {
      tokens.push({ kind: 'literal', character })
    }
  }
  return tokens
}

function readClass(characters: readonly string[], start: number, pattern: string): { token: Token; index: number } {
  let index = start + 1
  const negated = characters[index] === '!' || characters[index] === '^'
  if (negated) index++
  const ranges: [string, string][] = []
  while (index < characters.length && characters[index] !== ']') {
    if (characters[index] === '\\') index++
    const from = characters[index]
    if (from === undefined) break
    if (characters[index + 1] === '-' && characters[index + 2] !== undefined && characters[index + 2] !== ']') {
      ranges.push([from, characters[index + 2]!])
      index += 3
    } else {
      ranges.push([from, from])
      index++
    }
  }
  if (index >= characters.length) throw new GlobSyntaxError(pattern, 'has a "[" that is not closed')
  if (ranges.length === 0) throw new GlobSyntaxError(pattern, 'has an empty "[]"')
  return { token: { kind: 'class', negated, ranges }, index }
}

/** `a{b,c{d,e}}` → `ab`, `acd`, `ace`; backslashes and classes are left for {@link tokenise}. */
function expandBraces(pattern: string): string[] {
  const open = findUnescaped(pattern, 0, '{')
  if (open < 0) return [pattern]
  let depth = 0
  const parts: string[] = []
  let from = open + 1
  for (let index = open; index < pattern.length; index++) {
    const character = pattern[index]
    if (character === '\\') index++
    else if (character === '{') depth++
    else if (character === ',' && depth === 1) {
      parts.push(pattern.slice(from, index))
      from = index + 1
    } else if (character === '}' && --depth === 0) {
      parts.push(pattern.slice(from, index))
      const head = pattern.slice(0, open)
      const tail = pattern.slice(index + 1)
      const expanded = parts.flatMap(part => expandBraces(`${head}${part}${tail}`))
      if (expanded.length > MOST_ALTERNATIVES)
        throw new GlobSyntaxError(pattern, `has more than ${MOST_ALTERNATIVES} alternatives`)
      return expanded
    }
  }
  throw new GlobSyntaxError(pattern, 'has a "{" that is not closed')
}

function findUnescaped(text: string, from: number, wanted: string): number {
  for (let index = from; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === wanted) return index
  }
  return -1
}
