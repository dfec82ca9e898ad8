import { luaHealthRule, luaMistake } from '@flotilla/core/health/custom/lua-rule'
import type { ConditionTest, DataRule, Path, Test } from '@flotilla/core/health/data-rule'
import { ruleOf } from '@flotilla/core/health/data-rule'
import { SHIPPED_RULES } from '@flotilla/core/health/rules/shipped-rules'
import type { Json } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { luaOfRule } from './lua-of-rule.ts'

const RULES = SHIPPED_RULES.flatMap(({ kinds, data }) => (data ? [{ kinds, data }] : []))
/** A script needs a millisecond; each rule is asked about so many objects. */
const RUNS = 12

describe('a shipped rule that is data', () => {
  it('is most of what is shipped', () => {
    expect(RULES.length).toBeGreaterThan(SHIPPED_RULES.length * 0.7)
  })

  it('says the same of every object when it is written as a script', () => {
    for (const { kinds, data } of RULES) {
      const script = luaOfRule(data)
      expect([kinds, luaMistake(script)]).toEqual([kinds, undefined])
      const [asData, asLua] = [ruleOf(data), luaHealthRule(script, () => 0)]
      fc.assert(
        fc.property(objectsFor(data), object => {
          const expected = asData(object, {})
          const told = asLua.assess(object)
          expect({ kinds, object, told }).toEqual({ kinds, object, told: expected })
        }),
        { numRuns: RUNS },
      )
    }
  }, 120_000)
})

/** What the rule asks about, so that its lines hold now and then. */
function objectsFor(rule: DataRule): fc.Arbitrary<KubernetesObject> {
  const tests = rule.lines.flatMap(([when]) => parts(when))
  const conditions = tests.filter(test => test.kind === 'condition')
  const lists = new Map(conditions.map(test => [(test.at ?? ['status', 'conditions']).join('.'), test.at]))
  const fields = tests.flatMap(fieldOf)
  const base = fc.record({
    name: fc.constantFrom('web', 'a.b'),
    generation: fc.constantFrom(undefined, 1, 2),
    lists: fc.tuple(...[...lists.values()].map(() => fc.array(conditionFor(conditions), { maxLength: 4 }))),
    fields: fc.tuple(...fields.map(({ values }) => fc.option(fc.constantFrom(...values), { nil: undefined }))),
  })
  return base.map(({ name, generation, lists: found, fields: values }) => {
    const metadata = { name, ...(generation === undefined ? {} : { generation }) }
    const object: Draft = { apiVersion: 'example.com/v1', kind: 'Thing', metadata }
    for (const [index, at] of [...lists.values()].entries()) put(object, at ?? ['status', 'conditions'], found[index]!)
    for (const [index, { at }] of fields.entries()) if (values[index] !== undefined) put(object, at, values[index])
    return object as unknown as KubernetesObject
  })
}

function parts(test: Test): readonly Test[] {
  if (test.kind === 'not') return parts(test.test)
  return test.kind === 'count' ? test.of.flatMap(parts) : [test]
}

function conditionFor(tests: readonly ConditionTest[]): fc.Arbitrary<Json> {
  const words = (pick: (test: ConditionTest) => readonly (readonly string[] | undefined)[], ...more: string[]) =>
    fc.constantFrom(...new Set([...tests.flatMap(test => pick(test).flatMap(list => list ?? [])), ...more]))
  return fc.record(
    {
      type: words(({ types, notTypes }) => [types, notTypes], 'Ready', 'Other'),
      status: words(({ statuses, notStatuses }) => [statuses, notStatuses], 'True', 'False', 'Unknown'),
      reason: words(({ reasons, notReasons }) => [reasons, notReasons], 'Because'),
      message: words(({ messages }) => [messages], 'all is "well" \\ é\n', ''),
      severity: words(({ severities, notSeverities }) => [severities, notSeverities], 'Info'),
      observedGeneration: fc.constantFrom(1, 2),
    },
    { requiredKeys: ['type', 'status'] },
  ) as fc.Arbitrary<Json>
}

function fieldOf(test: Test): readonly { readonly at: Path; readonly values: readonly Json[] }[] {
  switch (test.kind) {
    case 'value':
      return [{ at: test.at, values: [...test.oneOf, 'other', 0, false] }]
    case 'present':
    case 'filled':
      return [{ at: test.at, values: ['x', '', 1, true, ['a', 'b'], [], {}, { a: 'b' }] }]
    case 'starts':
      return [{ at: test.at, values: [test.prefix, `${test.prefix} and more`, '', 7] }]
    case 'compare': {
      const numbers = [0, 1, 2, 3, ...(typeof test.to === 'number' ? [test.to, test.to + 1] : []), 'no number']
      const other = typeof test.to === 'number' ? [] : [{ at: test.to, values: numbers }]
      return [{ at: test.at, values: numbers }, ...other]
    }
    case 'stale':
      return [{ at: test.at, values: [1, 2, '1', '2'] }]
    default:
      return []
  }
}

type Draft = { [key: string]: Json | Draft | undefined }

/** Nothing where something of another shape stands in the way. */
function put(object: Draft, path: Path, value: Json): void {
  const [first = '', ...rest] = path
  if (rest.length === 0) {
    if (!Object.hasOwn(object, first)) object[first] = value
    return
  }
  const next = object[first] ?? {}
  if (typeof next !== 'object' || Array.isArray(next)) return
  object[first] = next
  put(next as Draft, rest, value)
}
