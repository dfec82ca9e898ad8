import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from './civil-time.ts'
import { compileRules } from './compile-rules.ts'
import { decide, nextChange } from './decide.ts'
import type { FreezeRule, GateRules, GateTarget, OverrideRule, WindowRule } from './rules.ts'
import { timeline } from './timeline.ts'

const START = Date.UTC(2026, 9, 23)
const DAYS = 5

const target: GateTarget = {
  name: 'checkout',
  project: 'shop',
  labels: { tier: 'gold' },
  destination: { name: 'eu-1', namespace: 'shop' },
  cluster: { name: 'eu-1', servers: [], labels: {}, environment: 'prod', timeZone: 'Europe/Berlin' },
}

const scope = fc.constantFrom({ all: true }, { projects: ['shop'] }, { projects: ['bank'] }, { environments: ['prod'] })
const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC', 'cluster')

const windowArbitrary: fc.Arbitrary<Omit<WindowRule, 'name'>> = fc.record({
  level: fc.constant('team' as const),
  kind: fc.constantFrom('allow', 'deny'),
  schedule: fc
    .tuple(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 23 }), fc.constantFrom('*', '0,6', 'mon-fri'))
    .map(([minute, hour, days]) => `${minute} ${hour} * * ${days}`),
  duration: fc.integer({ min: 1, max: 1500 }).map(minutes => `${minutes}m`),
  timeZone: zone,
  select: scope.map(each => ({ kind: 'scope' as const, scope: each })),
  manualSync: fc.boolean(),
  syncOverrun: fc.boolean(),
})

const time = fc.integer({ min: -24, max: (DAYS + 1) * 24 }).map(hours => START + hours * HOUR_MS)
const shown = (at: number): string => new Date(at).toISOString()

const freezeArbitrary: fc.Arbitrary<Omit<FreezeRule, 'name'>> = fc.record({
  level: fc.constant('organisation' as const),
  freeze: fc.constantFrom('hard' as const, 'soft' as const),
  reason: fc.constant('closing'),
  scope,
  when: fc
    .tuple(time, fc.integer({ min: 1, max: 60 }))
    .map(([from, hours]) => [{ from: shown(from).slice(0, 16), until: shown(from + hours * HOUR_MS).slice(0, 16) }]),
  timeZone: zone,
  exclude: fc.constantFrom<FreezeRule['exclude']>([], [{ projects: ['shop'], reason: 'sells', expires: '2026-10-25' }]),
  breakGlass: fc.constantFrom({ allowed: false }, { allowed: true, maxDuration: '100h' }),
})

const overrideArbitrary: fc.Arbitrary<OverrideRule> = fc.record({
  name: fc.constant('Override/one'),
  scope,
  covers: fc.subarray(['freeze' as const, 'window' as const], { minLength: 1 }),
  actions: fc.constant(['sync' as const]),
  from: time,
  until: time,
  includeAutomated: fc.boolean(),
  reason: fc.constant('it burns'),
  requestedBy: fc.constant('anna'),
  approvals: fc.constantFrom([], [{ by: 'bela', at: 0 }]),
  uses: fc.constant(0),
})

const rulesArbitrary: fc.Arbitrary<GateRules> = fc.record({
  windows: fc
    .array(windowArbitrary, { maxLength: 4 })
    .map(list => list.map((one, index) => ({ ...one, name: `SyncWindow/${index}` }))),
  freezes: fc
    .array(freezeArbitrary, { maxLength: 3 })
    .map(list => list.map((one, index) => ({ ...one, name: `FreezePeriod/${index}` }))),
  overrides: fc.array(overrideArbitrary, { maxLength: 2 }),
})

const TRIGGERS = ['automated', 'manual'] as const
const instant = fc.integer({ min: 0, max: DAYS * 1440 - 1 }).map(minute => START + minute * 60_000 + 30_000)

