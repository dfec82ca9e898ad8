import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { Health, SyncStatus } from '@flotilla/core/model/status'
import type { OrphanReport } from '@flotilla/core/orphans/orphan-report'
import type { Adoption } from '@flotilla/core/plan/adoptions'
import type { HeldPrunes } from '@flotilla/core/plan/held-prunes'
import type { DocumentNumber } from '@flotilla/core/protocol/documents'
import type { ObjectState, OperationReport, ReportEntry } from '@flotilla/core/protocol/report'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { HubLink } from './link/hub-link.ts'

/** Objects that are not as they should be are listed up to here; the rest is counted. */
const MOST_OBJECTS = 200

/** What one look at an Application found, before it is numbered. */
export interface Findings {
  readonly application: string
  readonly gone: boolean
  readonly held?: Digest
  readonly lastSucceeded?: Digest
  readonly sync: { readonly status: SyncStatus; readonly message?: string }
  readonly health: Health
  readonly operation?: OperationReport
  readonly objects: readonly ObjectState[]
  readonly objectCount: number
  readonly heldPrunes?: HeldPrunes
  readonly adoptions?: readonly Adoption[]
  readonly orphans?: OrphanReport
  readonly images: readonly string[]
  readonly inventory?: Digest
  /** With `gone`, the Tombstone whose removal is complete: the same end is said anew of one that was signed anew. */
  readonly document?: DocumentNumber
}

/** Reports what changed, and nothing twice: findings that equal the last ones travel no more. */
export class Reporter {
  readonly #link: HubLink
  readonly #now: () => EpochMs
  readonly #onReported: (entry: ReportEntry) => void
  readonly #last = new Map<string, { readonly text: string; readonly status: string; readonly since: EpochMs }>()

  constructor(link: HubLink, now: () => EpochMs, onReported: (entry: ReportEntry) => void) {
    this.#link = link
    this.#now = now
    this.#onReported = onReported
  }

  /** @returns the entry that was handed over, or undefined when there was nothing new. */
  async report(findings: Findings): Promise<ReportEntry | undefined> {
    const text = stringifyJson(findings as unknown as Json)
    const before = this.#last.get(findings.application)
    if (before?.text === text) return undefined
    const at = this.#now()
    // The time moves only with the word: a new message is no new state.
    const since = before?.status === findings.health.status ? before.since : at
    const listed = findings.objects.slice(0, MOST_OBJECTS)
    const { inc, n } = await this.#link.nextReportNumber()
    const entry: ReportEntry = {
      ...findings,
      inc,
      n,
      health: { ...findings.health, since },
      objects: listed,
      objectsCut: findings.objects.length - listed.length,
      observedAt: at,
    }
    await this.#link.report([entry])
    this.#last.set(findings.application, { text, status: findings.health.status, since })
    this.#onReported(entry)
    return entry
  }

  forget(application: string): void {
    this.#last.delete(application)
  }
}
