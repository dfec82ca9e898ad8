import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Store } from '@flotilla/core/ports/store'
import { keepGateEvent } from '../activity/record-gate-events.ts'
import { LoggedEvents } from '../gate-desk/logged-events.ts'
import type { Connection } from '../gateway/connections.ts'
import type { Loop } from '../loop/loop.ts'
import type { GateForPeople } from '../operations/operation-desk.ts'
import type { Ticker } from '../source/ticker.ts'
import { calendarReach, type Reach } from './calendar-reach.ts'
import { clockDoubt } from './clock-doubt.ts'
import { gateForPeople } from './gate-for-people.ts'
import { type GateMark, putGateMark, readGateMark } from './gate-mark.ts'
import type { OverrideUseNews } from './gate-news.ts'
import { GateWatch } from './gate-watch.ts'
import type { MeasuredGates } from './measure-gates.ts'

/** Whoever is about to start something asks, a thousand of them at once; the middle of a thousand clocks moves slowly. */
const DOUBT_STANDS_MS = 1_000

export interface HubGatesParts {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Asked once anything happens: the loop is made after this. */
  readonly loop: () => Loop
  readonly connections: () => readonly Connection[]
}

/** The gates of a hub at work: followed through time, told of, measured, and asked by people. */
export class HubGates {
  readonly events: LoggedEvents
  readonly watch: GateWatch
  readonly #parts: HubGatesParts
  readonly #marks = new Set<(mark: GateMark) => void>()
  #ticking: ReturnType<Ticker['start']> | undefined
  #doubt: { readonly atMs: number; readonly why: string | undefined } | undefined

  constructor(parts: HubGatesParts) {
    const { clock, log, loop } = parts
    this.#parts = parts
    this.events = new LoggedEvents(log)
    this.watch = new GateWatch({
      clock,
      events: this.events,
      rules: () => loop().world.gates.current.rules,
      targets: () => this.#targets(),
      wake: () => loop().wake(),
      ownersOf: names => {
        const { windows, freezes } = loop().world.gates.current.written
        const owners = [...windows, ...freezes].flatMap(({ name, owner }) =>
          names.includes(name) ? (owner ?? []) : [],
        )
        return [...new Set(owners)]
      },
      isDeclared: rule => {
        return (loop().world.fleet.fleet.freezePeriods ?? []).some(({ kind, name }) => `${kind}/${name}` === rule)
      },
      marked: mark => {
        for (const listener of this.#marks) listener(mark)
      },
    })
  }

  /**
   * Tells what came due while no hub ran, once: it stands in the feed as soon as it is written that it was told. A store
   * that takes nothing is no reason not to start.
   */
  async catchUp(): Promise<void> {
    const { store, log } = this.#parts
    const { watch, events } = this
    try {
      const { mark, missed } = await store.write(async rows => {
        const before = await readGateMark(rows)
        const news = []
        if (before !== undefined)
          for (const event of watch.missedSince(before)) news.push(await keepGateEvent(rows, event))
        await putGateMark(rows, { ...watch.mark(), ahead: before?.ahead ?? [] })
        return { mark: before, missed: news }
      })
      watch.follow(mark)
      for (const event of missed) events.emit(event)
    } catch (error) {
      log.error('what gates did while the hub was not running could not be told', { error })
      watch.follow(undefined)
    }
  }

  /** Calls `listener` with how far was told, after each thing that was; returns how to stop. */
  listen(listener: (mark: GateMark) => void): () => void {
    this.#marks.add(listener)
    return () => this.#marks.delete(listener)
  }

  /** Begins to follow the rules. The ticker only wakes: what is due is decided by the clock. */
  start(ticker: Ticker): void {
    this.watch.start()
    this.#ticking = ticker.start(() => this.watch.look())
  }

  stop(): void {
    this.#ticking?.stop()
    this.watch.stop()
  }

  /** Why this hub must suspect its own clock, while it must; never before enough agents have said what theirs is. */
  clockDoubt(): string | undefined {
    const { clock, connections } = this.#parts
    const now = clock.monotonicMs()
    if (this.#doubt === undefined || now - this.#doubt.atMs >= DOUBT_STANDS_MS) {
      this.#doubt = { atMs: now, why: clockDoubt(connections().flatMap(({ skewMs }) => skewMs ?? [])) }
    }
    return this.#doubt.why
  }

  /** On how many of these Clusters the gates as they are now are in force, and until when others may still start. */
  async calendarReach(names: ReadonlySet<string>): Promise<Reach> {
    const { store, clock, loop, connections } = this.#parts
    const held = new Map(connections().map(({ clusterId, heldUpTo }) => [clusterId, heldUpTo]))
    const clusters = [...names].flatMap(name => loop().world.cluster(name) ?? [])
    return await store.read(rows => calendarReach(rows, clusters, id => held.get(id), clock.now()))
  }

  /** What gates say to people who sync by hand. */
  forPeople(): GateForPeople {
    const { loop, clock } = this.#parts
    const used = (names: readonly string[], use: OverrideUseNews): void => {
      this.watch.overridesUsed(names, use)
      loop().rulesOutdated()
    }
    return gateForPeople(loop().world.gates, () => clock.now(), used)
  }

  /** What of gates is measured. */
  measured(): MeasuredGates {
    const { loop, connections, clock } = this.#parts
    return {
      gates: loop().world.gates,
      watch: this.watch,
      targets: () => this.#targets(),
      connections,
      clusterName: clusterId => loop().world.clusterById(clusterId)?.name,
      clock,
    }
  }

  #targets() {
    const { world } = this.#parts.loop()
    const rows = [...world.applications()].filter(({ state }) => state === 'active')
    return rows.map(row => world.gates.target(row))
  }
}
