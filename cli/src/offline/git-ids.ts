import { createHash } from 'node:crypto'
import type { ObjectId, TreeEntry } from '@flotilla/core/ports/git'

const MODES: Readonly<Record<TreeEntry['type'], string>> = {
  file: '100644',
  executable: '100755',
  directory: '40000',
  symlink: '120000',
  submodule: '160000',
}

/** The id that Git gives to a file's content. */
export function blobId(content: Uint8Array): ObjectId {
  return objectId('blob', content)
}

/** The id that Git gives to a folder. @param entries In Git's order. */
export function treeId(entries: readonly TreeEntry[]): ObjectId {
  const parts = entries.flatMap(({ name, type, id }) => [
    Buffer.from(`${MODES[type]} ${name}\0`),
    Buffer.from(id, 'hex'),
  ])
  return objectId('tree', Buffer.concat(parts))
}

/** Git sorts a folder as if its name ended in `/`. */
export function compareEntries(a: Pick<TreeEntry, 'name' | 'type'>, b: Pick<TreeEntry, 'name' | 'type'>): number {
  return Buffer.compare(sortKey(a), sortKey(b))
}

function sortKey({ name, type }: Pick<TreeEntry, 'name' | 'type'>): Buffer {
  return Buffer.from(type === 'directory' ? `${name}/` : name)
}

function objectId(kind: 'blob' | 'tree', content: Uint8Array): ObjectId {
  return createHash('sha1').update(`${kind} ${content.byteLength}\0`).update(content).digest('hex')
}
