import type { Log } from '@flotilla/core/ports/log'
import type { GateEvent, GateEvents } from './gate-events.ts'

/** Most that are kept to be asked for. */
const MOST_KEPT = 1_000

/** Events as lines of the hub's log, and the latest of them to be asked for. What must not be lost is in the audit log. */
export class LoggedEvents implements GateEvents {
  readonly #log: Log
  readonly #latest: GateEvent[] = []
  readonly #listeners = new Set<(event: GateEvent) => void>()

  constructor(log: Log) {
    this.#log = log
  }

  emit(event: GateEvent): void {
    const { kind, subject, by, message, owners } = event
    const fields = { event: kind, subject, by, message, ...(owners !== undefined && { owners }) }
    if (kind === 'calendar.failed') this.#log.warn('a gate needs attention', fields)
    else this.#log.info('a gate has news', fields)
    this.#latest.push(event)
    if (this.#latest.length > MOST_KEPT) this.#latest.shift()
    for (const listener of this.#listeners) listener(event)
  }

  /** Calls `listener` at each event, which must not throw; returns how to stop. */
  listen(listener: (event: GateEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Oldest first. */
  latest(): readonly GateEvent[] {
    return this.#latest
  }
}
