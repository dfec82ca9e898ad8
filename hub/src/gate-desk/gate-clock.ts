import type { JsonObject } from '@flotilla/core/json/json'
import type { Timer } from '@flotilla/core/ports/clock'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { keepGateEvent } from '../activity/record-gate-events.ts'
import { anchorHead } from '../audit/anchor-head.ts'
import { announcementsOf } from './announcements.ts'
import type { DeskServices } from './desk.ts'
import type { GateEvent } from './gate-events.ts'
import type { OverrideDesk } from './override-desk.ts'

/** What was announced, so that a restart does not say it again. */
const ANNOUNCED = 'gates.announced'
const MOST_REMEMBERED = 1_000
/** Timers are set for no longer; rules that change meanwhile are looked at then at the latest. */
const LOOK_MS = 60_000
/** How often the head of the audit log is written where others keep it. */
const ANCHOR_MS = 60 * 60_000

/** Does what is due by the clock: overrides that are over are written down, and freezes to come are announced. */
export class GateClock {
  readonly #services: DeskServices
  readonly #overrides: OverrideDesk
  #timer: Timer | undefined
  #nextAnchorMs = Number.NEGATIVE_INFINITY
  #stopped = false
  #looking: Promise<void> = Promise.resolve()

  constructor(services: DeskServices, overrides: OverrideDesk) {
    this.#services = services
    this.#overrides = overrides
  }

  start(): void {
    this.#looking = this.#turn()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#looking
    await anchorHead(this.#services.store, this.#services.log)
  }

  /** Looks now. For tests, and when something has changed that may be due earlier. */
  async look(): Promise<void> {
    await this.#overrides.endThoseOver()
    await this.#announce()
  }

  async #turn(): Promise<void> {
    const { log, clock } = this.#services
    let next: EpochMs | undefined
    try {
      await this.look()
      next = await this.#overrides.nextEnd()
      await this.#anchor()
    } catch (error) {
      if (!this.#stopped) log.error('what was due of gates could not be done; it is tried again', { error })
    }
    if (this.#stopped) return
    const wait = Math.min(LOOK_MS, Math.max(1_000, (next ?? Number.POSITIVE_INFINITY) - clock.now()))
    this.#timer = clock.setTimer(wait, () => {
      this.#looking = this.#turn()
    })
  }

  async #anchor(): Promise<void> {
    const { store, log, clock } = this.#services
    if (clock.monotonicMs() < this.#nextAnchorMs) return
    this.#nextAnchorMs = clock.monotonicMs() + ANCHOR_MS
    await anchorHead(store, log)
  }

  async #announce(): Promise<void> {
    const { store, clock, keeper, events } = this.#services
    const now = clock.now()
    const due = announcementsOf(keeper.now(), now).filter(({ at }) => at <= now)
    if (due.length === 0) return
    const told = await store.read(rows => rows.setting(ANNOUNCED))
    const known = new Set(keysOf(told))
    const fresh = due.filter(({ key }) => !known.has(key))
    if (fresh.length === 0) return
    const keys = [...known, ...fresh.map(({ key }) => key)].slice(-MOST_REMEMBERED)
    // That it was announced is written together with the announcement: neither twice nor never.
    const news = await store.write(async rows => {
      await rows.putSetting(ANNOUNCED, { keys })
      const kept: GateEvent[] = []
      for (const { rule, message } of fresh) {
        const owners = rule.owner === undefined ? {} : { owners: [rule.owner] }
        const event = { kind: 'freeze.announced', subject: rule.name, at: now, by: 'hub', message, ...owners } as const
        kept.push(await keepGateEvent(rows, event))
      }
      return kept
    })
    for (const event of news) events.emit(event)
  }
}

function keysOf(setting: JsonObject | undefined): readonly string[] {
  const keys = setting?.['keys']
  return Array.isArray(keys) ? keys.filter(key => typeof key === 'string') : []
}
