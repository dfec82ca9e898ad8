import type { Digest } from '@flotilla/core/json/canonical-json'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { fitEntry, type ReportsAnswer, reportBatches } from '@flotilla/core/protocol/report-batch'
import { reportedDigest, reportedLine, reportHash } from '@flotilla/core/protocol/reported-digest'

interface Sent {
  readonly entry: ReportEntry
  readonly hash: Digest
}

/**
 * Reports on their way: of each Application the newest state that was not sent yet, and the state that the hub has
 * acknowledged. In memory only: after a restart the engine reports everything anyhow.
 */
export class Outbox {
  readonly #pending = new Map<string, ReportEntry>()
  readonly #acknowledged = new Map<string, Sent>()
  /** What the hub did not take, because it did not know the Application as ours. */
  readonly #ignored = new Map<string, ReportEntry>()
  readonly #reported = new Set<string>()

  put(entries: readonly ReportEntry[]): void {
    for (const entry of entries) {
      const before = this.#pending.get(entry.application)
      if (before && (before.inc > entry.inc || (before.inc === entry.inc && before.n > entry.n))) continue
      this.#pending.set(entry.application, fitEntry(before ? carryingEnd(before, entry) : entry))
      this.#ignored.delete(entry.application)
      this.#reported.add(entry.application)
    }
  }

  /** What is to be sent, in batches within the protocol's limits. */
  batches(): readonly (readonly ReportEntry[])[] {
    return reportBatches([...this.#pending.values()])
  }

  get empty(): boolean {
    return this.#pending.size === 0
  }

  /**
   * Takes the hub's answer: the entries that ended (`gone`) and are known to the hub now, and what it left out. What
   * ended is said again until it is {@link drop}ped: its document may not be let go before, say on a full disk.
   */
  answered(
    batch: readonly ReportEntry[],
    answer: ReportsAnswer,
  ): { readonly ended: readonly ReportEntry[]; readonly unanswered: number } {
    const ignored = new Set(answer.ignored)
    const known = new Set([...answer.taken, ...answer.known])
    const ended: ReportEntry[] = []
    let unanswered = 0
    for (const entry of batch) {
      const id = entry.application
      if (!ignored.has(id) && !known.has(id)) {
        unanswered++
        continue
      }
      if (entry.gone) {
        // Ignored too: the hub has forgotten an Application whose end it knows, and its first answer was lost.
        this.#acknowledged.delete(id)
        ended.push(entry)
        continue
      }
      this.drop(entry)
      if (ignored.has(id)) {
        this.#acknowledged.delete(id)
        this.#ignored.set(id, entry)
      } else this.#acknowledged.set(id, { entry, hash: reportHash(entry) })
    }
    return { ended, unanswered }
  }

  /** Not to be sent again: the hub cannot read it, or all is done that it asked for. */
  drop(entry: ReportEntry): void {
    if (this.#pending.get(entry.application) === entry) this.#pending.delete(entry.application)
  }

  /** The hub does not have these as we reported them: they go again. */
  resend(ids: readonly string[]): void {
    for (const id of ids) {
      const sent = this.#acknowledged.get(id)
      if (sent && !this.#pending.has(id)) this.#pending.set(id, sent.entry)
    }
  }

  /** The hub has issued something new: it may know by now what it ignored, say after it was recovered. */
  resendIgnored(unclaimed: ReadonlySet<string>): void {
    for (const [id, entry] of this.#ignored) {
      if (unclaimed.has(id)) continue
      this.#ignored.delete(id)
      if (!this.#pending.has(id)) this.#pending.set(id, entry)
    }
  }

  /**
   * Another incarnation speaks from now on: everything goes again under its numbers. What was numbered by one that the
   * hub had outranked already would be older there than what an earlier process said, and be passed over.
   */
  renumber(next: () => { readonly inc: number; readonly n: number }): void {
    const agreed = [...this.#acknowledged.values()].map(sent => sent.entry)
    const newest = new Map([...agreed, ...this.#ignored.values()].map(entry => [entry.application, entry]))
    for (const [id, entry] of this.#pending) newest.set(id, entry)
    this.#acknowledged.clear()
    this.#ignored.clear()
    for (const [id, entry] of newest) this.#pending.set(id, { ...entry, ...next() })
  }

  /** Everything goes again. */
  resendAll(): void {
    this.resend([...this.#acknowledged.keys()])
    this.#acknowledged.clear()
  }

  lines(): readonly string[] {
    return [...this.#acknowledged.values()].map(({ entry, hash }) => reportedLine({ ...entry, hash }))
  }

  digest(): Digest {
    return reportedDigest(this.lines())
  }

  /** Whether this process has reported on an Application at all. */
  hasReported(applicationId: string): boolean {
    return this.#reported.has(applicationId)
  }

  /** Digests that the latest reports name: what runs, and what last succeeded. */
  digests(): ReadonlySet<Digest> {
    const digests = new Set<Digest>()
    const agreed = [...this.#acknowledged.values()].map(sent => sent.entry)
    for (const entry of [...this.#pending.values(), ...agreed, ...this.#ignored.values()]) {
      for (const digest of [entry.held, entry.lastSucceeded, entry.operation?.digest]) if (digest) digests.add(digest)
    }
    return digests
  }
}

/** A heal never hides the end of a granted operation that the hub has not acknowledged: it would show it running on. */
function carryingEnd({ operation: before }: ReportEntry, entry: ReportEntry): ReportEntry {
  const ended = before?.finishedAt !== undefined && before.trigger !== 'heal'
  return ended && entry.operation?.trigger === 'heal' ? { ...entry, operation: before } : entry
}
