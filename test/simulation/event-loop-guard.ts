import { AsyncLocalStorage, createHook } from 'node:async_hooks'

/** What the simulation may wait for: promises and what runs before the next turn. Everything else is the outside world. */
const ALLOWED: ReadonlySet<string> = new Set(['PROMISE', 'TickObject', 'Microtask'])

/** Begun by synchronous calls too, as values in, values out; only an answer in a later turn gives the other use away. */
const MAYBE: ReadonlySet<string> = new Set(['SIGNREQUEST', 'HASHREQUEST', 'ZLIB', 'RANDOMBYTESREQUEST'])

const guarded = new AsyncLocalStorage<EventLoopGuard>()
/** Set while the simulation itself waits for the turn to end. */
let waiting = false

const suspects = new Map<number, { readonly guard: EventLoopGuard; readonly type: string }>()
const MOST_SUSPECTS = 10_000

createHook({
  init(asyncId, type) {
    if (ALLOWED.has(type) || waiting) return
    const guard = guarded.getStore()
    if (!guard) return
    if (!MAYBE.has(type)) return guard.note(type)
    if (suspects.size >= MOST_SUSPECTS) suspects.clear()
    suspects.set(asyncId, { guard, type })
  },
  before(asyncId) {
    const suspect = suspects.get(asyncId)
    if (suspect) suspect.guard.note(suspect.type)
  },
  trackPromises: false,
}).enable()

/** Work for the event loop was begun inside a simulation: a timer, a file, a socket, a thread (decision 20). */
export class OutstandingWork extends Error {
  readonly code = 'OUTSTANDING_WORK'
  constructor(found: readonly string[]) {
    super(`the simulation left its ports, ${found.length} times; the first:\n${found[0]}`)
    this.name = 'OutstandingWork'
  }
}

/**
 * Sees every real timer, file, socket or thread that code inside {@link EventLoopGuard.run} begins, however deep, and
 * nothing of what runs beside it in the process (a test runner, say). A simulation that has any is not one: it would
 * not be the same run twice.
 */
export class EventLoopGuard {
  /** Type of each resource and where it was begun. */
  readonly found: string[] = []

  /** Takes the place at which it began: afterwards nobody knows who asked for it. */
  note(type: string): void {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 13
    this.found.push(`${type}\n${new Error('began').stack?.split('\n').slice(3, 13).join('\n') ?? ''}`)
    Error.stackTraceLimit = stackTraceLimit
  }

  /** @throws OutstandingWork when the work began anything but promises. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const result = await guarded.run(this, work)
    this.check()
    return result
  }

  check(): void {
    if (this.found.length > 0) throw new OutstandingWork(this.found)
  }
}

/** Resolves when every promise that can go on has gone on: a VirtualClock's `settle`. */
export function settled(): Promise<void> {
  waiting = true
  try {
    return new Promise(resolve => setImmediate(resolve))
  } finally {
    waiting = false
  }
}
