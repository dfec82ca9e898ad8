import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../json/json.ts'
import {
  all,
  any,
  compare,
  condition,
  earlier,
  equals,
  every,
  filled,
  not,
  number,
  present,
  recent,
  same,
  some,
  someCondition,
  stale,
  starts,
  unobserved,
} from '../rules/parts.ts'
import { choose, count, difference, find, first, join, last, part, start, sum, texts } from '../rules/value-parts.ts'
import type { Line, Value } from './data-rule.ts'
import { ruleOf } from './rule-of.ts'
import { MOST_ENTRIES, MOST_STEPS } from './scope.ts'
import { LONGEST_TEXT } from './write-message.ts'

const THING: JsonObject = {
  spec: { replicas: 3, names: [], 'with.dot': 'x' },
  status: {
    phase: 'Running since noon',
    readyReplicas: 2,
    observedGeneration: 1,
    empty: '',
    conditions: [
      { type: 'Ready', status: 'False', reason: 'Why', message: 'old', observedGeneration: 1, severity: 'Info' },
      { type: 'Synced', status: 'True', reason: '' },
    ],
    other: { conditions: [{ type: 'Ready', status: 'True' }] },
    ratio: '2/3',
    seen: 3,
    began: '2026-01-01T11:50:00Z',
    ended: '2026-01-01T11:55:00Z',
    members: [
      { name: 'a', state: 'up', weight: 2, tags: ['x'] },
      { name: 'b', state: 'down', weight: 3, tags: ['y', 'z'], conditions: [{ type: 'Ready', message: 'no disk' }] },
      { name: 'c', state: 'down' },
    ],
    zones: { west: { state: 'up' }, east: { state: 'down', name: 'east one' } },
  },
}

const HOLDS: { readonly [sentence: string]: readonly [Line[0], boolean] } = {
  'a condition of this type and status': [condition('Ready', 'False'), true],
  'a condition of this type and another status': [condition('Ready', 'True'), false],
  'one of several types': [condition(['Absent', 'Synced'], 'True'), true],
  'a condition that is not True': [condition('Ready', undefined, { notStatuses: ['True'] }), true],
  'a condition for one of these reasons': [condition('Ready', 'False', { reasons: ['Why', 'Else'] }), true],
  'a condition for no reason': [condition('Synced', 'True', { notReasons: [''] }), false],
  'a condition of another severity': [condition('Ready', 'False', { notSeverities: ['Info'] }), false],
  'a condition of an earlier generation': [condition('Ready', 'False', { current: true }), false],
  'a condition that says no generation': [condition('Synced', 'True', { current: true }), true],
  'a condition elsewhere': [condition('Ready', 'True', { at: ['status', 'other', 'conditions'] }), true],
  'any condition': [someCondition({ statuses: ['Unknown'] }), false],
  'a field with one of these values': [equals('spec.replicas', 1, 3), true],
  'a field whose name has a dot': [equals(['spec', 'with.dot'], 'x'), true],
  'a field that is there': [present('status.empty'), true],
  'a field that has something in it': [filled('status.empty'), false],
  'a list that has something in it': [filled('spec.names'), false],
  'a text that begins so': [starts('status.phase', 'Running'), true],
  'a number': [number('status.readyReplicas'), true],
  'a text that is a number': [number('status.conditions'), false],
  'an absent number': [number('status.absent'), false],
  'two fields that read the same': [same('spec.replicas', 'status.seen'), true],
  'two fields that read differently': [same('spec.replicas', 'status.readyReplicas'), false],
  'two absent fields': [same('spec.absent', 'status.absent'), true],
  'a time before another': [earlier('status.began', 'status.ended'), true],
  'a time after another': [earlier('status.ended', 'status.began'), false],
  'an absent time is before none': [earlier('status.absent', 'status.began'), false],
  'a time less than ten minutes ago': [recent('status.ended', 600), true],
  'a time ten minutes ago': [recent('status.began', 600), false],
  'no time at all': [recent('status.phase', 600), false],
  'an entry of a list': [some('status.members', equals('entry.state', 'down')), true],
  'a value of an object': [some('status.zones', equals('entry.name', 'east one')), true],
  'an entry of no list': [some('status.phase', present('entry')), false],
  'an entry of a list of lists': [some('status.members.*.tags', equals('entry', 'z')), true],
  'an entry with a condition': [
    some('status.members', condition('Ready', undefined, { at: ['entry', 'conditions'] })),
    true,
  ],
  'every entry': [every('status.members', present('entry.name')), true],
  'not every entry': [every('status.members', equals('entry.state', 'down')), false],
  'every entry of none': [every('status.absent', equals('entry.state', 'down')), true],
  'what is no number compares with nothing': [compare('status.phase', '<', 1), false],
  'a text of digits compares as its number': [compare('$ready', '<', '$total'), true],
  'as many are not fewer': [compare('spec.replicas', '<', 'status.seen'), false],
  'as many are not more': [compare('spec.replicas', '>', 'status.seen'), false],
  'fewer than': [compare('status.readyReplicas', '<', 'spec.replicas'), true],
  'a missing number is 0': [compare('status.absent', '=', 0), true],
  'a status of another generation': [stale(), true],
  'a generation that is not said is not stale': [stale('status.absent'), false],
  'a generation that is not said is not observed': [unobserved('status.absent'), true],
  'all of them': [all(present('spec'), present('absent')), false],
  'any of them': [any(present('spec'), present('absent')), true],
  not: [not(present('absent')), true],
}

