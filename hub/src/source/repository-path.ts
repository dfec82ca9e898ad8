import type { GitRepository, ObjectId, TreeEntry } from '@flotilla/core/ports/git'

/** What a path of a repository leads to, symbolic links followed inside it. */
export type PathTarget =
  | { readonly kind: 'directory'; readonly path: string; readonly id: ObjectId }
  | { readonly kind: 'file'; readonly path: string; readonly id: ObjectId }
  | { readonly kind: 'missing'; readonly message: string }
  /** It cannot lead anywhere: outside the repository, a submodule, links in a circle. */
  | { readonly kind: 'refused'; readonly message: string }

const MAX_LINKS = 16
const MAX_LINK_BYTES = 4096
const MAX_SEGMENTS = 256

/**
 * Finds `path` below the tree `root`, reading one tree a segment and nothing else. `.`, `./` and doubled slashes do
 * not matter; `..` and symbolic links are followed through Git's objects and never past the root of the repository.
 */
export async function findPath(repository: GitRepository, root: ObjectId, path: string): Promise<PathTarget> {
  if (path.startsWith('/'))
    return { kind: 'refused', message: `"${path}" is absolute; paths start at the repository's root` }
  if (path.includes('\0')) return { kind: 'refused', message: 'the path holds a NUL character' }
  const pending = segmentsOf(path)
  const at: { readonly name: string; readonly id: ObjectId }[] = []
  let links = 0
  for (let segment = pending.shift(); segment !== undefined; segment = pending.shift()) {
    if (segment === '..') {
      if (at.pop() === undefined) return { kind: 'refused', message: `"${path}" leaves the repository` }
      continue
    }
    const entry = await findEntry(repository, at.at(-1)?.id ?? root, segment)
    const here = [...at.map(({ name }) => name), segment].join('/')
    if (!entry) return { kind: 'missing', message: `"${here}" is not in the repository` }
    if (entry.type === 'directory') {
      at.push({ name: segment, id: entry.id })
    } else if (entry.type === 'submodule') {
      return { kind: 'refused', message: `"${here}" is a submodule, which is not read` }
    } else if (entry.type === 'symlink') {
      if (++links > MAX_LINKS)
        return { kind: 'refused', message: `"${path}" passes more than ${MAX_LINKS} symbolic links` }
      const target = await readLink(repository, entry)
      if (target === undefined) return { kind: 'refused', message: `"${here}" is no valid symbolic link` }
      if (target.startsWith('/'))
        return { kind: 'refused', message: `"${here}" links to "${target}", outside the repository` }
      pending.unshift(...segmentsOf(target))
    } else {
      if (pending.length > 0) return { kind: 'missing', message: `"${here}" is a file, not a folder` }
      return { kind: 'file', path: here, id: entry.id }
    }
    if (pending.length + at.length > MAX_SEGMENTS) return { kind: 'refused', message: `"${path}" is too long` }
  }
  return { kind: 'directory', path: at.map(({ name }) => name).join('/'), id: at.at(-1)?.id ?? root }
}

/** `./apps//web/` → `apps`, `web`. */
function segmentsOf(path: string): string[] {
  return path.split('/').filter(segment => segment !== '' && segment !== '.')
}

async function findEntry(repository: GitRepository, tree: ObjectId, name: string): Promise<TreeEntry | undefined> {
  return (await repository.readTree(tree)).find(entry => entry.name === name)
}

async function readLink(repository: GitRepository, entry: TreeEntry): Promise<string | undefined> {
  try {
    const target = new TextDecoder('utf-8', { fatal: true }).decode(await repository.readBlob(entry.id, MAX_LINK_BYTES))
    return target === '' || target.includes('\0') ? undefined : target
  } catch (error) {
    if (error instanceof TypeError || (error as { code?: string }).code === 'OBJECT_TOO_LARGE') return undefined
    throw error
  }
}
