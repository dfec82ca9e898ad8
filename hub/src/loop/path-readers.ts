import type { ChangedPath } from './changed-paths.ts'

interface Node {
  readonly children: Map<string, Node>
  readonly readers: Set<string>
}

/**
 * Who reads which folder of which revision, so that a changed path leads to exactly the keys it concerns: those that
 * read a folder above it, and, when a whole folder came or went, those that read inside it.
 */
export class PathReaders {
  readonly #roots = new Map<string, Node>()
  readonly #places = new Map<string, { readonly root: string; readonly path: string }[]>()

  /** Replaces what `reader` reads. */
  set(
    reader: string,
    reads: readonly { readonly repository: string; readonly revision: string; readonly path: string }[],
  ): void {
    this.remove(reader)
    this.add(reader, reads)
  }

  /** Adds to what `reader` reads. */
  add(
    reader: string,
    reads: readonly { readonly repository: string; readonly revision: string; readonly path: string }[],
  ): void {
    if (reads.length === 0) return
    const places = reads.map(({ repository, revision, path }) => ({
      root: rootKey(repository, revision),
      path: clean(path),
    }))
    this.#places.set(reader, [...(this.#places.get(reader) ?? []), ...places])
    for (const { root, path } of places) this.#nodeAt(root, path).readers.add(reader)
  }

  remove(reader: string): void {
    for (const { root, path } of this.#places.get(reader) ?? []) {
      const trail: [Node, string][] = []
      let node = this.#roots.get(root)
      for (const segment of segments(path)) {
        if (!node) break
        trail.push([node, segment])
        node = node.children.get(segment)
      }
      node?.readers.delete(reader)
      // Forget branches that nobody reads any more: names come from repositories of others.
      for (let index = trail.length - 1; index >= 0 && node && isEmpty(node); index--) {
        const [parent, segment] = trail[index]!
        parent.children.delete(segment)
        node = parent
      }
      if (node && isEmpty(node) && this.#roots.get(root) === node) this.#roots.delete(root)
    }
    this.#places.delete(reader)
  }

  /** Revisions of a repository that anyone reads, as written in documents. */
  revisionsOf(repository: string): readonly string[] {
    const prefix = `${repository}\0`
    return [...this.#roots.keys()].filter(key => key.startsWith(prefix)).map(key => key.slice(prefix.length))
  }

  repositories(): readonly string[] {
    return [...new Set([...this.#roots.keys()].map(key => key.slice(0, key.indexOf('\0'))))]
  }

  affected(repository: string, revision: string, changes: readonly ChangedPath[]): ReadonlySet<string> {
    const found = new Set<string>()
    const root = this.#roots.get(rootKey(repository, revision))
    if (!root) return found
    for (const { path, kind } of changes) {
      let node: Node | undefined = root
      addAll(found, node.readers)
      for (const segment of segments(path)) {
        node = node.children.get(segment)
        if (!node) break
        addAll(found, node.readers)
      }
      if (node && kind === 'directory') collectBelow(node, found)
    }
    return found
  }

  /** Everyone who reads that revision, one after the other: whoever needs none of them looks through none. */
  *all(repository: string, revision: string): Iterable<string> {
    const root = this.#roots.get(rootKey(repository, revision))
    if (!root) return
    const found = new Set<string>()
    collectBelow(root, found)
    yield* found
  }

  #nodeAt(root: string, path: string): Node {
    let node = childOf(this.#roots, root)
    for (const segment of segments(path)) node = childOf(node.children, segment)
    return node
  }
}

function collectBelow(node: Node, found: Set<string>): void {
  const pending = [node]
  for (let current = pending.pop(); current; current = pending.pop()) {
    addAll(found, current.readers)
    pending.push(...current.children.values())
  }
}

function addAll(target: Set<string>, more: ReadonlySet<string>): void {
  for (const item of more) target.add(item)
}

/** The node under that name, made when it is not there. */
function childOf(nodes: Map<string, Node>, name: string): Node {
  const known = nodes.get(name)
  if (known) return known
  const made: Node = { children: new Map(), readers: new Set() }
  nodes.set(name, made)
  return made
}

function isEmpty(node: Node): boolean {
  return node.readers.size === 0 && node.children.size === 0
}

function rootKey(repository: string, revision: string): string {
  return `${repository}\0${revision}`
}

function clean(path: string): string {
  return segments(path).join('/')
}

function segments(path: string): string[] {
  return path.split('/').filter(segment => segment !== '' && segment !== '.')
}
