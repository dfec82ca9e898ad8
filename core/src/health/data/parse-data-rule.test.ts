import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../json/json.ts'
import { describedKinds } from '../kinds/described-kinds.ts'
import { SHIPPED_RULES } from '../rules/shipped-rules.ts'
import type { DataRule, Value } from './data-rule.ts'
import { parseDataRule, RULE_LIMITS } from './parse-data-rule.ts'

const WHEN = { kind: 'present', at: 'status' }
const OTHERWISE = { status: 'Progressing' }

function ruleWith(when: Json, values?: JsonObject): JsonObject {
  return { ...(values && { values }), lines: [{ when, status: 'Healthy' }], otherwise: OTHERWISE }
}

function mistakesOf(document: Json): readonly string[] {
  const parsed = parseDataRule(document)
  return parsed.kind === 'rule' ? [] : parsed.mistakes.map(({ at, message }) => `${at} ${message}`)
}

describe('parseDataRule', () => {
  it('reads what is written shortly', () => {
    const parsed = parseDataRule({
      values: {
        down: { kind: 'count', of: 'status.members', where: { kind: 'equals', at: 'entry.up', oneOf: false } },
      },
      lines: [
        { when: { kind: 'condition', types: 'Ready', statuses: ['False'] }, status: 'Degraded', message: '{$down}' },
        { when: { kind: 'equals', at: ['metadata', 'labels', 'a.b/c'], oneOf: ['x', 1] }, status: 'Healthy' },
      ],
      otherwise: { status: 'Progressing', message: 'Waiting' },
    })
    expect(parsed).toEqual({
      kind: 'rule',
      rule: {
        values: {
          down: {
            kind: 'count',
            of: ['status', 'members'],
            where: { kind: 'equals', at: ['entry', 'up'], oneOf: [false] },
          },
        },
        lines: [
          [{ kind: 'condition', types: ['Ready'], statuses: ['False'] }, 'Degraded', '{$down}'],
          [{ kind: 'equals', at: ['metadata', 'labels', 'a.b/c'], oneOf: ['x', 1] }, 'Healthy'],
        ],
        otherwise: ['Progressing', 'Waiting'],
      },
    })
  })

  it('reads every shipped rule as it is', () => {
    for (const { kinds, data } of [...SHIPPED_RULES, ...describedKinds]) {
      const parsed = parseDataRule(JSON.parse(JSON.stringify(documentOf(data))) as Json)
      expect({ kinds, parsed }).toEqual({ kinds, parsed: { kind: 'rule', rule: data } })
    }
  })

  const WRONG: { readonly [sentence: string]: readonly [Json, ...string[]] } = {
    'a rule is a mapping': [
      'text',
      'the rule is a mapping',
      'lines is a list',
      'otherwise is a mapping',
      'otherwise.status is one of Healthy, Suspended, Progressing, Missing, Degraded, Unknown',
    ],
    'a rule says what holds otherwise': [
      { lines: [] },
      'otherwise is a mapping',
      'otherwise.status is one of Healthy, Suspended, Progressing, Missing, Degraded, Unknown',
    ],
    'a field that is none is told': [
      { lines: [], otherwise: OTHERWISE, rules: [] },
      'rules is no field here; there are values, lines, otherwise',
    ],
    'a test is of a kind': [
      ruleWith({ kind: 'matches', at: 'status' }),
      'lines[0].when.kind is one of condition, equals, present, filled, starts, number, compare, same, earlier, recent, stale, some, all, any, not',
    ],
    'a field of another kind is told': [
      ruleWith({ ...WHEN, oneOf: [1] }),
      'lines[0].when.oneOf is no field of present; it has at',
    ],
    'a field that is needed is missed': [
      ruleWith({ kind: 'equals', at: 'status' }),
      'lines[0].when.oneOf is missing: equals needs it',
    ],
    'a test in a test says where it is': [
      ruleWith({ kind: 'all', of: [WHEN, { kind: 'not', test: { kind: 'present', at: 7 } }] }),
      'lines[0].when.of[1].test.at is no path: names with a dot between them, or a list of names',
    ],
    'a path has names': [
      ruleWith({ kind: 'present', at: 'status..phase' }),
      'lines[0].when.at is no path: names with a dot between them, or a list of names',
    ],
    'a value is named after it is worked out': [
      ruleWith({ kind: 'compare', at: '$down', operator: '>', to: 1 }),
      'lines[0].when.at names the value $down, which is not worked out before',
    ],
    'a value does not name itself': [
      ruleWith(WHEN, { a: { kind: 'texts', of: ['{$a}'], separator: '' } }),
      'values.a.of[0] has {$a}, which names the value $a, which is not worked out before',
    ],
    'two values have two names': [
      ruleWith(WHEN, {
        a: { kind: 'count', of: 'status' },
        b: { kind: 'join', of: 'status', each: '', separator: '', values: { a: { kind: 'count', of: 'entry' } } },
      }),
      'values.b.values.a is the name of another value',
    ],
    'a name is a word': [
      ruleWith(WHEN, { 'a.b': { kind: 'count', of: 'status' } }),
      'values.a.b is no name: a small letter, then letters and digits',
    ],
    'an entry is of a list': [
      ruleWith({ kind: 'present', at: 'entry.name' }),
      'lines[0].when.at names an entry, and there is no list here',
    ],
    'a condition is of a message': [
      ruleWith({ kind: 'present', at: 'condition.x' }),
      'lines[0].when.at names a condition, which only a message can',
    ],
    'each of a list is not one value': [
      ruleWith({ kind: 'present', at: 'status.*.x' }),
      'lines[0].when.at has a *, and is to be one value',
    ],
    'a comparison has an operator': [
      ruleWith({ kind: 'compare', at: 'status.a', operator: '<=', to: 1 }),
      'lines[0].when.operator is one of <, =, >',
    ],
    'a message has pairs of braces': [
      { lines: [], otherwise: { status: 'Healthy', message: "{status.phase and {status.a|'b}" } },
      "otherwise.message has {'b}, whose quotes do not end",
      'otherwise.message has a brace that names nothing',
    ],
    'a status is one of six': [
      { lines: [{ when: WHEN, status: 'Fine' }], otherwise: OTHERWISE },
      'lines[0].status is one of Healthy, Suspended, Progressing, Missing, Degraded, Unknown',
    ],
    'a text has an end': [
      ruleWith({ kind: 'starts', at: 'status.a', prefix: 'x'.repeat(RULE_LIMITS.text + 1) }),
      `lines[0].when.prefix has more than ${RULE_LIMITS.text} characters`,
    ],
    'a list has an end': [
      ruleWith({ kind: 'equals', at: 'status.a', oneOf: Array.from({ length: RULE_LIMITS.members + 1 }, () => 1) }),
      `lines[0].when.oneOf has more than ${RULE_LIMITS.members} members`,
    ],
    'tests in tests have an end': [
      ruleWith(Array.from({ length: 20 }).reduce<JsonObject>(test => ({ kind: 'not', test }), WHEN)),
      `lines[0].when${'.test'.repeat(13)} is more than ${RULE_LIMITS.depth} tests deep`,
    ],
  }

  it.each(Object.entries(WRONG))('%s', (_sentence, [document, ...mistakes]) => {
    expect(mistakesOf(document)).toEqual(mistakes)
  })

  it('has an end itself', () => {
    const of = Array.from({ length: RULE_LIMITS.members }, () => WHEN)
    const any = Array.from({ length: 11 }, () => ({ kind: 'any', of }))
    expect(mistakesOf(ruleWith({ kind: 'all', of: any })).at(0)).toContain(`more than ${RULE_LIMITS.parts} parts`)
  })
})

/** As somebody would write it. */
function documentOf({ values, lines, otherwise }: DataRule): JsonObject {
  return {
    ...(values && { values: valuesDocument(values) }),
    lines: lines.map(([when, status, message]) => ({ when, status, message })),
    otherwise: { status: otherwise[0], message: otherwise[1] },
  } as unknown as JsonObject
}

function valuesDocument(values: { readonly [name: string]: Value }): object {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueDocument(value)]))
}

function valueDocument(value: Value): object {
  if (value.kind === 'choose') return { ...value, lines: value.lines.map(([when, text]) => ({ when, text })) }
  return value.kind === 'join' && value.values ? { ...value, values: valuesDocument(value.values) } : value
}
