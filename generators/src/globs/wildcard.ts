/** One element of a wildcard pattern, after parsing. Characters are compared as the pattern's dialect splits them. */
export type WildcardToken =
  | { readonly kind: 'character'; readonly character: string }
  /** `?` */
  | { readonly kind: 'any' }
  /** `*` */
  | { readonly kind: 'star' }
  | { readonly kind: 'class'; readonly accepts: (character: string) => boolean }

/**
 * Whether `tokens` match all of `text`; `?` and `*` stop at '/' unless `crossesSlash`.
 *
 * Only the last star is ever reconsidered, as in Go's `path.Match` and as is right when a star crosses everything:
 * the time is at most pattern × text, whatever the pattern.
 */
export function matchTokens(tokens: readonly WildcardToken[], text: readonly string[], crossesSlash: boolean): boolean {
  let token = 0
  let at = 0
  let starToken = -1
  let starAt = 0
  while (at < text.length || token < tokens.length) {
    const current = tokens[token]
    if (current?.kind === 'star') {
      starToken = token++
      starAt = at
      continue
    }
    if (current !== undefined && at < text.length && accepts(current, text[at]!, crossesSlash)) {
      token++
      at++
      continue
    }
    if (starToken < 0 || starAt >= text.length || (!crossesSlash && text[starAt] === '/')) return false
    token = starToken + 1
    at = ++starAt
  }
  return true
}

function accepts(token: WildcardToken, character: string, crossesSlash: boolean): boolean {
  switch (token.kind) {
    case 'character':
      return token.character === character
    case 'any':
      return crossesSlash || character !== '/'
    case 'class':
      return token.accepts(character)
    case 'star':
      return false
  }
}

/** Characters from `low` to `high`, both included, by code point. */
export interface CharacterRange {
  readonly low: number
  readonly high: number
}

export function classOf(ranges: readonly CharacterRange[], negated: boolean): (character: string) => boolean {
  return character => {
    const code = character.codePointAt(0)!
    return ranges.some(({ low, high }) => low <= code && code <= high) !== negated
  }
}
