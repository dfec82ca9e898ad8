import { luaHealthRule, luaMistake } from '@flotilla/core/health/custom/lua-rule'
import { ruleOf } from '@flotilla/core/health/data/rule-of'
import { describedKinds } from '@flotilla/core/health/kinds/described-kinds'
import { SHIPPED_RULES } from '@flotilla/core/health/rules/shipped-rules'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { luaOfRule } from './lua-of-rule.ts'
import { objectsFor } from './objects-for-rule.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
/** A script needs a millisecond; each rule is asked about so many objects. */
const RUNS = 8

it('every shipped rule says the same of every object when it is written as a script', () => {
  const decided = new Map<string, Set<string>>()
  for (const { kinds, data } of [...SHIPPED_RULES, ...describedKinds]) {
    const script = luaOfRule(data)
    expect([kinds, luaMistake(script)]).toEqual([kinds, undefined])
    const [asData, asLua] = [ruleOf(data), luaHealthRule(script, () => NOW)]
    const statuses = new Set<string>()
    fc.assert(
      fc.property(objectsFor(data), object => {
        const expected = asData(object, { now: NOW })
        const told = asLua.assess(object)
        statuses.add(expected.status)
        expect({ kinds, object, told }).toEqual({ kinds, object, told: expected })
      }),
      { numRuns: RUNS },
    )
    decided.set(kinds[0]!, statuses)
  }
  // Objects that reach one line only would prove nothing.
  const varied = [...decided.values()].filter(({ size }) => size > 1).length
  expect(varied).toBeGreaterThan(decided.size * 0.5)
}, 120_000)