const MESSAGES: { readonly [template: string]: string } = {
  '{kind} {name}': 'Thing a',
  '{condition.message}': 'old',
  '{Synced.status}': 'True',
  '{status.readyReplicas} of {spec.replicas}': '2 of 3',
  "{status.absent|condition.reason|'nothing'}": 'Why',
  "{status.absent|'nothing'}": 'nothing',
  '{status.empty}': '',
  '{status.absent}': '',
  '{status}': '',
  '{$down} of {$members}': '2 of 3',
  '{$weight} {$missing}': '5 1',
  '{$names}': 'b (no disk), c',
  '{$untilDown}': '1 a; 2 b',
  '{$zones}': 'east one/?',
  '{$mood}': 'b is down',
  '{$nothing}': 'nothing',
  '{$firstDown.name} {$last.name}': 'b c',
  '{$short}': 'Run',
  '{$ready} and {$total}': '2 and 3',
  '{$some}': 'x+y',
  '{$unknown}': '',
  '{$tagged}': 'a: none, b: z of b, c: none',
}

const NOW = Date.parse('2026-01-01T12:00:00Z')
const DOWN = equals('entry.state', 'down')

const VALUES: { readonly [name: string]: Value } = {
  members: count('status.members'),
  down: count('status.members', DOWN),
  weight: sum('status.members.*.weight'),
  missing: difference('spec.replicas', 'status.readyReplicas'),
  names: join('status.members', '{entry.name}{$why}', {
    where: DOWN,
    values: { said: find('entry.conditions'), why: choose([[present('$said'), ' ({$said.message})']], '') },
  }),
  untilDown: join('status.members', '{index} {entry.name}', { through: DOWN, separator: '; ' }),
  zones: join('status.zones', "{entry.name|'?'}", { separator: '/' }),
  mood: choose([[some('status.members', DOWN), '{entry.name} is down']], 'all is well'),
  nothing: first(['status.absent', 'status.empty'], 'nothing'),
  firstDown: find('status.members', DOWN),
  last: last('status.members'),
  short: start('status.phase', 3),
  ready: part('status.ratio', '/', 0),
  total: part('status.ratio', '/', 1),
  some: texts('+', 'x', '', 'y'),
  tagged: join('status.members', '{entry.name}: {$tag}', {
    values: {
      owner: texts('', '{entry.name}'),
      tag: choose([[some('entry.tags', equals('entry', 'z')), '{entry} of {$owner}']], 'none'),
    },
  }),
}

function assess(lines: readonly Line[]) {
  const object = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a', generation: 2 }, ...THING }
  return ruleOf({ values: VALUES, lines, otherwise: ['Unknown', 'none'] })(object, { now: NOW })
}

describe('a line holds for', () => {
  it.each(Object.entries(HOLDS))('%s', (_sentence, [when, holds]) => {
    expect(assess([[when, 'Healthy']])).toEqual(holds ? { status: 'Healthy' } : { status: 'Unknown', message: 'none' })
  })
})

describe('a message', () => {
  it.each(Object.entries(MESSAGES))('%s', (template, text) => {
    expect(assess([[condition('Ready'), 'Degraded', template]]).message ?? '').toBe(text)
  })
})

it('quotes the entry and the condition that a line found', () => {
  const at = ['entry', 'conditions']
  const line: Line = [
    some('status.members', condition('Ready', undefined, { at })),
    'Degraded',
    '{entry.name}: {condition.message}',
  ]
  expect(assess([line])).toEqual({ status: 'Degraded', message: 'b: no disk' })
})

