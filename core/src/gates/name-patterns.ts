import { compileGlob } from '../glob/glob.ts'

/** Whether a text matches any of the patterns of a list. */
export type NamePatterns = (text: string) => boolean

const SPECIAL = /[*?[\]{}\\]/
const MOST_REMEMBERED = 20_000

/**
 * Globs over names, in which `*` crosses `/` and `.` (as Argo CD's windows match). Names as they are, `*` and
 * `prefix-*` are most of what people write, and cost next to nothing; the answers for others are remembered.
 *
 * @throws GlobSyntaxError
 */
export function compileNamePatterns(patterns: readonly string[]): NamePatterns {
  if (patterns.includes('*')) return () => true
  const names = new Set<string>()
  const prefixes: string[] = []
  const others: NamePatterns[] = []
  for (const pattern of patterns) {
    if (!SPECIAL.test(pattern)) names.add(pattern)
    else if (!SPECIAL.test(pattern.slice(0, -1)) && pattern.endsWith('*')) prefixes.push(pattern.slice(0, -1))
    else others.push(compileGlob(pattern, ''))
  }
  const simple = (text: string) => names.has(text) || prefixes.some(prefix => text.startsWith(prefix))
  if (others.length === 0) return simple
  const known = new Map<string, boolean>()
  return text => {
    if (simple(text)) return true
    const found = known.get(text)
    if (found !== undefined) return found
    if (known.size >= MOST_REMEMBERED) known.clear()
    const answer = others.some(glob => glob(text))
    known.set(text, answer)
    return answer
  }
}
