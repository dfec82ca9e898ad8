import { parseCalendar } from '@flotilla/core/gates/parse-calendar'
import { sha256 } from '@flotilla/core/json/canonical-json'
import type { Timer } from '@flotilla/core/ports/clock'
import type { CalendarRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { bumpRulesVersion } from '../gates/rules-version.ts'
import type { DeskServices } from './desk.ts'

/** An iCalendar that freezes may name, as hub.yaml says. */
export interface CalendarSetting {
  readonly name: string
  readonly from:
    | { readonly kind: 'url'; readonly url: string }
    | { readonly kind: 'file'; readonly source: string; readonly path: string }
  readonly refreshMs: number
}

/** What came of asking for one. */
export type CalendarAnswer =
  | { readonly kind: 'text'; readonly text: string; readonly etag?: string }
  | { readonly kind: 'unchanged' }

export interface CalendarParts {
  readonly settings: readonly CalendarSetting[]
  /** @throws Error with a sentence that people may read. */
  fetch(setting: CalendarSetting, etag: string | undefined): Promise<CalendarAnswer>
}

/** A calendar that could not be had, and since when. */
export interface CalendarTrouble {
  readonly name: string
  readonly message: string
  readonly since: EpochMs
  /** Whether an older snapshot stands; freezes that name it hold otherwise. */
  readonly kept: boolean
}

/** Holidays of a country for decades are a tenth of it. */
export const MOST_CALENDAR_CHARACTERS = 1024 * 1024
/** Until a calendar that cannot be had is asked for again. */
const RETRY_MS = 5 * 60_000
const FILE_MS = 60_000
const MOST_MESSAGE = 500

/**
 * Keeps the snapshots of imported calendars. A refresh that fails, or brings what is no calendar, keeps the last one and
 * says so; one that was never loaded makes the freezes that name it close all that they concern.
 */
export class CalendarDesk {
  readonly #services: DeskServices
  readonly #parts: CalendarParts
  readonly #timers = new Map<string, Timer>()
  readonly #running = new Set<Promise<void>>()
  readonly #troubles = new Map<string, CalendarTrouble>()
  #stopped = false

  constructor(services: DeskServices, parts: CalendarParts) {
    this.#services = services
    this.#parts = parts
  }

  /** Calendars that could not be had at the last look. */
  get troubles(): readonly CalendarTrouble[] {
    return [...this.#troubles.values()]
  }

  start(): void {
    void this.#track(this.#forgetOthers())
    for (const setting of this.#parts.settings) void this.#track(this.#turn(setting))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    await Promise.all(this.#running)
  }

  /** Asks again now. @returns Whether there is such a calendar. */
  async refresh(name: string): Promise<boolean> {
    const setting = this.#parts.settings.find(each => each.name === name)
    if (setting === undefined) return false
    await this.#look(setting)
    return true
  }

  async #turn(setting: CalendarSetting): Promise<void> {
    let loaded = false
    try {
      loaded = await this.#look(setting)
    } catch (error) {
      if (this.#stopped) return
      this.#services.log.error('a calendar could not be stored; it is asked for again', {
        calendar: setting.name,
        error,
      })
    }
    if (this.#stopped) return
    // A file of a config source is here already, and a commit that changes it is to count soon.
    const usual = setting.from.kind === 'file' ? Math.min(FILE_MS, setting.refreshMs) : setting.refreshMs
    const wait = loaded ? usual : Math.min(RETRY_MS, usual)
    const timer = this.#services.clock.setTimer(wait, () => void this.#track(this.#turn(setting)))
    this.#timers.set(setting.name, timer)
  }

  /** @returns Whether it was had, new or as before. */
  async #look(setting: CalendarSetting): Promise<boolean> {
    const { store, clock } = this.#services
    const { name } = setting
    const known = (await store.read(rows => rows.calendars())).find(row => row.name === name)
    const source = shownSource(setting)
    const before = known?.source === source ? known : undefined
    let text: string
    let etag: string | undefined
    try {
      const answer = await this.#parts.fetch(setting, before?.snapshot?.etag)
      if (answer.kind === 'unchanged' && before?.snapshot !== undefined) {
        const { error: _, ...mended } = before
        await this.#put({ ...mended, checkedAt: clock.now() }, before, 'unchanged')
        return true
      }
      if (answer.kind === 'unchanged') throw new Error('it says that nothing is new, and there is nothing old')
      text = answer.text
      etag = answer.etag
    } catch (error) {
      return await this.#failed(setting, known, error instanceof Error ? error.message : String(error))
    }
    if (text.length > MOST_CALENDAR_CHARACTERS) {
      return await this.#failed(setting, known, `it has more than ${MOST_CALENDAR_CHARACTERS} characters`)
    }
    const same = before?.error === undefined && before?.snapshot?.text === text
    if (same && setting.from.kind === 'file') return true
    const reading = parseCalendar(text)
    if (reading.kind === 'mistake') return await this.#failed(setting, known, reading.message)
    const now = clock.now()
    const snapshot = {
      ...{ text, hash: sha256(text), fetchedAt: now, events: reading.events.length },
      ...(etag !== undefined && { etag }),
    }
    await this.#put({ name, source, snapshot, checkedAt: now }, known, 'loaded')
    return true
  }

  /** The last good one stays, whatever its age. */
  async #failed(setting: CalendarSetting, known: CalendarRow | undefined, message: string): Promise<boolean> {
    const now = this.#services.clock.now()
    const told = message.slice(0, MOST_MESSAGE)
    const row: CalendarRow = {
      ...{ name: setting.name, source: known?.source ?? shownSource(setting), checkedAt: now },
      ...(known?.snapshot !== undefined && { snapshot: known.snapshot }),
      error: { message: told, since: known?.error?.since ?? now },
    }
    await this.#put(row, known, 'failed')
    if (known?.error === undefined) {
      const kept =
        known?.snapshot === undefined ? 'it was never loaded: freezes that name it hold' : 'the last one stays'
      this.#emit('calendar.failed', setting.name, `${told}; ${kept}`)
    }
    return false
  }

  async #put(
    row: CalendarRow,
    before: CalendarRow | undefined,
    what: 'loaded' | 'unchanged' | 'failed',
  ): Promise<void> {
    const { store, keeper } = this.#services
    const { name, error, snapshot } = row
    if (error === undefined) this.#troubles.delete(name)
    else this.#troubles.set(name, { name, ...error, kept: snapshot !== undefined })
    const differs = row.snapshot?.hash !== before?.snapshot?.hash
    await store.write(async rows => {
      await rows.putCalendar(row)
      if (!differs) return
      await bumpRulesVersion(rows)
      await rows.appendAudit({
        ...{ at: row.checkedAt, actor: 'hub', action: 'calendar.load', subject: `Calendar/${row.name}` },
        detail: { source: row.source, hash: row.snapshot?.hash ?? '', events: row.snapshot?.events ?? 0 },
        before: { hash: before?.snapshot?.hash ?? '' },
      })
    })
    if (!differs) return
    await keeper.changed()
    if (what === 'loaded') this.#emit('calendar.loaded', row.name, `${row.snapshot?.events ?? 0} events`)
  }

  /** What the settings name no longer is not kept: freezes that name it are told so by holding. */
  async #forgetOthers(): Promise<void> {
    const { store, keeper, log } = this.#services
    const names = new Set(this.#parts.settings.map(({ name }) => name))
    try {
      const gone = (await store.read(rows => rows.calendars())).filter(({ name }) => !names.has(name))
      if (gone.length === 0) return
      await store.write(async rows => {
        for (const { name } of gone) await rows.deleteCalendar(name)
        await bumpRulesVersion(rows)
      })
      await keeper.changed()
    } catch (error) {
      if (!this.#stopped) log.error('calendars that are no longer configured could not be forgotten', { error })
    }
  }

  #emit(kind: 'calendar.failed' | 'calendar.loaded', name: string, message: string): void {
    const at = this.#services.clock.now()
    this.#services.events.emit({ kind, subject: `Calendar/${name}`, at, by: 'hub', message })
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#running.add(work)
    try {
      await work
    } finally {
      this.#running.delete(work)
    }
  }
}

/** Without what may be secret: many calendars are had by a token in the query. */
export function shownSource({ from }: CalendarSetting): string {
  if (from.kind === 'file') return `${from.source}: ${from.path}`
  const url = new URL(from.url)
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`
}
