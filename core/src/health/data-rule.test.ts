import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import { type Line, ruleOf } from './data-rule.ts'
import {
  all,
  any,
  compare,
  condition,
  equals,
  filled,
  not,
  present,
  someCondition,
  stale,
  starts,
  unobserved,
} from './rules/parts.ts'

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
}

function assess(lines: readonly Line[]) {
  const object = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a', generation: 2 }, ...THING }
  return ruleOf({ lines, otherwise: ['Unknown', 'none'] })(object, {})
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

it('takes the first line that holds', () => {
  expect(
    assess([
      [present('absent'), 'Healthy'],
      [present('spec'), 'Degraded'],
      [present('spec'), 'Healthy'],
    ]).status,
  ).toBe('Degraded')
})