it('quotes what the first of several tests found', () => {
  const both = all(present('spec'), some('status.members', DOWN), condition('Synced'))
  expect(assess([[both, 'Degraded', '{entry.name} {condition.type}']]).message).toBe('b ')
  const either = any(condition('Absent'), condition('Synced'), some('status.members', DOWN))
  expect(assess([[either, 'Degraded', '{entry.name} {condition.type}']]).message).toBe(' Synced')
})

it('is Unknown when a rule goes through too many entries', () => {
  const list = Array.from({ length: 400 }, (_, index) => ({ index }))
  const never = equals('entry.index', -1)
  const rule = ruleOf({
    lines: [[some('status.list', some('status.list', never)), 'Healthy']],
    otherwise: ['Degraded'],
  })
  const object = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: {}, status: { list } }
  expect(rule(object, {})).toEqual({
    status: 'Unknown',
    message: `the rule looks at more than ${MOST_ENTRIES} entries`,
  })
})

describe('is Unknown when it takes too long, though the entries are few enough', () => {
  const entries = (length: number): Json[] => Array.from({ length }, () => 0)
  const keys = Object.fromEntries(entries(20_000).map((_, index) => [`k${index}`, 0]))
  const never = all(filled('status.keys'), equals('entry', 'x'))
  const cases: Record<string, Line> = {
    'for its tests': [some('status.list', any(...entries(200).map(() => equals('entry', 1, 2)))), 'Healthy'],
    'for the keys of an object': [some('status.list', never), 'Healthy'],
    'for a text in parts': [present('$parts'), 'Healthy'],
    'for long texts that are nearly the same': [some('status.list', same('status.twin', 'status.text')), 'Healthy'],
    'for long times of which neither is earlier': [
      some('status.list', earlier('status.twin', 'status.text')),
      'Healthy',
    ],
    'for the fields of a message': [equals('$fields', 'x'), 'Healthy'],
  }
  const values: { [name: string]: Value } = {
    parts: join('status.list', '{$one}', { separator: '', values: { one: part('status.text', ';', 1) } }),
    fields: join('status.list', '{entry.a}'.repeat(100), { separator: '' }),
  }
  it.each(Object.entries(cases))('%s', (_, line) => {
    const text = 'x'.repeat(100_000)
    const status = { list: entries(50_000), keys, text: `${text}y`, twin: `${text}z` }
    const rule = ruleOf({ values, lines: [line], otherwise: ['Degraded'] })
    expect(rule({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: {}, status }, {})).toEqual({
      status: 'Unknown',
      message: `the rule takes more than ${MOST_STEPS} steps`,
    })
  })

  it('for a condition that every entry looks for', () => {
    const status = { list: entries(1_000), conditions: entries(1_000).map(() => ({ type: 'Other' })) }
    const rule = ruleOf({
      values: { told: join('status.list', '{Ready.reason}', { separator: '' }) },
      lines: [],
      otherwise: ['Healthy', '{$told}'],
    })
    expect(rule({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: {}, status }, {})).toEqual({
      status: 'Unknown',
      message: `the rule looks at more than ${MOST_ENTRIES} entries`,
    })
  })
})

it('reads no more of a long list than a message has room for', () => {
  const list = Array.from({ length: 400_000 }, (_, index) => index)
  const rule = ruleOf({
    values: { told: texts('', ...Array.from({ length: 200 }, () => '{status.list}'.repeat(70))) },
    lines: [],
    otherwise: ['Healthy', '{$told}'],
  })
  const { message } = rule({ apiVersion: 'v1', kind: 'Thing', metadata: {}, status: { list } }, {})
  expect(message).toBe(list.join(', ').slice(0, LONGEST_TEXT))
})

it('writes no endless text', () => {
  const values: { [name: string]: Value } = { t0: texts('', 'x'.repeat(100)) }
  for (let index = 1; index < 60; index++) values[`t${index}`] = texts('', `{$t${index - 1}}`, `{$t${index - 1}}`)
  const rule = ruleOf({ values, lines: [], otherwise: ['Healthy', '{$t59}'] })
  expect(rule({ apiVersion: 'v1', kind: 'Thing', metadata: {} }, {}).message).toHaveLength(LONGEST_TEXT)
})

it('takes the first line that holds', () => {
  expect(
    assess([
      [present('absent'), 'Healthy'],
      [present('spec'), 'Degraded'],
      [present('spec'), 'Healthy'],
    ]).status,
  ).toBe('Degraded')
})
