import { type CompiledRules, compileRules } from '@flotilla/core/gates/compile-rules'
import type { FreezeRule, GateRules, GateTarget, WindowRule } from '@flotilla/core/gates/rules'
import type { Hold } from '@flotilla/core/model/hold'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import type { GateEvent } from '../gate-desk/gate-events.ts'
import { sampleApplication } from '../store/sample-rows.ts'
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
  })
  watch.start()
  const change = (next: Partial<GateRules>): void => {
    const before = { ...NO_RULES, rules }
    rules = compileRules({ windows: [], freezes: [], ...next }, rules)
    const after = { ...NO_RULES, rules }
    watch.rulesChanged({ before, after, rules: rules.rules, concerns: () => true })
  }
  const events = (): string[] =>
    told.splice(0).map(({ kind, subject, at }) => `${Math.round((at - START) / MINUTE_MS)} ${kind} ${subject}`)
  return { clock, watch, told, events, change, wakes: () => wakes }
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
