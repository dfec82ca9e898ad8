import { inflateSync } from 'node:zlib'

export interface PackLimits {
  /** Of one object, deltas applied. */
  readonly maxObjectBytes: number
  /** Of everything in the pack, inflated. */
  readonly maxInflatedBytes: number
}

/** An object of the pack, or all of them, would take more memory than anybody's manifests do. */
export class PackTooLarge extends Error {
  readonly of: 'object' | 'pack'
  constructor(of: 'object' | 'pack', message: string) {
    super(message)
    this.name = 'PackTooLarge'
    this.of = of
  }
}

const HEADER_BYTES = 12
const TRAILER_BYTES = 20
const OFFSET_DELTA = 6
const REFERENCE_DELTA = 7

/**
 * Goes through the pack in an answer of `git-upload-pack` before isomorphic-git does, which inflates whatever it is
 * given: a few kilobytes may stand for gigabytes. What this does not understand it leaves to isomorphic-git to refuse.
 *
 * @throws PackTooLarge
 */
export function checkPack(response: Uint8Array, limits: PackLimits): void {
  const pack = packOf(Buffer.from(response.buffer, response.byteOffset, response.byteLength))
  if (pack.length < HEADER_BYTES + TRAILER_BYTES || pack.toString('latin1', 0, 4) !== 'PACK') return
  const count = pack.readUInt32BE(8)
  let at = HEADER_BYTES
  let total = 0
  for (let index = 0; index < count && at < pack.length - TRAILER_BYTES; index++) {
    const head = readHead(pack, at)
    checkObject(head.size, limits)
    const inflated = inflate(pack, head.next, head.size)
    if (!inflated) return
    if (head.type === OFFSET_DELTA || head.type === REFERENCE_DELTA) checkObject(resultSize(inflated.bytes), limits)
    total += inflated.bytes.length
    if (total > limits.maxInflatedBytes) {
      throw new PackTooLarge('pack', `the pack inflates to more than ${limits.maxInflatedBytes} bytes`)
    }
    at = head.next + inflated.consumed
  }
}

function checkObject(bytes: number, { maxObjectBytes }: PackLimits): void {
  if (bytes <= maxObjectBytes) return
  throw new PackTooLarge('object', `an object has ${bytes} bytes, the limit is ${maxObjectBytes}`)
}

/** The pack inside the packets: on side band 1, or as it is after the last of them. */
function packOf(response: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at + 4 <= response.length; ) {
    if (response.toString('latin1', at, at + 4) === 'PACK') return response.subarray(at)
    const length = Number.parseInt(response.toString('latin1', at, at + 4), 16)
    if (Number.isNaN(length)) break
    if (length > 4 && response[at + 4] === 1) parts.push(response.subarray(at + 5, at + length))
    at += Math.max(4, length)
  }
  return Buffer.concat(parts)
}

interface Head {
  readonly type: number
  readonly size: number
  /** Where the compressed bytes begin. */
  readonly next: number
}

/** Sizes are computed, not shifted: a hostile one does not wrap around 32 bits. */
function readHead(pack: Buffer, start: number): Head {
  let at = start
  let byte = pack[at++] ?? 0
  const type = (byte >> 4) & 7
  let size = byte & 15
  for (let factor = 16; byte & 128; factor *= 128) {
    byte = pack[at++] ?? 0
    size += (byte & 127) * factor
  }
  if (type === OFFSET_DELTA) {
    while ((pack[at++] ?? 0) & 128);
  } else if (type === REFERENCE_DELTA) {
    at += 20
  }
  return { type, size, next: at }
}

function inflate(
  pack: Buffer,
  from: number,
  size: number,
): { readonly bytes: Buffer; readonly consumed: number } | undefined {
  const chunkSize = Math.min(Math.max(size + 1, 64), 64 * 1024)
  try {
    // With `info` Node returns the engine too, which the types do not say.
    const { buffer, engine } = inflateSync(pack.subarray(from), {
      info: true,
      chunkSize,
      maxOutputLength: Math.max(size, 1),
    }) as unknown as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }
    return { bytes: buffer, consumed: engine.bytesWritten }
  } catch (error) {
    // It inflates to more than it says, which isomorphic-git would find out only afterwards.
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new PackTooLarge('object', `an object has more than the ${size} bytes that it declares`)
    }
    return undefined
  }
}

/** What applying a delta gives: the second of the two sizes that it begins with. */
function resultSize(delta: Buffer): number {
  let at = 0
  let size = 0
  for (let part = 0; part < 2; part++) {
    size = 0
    let byte = 128
    for (let factor = 1; byte & 128 && at < delta.length; factor *= 128) {
      byte = delta[at++] ?? 0
      size += (byte & 127) * factor
    }
  }
  return size
}
