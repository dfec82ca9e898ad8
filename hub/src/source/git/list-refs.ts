import { gitHttpClient, type HttpClientOptions } from './isomorphic-http.ts'
import { isMirroredRef, isObjectId, type RefSnapshot } from './refs.ts'

/**
 * Asks a server for its branches, tags and `HEAD` in Git's protocol of today (version 2): two small requests, no objects,
 * no process, and nothing of `refs/pull/*`, of which a forge may have thousands.
 *
 * @returns Undefined where the answer is anything else: an older protocol, another hash, another address, nonsense.
 * @throws What the network throws.
 */
export async function listRefs(url: string, options: HttpClientOptions): Promise<RefSnapshot | undefined> {
  const client = gitHttpClient(options)
  const ask = async (path: string, body?: Uint8Array): Promise<Uint8Array | undefined> => {
    const service = 'application/x-git-upload-pack'
    const headers = {
      'git-protocol': 'version=2',
      ...(body && { 'content-type': `${service}-request`, accept: `${service}-result` }),
    }
    const asked = `${url}${path}`
    const method = body ? 'POST' : 'GET'
    const sent = body && { body: [body] as unknown as AsyncIterableIterator<Uint8Array> }
    const response = await client.request({ url: asked, method, headers, ...sent })
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body ?? []) chunks.push(chunk)
    return response.statusCode === 200 && response.url === asked ? Buffer.concat(chunks) : undefined
  }
  const offered = await ask('/info/refs?service=git-upload-pack')
  if (!offered || !speaksListing(offered)) return undefined
  const listed = await ask('/git-upload-pack', LISTING)
  return listed && parseListing(listed)
}

/** A line with its length before it; none is a delimiter's or a flush's. */
function packet(text: string): string {
  return `${(text.length + 4).toString(16).padStart(4, '0')}${text}`
}

const DELIMITER = '0001'
const FLUSH = '0000'
const LISTING = Buffer.from(
  [
    packet('command=ls-refs\n'),
    packet('agent=git/flotilla\n'),
    DELIMITER,
    packet('symrefs\n'),
    ...['HEAD', 'refs/heads/', 'refs/tags/'].map(prefix => packet(`ref-prefix ${prefix}\n`)),
    FLUSH,
  ].join(''),
)

/** Whether a server's first words are those of version 2 with `ls-refs`, over SHA-1. */
export function speaksListing(bytes: Uint8Array): boolean {
  const lines = packetLines(bytes)
  if (!lines?.includes('version 2')) return false
  const format = lines.find(line => line.startsWith('object-format='))
  const lists = lines.some(line => line === 'ls-refs' || line.startsWith('ls-refs='))
  return lists && (format === undefined || format === 'object-format=sha1')
}

/** The answer to `ls-refs`; undefined when any line is not what such an answer holds. */
export function parseListing(bytes: Uint8Array): RefSnapshot | undefined {
  const lines = packetLines(bytes)
  if (!lines) return undefined
  const refs = new Map<string, string>()
  let head: string | undefined
  for (const line of lines) {
    const [id = '', name = '', ...attributes] = line.split(' ')
    if (!isObjectId(id) || name === '') return undefined
    if (name === 'HEAD') {
      const target = attributes.find(attribute => attribute.startsWith('symref-target:'))
      head = target?.slice('symref-target:'.length) ?? id
    } else if (isMirroredRef(name)) refs.set(name, id)
  }
  // HEAD may name a branch that nobody has pushed.
  return head !== undefined && (isObjectId(head) || refs.has(head)) ? { head, refs } : { refs }
}

/** The lines of a stream of packets, up to its end; undefined when it is none, or is cut off. */
function packetLines(bytes: Uint8Array): readonly string[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lines: string[] = []
  let at = 0
  let flushed = false
  while (at < buffer.length) {
    const digits = buffer.toString('latin1', at, at + 4)
    if (!/^[0-9a-f]{4}$/i.test(digits)) return undefined
    const length = Number.parseInt(digits, 16)
    flushed = length === 0
    if (length > 0 && length < 4) {
      at += 4
      continue
    }
    if (at + Math.max(length, 4) > buffer.length) return undefined
    if (length >= 4) lines.push(buffer.toString('utf8', at + 4, at + length).replace(/\n$/, ''))
    at += Math.max(length, 4)
  }
  return flushed ? lines : undefined
}
