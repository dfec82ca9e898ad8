import { askUploadPack } from './ask-upload-pack.ts'
import type { HttpClientOptions } from './isomorphic-http.ts'
import { commandOf, lineOf, readPackets } from './packets.ts'

/** A server that is told of more does not answer better. */
const MOST_HAVES = 256
const PACK_DATA = 1
const PROGRESS = 2

/**
 * Asks for one pack of what `wants` reach and `haves` do not, in one request of version 2: what is had is known, so there
 * is nothing to negotiate. Objects may be written as differences from ones that are had.
 *
 * @param haves Whole on our side; the server passes over those that it does not know.
 * @returns Undefined where the answer is anything but a pack.
 * @throws What the network throws; `ResponseTooLarge`.
 */
export async function fetchPack(
  url: string,
  wants: readonly string[],
  haves: readonly string[],
  options: HttpClientOptions,
): Promise<Uint8Array | undefined> {
  const lines = [
    'thin-pack',
    'ofs-delta',
    'no-progress',
    ...wants.map(id => `want ${id}`),
    ...haves.slice(0, MOST_HAVES).map(id => `have ${id}`),
    'done',
  ]
  const answer = await askUploadPack(url, '/git-upload-pack', commandOf('fetch', lines), options)
  return answer && parsePack(answer)
}

/** The pack in an answer to `fetch`; undefined when there is none, or the server says that something went wrong. */
export function parsePack(answer: Uint8Array): Uint8Array | undefined {
  const [title, ...packets] = readPackets(answer) ?? []
  if (title?.kind !== 'data' || lineOf(title.bytes) !== 'packfile') return undefined
  const pack: Uint8Array[] = []
  for (const packet of packets.slice(0, -1)) {
    if (packet.kind !== 'data') return undefined
    const channel = packet.bytes[0]
    if (channel === PACK_DATA) pack.push(packet.bytes.subarray(1))
    else if (channel !== PROGRESS) return undefined
  }
  return pack.length === 0 ? undefined : Buffer.concat(pack)
}
