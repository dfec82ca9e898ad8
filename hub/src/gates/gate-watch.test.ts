import { type CompiledRules, compileRules } from '@flotilla/core/gates/compile-rules'
import type { FreezeRule, GateRules, GateTarget, WindowRule } from '@flotilla/core/gates/rules'
import type { Hold } from '@flotilla/core/model/hold'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import type { GateEvent } from '../gate-desk/gate-events.ts'
import { sampleApplication } from '../store/sample-rows.ts'
import type { GateMark } from './gate-mark.ts'
import { GateWatch } from './gate-watch.ts'
import { NO_RULES } from './gates.ts'

const START = Date.UTC(2026, 10, 21, 21)
const MINUTE_MS = 60_000

const NIGHTS: WindowRule = {
  name: 'SyncWindow/nights',
  level: 'team',
  kind: 'deny',
  schedule: '0 22 * * *',
  duration: '1h',
  select: { kind: 'scope', scope: { all: true } },
}
const FREEZE: FreezeRule = {
  name: 'FreezePeriod/stop',
  level: 'organisation',
  freeze: 'hard',
  reason: 'closing',
  scope: { all: true },
  when: [{ from: '2026-11-21T21:30', until: '2026-11-21T21:40' }],
}

function watching(given: Partial<GateRules>, targets: readonly GateTarget[] = [], declared = false) {
  const clock = new VirtualClock({ startAt: START, settle: () => Promise.resolve() })
  const told: GateEvent[] = []
  const marks: GateMark[] = []
  let rules: CompiledRules = compileRules({ windows: [], freezes: [], ...given })
  let wakes = 0
  const watch = new GateWatch({
    clock,
    events: { emit: event => void told.push(event) },
    rules: () => rules,
    targets: () => targets,
    wake: () => void wakes++,
    ownersOf: names => names.map(name => `owner of ${name}`),
    isDeclared: name => declared && rules.rules.some(rule => rule.name === name),
    marked: mark => void marks.push(mark),
  })
  watch.follow(undefined)
  watch.start()
  const change = (next: Partial<GateRules>): void => {
    const before = { ...NO_RULES, rules }
    rules = compileRules({ windows: [], freezes: [], ...next }, rules)
    const after = { ...NO_RULES, rules }
    watch.rulesChanged({ before, after, rules: rules.rules, concerns: () => true })
  }
  const events = (): string[] =>
    told.splice(0).map(({ kind, subject, at }) => `${Math.round((at - START) / MINUTE_MS)} ${kind} ${subject}`)
  return { marks, clock, watch, told, events, change, wakes: () => wakes }
}

describe('rules through time', () => {
  test('what begins and ends is told, and teams a quarter of an hour before a window closes and opens', async () => {
    const { clock, events, wakes } = watching({ windows: [NIGHTS], freezes: [FREEZE] })
    await clock.advance(3 * 60 * MINUTE_MS)
    expect(events()).toEqual([
      '30 freeze.started FreezePeriod/stop',
      '40 freeze.ended FreezePeriod/stop',
      '45 window.closing SyncWindow/nights',
      '60 window.closed SyncWindow/nights',
      '105 window.opening SyncWindow/nights',
      '120 window.opened SyncWindow/nights',
    ])
    expect(wakes()).toBe(4)
  })

  test('an allow window opens when it begins', async () => {
    const { clock, events } = watching({ windows: [{ ...NIGHTS, kind: 'allow' }] })
    await clock.advance(61 * MINUTE_MS)
    expect(events()).toEqual(['45 window.opening SyncWindow/nights', '60 window.opened SyncWindow/nights'])
  })

  test('a freeze that is made while its time has come begins at once; a restart in one tells nothing', () => {
    const now = { ...FREEZE, when: [{ from: '2026-11-21T20:00', until: '2026-11-21T22:00' }] }
    const started = watching({ freezes: [now] })
    expect(started.events()).toEqual([])
    const made = watching({})
    made.change({ freezes: [now] })
    expect(made.events()).toEqual(['0 freeze.started FreezePeriod/stop'])
    expect(made.watch.active().map(({ rule, active }) => [rule.name, active])).toEqual([['FreezePeriod/stop', true]])
  })

  test('a commit that edits a freeze is an edit, and one that takes it away while it holds is its end', () => {
    const until = (time: string) => ({ ...FREEZE, when: [{ from: '2026-11-21T20:00', until: time }] })
    const { change, events } = watching({}, [], true)
    change({ freezes: [until('2026-11-21T22:00')] })
    expect(events()).toEqual(['0 freeze.started FreezePeriod/stop'])
    change({ freezes: [until('2026-11-21T23:00')] })
    expect(events()).toEqual(['0 freeze.edited FreezePeriod/stop'])
    change({ freezes: [until('2026-11-21T20:30')] })
    expect(events()).toEqual(['0 freeze.edited FreezePeriod/stop', '0 freeze.ended FreezePeriod/stop'])
    change({ freezes: [until('2026-11-21T22:00')] })
    expect(events()).toEqual(['0 freeze.edited FreezePeriod/stop', '0 freeze.started FreezePeriod/stop'])
    change({})
    expect(events()).toEqual(['0 freeze.ended FreezePeriod/stop'])
  })

  test('a rule that nobody can read is told with what is wrong', () => {
    const { change, events } = watching({})
    change({ windows: [{ ...NIGHTS, schedule: '99 * * * *' }] })
    expect(events()).toEqual(['0 rule.indeterminate SyncWindow/nights'])
  })

  test('by the clocks of clusters it is active from the first to the last of them', async () => {
    const of = (name: string, timeZone: string): GateTarget => ({
      ...{ name, project: 'shop', labels: {}, destination: { name } },
      cluster: { name, servers: [], labels: {}, timeZone },
    })
    const rules = { windows: [{ ...NIGHTS, schedule: '0 23 * * *', timeZone: 'cluster' }] }
    const { clock, watch } = watching(rules, [of('berlin', 'Europe/Berlin'), of('london', 'Europe/London')])
    const active = () => watch.active()[0]!.active
    // 23:00 is 22:00 UTC in Berlin, and 23:00 in London.
    await clock.advance(59 * MINUTE_MS)
    expect(active()).toBe(false)
    await clock.advance(2 * MINUTE_MS)
    expect(active()).toBe(true)
    await clock.advance(60 * MINUTE_MS)
    expect(active()).toBe(true)
    await clock.advance(60 * MINUTE_MS)
    expect(active()).toBe(false)
  })

  test('what it is told is counted', () => {
    const { watch, told } = watching({})
    const row = sampleApplication({})
    const blockers = (['FreezePeriod', 'SyncWindow'] as const).map(kind => {
      return { rule: 'one', ruleId: 'one@1', kind, code: 'X', reason: '' }
    })
    const hold: Hold = { code: 'FROZEN', reason: 'closing', blockers }
    const late: number[] = []
    watch.measureLateness(ms => void late.push(ms))
    watch.blocked(row, hold)
    watch.blocked(row, { ...hold, blockers: blockers.slice(0, 1) })
    watch.opened(row, 1200)
    watch.missed(row)
    watch.overridesUsed(['Override/1', 'Override/2'], { application: 'web', by: 'ana', rules: ['FreezePeriod/a'] })
    const use = { by: 'ana', message: 'used for web, past FreezePeriod/a', owners: ['owner of FreezePeriod/a'] }
    const uses = told.filter(({ kind }) => kind === 'override.used')
    expect(uses).toMatchObject(['Override/1', 'Override/2'].map(subject => ({ subject, ...use })))
    expect([watch.counters, late]).toEqual([{ blocked: { freeze: 2, window: 1 }, overridesUsed: 2, missed: 1 }, [1200]])
  })
})

