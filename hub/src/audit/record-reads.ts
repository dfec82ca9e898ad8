import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { AuditNote } from '@flotilla/core/ports/store'
import type { AuditQueue } from './audit-queue.ts'

/** How many reads are written down. */
export interface ReadSampling {
  /** One in so many of each principal and route, by chance, and the first; 0: none, 1: all. */
  readonly oneIn: number
  /** The same for single routes, by operation: `listApplications`. */
  readonly byRoute: ReadonlyMap<string, number>
}

export const DEFAULT_READ_SAMPLING: ReadSampling = { oneIn: 1_000, byRoute: new Map() }

/** One read that was answered. */
export interface SeenRead {
  readonly route: string
  /** What it shows is worth knowing who has looked: it is always written down. */
  readonly sensitive: boolean
  /** Whose it is. */
  readonly reader: string
  /** As it would be written, but for how often: made only where it is. */
  readonly note: () => AuditNote
}

/** The same sensitive read again within this time is counted, and told once the time is over. */
const COUNTED_FOR_MS = 60_000
/** Readers whose turns are remembered, and reads that are being counted; beyond that the oldest is let go. */
const MOST_READERS = 10_000
const MOST_COUNTED = 10_000

interface Counted {
  times: number
  last: AuditNote
  readonly timer: Timer
}

/**
 * Reads, as the audit log has them. Of ordinary ones the first of each principal on each route, then one in so many: the
 * gap to the next is drawn by chance, so that nobody can read between the lines on purpose, and one read costs a look
 * into a map. Sensitive ones all of them: the first is written before it is answered, the same again is counted for a
 * minute.
 */
export class ReadRecorder {
  readonly #ports: { readonly clock: Clock; readonly random: Random; readonly queue: AuditQueue }
  readonly #sampling: ReadSampling
  /** Reads that go by until the next that is written down. */
  readonly #gaps = new Map<string, Map<string, number>>()
  readonly #counted = new Map<string, Counted>()

  constructor(
    ports: { readonly clock: Clock; readonly random: Random; readonly queue: AuditQueue },
    sampling: ReadSampling,
  ) {
    this.#ports = ports
    this.#sampling = sampling
  }

  /** @returns What the answer has to wait for; undefined: nothing. */
  record(read: SeenRead): Promise<void> | undefined {
    const { queue } = this.#ports
    if (read.sensitive) return this.#count(read) ? queue.flush() : undefined
    const oneIn = this.#sampling.byRoute.get(read.route) ?? this.#sampling.oneIn
    if (oneIn <= 0 || !this.#isDrawn(read, oneIn)) return undefined
    const note = read.note()
    queue.put({ ...note, detail: { ...note.detail, oneIn } })
    return undefined
  }

  /**
   * One that was answered as if there were nothing. It is never waited for: how long the answer takes must not tell
   * whether something is there.
   *
   * @param admit Whether this principal may still have an entry.
   */
  missed(read: SeenRead, admit: () => boolean): void {
    this.#count(read, admit)
  }

  /** Tells what was counted so far. */
  close(): void {
    for (const key of [...this.#counted.keys()]) this.#endCounting(key)
  }

  #isDrawn({ reader, route }: SeenRead, oneIn: number): boolean {
    let gaps = this.#gaps.get(reader)
    if (gaps === undefined) {
      gaps = new Map()
      const [oldest] = this.#gaps.keys()
      if (this.#gaps.size >= MOST_READERS && oldest !== undefined) this.#gaps.delete(oldest)
      this.#gaps.set(reader, gaps)
    }
    const gap = gaps.get(route) ?? 0
    gaps.set(route, gap > 0 ? gap - 1 : this.#drawGap(oneIn))
    return gap === 0
  }

  /** Even between 0 and twice the mean, so that one in `oneIn` is met in the long run. */
  #drawGap(oneIn: number): number {
    return Math.floor(this.#ports.random.fraction() * (2 * oneIn - 1))
  }

  /** @returns Whether it is the first of its like within the minute, and was put to be written. */
  #count({ reader, note: make }: SeenRead, admit: () => boolean = () => true): boolean {
    const { queue, clock } = this.#ports
    const note = make()
    const { action, subject, outcome = '', from = '', detail } = note
    const key = JSON.stringify([reader, action, subject, outcome, from, detail])
    const counted = this.#counted.get(key)
    if (counted !== undefined) {
      counted.times += 1
      counted.last = note
      return false
    }
    if (!admit()) return false
    const [oldest] = this.#counted.keys()
    if (this.#counted.size >= MOST_COUNTED && oldest !== undefined) this.#endCounting(oldest)
    const timer = clock.setTimer(COUNTED_FOR_MS, () => this.#endCounting(key))
    this.#counted.set(key, { times: 0, last: note, timer })
    queue.put(note)
    return true
  }

  #endCounting(key: string): void {
    const counted = this.#counted.get(key)
    if (counted === undefined) return
    const { times, last, timer } = counted
    this.#counted.delete(key)
    timer.cancel()
    if (times > 0) this.#ports.queue.put({ ...last, detail: { ...last.detail, times } })
  }
}
