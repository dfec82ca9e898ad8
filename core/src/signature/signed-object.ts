import type { ObjectId } from '../ports/git.ts'

/** A commit or annotated tag, taken apart into what its signature covers and the signature. */
export interface SignedObject {
  /** Every byte of the object but the signature's own. */
  readonly payload: Uint8Array
  /** In armour, as it stands in the object. */
  readonly signature?: string
  /** Of a commit. */
  readonly parents: readonly ObjectId[]
  /** Of a tag: what it points at, and the name that it was made for. */
  readonly target?: { readonly id: ObjectId; readonly type: string; readonly name: string }
  /** For people: who made it, as it says itself. */
  readonly author: string
  readonly message: string
}

export type ReadSignedObject =
  | { readonly kind: 'object'; readonly object: SignedObject }
  | { readonly kind: 'mistake'; readonly message: string }

const LINE_FEED = 0x0a
const SPACE = 0x20
const OBJECT_ID = /^[0-9a-f]{40}$/
const HEADS: readonly string[] = ['-----BEGIN PGP SIGNATURE-----', '-----BEGIN SSH SIGNATURE-----']
/** Signatures are some hundred bytes; a list of hundreds is nobody's. */
const MOST_SIGNATURE_BYTES = 64 * 1024

/**
 * Takes a signed commit apart, in exactly the form that Git writes: a tree, parents, one author, one committer, and one
 * signature at most. Whatever two readers could read differently is refused, so that nothing is verified that means
 * something else to whoever reads the commit afterwards.
 *
 * @param bytes The object without its header; what of them is not the signature's is the payload, byte for byte.
 */
export function readSignedCommit(bytes: Uint8Array): ReadSignedObject {
  const headers = readHeaders(bytes)
  if (headers === undefined) return mistake('its headers are not those of a commit')
  const names = headers.lines.map(line => line.name)
  const parents = headers.lines.filter(({ name }) => name === 'parent').map(({ value }) => value)
  const expected = ['tree', ...parents.map(() => 'parent'), 'author', 'committer']
  const others = names.slice(expected.length)
  if (expected.some((name, index) => names[index] !== name) || others.some(name => expected.includes(name))) {
    return mistake('its headers do not stand once, and in the order, that Git writes them in')
  }
  if (![headers.lines[0]!.value, ...parents].every(id => OBJECT_ID.test(id))) {
    return mistake('its tree or a parent is not named by a whole id')
  }
  const signatures = headers.lines.filter(({ name }) => name === 'gpgsig')
  if (signatures.length > 1) return mistake('it has more than one signature')
  if (names.includes('gpgsig-sha256')) return mistake('it has a signature for another hash function')
  const author = headers.lines.find(({ name }) => name === 'author')!.value
  const common = { parents, author: withoutTime(author), message: headers.message }
  const [signature] = signatures
  if (signature === undefined) return { kind: 'object', object: { payload: bytes, ...common } }
  const { start, end, value } = signature
  if (end - start > MOST_SIGNATURE_BYTES) return mistake('its signature is too long')
  if (armourOf(value) === undefined) return mistake('its signature is not one block of OpenPGP or SSH')
  const payload = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  return { kind: 'object', object: { payload, signature: value, ...common } }
}

/** The same for an annotated tag, whose signature stands at the end of its message. */
export function readSignedTag(bytes: Uint8Array): ReadSignedObject {
  const headers = readHeaders(bytes)
  const [object, type, tag, tagger] = headers?.lines ?? []
  const ordered = object?.name === 'object' && type?.name === 'type' && tag?.name === 'tag'
  if (headers === undefined || !ordered || (headers.lines.length > 3 && tagger?.name !== 'tagger')) {
    return mistake('its headers are not those of a tag')
  }
  if (headers.lines.length > 4) return mistake('it has headers that tags have not')
  if (!OBJECT_ID.test(object.value)) return mistake('what it points at is not named by a whole id')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = Math.max(...HEADS.map(head => buffer.lastIndexOf(`\n${head}`))) + 1
  const common = {
    parents: [],
    target: { id: object.value, type: type.value, name: tag.value },
    author: withoutTime(tagger?.value ?? ''),
    message: headers.message,
  }
  if (start === 0 || start < headers.end) return { kind: 'object', object: { payload: bytes, ...common } }
  const signature = buffer.toString('latin1', start)
  if (signature.length > MOST_SIGNATURE_BYTES) return mistake('its signature is too long')
  if (armourOf(signature) === undefined) return mistake('its signature is not one block of OpenPGP or SSH')
  return { kind: 'object', object: { payload: bytes.subarray(0, start), signature, ...common } }
}

/** Which kind of block a signature is, when it is one whole block and nothing besides. */
export function armourOf(signature: string): 'openpgp' | 'ssh' | undefined {
  const lines = signature.replace(/\r?\n$/, '').split(/\r?\n/)
  const [first = '', last = ''] = [lines[0]?.trimEnd(), lines.at(-1)?.trimEnd()]
  const kind = HEADS.indexOf(first)
  if (kind < 0 || last !== HEADS[kind]!.replace('BEGIN', 'END')) return undefined
  if (lines.filter(line => line.startsWith('-----')).length !== 2) return undefined
  return kind === 0 ? 'openpgp' : 'ssh'
}

/**
 * Whether whoever signed this commit vouches for all before it: a line `Argocd-gpg-seal: why` (or `Flotilla-seal: why`)
 * among the trailers, which are the last paragraph of its message.
 */
export function isSeal(message: string): boolean {
  const trailers =
    message
      .trimEnd()
      .split(/\n[ \t]*\n/)
      .at(-1) ?? ''
  const isWhole = message.trim() === trailers.trim()
  return !isWhole && /^(?:Argocd-gpg-seal|Flotilla-seal):[ \t]*\S/im.test(trailers)
}

interface HeaderLine {
  readonly name: string
  /** Continued lines joined by line feeds, each without the blank that it begins with. */
  readonly value: string
  readonly start: number
  /** After its line feed. */
  readonly end: number
}

function readHeaders(
  bytes: Uint8Array,
): { readonly lines: readonly HeaderLine[]; readonly end: number; readonly message: string } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lines: { name: string; value: string; start: number; end: number }[] = []
  let at = 0
  while (at < buffer.length && buffer[at] !== LINE_FEED) {
    const stop = buffer.indexOf(LINE_FEED, at)
    if (stop < 0) return undefined
    const last = lines.at(-1)
    if (buffer[at] === SPACE) {
      if (last === undefined) return undefined
      last.value += `\n${buffer.toString('latin1', at + 1, stop)}`
      last.end = stop + 1
    } else {
      const line = buffer.toString('latin1', at, stop)
      const blank = line.indexOf(' ')
      if (blank <= 0 || line.includes('\0')) return undefined
      lines.push({ name: line.slice(0, blank), value: line.slice(blank + 1), start: at, end: stop + 1 })
    }
    at = stop + 1
  }
  if (lines.length === 0) return undefined
  return { lines, end: at, message: buffer.toString('utf8', Math.min(at + 1, buffer.length)) }
}

function withoutTime(person: string): string {
  return Buffer.from(person.replace(/ -?\d+ [+-]\d{4}$/, ''), 'latin1').toString('utf8')
}

function mistake(message: string): ReadSignedObject {
  return { kind: 'mistake', message }
}
