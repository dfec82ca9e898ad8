import type { GitRepository, ObjectId, TreeEntry } from '@flotilla/core/ports/git'

/** Which paths somebody wants; both take paths relative to where the walk starts. */
export interface PathMatcher {
  /** Whether anything below this folder can match: what cannot is not read. */
  mayContain(directory: string): boolean
  /** For anything that is no folder. */
  matches(path: string, entry: TreeEntry): boolean
}

export interface WalkLimits {
  /** Matching entries. */
  readonly maxFiles: number
  readonly maxDepth: number
}

export interface WalkedEntry {
  /** Relative to where the walk started. */
  readonly path: string
  readonly entry: TreeEntry
}

export const DEFAULT_WALK_LIMITS: WalkLimits = { maxFiles: 50_000, maxDepth: 64 }

/** More files match, or they lie deeper, than anybody keeps on purpose. */
export class WalkTooLarge extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WalkTooLarge'
  }
}

/**
 * Entries other than folders below `tree` that match, sorted by path in byte order. One tree is read at a time (the
 * cheapest way with either backend), none that the matcher rules out; symbolic links are listed, not followed.
 *
 * @throws WalkTooLarge, GitError
 */
export async function walkTree(
  repository: GitRepository,
  tree: ObjectId,
  matcher: PathMatcher,
  limits: WalkLimits = DEFAULT_WALK_LIMITS,
): Promise<readonly WalkedEntry[]> {
  const found: WalkedEntry[] = []
  const visit = async (id: ObjectId, prefix: string, depth: number): Promise<void> => {
    if (depth > limits.maxDepth)
      throw new WalkTooLarge(`folders nest deeper than ${limits.maxDepth} levels at "${prefix}"`)
    for (const entry of await repository.readTree(id)) {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      if (entry.type === 'directory') {
        if (matcher.mayContain(path)) await visit(entry.id, path, depth + 1)
      } else if (matcher.matches(path, entry)) {
        if (found.length >= limits.maxFiles) throw new WalkTooLarge(`more than ${limits.maxFiles} files match`)
        found.push({ path, entry })
      }
    }
  }
  await visit(tree, '', 0)
  return found.sort((a, b) => compareBytes(a.path, b.path))
}

const SURROGATE = /[\ud800-\udfff]/

/** Order of UTF-8 bytes, which is Go's order of strings. */
export function compareBytes(a: string, b: string): number {
  // Without surrogates the order of UTF-16 code units is the same, and much faster.
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}
