import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'

interface Given {
  readonly document: DocumentNumber
  readonly grantId: string
  /** Grants in a row for this document under which nothing started. */
  readonly count: number
  readonly atMs: number
}

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 10 * 60_000

/**
 * Keeps Grants apart that an agent refuses or lets lapse: of a hub whose clock was set back, or that was restored from
 * a backup, it refuses each one at once, and each refusal asks for the next. Of monotonic time.
 */
export class GrantPace {
  readonly #given = new Map<string, Given>()

  /**
   * Whole milliseconds, never less than what is left: a remainder too small to move a clock would be waited for
   * without end.
   *
   * @param started Ids of Grants under which something started.
   */
  waitMs(applicationId: string, document: DocumentNumber, started: ReadonlySet<string>, nowMs: number): number {
    const given = this.#given.get(applicationId)
    if (!given || compareNumbers(given.document, document) !== 0 || started.has(given.grantId)) return 0
    const paceMs = Math.min(FIRST_WAIT_MS * 2 ** (given.count - 1), LONGEST_WAIT_MS)
    return Math.max(0, Math.ceil(given.atMs + paceMs - nowMs))
  }

  given(
    applicationId: string,
    grant: { readonly id: string; readonly document: DocumentNumber },
    started: ReadonlySet<string>,
    nowMs: number,
  ): void {
    const before = this.#given.get(applicationId)
    const again = before && compareNumbers(before.document, grant.document) === 0 && !started.has(before.grantId)
    const count = again ? before.count + 1 : 1
    this.#given.set(applicationId, { document: grant.document, grantId: grant.id, count, atMs: nowMs })
  }

  forget(applicationId: string): void {
    this.#given.delete(applicationId)
  }
}
