import { askUploadPack } from './ask-upload-pack.ts'
import type { HttpClientOptions } from './isomorphic-http.ts'
import { commandOf, lineOf, readPackets } from './packets.ts'
import { isMirroredRef, isObjectId, type RefSnapshot } from './refs.ts'

/**
 * Asks a server for its branches, tags and `HEAD` in Git's protocol of today (version 2): two small requests, no objects,
 * no process, and nothing of `refs/pull/*`, of which a forge may have thousands.
 *
 * @param greeted The server spoke version 2 when it was asked before: what it speaks is asked only if it does not answer.
 * @returns Undefined where the answer is anything else: an older protocol, another hash, another address, nonsense.
 * @throws What the network throws.
 */
export async function listRefs(
  url: string,
  options: HttpClientOptions,
  greeted = false,
): Promise<RefSnapshot | undefined> {
  const ask = (path: string, command?: Uint8Array) => askUploadPack(url, path, command, options)
  const list = async () => {
    const listed = await ask('/git-upload-pack', LISTING)
    return listed && parseListing(listed)
  }
  const known = greeted ? await list() : undefined
  if (known) return known
  const offered = await ask('/info/refs?service=git-upload-pack')
  return offered && speaksListing(offered) ? await list() : undefined
}

const LISTING = commandOf('ls-refs', ['symrefs', 'ref-prefix HEAD', 'ref-prefix refs/heads/', 'ref-prefix refs/tags/'])

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

/** The lines of a stream of packets; undefined when it is none, or is cut off. */
function packetLines(bytes: Uint8Array): readonly string[] | undefined {
  return readPackets(bytes)?.flatMap(packet => (packet.kind === 'data' ? [lineOf(packet.bytes)] : []))
}
