/** One write that reached the cluster, as an audit log has it. */
export interface LoggedRequest {
  readonly verb: string
  /** Without query. */
  readonly path: string
  readonly dryRun: boolean
  readonly fieldManager: string
  readonly status: number
}

export interface RequestCounters {
  /** Requests that got through, by verb (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `other`). */
  readonly byVerb: Readonly<Record<string, number>>
  /** Answers by status. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly openWatches: number
}

/** The last writes, oldest first, and counts of everything. */
export class RequestLog {
  private readonly limit: number
  private entries: LoggedRequest[] = []
  private readonly verbs: Record<string, number> = {}
  private readonly statuses: Record<string, number> = {}

  constructor(limit = 10_000) {
    this.limit = limit
  }

  get writes(): readonly LoggedRequest[] {
    return this.entries
  }

  get byVerb(): Readonly<Record<string, number>> {
    return this.verbs
  }

  get byStatus(): Readonly<Record<string, number>> {
    return this.statuses
  }

  add(request: LoggedRequest, isWrite: boolean): void {
    this.verbs[request.verb] = (this.verbs[request.verb] ?? 0) + 1
    this.statuses[request.status] = (this.statuses[request.status] ?? 0) + 1
    if (!isWrite) return
    this.entries.push(request)
    if (this.entries.length > this.limit) this.entries = this.entries.slice(-Math.ceil(this.limit / 2))
  }

  clear(): void {
    this.entries = []
  }
}
