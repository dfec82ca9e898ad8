import type { JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { flatten } from './flatten.ts'
import { LIMITS } from './limits.ts'
import { normalize } from './normalize.ts'

describe('flatten', () => {
  const table: { [sentence: string]: [JsonObject, JsonObject] } = {
    'keys are joined with dots': [{ a: { b: { c: 'x' } } }, { 'a.b.c': 'x' }],
    'lists go by index': [{ a: ['x', { b: 'y' }] }, { 'a.0': 'x', 'a.1.b': 'y' }],
    'leaves become texts': [
      { a: true, b: 8080, c: null, d: 1234567 },
      { a: 'true', b: '8080', c: '<nil>', d: '1.234567e+06' },
    ],
    'empty objects and lists vanish': [{ a: {}, b: [], c: { d: {} }, e: 'x' }, { e: 'x' }],
    'of two ways to one key the later wins': [{ 'a.b': 'x', a: { b: 'y' } }, { 'a.b': 'y' }],
  }
  for (const [sentence, [value, expected]] of Object.entries(table)) {
    test(sentence, () => expect(flatten(value, 'go')).toEqual(expected))
  }
  test('an opaque key is one leaf', () => {
    expect(flatten({ labels: ['a', 'b'], x: ['c'] }, 'go', new Set(['labels']))).toEqual({
      labels: '[a b]',
      'x.0': 'c',
    })
  })
  test('a key __proto__ is a key', () => {
    const flat = flatten(JSON.parse('{"__proto__": {"polluted": "x"}, "a": {"__proto__": "y"}}'), 'go')
    expect(Object.keys(flat)).toEqual(['__proto__.polluted', 'a.__proto__'])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
  test('too many keys are an error', () => {
    const value = { a: new Array(LIMITS.flattenedKeys + 1).fill('x') }
    expect(() => flatten(value, 'go')).toThrow('one parameter set has more than 100000 keys')
  })
})

describe('normalize', () => {
  const table: readonly [string, string][] = [
    ['Production_01/West', 'production-01-west'],
    ['a.b-c', 'a.b-c'],
    ['é', ''],
    ['aéb', 'a-b'],
    ['a  b', 'a--b'],
    ['-.a.-', 'a'],
    ['a😀b', 'a-b'],
    ['a'.repeat(300), 'a'.repeat(253)],
    [`${'a'.repeat(252)}--b`, 'a'.repeat(252)],
    ['', ''],
  ]
  for (const [name, expected] of table) {
    test(`${JSON.stringify(name).slice(0, 30)} → ${JSON.stringify(expected).slice(0, 30)}`, () => {
      expect(normalize(name)).toBe(expected)
    })
  }
})
