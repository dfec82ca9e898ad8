import { type CharacterRange, classOf, matchTokens, type WildcardToken } from './wildcard.ts'

/**
 * A pattern of Go's `path.Match`: `*` any run without '/', `?` one character but '/', `[a-z]`, `[^a-z]`, `\` takes the
 * next character as it is. There is no `**`: it equals `*`.
 *
 * As in Go, a class may match '/' (`a[^b]c` matches `a/c`).
 */
export interface PathPattern {
  matches(path: string): boolean
  /** Whether a path inside `directory`, at any depth, can match; may say yes in vain, never no. */
  mayContain(directory: string): boolean
}

/** Undefined for a malformed pattern, which Argo CD logs and ignores. */
export function compilePathMatch(pattern: string): PathPattern | undefined {
  const tokens = parsePathMatch(pattern)
  if (tokens === undefined) return undefined
  const segments = splitSegments(tokens)
  const classes = tokens.filter(token => token.kind === 'class').length
  return {
    matches: path => matchTokens(tokens, [...path], false),
    mayContain: directory => {
      if (directory === '') return tokens.length > 0
      const parts = directory.split('/')
      // A class can stand for a slash, so the segments of such a pattern are not those of the path.
      if (classes > 0) return parts.length < segments.length + classes
      return (
        parts.length < segments.length && parts.every((part, index) => matchTokens(segments[index]!, [...part], false))
      )
    },
  }
}

function splitSegments(tokens: readonly WildcardToken[]): WildcardToken[][] {
  const segments: WildcardToken[][] = [[]]
  for (const token of tokens) {
    if (token.kind === 'character' && token.character === '/') segments.push([])
    else segments.at(-1)!.push(token)
  }
  return segments
}

function parsePathMatch(pattern: string): WildcardToken[] | undefined {
  const characters = [...pattern]
  const tokens: WildcardToken[] = []
  let at = 0
  while (at < characters.length) {
    const character = characters[at]!
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' })
      at++
    } else if (character === '?') {
      tokens.push({ kind: 'any' })
      at++
    } else if (character === '[') {
      const parsed = parseClass(characters, at + 1)
      if (parsed === undefined) return undefined
      tokens.push({ kind: 'class', accepts: parsed.accepts })
      at = parsed.end
    } else if (character === '\\') {
      const next = characters[at + 1]
      if (next === undefined) return undefined
      tokens.push({ kind: 'character', character: next })
      at += 2
    } else {
      tokens.push({ kind: 'character', character })
      at++
    }
  }
  return tokens
}

function parseClass(
  characters: readonly string[],
  from: number,
): { accepts: (character: string) => boolean; end: number } | undefined {
  let at = from
  const negated = characters[at] === '^'
  if (negated) at++
  const ranges: CharacterRange[] = []
  while (!(characters[at] === ']' && ranges.length > 0)) {
    const low = classMember(characters, at)
    if (low === undefined) return undefined
    at = low.end
    let high = low
    if (characters[at] === '-') {
      const end = classMember(characters, at + 1)
      if (end === undefined) return undefined
      high = end
      at = end.end
    }
    ranges.push({ low: low.code, high: high.code })
  }
  return { accepts: classOf(ranges, negated), end: at + 1 }
}

function classMember(characters: readonly string[], from: number): { code: number; end: number } | undefined {
  let at = from
  if (characters[at] === undefined || characters[at] === '-' || characters[at] === ']') return undefined
  if (characters[at] === '\\') at++
  const character = characters[at]
  // A class that ends the pattern has no closing bracket.
  if (character === undefined || characters[at + 1] === undefined) return undefined
  return { code: character.codePointAt(0)!, end: at + 1 }
}
