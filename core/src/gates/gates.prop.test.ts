import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY_MS } from './civil-time.ts'
import { compileRules } from './compile-rules.ts'
import { decide, nextChange } from './decide.ts'
import type { GateRules } from './rules.ts'
import {
  DAYS,
  freezeArbitrary,
  instant,
  rulesArbitrary,
  START,
  target,
  windowArbitrary,
} from './testing/arbitrary-rules.ts'
import { timeline } from './timeline.ts'

const TRIGGERS = ['automated', 'manual'] as const

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

  test('no window opens what those of another rhythm close, whatever it is', () => {
    fc.assert(
      fc.property(
        rulesArbitrary,
        windowArbitrary,
        instant,
        fc.constantFrom(...TRIGGERS),
        (rules, more, at, trigger) => {
          const added = { ...more, name: 'SyncWindow/more', rhythm: 'another' }
          const allowed = (given: GateRules) => decide(compileRules(given), target, at, { trigger }).allowed
          if (allowed({ ...rules, windows: [...rules.windows, added] })) expect(allowed(rules)).toBe(true)
        },
      ),
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

  test('rules that were made from those before say what they say made anew', () => {
    const others = ['shop', 'bank', 'shop'].map((project, index) => ({ ...target, name: `other-${index}`, project }))
    const targets = [target, ...others]
    fc.assert(
      fc.property(fc.array(rulesArbitrary, { minLength: 2, maxLength: 4 }), instant, (sets, at) => {
        let previous: ReturnType<typeof compileRules> | undefined
        for (const given of sets) {
          // An edit leaves most rules as they are: half of each set is that of the one before.
          const first = sets[0]!
          const rules = { ...given, windows: [...first.windows.slice(0, 2), ...given.windows.slice(2)] }
          const next = compileRules(rules, previous)
          const fresh = compileRules(rules)
          for (const each of targets) {
            for (const trigger of TRIGGERS) {
              const question = { trigger } as const
              expect(decide(next, each, at, question).layers).toEqual(decide(fresh, each, at, question).layers)
            }
            expect(nextChange(next, each, at)).toBe(nextChange(fresh, each, at))
          }
          previous = next
        }
      }),
      { numRuns: 100 },
    )
  })
})
