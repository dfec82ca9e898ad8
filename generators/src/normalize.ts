const MAX_NORMALIZED_BYTES = 253

/**
 * Argo CD's `normalize`, as in every `…Normalized` parameter: lower case, each character outside `[-a-z0-9.]` becomes
 * one `-`, at most 253 bytes, no `-` or `.` at either end.
 *
 * @example
 * normalize('Production_01/West') // => 'production-01-west'
 */
export function normalize(name: string): string {
  const replaced = [...name.toLowerCase()].map(character => (/[-a-z0-9.]/.test(character) ? character : '-')).join('')
  const cut = replaced.slice(0, MAX_NORMALIZED_BYTES)
  let start = 0
  let end = cut.length
  while (start < end && isEdge(cut[start]!)) start++
  while (end > start && isEdge(cut[end - 1]!)) end--
  return cut.slice(start, end)
}

function isEdge(character: string): boolean {
  return character === '-' || character === '.'
}
