import type { ClusterRequest } from '@flotilla/core/ports/cluster-transport'

/** Requests that the cluster's RBAC is to refuse, whoever asks. `*` stands for all; `pods/status` names a subresource. */
export interface Denial {
  readonly verbs: readonly string[]
  readonly group: string
  readonly resource: string
  /** Everywhere when missing. */
  readonly namespace?: string
}

/** Answers that fail before the cluster looks at the request, the next `times` that match. */
export interface Failure {
  /** All requests when missing; otherwise those whose `METHOD /path?query` contains the text or matches. */
  readonly match?: string | RegExp
  /** 429, 500, 503 …; 0 breaks the connection without an answer. */
  readonly status: number
  readonly times: number
  /** Sent as `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number
}

export interface FaultSettings {
  /** How long every answer takes, in milliseconds of the cluster's clock. */
  readonly latencyMs?: number
  /** Replaces the failures still outstanding. */
  readonly failNext?: readonly Failure[]
  /** No request gets through and every open watch is cut. */
  readonly partitioned?: boolean
  readonly denied?: readonly Denial[]
}

/** What {@link Faults} does to the cluster it belongs to. */
export interface FaultEffects {
  readonly dropWatches: () => void
  readonly compactWatchHistory: () => void
}

/**
 * Faults on demand. `set` changes what it names and leaves the rest; {@link Faults.clear} heals everything.
 *
 * @example
 * cluster.faults.set({ failNext: [{ match: '/configmaps', status: 429, times: 2, retryAfterSeconds: 1 }] })
 * cluster.faults.compactWatchHistory() // watches that resume from before get 410
 */
export class Faults {
  private readonly effects: FaultEffects
  private latency = 0
  private cut = false
  private denials: readonly Denial[] = []
  private failures: { readonly failure: Failure; left: number }[] = []

  constructor(effects: FaultEffects) {
    this.effects = effects
  }

  get latencyMs(): number {
    return this.latency
  }

  get partitioned(): boolean {
    return this.cut
  }

  get denied(): readonly Denial[] {
    return this.denials
  }

  set(settings: FaultSettings): void {
    if (settings.latencyMs !== undefined) this.latency = settings.latencyMs
    if (settings.denied !== undefined) this.denials = settings.denied
    if (settings.failNext !== undefined) {
      this.failures = settings.failNext.map(failure => ({ failure, left: failure.times }))
    }
    if (settings.partitioned !== undefined) {
      this.cut = settings.partitioned
      if (this.cut) this.dropWatches()
    }
  }

  clear(): void {
    this.set({ latencyMs: 0, failNext: [], partitioned: false, denied: [] })
  }

  /** Cuts every open watch, as a proxy that restarts does. Clients may open new ones at once. */
  dropWatches(): void {
    this.effects.dropWatches()
  }

  /** Forgets the changes so far, so that a watch or list that resumes from before is answered 410. */
  compactWatchHistory(): void {
    this.effects.compactWatchHistory()
  }

  /** The failure that this request meets, which is thereby used up once. */
  takeFailure(request: ClusterRequest): Failure | undefined {
    const text = `${request.method} ${request.path}`
    for (const entry of this.failures) {
      const { match } = entry.failure
      const hit = match === undefined || (typeof match === 'string' ? text.includes(match) : match.test(text))
      if (entry.left <= 0 || !hit) continue
      entry.left--
      return entry.failure
    }
    return undefined
  }
}
