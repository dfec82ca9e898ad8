/**
 * `*` stands for any characters, none included; everything else for itself. In linear time for any pattern.
 *
 * @example
 * matchesWildcard('shop-*', 'shop-eu') // => true
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  const [head, ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === text
  if (!text.startsWith(head!)) return false
  const tail = rest.pop()!
  let at = head!.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - tail.length >= at && text.endsWith(tail)
}