describe('laws of the gates', () => {
  test('the timeline says of every instant what the decision at that instant says', () => {
    fc.assert(
      fc.property(rulesArbitrary, fc.array(instant, { minLength: 1, maxLength: 30 }), (rules, instants) => {
        const compiled = compileRules(rules)
        const line = timeline(compiled, target, START, START + DAYS * DAY_MS)
        for (const at of [...instants, ...line.map(({ from }) => from), ...line.map(({ to }) => to - 1)]) {
          const stretch = line.find(({ from, to }) => from <= at && at < to)!
          for (const trigger of TRIGGERS) {
            const decision = decide(compileRules(rules), target, at, { trigger })
            expect([at, trigger, decision.allowed]).toEqual([at, trigger, stretch[trigger] === 'open'])
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a timeline has no gap, and no two stretches that say the same', () => {
    fc.assert(
      fc.property(rulesArbitrary, rules => {
        const line = timeline(compileRules(rules), target, START, START + DAYS * DAY_MS)
        expect([line[0]!.from, line.at(-1)!.to]).toEqual([START, START + DAYS * DAY_MS])
        for (const [index, one] of line.entries()) {
          const next = line[index + 1]
          if (next === undefined) continue
          expect(next.from).toBe(one.to)
          expect([next.automated, next.manual]).not.toEqual([one.automated, one.manual])
        }
      }),
    )
  })

  test('nothing changes before the next change, and something does at it', () => {
    fc.assert(
      fc.property(rulesArbitrary, instant, fc.double({ min: 0, max: 1, noNaN: true }), (rules, now, share) => {
        const compiled = compileRules(rules)
        const answers = (at: number) => TRIGGERS.map(trigger => decide(compiled, target, at, { trigger }).allowed)
        const change = nextChange(compiled, target, now)
        const end = change ?? now + 30 * DAY_MS
        expect(answers(Math.min(end - 1, now + Math.floor((end - now) * share)))).toEqual(answers(now))
        if (change !== undefined) expect(answers(change)).not.toEqual(answers(now))
      }),
      { numRuns: 200 },
    )
  })

  test('a deny, a freeze or one override less never opens anything', () => {
    const more = fc.oneof(
      // One that lets manual syncs pass hides inactive allows from them, as in Argo CD: so not among these.
      windowArbitrary.map(window => ({
        window: { ...window, kind: 'deny', manualSync: false, name: 'SyncWindow/more' },
      })),
      freezeArbitrary.map(freeze => ({ freeze: { ...freeze, name: 'FreezePeriod/more' } })),
      fc.constant({ override: true }),
    )
    fc.assert(
      fc.property(rulesArbitrary, more, instant, fc.constantFrom(...TRIGGERS), (rules, added, at, trigger) => {
        const after: GateRules = {
          windows: 'window' in added ? [...rules.windows, added.window] : rules.windows,
          freezes: 'freeze' in added ? [...rules.freezes, added.freeze] : rules.freezes,
          overrides: 'override' in added ? rules.overrides!.slice(1) : rules.overrides!,
        }
        const allowed = (given: GateRules) => decide(compileRules(given), target, at, { trigger }).allowed
        if (allowed(after)) expect(allowed(rules)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('the order of rules says nothing', () => {
    fc.assert(
      fc.property(rulesArbitrary, instant, fc.constantFrom(...TRIGGERS), (rules, at, trigger) => {
        const turned = { ...rules, windows: rules.windows.toReversed(), freezes: rules.freezes.toReversed() }
        const allowed = (given: GateRules) => decide(compileRules(given), target, at, { trigger }).allowed
        expect(allowed(turned)).toBe(allowed(rules))
      }),
    )
  })

  test('what was asked before changes no answer', () => {
    fc.assert(
      fc.property(rulesArbitrary, fc.array(instant, { minLength: 2, maxLength: 6 }), (rules, instants) => {
        const asked = compileRules(rules)
        for (const at of instants) {
          const fresh = decide(compileRules(rules), target, at, { trigger: 'manual' })
          expect(decide(asked, target, at, { trigger: 'manual' })).toEqual(fresh)
        }
      }),
    )
  })
})
