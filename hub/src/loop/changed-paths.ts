import type { GitRepository, ObjectId, TreeEntry } from '@flotilla/core/ports/git'

/** One path that differs between two trees. */
export interface ChangedPath {
  /** Without leading slash; empty for the root itself. */
  readonly path: string
  /**
   * `file`: a file's content or mode. `directory`: the whole directory came, went, or turned into something else, so
   * that everything below it changed as well.
   */
  readonly kind: 'file' | 'directory'
}

/**
 * What changed between two trees, reading only trees that differ: the cost is the depth of the change times the width
 * of the folders on its way, whatever the size of the repository.
 */
export async function changedPaths(
  repository: GitRepository,
  before: ObjectId | undefined,
  after: ObjectId | undefined,
): Promise<readonly ChangedPath[]> {
  const changes: ChangedPath[] = []
  await compare(repository, '', before, after, changes)
  return changes
}

async function compare(
  repository: GitRepository,
  path: string,
  before: ObjectId | undefined,
  after: ObjectId | undefined,
  changes: ChangedPath[],
): Promise<void> {
  if (before === after) return
  if (before === undefined || after === undefined) {
    changes.push({ path, kind: 'directory' })
    return
  }
  const old = byName(await repository.readTree(before))
  const now = byName(await repository.readTree(after))
  for (const name of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const left = old.get(name)
    const right = now.get(name)
    if (left?.id === right?.id && left?.type === right?.type) continue
    const child = path === '' ? name : `${path}/${name}`
    if (left?.type === 'directory' && right?.type === 'directory') {
      await compare(repository, child, left.id, right.id, changes)
    } else {
      const directory = left?.type === 'directory' || right?.type === 'directory'
      changes.push({ path: child, kind: directory ? 'directory' : 'file' })
    }
  }
}

function byName(entries: readonly TreeEntry[]): Map<string, TreeEntry> {
  return new Map(entries.map(entry => [entry.name, entry]))
}
