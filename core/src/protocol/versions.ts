/** The protocol versions that this program speaks (protocol.md 9). */
export const PROTOCOL_VERSIONS: VersionRange = { min: 1, max: 1 }

/** Header that both sides send: `1-1`. */
export const PROTOCOL_HEADER = 'flotilla-protocol'
/** Header of every answer: the hub's clock, used for nothing but making assertions. */
export const TIME_HEADER = 'flotilla-time'
/** Header of a 409: the highest incarnation known, for refusals whose body is not seen. */
export const INCARNATION_HEADER = 'flotilla-highest-inc'
/** Of the WebSocket. */
export const SUBPROTOCOL = 'flotilla.v1'

export interface VersionRange {
  readonly min: number
  readonly max: number
}

export function versionText(range: VersionRange): string {
  return `${range.min}-${range.max}`
}

/** `1-3`; undefined for text that is no range. */
export function parseVersions(text: string | undefined): VersionRange | undefined {
  const match = /^(\d{1,6})-(\d{1,6})$/.exec(text ?? '')
  if (!match) return undefined
  const range = { min: Number(match[1]), max: Number(match[2]) }
  return range.min <= range.max ? range : undefined
}

/** The highest version that both speak; undefined when there is none. */
export function commonVersion(ours: VersionRange, theirs: VersionRange): number | undefined {
  const highest = Math.min(ours.max, theirs.max)
  return highest >= Math.max(ours.min, theirs.min) ? highest : undefined
}
