import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'

const MAX_REMEMBERED = 50_000
const MAX_DEPTH = 64

/** Whether a tree holds symbolic links, remembered by its id: an unchanged folder is never looked through again. */
export class LinkMemo {
  readonly #shallow = new Map<ObjectId, boolean>()
  readonly #deep = new Map<ObjectId, boolean>()

  async holdsLinks(repository: GitRepository, tree: ObjectId, recurse: boolean, depth = 0): Promise<boolean> {
    const memo = recurse ? this.#deep : this.#shallow
    const known = memo.get(tree)
    if (known !== undefined) return known
    const entries = await repository.readTree(tree)
    let found = entries.some(entry => entry.type === 'symlink')
    if (recurse && depth < MAX_DEPTH) {
      for (const entry of entries) {
        if (found) break
        if (entry.type === 'directory') found = await this.holdsLinks(repository, entry.id, true, depth + 1)
      }
    }
    if (memo.size >= MAX_REMEMBERED) memo.clear()
    memo.set(tree, found)
    return found
  }
}
