import type { ObjectId, TreeEntry } from '@flotilla/core/ports/git'

/**
 * Trees by id, the least recently used forgotten first. A tree never changes, so nothing here is ever stale. Bounded
 * by entries rather than trees: one flat directory of 10,000 files weighs as much as 2,000 small ones.
 */
export class TreeCache {
  readonly #maxEntries: number
  readonly #trees = new Map<ObjectId, readonly TreeEntry[]>()
  #entries = 0

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  get(id: ObjectId): readonly TreeEntry[] | undefined {
    const tree = this.#trees.get(id)
    if (tree) {
      this.#trees.delete(id)
      this.#trees.set(id, tree)
    }
    return tree
  }

  set(id: ObjectId, tree: readonly TreeEntry[]): void {
    if (this.#trees.has(id) || tree.length > this.#maxEntries) return
    this.#trees.set(id, tree)
    this.#entries += weight(tree)
    for (const [oldId, old] of this.#trees) {
      if (this.#entries <= this.#maxEntries) break
      this.#trees.delete(oldId)
      this.#entries -= weight(old)
    }
  }
}

function weight(tree: readonly TreeEntry[]): number {
  return tree.length + 1
}
