/** Before the outside world heard of a call, or after it did and before the caller hears of that. */
export type Side = 'before' | 'after'

/** Where a process is to end: at the `call`-th call of a port, counted from when this was asked for. */
export interface CrashPoint {
  /** One of {@link PORT_CALLS}; `*` for whatever the process calls. */
  readonly port: string
  readonly side: Side
  readonly call: number
}

/** A crash that happened. */
export interface Crash extends CrashPoint {
  readonly process: string
  /** What was called, where the point named no port. */
  readonly at: string
  readonly monotonicMs: number
}

/**
 * Every call with which a process of the simulation reaches the world outside of itself, by kind of process. A port
 * that gains a method is told by the run that calls it: it was called and is not in this list.
 */
export const PORT_CALLS = {
  hub: [
    'store.read',
    'store.write',
    'store.commit',
    'bundles.has',
    'bundles.put',
    'bundles.get',
    'git.open',
    'git.fetch',
    'git.resolve',
    'git.readCommit',
    'git.readTree',
    'git.readBlob',
    'mirrors.read',
    'mirrors.write',
    'keys.sign',
    'clock.timer',
    'agents.screen',
    'agents.answer',
    'agents.accept',
    'agents.send',
    'agents.message',
  ],
  agent: [
    'state.get',
    'state.put',
    'state.putIfAbsent',
    'state.delete',
    'state.list',
    'cluster.discover',
    'cluster.read',
    'cluster.watch',
    'cluster.event',
    'cluster.try',
    'cluster.write',
    'cluster.delete',
    'cluster.lease',
    'cluster.record',
    'cluster.renew',
    'hub.enrol',
    'hub.documents',
    'hub.bundle',
    'hub.reports',
    'hub.poll',
    'hub.proofs',
    'hub.return',
    'hub.key',
    'hub.keys',
    'hub.connect',
    'hub.send',
    'hub.message',
    'clock.timer',
    'clock.sleep',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** Those that come up once in a life, or not at all: a crash there is asked for from the beginning. */
export const RARE_CALLS: ReadonlySet<string> = new Set([
  'bundles.put',
  'git.open',
  'mirrors.read',
  'state.list',
  'state.putIfAbsent',
  'state.delete',
  'cluster.lease',
  'cluster.delete',
  'hub.enrol',
  'hub.bundle',
  'hub.proofs',
  'hub.return',
  'hub.key',
  'hub.keys',
])

export type ProcessKind = keyof typeof PORT_CALLS

/** The port calls of one machine, over all the processes that live on it, and the crashes asked for there. */
export class PortCalls {
  /** How often each was called. */
  readonly called = new Map<string, number>()
  readonly crashed: Crash[] = []
  readonly #process: string
  readonly #monotonicMs: () => number
  #armed: { readonly point: CrashPoint; left: number; readonly die: () => void }[] = []

  constructor(process: string, monotonicMs: () => number) {
    this.#process = process
    this.#monotonicMs = monotonicMs
  }

  /** Ends the process with `die` where the point says. */
  arm(point: CrashPoint, die: () => void): void {
    this.#armed.push({ point, left: point.call, die })
  }

  /** Points that no call has reached are forgotten. */
  disarm(): void {
    this.#armed = []
  }

  /** A call is about to be made, or was. */
  at(port: string, side: Side): void {
    if (side === 'before') this.called.set(port, (this.called.get(port) ?? 0) + 1)
    if (this.#armed.length === 0) return
    for (const armed of this.#armed) {
      const { point } = armed
      if (point.side !== side || (point.port !== port && point.port !== '*')) continue
      armed.left--
      if (armed.left > 0) continue
      this.#armed = this.#armed.filter(other => other !== armed)
      this.crashed.push({ ...point, process: this.#process, at: port, monotonicMs: this.#monotonicMs() })
      armed.die()
      return
    }
  }
}
