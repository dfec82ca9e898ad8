import type { Json, JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TemplateError } from '../failure.ts'
import { compileExpression } from './compile-expression.ts'

/** How many expressions of chance; 100,000 at night. */
const CASES = Number(process.env['FLOTILLA_FUZZ_CASES'] ?? 2_000)

const PIECES = [
  ...['a', 'n', 'l', 'o', 'o.b', 'o["b"]', 'params', 'nope', 'type', 'list', 'constructor', '__proto__', 'toString'],
  ...['1', '1.5', '"x"', "'y'", 'true', 'null', '[]', '{}', '{"k": 1}', 'r"\\d"', 'b"x"', '1u', '9223372036854775807'],
  ...[
    '+',
    '-',
    '*',
    '/',
    '%',
    '==',
    '!=',
    '<',
    'in',
    '&&',
    '||',
    '!',
    '?',
    ':',
    ',',
    '.',
    '.?',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
  ],
  ...[
    '.map(x, ',
    '.filter(x, x',
    '.exists(x, x == ',
    '.all(l, ',
    'has(',
    'size(',
    '.matches(',
    '.join(',
    '.split(',
    'dyn(',
  ],
  ...['cel.bind(v, ', 'optional.of(', '.orValue(', '.replace(', '.keys()', '.merge(', 'type(', 'int(', ' ', '\n', '//'],
]
const scope: JsonObject = { a: 'x', n: 3, l: [1, 'b', null], o: { b: 'c', d: [1.5] }, type: 'web', list: [1] }

test(`throws nothing but its own error, whatever the text (${CASES} cases)`, () => {
  const before = JSON.stringify(scope)
  const pieces = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ maxLength: 3 })), {
    maxLength: 16,
  })
  fc.assert(
    fc.property(pieces, parts => {
      try {
        const expression = compileExpression(parts.join(''))
        isJson(expression.evaluate(scope, { remaining: 1e6, steps: 100_000 }))
      } catch (error) {
        expect(error).toBeInstanceOf(TemplateError)
        expect((error as TemplateError).code).toMatch(/^EXPRESSION_(INVALID|FAILED)$/)
      }
    }),
    { numRuns: CASES },
  )
  expect(JSON.stringify(scope)).toBe(before)
})

test('a value that goes in comes out as it was', () => {
  const key = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('__proto__', 'constructor', 'size'))
  const leaf = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter(number => !Object.is(number, -0)),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
  )
  const tree = fc.letrec<{ readonly value: Json }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }).map(object => ({ ...object })),
    ),
  })).value
  fc.assert(
    fc.property(tree, value => {
      expect(compileExpression('x').evaluate({ x: value })).toEqual(value)
    }),
    { numRuns: 500 },
  )
})

function isJson(value: Json): void {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) isJson(member as Json)
  else expect(['string', 'number', 'bigint', 'boolean', 'object']).toContain(typeof value)
}
