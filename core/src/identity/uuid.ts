import type { EpochMs } from '../time/epoch-ms.ts'

/**
 * A UUID of version 7 (RFC 9562): 48 bits of time, then chance. Ids made later sort later.
 *
 * @param random Ten random bytes.
 */
export function uuidV7(now: EpochMs, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError('a version 7 UUID needs ten random bytes')
  const bytes = new Uint8Array(16)
  let time = Math.floor(now)
  for (let index = 5; index >= 0; index--) {
    bytes[index] = time % 256
    time = Math.floor(time / 256)
  }
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The time that a UUID of version 7 begins with; undefined for any other text. */
export function timeOfUuid(text: string): EpochMs | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/.exec(text) ?? []
  return high === undefined || low === undefined ? undefined : Number.parseInt(high + low, 16)
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text)
}
