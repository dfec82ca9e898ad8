/** How an expression stands in a text of a set. */
export const OPEN = '${{'
export const CLOSE = '}}'

/** The expression of a text that is one as a whole, white space around it aside. */
export function expressionSource(text: string): string | undefined {
  const trimmed = text.trim()
  if (!trimmed.startsWith(OPEN) || !trimmed.endsWith(CLOSE) || trimmed.length < OPEN.length + CLOSE.length) {
    return undefined
  }
  const source = trimmed.slice(OPEN.length, -CLOSE.length)
  return source.includes(OPEN) ? undefined : source
}
