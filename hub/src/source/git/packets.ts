/** One packet of Git's wire: bytes, or a mark between sections (`delimiter`) or answers (`flush`). */
export type Packet = { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'delimiter' | 'flush' }

const DELIMITER = '0001'
const FLUSH = '0000'

/** A line with its length before it. */
function packet(text: string): string {
  return `${(Buffer.byteLength(text) + 4).toString(16).padStart(4, '0')}${text}`
}

/** A command of protocol version 2 with its arguments, as it is sent. */
export function commandOf(command: string, lines: readonly string[]): Uint8Array {
  const head = [packet(`command=${command}\n`), packet('agent=git/flotilla\n'), DELIMITER]
  return Buffer.from([...head, ...lines.map(line => packet(`${line}\n`)), FLUSH].join(''))
}

/** The packets of an answer; undefined when it is no stream of packets, or is cut off. */
export function readPackets(bytes: Uint8Array): readonly Packet[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packets: Packet[] = []
  let at = 0
  while (at < buffer.length) {
    const digits = buffer.toString('latin1', at, at + 4)
    if (!/^[0-9a-f]{4}$/i.test(digits)) return undefined
    const length = Number.parseInt(digits, 16)
    if (at + Math.max(length, 4) > buffer.length) return undefined
    if (length >= 4) packets.push({ kind: 'data', bytes: buffer.subarray(at + 4, at + length) })
    // 0002 ends an answer over transports that do not end by themselves: between sections it means no more.
    else packets.push({ kind: length === 0 ? 'flush' : 'delimiter' })
    at += Math.max(length, 4)
  }
  return packets.at(-1)?.kind === 'flush' ? packets : undefined
}

/** A packet as a line of text, without its end. */
export function lineOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').replace(/\n$/, '')
}
