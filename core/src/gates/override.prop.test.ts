import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OverrideRow } from '../ports/gate-rows.ts'
import { compileRules } from './compile-rules.ts'
import { decide } from './decide.ts'
import {
  approveOverride,
  endOverride,
  needsReview,
  overrideRuleOf,
  recordUse,
  reviewOverride,
  revokeOverride,
  stateOfOverride,
} from './override-steps.ts'
import type { GateTrigger } from './rules.ts'
import { instant, overrideArbitrary, rulesArbitrary, target } from './testing/arbitrary-rules.ts'

const row = fc
  .record({
    approvalsNeeded: fc.integer({ min: 1, max: 3 }),
    maxUses: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    requesterMadeBy: fc.option(fc.constantFrom('ben', 'eve'), { nil: undefined }),
  })
  .map(
    ({ maxUses, requesterMadeBy, ...rest }): OverrideRow => ({
      ...{ id: '1', scope: { all: true }, covers: ['freeze', 'window'], actions: ['sync'], from: 10, until: 50 },
      ...{ reason: 'INC-1', requestedBy: 'ana', requestedAt: 0, rules: [], approvals: [], useCount: 0, uses: [] },
      ...rest,
      ...(maxUses !== undefined && { maxUses }),
      ...(requesterMadeBy !== undefined && { requesterMadeBy }),
    }),
  )

const who = fc.record(
  {
    name: fc.constantFrom('ana', 'Ana ', 'ben', 'eve', 'zoe', 'ci'),
    kind: fc.constantFrom('person' as const, 'robot' as const),
    madeBy: fc.constantFrom('ana', 'admin'),
  },
  { requiredKeys: ['name', 'kind'] },
)
const step = fc.record({
  what: fc.constantFrom('approve', 'use', 'revoke', 'review', 'end'),
  who,
  after: fc.integer({ min: 0, max: 12 }),
  operation: fc.constantFrom('a', 'b', 'c', 'd'),
})

const ENDS: readonly string[] = ['Used', 'Expired', 'Revoked']

describe('whatever is done to an override', () => {
  it('it opens only with enough second persons, no more often than it says, and never again once it is over', () => {
    fc.assert(
      fc.property(row, fc.array(step, { maxLength: 25 }), (first, steps) => {
        let [current, now] = [first, 0]
        const starts = new Set<string>()
        let over: string | undefined
        for (const { what, who: actor, after, operation } of steps) {
          now += after
          const before = stateOfOverride(current, now)
          if (over !== undefined) expect([over, ENDS.includes(before)]).toEqual([over, true])
          if (ENDS.includes(before)) over = before
          const done =
            what === 'approve'
              ? approveOverride(current, actor, now)
              : what === 'use'
                ? recordUse(current, { operation, application: 'web', at: now, by: 'ana' })
                : what === 'revoke'
                  ? revokeOverride(current, actor.name, now, '')
                  : what === 'review'
                    ? reviewOverride(current, actor, now, 'x')
                    : undefined
          if (what === 'end') current = endOverride(current, now) ?? current
          if (done?.kind === 'done') {
            if (what === 'use') {
              expect([before, starts.has(operation)]).toEqual(['Active', false])
              starts.add(operation)
            }
            current = done.row
          }
          const { approvals, approvalsNeeded, maxUses } = current
          const people = new Set(approvals.map(({ by }) => by.trim().toLowerCase()))
          expect(people.size).toBe(approvals.length)
          expect(people.has('ana')).toBe(false)
          if (current.requesterMadeBy !== undefined) expect(people.has(current.requesterMadeBy)).toBe(false)
          expect(current.useCount).toBe(starts.size)
          expect(current.useCount).toBeLessThanOrEqual(maxUses ?? Number.POSITIVE_INFINITY)
          const opens = overrideRuleOf(current) !== undefined
          if (opens) expect(people.size).toBeGreaterThanOrEqual(approvalsNeeded)
          if (stateOfOverride(current, now) === 'Active') expect(opens && now >= 10 && now < 50).toBe(true)
          if (current.review !== undefined) expect(needsReview(current, now)).toBe(false)
        }
      }),
    )
  })
})

describe('break-glass', () => {
  const trigger = fc.constantFrom<GateTrigger>('automated', 'manual', 'self-heal')

  it('never closes anything, and opens nothing without permission', () => {
    fc.assert(
      fc.property(rulesArbitrary, overrideArbitrary, instant, trigger, (rules, override, at, by) => {
        const without = compileRules({ ...rules, overrides: [] })
        const given = compileRules({ ...rules, overrides: [override] })
        const before = decide(without, target, at, { trigger: by })
        const after = decide(given, target, at, { trigger: by })
        if (before.allowed) expect([after.allowed, after.override]).toEqual([true, undefined])
        expect(decide(given, target, at, { trigger: by, permitted: false }).allowed).toBe(false)
        expect(after.layers.map(({ blockers }) => blockers)).toEqual(before.layers.map(({ blockers }) => blockers))
      }),
    )
  })

  it('opens nothing that a freeze without break-glass holds, nor without an approval', () => {
    fc.assert(
      fc.property(rulesArbitrary, overrideArbitrary, instant, trigger, (rules, override, at, by) => {
        const locked = rules.freezes.map(freeze => ({ ...freeze, breakGlass: { allowed: false } }))
        const lockedRules = { ...rules, freezes: locked }
        const before = decide(compileRules({ ...lockedRules, overrides: [] }), target, at, { trigger: by })
        const after = decide(compileRules({ ...lockedRules, overrides: [override] }), target, at, { trigger: by })
        if (!before.layers[0]!.allowed) expect(after.allowed).toBe(false)
        const nobody = { ...override, approvals: [{ by: override.requestedBy, at: 0 }] }
        const unapproved = decide(compileRules({ ...rules, overrides: [nobody] }), target, at, { trigger: by })
        const none = decide(compileRules({ ...rules, overrides: [] }), target, at, { trigger: by })
        expect(unapproved.allowed).toBe(none.allowed)
      }),
    )
  })
})
