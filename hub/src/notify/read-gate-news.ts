import type { JsonObject } from '@flotilla/core/json/json'
import type { Cause } from '@flotilla/core/notify/judge-trigger'
import type { ActivityEntry, MessageRow, Store, StoreReader } from '@flotilla/core/ports/store'
import { matchesWildcard } from '@flotilla/core/text/wildcard'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { GATE_EVENTS } from '../gate-desk/gate-events.ts'
import type { AlertBook } from './alert-book.ts'
import type { MessageComposer } from './compose-messages.ts'
import type { KnownRoutes } from './known-routes.ts'

/** The setting that remembers up to where the feed was read. */
export const FEED_READ = 'notifications.feed'
const PAGE = 500
/** What nobody wanted to hear is read again after a crash, but no more of it than this. */
const MOST_READ_AGAIN = 1_000
const OF_GATES: ReadonlySet<string> = new Set(GATE_EVENTS)

export interface GateNewsParts {
  readonly store: Store
  readonly routes: KnownRoutes
  readonly book: AlertBook
  readonly composer: MessageComposer
}

/**
 * What gates did, read from the feed in order, each once: up to where it was read is written together with the
 * messages, so that what happened while the hub was down, or just before it died, is told by the next one.
 */
export class GateNewsReader {
  readonly #parts: GateNewsParts
  /** Up to here it was read, and up to here that is written down. */
  #read = 0
  #kept: number | undefined
  #hasTold = false
  #transactions = -1

  constructor(parts: GateNewsParts) {
    this.#parts = parts
  }

  /** At the very first start nothing of before is told. */
  async load(rows: StoreReader): Promise<void> {
    const after = (await rows.setting(FEED_READ))?.['after']
    this.#kept = typeof after === 'number' ? after : undefined
    this.#read = this.#kept ?? this.#read
    if (this.#kept === undefined) this.#read = (await rows.activity({ limit: 1 }))[0]?.sequence ?? 0
  }

  /** Reads what is new, and says what is to be said of it. */
  async read(now: EpochMs, say: (message: MessageRow) => void): Promise<void> {
    const { store } = this.#parts
    const { transactions } = store.counters
    // Nothing was written since: nothing is new.
    if (transactions === this.#transactions) return
    for (;;) {
      const entries = await store.read(rows => rows.activityAfter({ limit: PAGE, after: this.#read }))
      for (const entry of entries) {
        const messages = this.#tell(entry, now)
        this.#read = entry.sequence
        this.#hasTold ||= messages.length > 0
        for (const message of messages) say(message)
      }
      if (entries.length < PAGE) break
    }
    this.#transactions = transactions
  }

  /** What is to be remembered of it, together with the messages; {@link keep} says that it is. */
  takeChanges(): { readonly after: number } | undefined {
    const { routes } = this.#parts
    const first = this.#kept === undefined && routes.all.length > 0
    const isDue = first || this.#hasTold || this.#read - (this.#kept ?? this.#read) >= MOST_READ_AGAIN
    return isDue ? { after: this.#read } : undefined
  }

  keep({ after }: { readonly after: number }): void {
    this.#kept = after
    this.#hasTold = false
  }

  #tell(entry: ActivityEntry, now: EpochMs): readonly MessageRow[] {
    if (!OF_GATES.has(entry.event)) return []
    const { routes, book, composer } = this.#parts
    const { event: kind, subject, by, message, at } = entry
    const owners = ownersOf(entry.detail)
    return routes.all
      .filter(route => at >= routes.since(route.name) && route.tellsOwners(owners))
      .flatMap(route =>
        route.triggers
          .filter(trigger => trigger.kind === 'on-gate' && isWanted(trigger.events, kind))
          .flatMap(trigger => {
            const cause: Cause = { kind: 'event', text: `${kind}: ${subject}`, event: { kind, subject, by, message } }
            const row = book.happened(route.name, trigger.name, cause as unknown as JsonObject, now)
            return composer.tell(route, trigger, row, 'event', 0)
          }),
      )
  }
}

function ownersOf(detail: JsonObject): readonly string[] | undefined {
  const { owners } = detail
  return Array.isArray(owners) ? owners.filter(each => typeof each === 'string') : undefined
}

function isWanted(events: readonly string[] | undefined, kind: string): boolean {
  return events === undefined || events.some(pattern => matchesWildcard(pattern, kind))
}
