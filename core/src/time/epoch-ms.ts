/** Milliseconds since the Unix epoch, UTC. */
export type EpochMs = number

export function isoTime(at: EpochMs): string {
  return new Date(at).toISOString()
}
