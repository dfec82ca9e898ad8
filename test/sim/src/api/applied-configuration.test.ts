import { expect, test } from 'vitest'
import { NotLiteral, readConfiguration } from './applied-configuration.ts'

test.each([
  ['Object{}', {}],
  ['Object{data: {"a": "b", \'c\': \'d\',}}', { data: { a: 'b', c: 'd' } }],
  [
    'Object{spec: Object.spec{replicas: 3, paused: true, list: [1, -2.5, "x"]}}',
    { spec: { replicas: 3, paused: true, list: [1, -2.5, 'x'] } },
  ],
  ['Object{ spec: Object.spec{ a: [Object.spec.a{ n: "say \\"hi\\"" }] } }', { spec: { a: [{ n: 'say "hi"' }] } }],
  ['Object{data: {"__proto__": "kept"}}', { data: JSON.parse('{"__proto__":"kept"}') }],
])('%s is written out', (expression, expected) => {
  expect(JSON.stringify(readConfiguration(expression))).toBe(JSON.stringify(expected))
})

test.each([
  '',
  '[]',
  'Object{spec: object.spec}',
  'Object{a: 1 + 1}',
  'Object{a: has(object.b)}',
  'Object{"a": 1}',
  'Object{data: {a: "b"}}',
  'Object{a: 1} == Object{}',
  'Object{a: [1, 2}',
  'Other{a: 1}',
])('%s is not', expression => {
  expect(() => readConfiguration(expression)).toThrow(NotLiteral)
})
