import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { afterEach, describe, expect, it } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { type CalendarAnswer, type CalendarSetting, shownSource } from './calendar-desk.ts'
import type { GateDesk } from './gate-desk.ts'
import { deskOverStore } from './testing/desk-over-store.ts'

const HOUR_MS = 3_600_000
const setting: CalendarSetting = {
  name: 'holidays',
  from: { kind: 'url', url: 'https://example.com/de.ics?key=secret' },
  refreshMs: HOUR_MS,
}
const calendar = (day: string): string =>
  `BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Day\r\nDTSTART;VALUE=DATE:${day}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`

const opened: GateDesk[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop()
})

async function started(answer: () => CalendarAnswer | Error, store = new MemoryStore()) {
  const clock = new VirtualClock({
    startAt: Date.UTC(2027, 0, 1),
    settle: () => new Promise(resolve => setImmediate(resolve)),
  })
  const asked: (string | undefined)[] = []
  const { desk, events } = await deskOverStore(
    store,
    { clock, random: seededRandom(1) },
    {
      calendars: {
        settings: [setting],
        fetch: async (_setting, etag) => {
          asked.push(etag)
          const given = answer()
          if (given instanceof Error) throw given
          return given
        },
      },
    },
  )
  opened.push(desk)
  desk.start()
  await clock.advance(1)
  const row = async () => (await store.read(rows => rows.calendars()))[0]
  return { store, clock, desk, events, asked, row }
}

describe('an imported calendar', () => {
  it('is stored with its hash and time, and counts as a rule that changed', async () => {
    const { row, desk, store } = await started(() => ({ kind: 'text', text: calendar('20270501'), etag: '"1"' }))
    expect(await row()).toMatchObject({
      name: 'holidays',
      source: 'https://example.com/de.ics?…',
      snapshot: { events: 1, etag: '"1"', hash: expect.stringMatching(/^sha256:/) },
    })
    expect(desk.keeper.now().written.calendars).toEqual([{ name: 'holidays', text: calendar('20270501') }])
    const log = await store.read(rows => rows.audit({ limit: 9 }))
    expect(log.map(({ actor, action }) => `${actor} ${action}`)).toEqual(['hub calendar.load'])
  })

  it('is asked for again in its time, with what is known of it', async () => {
    let answer: CalendarAnswer = { kind: 'text', text: calendar('20270501'), etag: '"1"' }
    const { clock, asked, row, store } = await started(() => answer)
    answer = { kind: 'unchanged' }
    await clock.advance(HOUR_MS)
    expect(asked).toEqual([undefined, '"1"'])
    expect((await row())?.checkedAt).toBeGreaterThan((await row())!.snapshot!.fetchedAt)
    answer = { kind: 'text', text: calendar('20270502') }
    await clock.advance(HOUR_MS)
    expect((await row())?.snapshot?.text).toBe(calendar('20270502'))
    expect(await store.read(rows => rows.audit({ limit: 9 }))).toHaveLength(2)
  })

  const BAD: Record<string, CalendarAnswer | Error> = {
    'a server that is away': new Error('the server answered 503'),
    'what is no calendar': { kind: 'text', text: '<html>' },
    'a calendar that cannot be read': { kind: 'text', text: calendar('20271399') },
    'more than fits': { kind: 'text', text: `${calendar('20270501')}${' '.repeat(1024 * 1024)}` },
  }
  for (const [sentence, bad] of Object.entries(BAD)) {
    it(`keeps its last snapshot over ${sentence}, and says so once`, async () => {
      let answer: CalendarAnswer | Error = { kind: 'text', text: calendar('20270501') }
      const { clock, row, events, desk } = await started(() => answer)
      answer = bad
      await clock.advance(HOUR_MS)
      expect(await row()).toMatchObject({
        snapshot: { text: calendar('20270501') },
        error: { since: Date.UTC(2027, 0, 1) + HOUR_MS },
      })
      await clock.advance(30 * 60_000)
      const failures = events.latest().filter(({ kind }) => kind === 'calendar.failed')
      expect(failures).toHaveLength(1)
      expect(failures[0]!.message).toContain('the last one stays')
      expect(desk.calendars.troubles).toMatchObject([{ name: 'holidays', kept: true }])
      answer = { kind: 'text', text: calendar('20270501') }
      await clock.advance(5 * 60_000)
      expect((await row())?.error).toBeUndefined()
      expect(desk.calendars.troubles).toEqual([])
    })
  }

  it('that was never loaded is no calendar: what names it holds', async () => {
    const { row, events, desk } = await started(() => new Error('no such host'))
    expect(await row()).toMatchObject({ error: { message: 'no such host' } })
    expect((await row())?.snapshot).toBeUndefined()
    expect(events.latest()).toMatchObject([
      { kind: 'calendar.failed', message: expect.stringContaining('never loaded') },
    ])
    expect(desk.keeper.now().written.calendars).toEqual([])
  })

  it('is forgotten when hub.yaml names it no longer', async () => {
    const store = new MemoryStore()
    await store.write(rows => rows.putCalendar({ name: 'old', source: 'x', checkedAt: 1 }))
    const { store: after } = await started(() => ({ kind: 'text', text: calendar('20270501') }), store)
    expect((await after.read(rows => rows.calendars())).map(({ name }) => name)).toEqual(['holidays'])
  })

  it('is shown without what may be secret in its URL', () => {
    expect(shownSource(setting)).toBe('https://example.com/de.ics?…')
    const file: CalendarSetting = { ...setting, from: { kind: 'file', source: 'platform', path: 'calendars/de.ics' } }
    expect(shownSource(file)).toBe('platform: calendars/de.ics')
  })
})
