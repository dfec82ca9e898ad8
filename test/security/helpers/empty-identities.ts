/** Everything that is nobody, and must never be taken for whoever is behind it. */
export const EMPTY_IDENTITIES: readonly (readonly [what: string, subject: string])[] = [
  ['nothing', ''],
  ['a blank', ' '],
  ['tabs and line breaks', '\t\r\n'],
  ['a space that does not break', '\u00a0'],
  ['an ideographic space', '\u3000'],
  ['a line separator', '\u2028'],
]
