/**
 * A count as it was kept: digits, fewer than would lose one of them. Anything else, however it came to stand there, is
 * 0, so that what is made of it can be counted on.
 */
export function keptCount(bytes: Uint8Array | undefined): number {
  const text = Buffer.from(bytes ?? []).toString('latin1')
  return /^\d{1,15}$/.test(text) ? Number(text) : 0
}
