import type { GitCommit, ObjectId, TreeEntry } from '@flotilla/core/ports/git'

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

/** An object as Git stores it, without its header. */
export interface RawObject {
  readonly type: ObjectType
  readonly bytes: Uint8Array
}

/** The bytes are no Git object of that type: the mirror is damaged. */
export class MalformedObject extends Error {
  constructor(id: ObjectId, message: string) {
    super(`object ${id}: ${message}`)
    this.name = 'MalformedObject'
  }
}

const ENTRY_TYPES: Readonly<Record<string, TreeEntry['type']>> = {
  '40000': 'directory',
  '040000': 'directory',
  '100644': 'file',
  '100664': 'file',
  '100755': 'executable',
  '120000': 'symlink',
  '160000': 'submodule',
}
const SPACE = 0x20
const ID_BYTES = 20

/** Entries in Git's order. Names that are not UTF-8 keep their replacement characters: nothing of ours can name them. */
export function parseTree(id: ObjectId, bytes: Uint8Array): readonly TreeEntry[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: TreeEntry[] = []
  let at = 0
  while (at < buffer.length) {
    const space = buffer.indexOf(SPACE, at)
    const end = buffer.indexOf(0, space)
    if (space < 0 || end < 0 || end + ID_BYTES >= buffer.length) {
      throw new MalformedObject(id, 'a tree entry is cut off')
    }
    const type = ENTRY_TYPES[buffer.toString('latin1', at, space)]
    if (!type) throw new MalformedObject(id, `a tree entry has the mode ${buffer.toString('latin1', at, space)}`)
    const name = buffer.toString('utf8', space + 1, end)
    at = end + 1 + ID_BYTES
    entries.push({ name, type, id: buffer.toString('hex', end + 1, at) })
  }
  return entries
}

/** The author without the time, and the committer's time, which is when the commit came to be in this form. */
export function parseCommit(id: ObjectId, bytes: Uint8Array): GitCommit {
  const text = new TextDecoder().decode(bytes)
  const { headers, message } = splitHeaders(text)
  const tree = headers.find(([key]) => key === 'tree')?.[1]
  const committer = headers.find(([key]) => key === 'committer')?.[1]
  const author = headers.find(([key]) => key === 'author')?.[1]
  if (!tree || !committer) throw new MalformedObject(id, 'a commit names no tree or no committer')
  const seconds = Number(/> (-?\d+)/.exec(committer)?.[1] ?? Number.NaN)
  return {
    id,
    tree,
    parents: headers.filter(([key]) => key === 'parent').map(([, value]) => value),
    author: (author ?? committer).replace(/ -?\d+ [+-]\d{4}$/, ''),
    committedAt: Number.isFinite(seconds) ? seconds * 1000 : 0,
    message,
  }
}

/** What an annotated tag points at. */
export function parseTag(id: ObjectId, bytes: Uint8Array): ObjectId {
  const target = splitHeaders(new TextDecoder().decode(bytes)).headers.find(([key]) => key === 'object')?.[1]
  if (!target) throw new MalformedObject(id, 'a tag names no object')
  return target
}

function splitHeaders(text: string): { readonly headers: readonly [string, string][]; readonly message: string } {
  const blank = text.indexOf('\n\n')
  const head = blank < 0 ? text : text.slice(0, blank)
  const headers: [string, string][] = []
  for (const line of head.split('\n')) {
    // A line that begins with a space continues a signature, which nobody reads here.
    const space = line.indexOf(' ')
    if (space > 0) headers.push([line.slice(0, space), line.slice(space + 1)])
  }
  return { headers, message: blank < 0 ? '' : text.slice(blank + 2) }
}
