import type { ClusterRow, GrantRow, GrantState, StoreWriter } from '@flotilla/core/ports/store'
import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** An agent that was away answers what has lapsed as soon as it is back; one that never does is asked anew after this. */
const UNANSWERED_MS = 60 * 60_000

/** Open Grants by Application, read once per cluster and round. */
export class OpenGrants {
  readonly #writer: StoreWriter
  readonly #now: EpochMs
  readonly #byCluster = new Map<string, Promise<ReadonlyMap<string, readonly GrantRow[]>>>()

  constructor(writer: StoreWriter, now: EpochMs) {
    this.#writer = writer
    this.#now = now
  }

  /** Those that may still start something for this document, and those that lapsed without an answer. */
  async of(
    { id, admission }: ClusterRow,
    applicationId: string,
    document: DocumentNumber,
  ): Promise<{ readonly open: readonly GrantRow[]; readonly unanswered: readonly GrantRow[] }> {
    const open: GrantRow[] = []
    const unanswered: GrantRow[] = []
    for (const grant of await this.#all(id, applicationId)) {
      const { payload } = grant
      if (payload.adm !== admission) await this.#end(grant, 'void', 'the cluster was admitted again')
      else if (compareNumbers(payload.document, document) !== 0)
        await this.#end(grant, 'void', 'its document was replaced')
      else if (payload.startBefore > this.#now) open.push(grant)
      else unanswered.push(grant)
    }
    return { open, unanswered }
  }

  /**
   * Until when to wait for an answer to what lapsed, before another is given: else an agent that is away for a month
   * would find a Grant for every ten minutes of it. Undefined: give one.
   */
  async waitFor(unanswered: readonly GrantRow[], heardAt: EpochMs | undefined): Promise<EpochMs | undefined> {
    const lapsedAt = Math.max(...unanswered.map(({ payload }) => payload.startBefore))
    const until = lapsedAt + UNANSWERED_MS
    if (unanswered.length > 0 && this.#now < until && (heardAt === undefined || heardAt < lapsedAt)) return until
    for (const grant of unanswered) await this.#end(grant, 'lapsed', 'its agent has not answered')
    return undefined
  }

  async #end(grant: GrantRow, state: GrantState, reason: string): Promise<void> {
    await this.#writer.putGrant({ ...grant, state, reason })
  }

  async #all(clusterId: string, applicationId: string): Promise<readonly GrantRow[]> {
    let byApplication = this.#byCluster.get(clusterId)
    if (!byApplication) {
      byApplication = this.#writer.openGrants(clusterId).then(rows => Map.groupBy(rows, row => row.applicationId))
      this.#byCluster.set(clusterId, byApplication)
    }
    return (await byApplication).get(applicationId) ?? []
  }
}
