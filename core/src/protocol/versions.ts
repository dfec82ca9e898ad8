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

/** What a hub serves: a range in full, and from an older version on nothing but the agent's own upgrade. */
export interface ServedVersions extends VersionRange {
  readonly upgradeFrom: number
}

export const SERVED_VERSIONS: ServedVersions = { ...PROTOCOL_VERSIONS, upgradeFrom: 1 }

/** An agent that names no versions is one of the first. */
const FIRST: VersionRange = { min: 1, max: 1 }

/** How an agent is served, and in which version both speak. */
export type Service =
  | { readonly kind: 'full'; readonly version: number }
  /** It is too old: it keeps enforcing what it holds, and is offered its own upgrade. */
  | { readonly kind: 'upgrade'; readonly version: number; readonly message: string }
  | { readonly kind: 'none' }

/**
 * What an agent with these versions gets (protocol.md 9): the highest version that both speak; one whose newest is older
 * than all that, but not too old to be told so, comes for its upgrade alone.
 *
 * @param header The agent's `Flotilla-Protocol`; undefined where it sent none.
 */
export function serviceFor(served: ServedVersions, header: string | undefined): Service {
  const theirs = header === undefined ? FIRST : parseVersions(header)
  if (!theirs) return { kind: 'none' }
  const version = commonVersion(served, theirs)
  if (version !== undefined) return { kind: 'full', version }
  if (theirs.max >= served.min || theirs.max < served.upgradeFrom) return { kind: 'none' }
  const message = `this agent speaks protocol ${versionText(theirs)} and its hub ${versionText(served)}: it keeps what it holds, and is offered its own upgrade alone`
  return { kind: 'upgrade', version: theirs.max, message }
}
