import { type CharacterRange, classOf, matchTokens, type WildcardToken } from './wildcard.ts'

/** Most patterns that one pattern with `{a,b}` may stand for. */
export const MAX_ALTERNATIVES = 1024

export interface FilePattern {
  matches(path: string): boolean
  /** Whether a file inside `directory`, at any depth, can match; may say yes in vain, never no. */
  mayContain(directory: string): boolean
}

/** `**` as a whole segment, or the tokens of one segment. */
type Segment = '**' | readonly WildcardToken[]

/**
 * A pattern as the Go library doublestar v4 reads it: `*`, `?` and classes (`[a-z]`, `[!a]`, `[^a]`) stay inside one
 * segment, `**` as a whole segment spans any number of directories (none included), `{a,b}` are alternatives, `\`
 * takes the next character as it is. Names that begin with a dot match like any other.
 *
 * Undefined for a malformed pattern, or one with more than {@link MAX_ALTERNATIVES} alternatives.
 */
export function compileDoublestar(pattern: string): FilePattern | undefined {
  const expanded = expandBraces([...pattern])
  if (expanded === undefined) return undefined
  const alternatives: Segment[][] = []
  for (const characters of expanded) {
    const segments = parseSegments(characters)
    if (segments === undefined) return undefined
    alternatives.push(segments)
  }
  return fromSegments(alternatives)
}

export function fromSegments(alternatives: readonly (readonly Segment[])[]): FilePattern {
  return {
    matches: path => {
      const parts = splitPath(path)
      return alternatives.some(segments => reach(segments, parts).has(segments.length))
    },
    mayContain: directory => {
      const parts = directory === '' ? [] : splitPath(directory)
      return alternatives.some(segments => {
        for (const position of reach(segments, parts)) if (position < segments.length) return true
        return false
      })
    },
  }
}

function splitPath(path: string): (readonly string[])[] {
  return path.split('/').map(part => [...part])
}

/** How far into the pattern one can be after all of `parts`: the states of a small automaton, so nothing is retried. */
function reach(segments: readonly Segment[], parts: readonly (readonly string[])[]): Set<number> {
  let states = skipGlobstars(segments, [0])
  for (const part of parts) {
    const next: number[] = []
    for (const state of states) {
      const segment = segments[state]
      if (segment === '**') next.push(state)
      else if (segment !== undefined && matchTokens(segment, part, false)) next.push(state + 1)
    }
    states = skipGlobstars(segments, next)
  }
  return states
}

/** `**` may span nothing: whoever stands before one also stands behind it. */
function skipGlobstars(segments: readonly Segment[], states: readonly number[]): Set<number> {
  const reached = new Set<number>()
  for (let state of states) {
    reached.add(state)
    while (segments[state] === '**') reached.add(++state)
  }
  return reached
}

/** Each alternative as characters, where an escaped one is kept with its backslash. */
function expandBraces(characters: readonly string[]): string[][] | undefined {
  const parser = new BraceParser(characters)
  return parser.parse()
}

class BraceParser {
  readonly #characters: readonly string[]
  #at = 0

  constructor(characters: readonly string[]) {
    this.#characters = characters
  }

  parse(): string[][] | undefined {
    const result = this.#sequence(0)
    return this.#at === this.#characters.length ? result : undefined
  }

  /** Reads up to the end, or to a `,` or `}` of the braces around it. */
  #sequence(depth: number): string[][] | undefined {
    // Deeper nesting has no use and would only cost stack.
    if (depth > 16) return undefined
    let results: string[][] = [[]]
    while (this.#at < this.#characters.length) {
      const character = this.#characters[this.#at]!
      if (depth > 0 && (character === ',' || character === '}')) return results
      if (character === '}') return undefined
      if (character === '{') {
        const choices = this.#choices(depth + 1)
        if (choices === undefined || results.length * choices.length > MAX_ALTERNATIVES) return undefined
        results = results.flatMap(head => choices.map(choice => [...head, ...choice]))
        continue
      }
      const taken = this.#plain(character)
      if (taken === undefined) return undefined
      for (const result of results) result.push(...taken)
    }
    return results
  }

  #choices(depth: number): string[][] | undefined {
    const choices: string[][] = []
    do {
      this.#at++
      const choice = this.#sequence(depth)
      if (choice === undefined || choices.length + choice.length > MAX_ALTERNATIVES) return undefined
      choices.push(...choice)
    } while (this.#characters[this.#at] === ',')
    if (this.#characters[this.#at] !== '}') return undefined
    this.#at++
    return choices
  }

  /** One character, an escaped pair or a whole class, inside which braces and commas mean themselves. */
  #plain(character: string): readonly string[] | undefined {
    const from = this.#at
    if (character === '[') {
      const end = closingBracket(this.#characters, from + 1)
      if (end === undefined) return undefined
      this.#at = end + 1
    } else {
      this.#at += character === '\\' ? 2 : 1
      if (this.#at > this.#characters.length) return undefined
    }
    return this.#characters.slice(from, this.#at)
  }
}

function closingBracket(characters: readonly string[], from: number): number | undefined {
  let at = from
  if (characters[at] === '!' || characters[at] === '^') at++
  const first = at
  while (at < characters.length) {
    if (characters[at] === ']') return at > first ? at : undefined
    at += characters[at] === '\\' ? 2 : 1
  }
  return undefined
}

function parseSegments(characters: readonly string[]): Segment[] | undefined {
  const segments: Segment[] = []
  let tokens: WildcardToken[] = []
  let text = ''
  const close = (): void => {
    segments.push(text === '**' ? '**' : tokens)
    tokens = []
    text = ''
  }
  let at = 0
  while (at < characters.length) {
    const character = characters[at]!
    if (character === '/') {
      close()
      at++
      continue
    }
    text += character
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' })
      at++
    } else if (character === '?') {
      tokens.push({ kind: 'any' })
      at++
    } else if (character === '[') {
      const end = closingBracket(characters, at + 1)
      if (end === undefined) return undefined
      tokens.push({ kind: 'class', accepts: parseClass(characters.slice(at + 1, end)) })
      at = end + 1
    } else {
      const escaped = character === '\\'
      tokens.push({ kind: 'character', character: escaped ? characters[at + 1]! : character })
      at += escaped ? 2 : 1
    }
  }
  close()
  return segments
}

function parseClass(inner: readonly string[]): (character: string) => boolean {
  const negated = inner[0] === '!' || inner[0] === '^'
  const ranges: CharacterRange[] = []
  let at = negated ? 1 : 0
  let canStartRange = false
  while (at < inner.length) {
    const dash: boolean = inner[at] === '-' && canStartRange && at + 1 < inner.length
    if (dash) at++
    if (inner[at] === '\\' && at + 1 < inner.length) at++
    const code = inner[at]!.codePointAt(0)!
    // The first end of a range is a member of its own before the range is looked at, even of a descending one.
    ranges.push({ low: dash ? ranges.at(-1)!.low : code, high: code })
    canStartRange = !dash
    at++
  }
  const accepts = classOf(ranges, negated)
  return character => character !== '/' && accepts(character)
}
