import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { AuditNote, Store } from '@flotilla/core/ports/store'
import { runUnasked } from './audited-store.ts'

/** What waits is written together after so long. */
const FLUSH_AFTER_MS = 5_000
/** More than this wait for a store that takes nothing: what comes then is counted instead. */
const MOST_WAITING = 1_000

export interface AuditPorts {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/**
 * Entries that nobody's request waits for, written many at a time: in order, each with the stamp that it came with.
 * What a store does not take stays and is tried again; what finds no room any more is told of by a number.
 */
export class AuditQueue {
  readonly #ports: AuditPorts
  readonly #waiting: AuditNote[] = []
  #leftOut = 0
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #isClosed = false

  constructor(ports: AuditPorts) {
    this.#ports = ports
  }

  put(note: AuditNote): void {
    if (this.#waiting.length >= MOST_WAITING) this.#leftOut += 1
    else this.#waiting.push(note)
    this.#schedule()
  }

  /** Resolves when what waits by now was written, or could not be. Never throws: who asked for something else gets it. */
  async flush(): Promise<void> {
    // Whoever comes while something is written shares the next write with all who came meanwhile.
    if (this.#writing !== undefined) await this.#writing
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
    await this.#writing
  }

  /** Writes what waits; what is put afterwards is written at once. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.flush()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(): void {
    if (this.#isClosed) void this.flush()
    else this.#timer ??= this.#ports.clock.setTimer(FLUSH_AFTER_MS, () => void this.flush())
  }

  async #write(): Promise<void> {
    const { store, clock, log } = this.#ports
    this.#timer?.cancel()
    this.#timer = undefined
    const batch = this.#waiting.splice(0)
    const leftOut = this.#leftOut
    if (batch.length === 0 && leftOut === 0) return
    this.#leftOut = 0
    try {
      await runUnasked(() =>
        store.write(async rows => {
          for (const note of batch) await rows.appendAudit(note)
          if (leftOut > 0) {
            const about = { actor: 'hub', action: 'audit.left-out', subject: 'audit', detail: { count: leftOut } }
            await rows.appendAudit({ at: clock.now(), ...about })
          }
        }),
      )
    } catch (error) {
      log.error('entries of the audit log could not be written; it is tried again', { entries: batch.length, error })
      this.#waiting.unshift(...batch)
      this.#leftOut += leftOut
      if (!this.#isClosed) this.#schedule()
    }
  }
}