describe('what came due while no hub ran', () => {
  test('is known with its true instant, from where the process before had come to', async () => {
    const before = watching({ windows: [NIGHTS], freezes: [FREEZE] })
    await before.clock.advance(35 * MINUTE_MS)
    expect(before.events()).toEqual(['30 freeze.started FreezePeriod/stop'])
    const mark = before.marks.at(-1)!
    expect(Math.round((mark.at - START) / MINUTE_MS)).toBe(30)
    before.watch.stop()

    const later = watching({ windows: [NIGHTS, { ...NIGHTS, name: 'SyncWindow/new' }], freezes: [FREEZE] })
    await later.clock.advance(26 * 60 * MINUTE_MS)
    later.events()
    const missed = later.watch.missedSince(mark).map(({ kind, subject, at }) => {
      return `${Math.round((at - START) / MINUTE_MS)} ${kind} ${subject}`
    })
    // A rule that has come meanwhile was not missed; the next closing of the other one was.
    expect(missed).toEqual([
      '40 freeze.ended FreezePeriod/stop',
      '60 window.closed SyncWindow/nights',
      '120 window.opened SyncWindow/nights',
      '1500 window.closed SyncWindow/nights',
      '1560 window.opened SyncWindow/nights',
    ])
    expect(later.watch.missedSince(later.watch.mark())).toEqual([])
  })

  test('is told of one rule as its latest and how many were before them', async () => {
    const often = { ...NIGHTS, schedule: '*/10 * * * *', duration: '5m' }
    const { watch, clock } = watching({ windows: [often] })
    const mark = watch.mark()
    await clock.advance(24 * 60 * MINUTE_MS)
    const missed = watch.missedSince(mark)
    expect([missed.length, missed[0]?.message]).toEqual([20, expect.stringContaining('and 268 times before it')])
  })

  test('a quarter of an hour before a window is not told again after a restart', async () => {
    const before = watching({ windows: [NIGHTS] })
    await before.clock.advance(50 * MINUTE_MS)
    expect(before.events()).toEqual(['45 window.closing SyncWindow/nights'])
    const mark = before.marks.at(-1)!
    for (const [known, told] of [
      [mark, []],
      [undefined, ['50 window.closing SyncWindow/nights']],
    ] as const) {
      const clock = new VirtualClock({ startAt: START + 50 * MINUTE_MS, settle: () => Promise.resolve() })
      const said: string[] = []
      const rules = compileRules({ windows: [NIGHTS], freezes: [] })
      const watch = new GateWatch({
        ...{ clock, rules: () => rules, targets: () => [], wake: () => undefined, ownersOf: () => [] },
        events: { emit: ({ kind, subject, at }) => void said.push(`${(at - START) / MINUTE_MS} ${kind} ${subject}`) },
        isDeclared: () => false,
      })
      watch.follow(known)
      watch.start()
      await clock.advance(MINUTE_MS)
      expect(said).toEqual(told)
    }
  })

  test('a machine that slept through several tells each of them', async () => {
    const { clock, events, watch } = watching({ windows: [NIGHTS] })
    clock.step(26 * 60 * MINUTE_MS)
    watch.look()
    expect(events().filter(each => !each.includes('ing '))).toEqual([
      '60 window.closed SyncWindow/nights',
      '120 window.opened SyncWindow/nights',
      '1500 window.closed SyncWindow/nights',
      '1560 window.opened SyncWindow/nights',
    ])
  })
})
