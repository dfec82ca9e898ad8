/** What one agent, and all of them together, may ask of this hub. */
export interface GatewayLimits {
  /** Between two heartbeats of a socket, before the agent's own ± 20 %: the shortest, see {@link heartbeatMsFor}. */
  readonly heartbeatMs: number
  /** The longest, however many clusters there are. */
  readonly maxHeartbeatMs: number
  /** Between two polls where sockets do not work. */
  readonly pollMs: number
  /** How long a new socket may take to answer the nonce. */
  readonly helloWaitMs: number
  /** A socket that was not heard for so many of its heartbeats is gone. */
  readonly silentHeartbeats: number
  /** A poller that was not heard for so long is gone. */
  readonly silentMs: number
  /** Frames of one socket waiting to be worked on; one more closes it. */
  readonly maxQueuedFrames: number
  /** Beyond so many bytes of waiting frames a socket is not read from, until they are worked on. */
  readonly maxQueuedBytes: number
  /** Sockets that have not said hello; others are given a time. */
  readonly maxOpeningSockets: number
  /** Bytes that may wait for a slow reader before it is cut. */
  readonly slowReaderBytes: number
  /** Documents and bytes in one page. */
  readonly pageDocuments: number
  readonly pageBytes: number
  /** Whole exchanges (documents, Bundles, reports, lines) worked on at once; others are given a time. */
  readonly maxExchanges: number
  /** Of one agent. */
  readonly maxExchangesOfOne: number
  /** For how long after a request its agent counts as in the middle of an exchange, for the rest of which is room. */
  readonly exchangeLingerMs: number
  /** Memory for bodies that are being read: of agents, and of strangers who want to enrol. */
  readonly maxUnreadBytes: number
  readonly maxUnreadStrangerBytes: number
  /** Enrolments of one address whose bodies are being read. */
  readonly maxEnrolmentsOfOneAddress: number
  /** The longest time that somebody is asked to stay away for because there is no room, before chance is added. */
  readonly longestWaitMs: number
  /** Lines of one agent kept while they arrive. */
  readonly maxLines: number
  /** Refused enrolments of one address in a minute before it has to wait. */
  readonly enrolmentFailuresPerMinute: number
  /** How long what the store says of a quiet cluster is believed without asking it again. */
  readonly truthMs: number
  readonly maxBodyBytes: {
    readonly enrol: number
    readonly reports: number
    readonly poll: number
  }
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  heartbeatMs: 30_000,
  maxHeartbeatMs: 120_000,
  pollMs: 15_000,
  helloWaitMs: 10_000,
  silentHeartbeats: 3.5,
  silentMs: 100_000,
  maxQueuedFrames: 64,
  maxQueuedBytes: 2 * 1024 * 1024,
  maxOpeningSockets: 128,
  slowReaderBytes: 4 * 1024 * 1024,
  pageDocuments: 200,
  pageBytes: 4 * 1024 * 1024,
  maxExchanges: 64,
  maxExchangesOfOne: 8,
  exchangeLingerMs: 5_000,
  maxUnreadBytes: 64 * 1024 * 1024,
  maxUnreadStrangerBytes: 4 * 1024 * 1024,
  maxEnrolmentsOfOneAddress: 32,
  longestWaitMs: 30_000,
  maxLines: 50_000,
  enrolmentFailuresPerMinute: 20,
  truthMs: 5 * 60_000,
  maxBodyBytes: { enrol: 32 * 1024, reports: 1024 * 1024, poll: 1024 * 1024 },
}

/** Heartbeats of all agents that a hub answers in a second before it asks for fewer. */
const HEARTBEATS_PER_SECOND = 17

/**
 * How often each of so many clusters' agents is to be heard. Beyond five hundred the interval grows with the fleet, so
 * that a quiet hub stays quiet; what changes is pushed at once however long it is.
 */
export function heartbeatMsFor(clusters: number, limits: GatewayLimits): number {
  const wanted = Math.ceil((clusters * 1000) / HEARTBEATS_PER_SECOND)
  return Math.max(limits.heartbeatMs, Math.min(limits.maxHeartbeatMs, wanted))
}
