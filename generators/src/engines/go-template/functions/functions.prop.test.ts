import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError, type ParameterType } from '../go-function.ts'
import { GoBytes, GoInteger, GoTime, type GoValue, typedList, typedMap } from '../go-value.ts'
import { SPRIG_FUNCTIONS } from './index.ts'

/** Thrown by the test's scope when a call wants to make more than a template may. */
class Spent extends Error {}

function scopeOf(limit: number): FunctionScope & { readonly spent: () => number } {
  let left = limit
  let drawn = 0
  return {
    environment: {
      now: () => 1_763_748_000_000,
      bytes: length => {
        drawn++
        const block = createHash('sha256').update(String(drawn)).digest()
        return Uint8Array.from({ length }, (_, index) => block[index % block.length]! ^ (index >> 5))
      },
    },
    spend(amount) {
      left -= amount
      if (!(left >= 0)) throw new Spent()
    },
    spent: () => limit - left,
  }
}

/** Seconds each; they have tests of their own. */
const SLOW = new Set(
  'bcrypt htpasswd derivePassword genPrivateKey genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey'.split(
    ' ',
  ),
)
const NAMES = [...SPRIG_FUNCTIONS.keys()].filter(name => !SLOW.has(name))

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '1',
    '-1',
    '1.5',
    '1h',
    'a,b',
    '[a',
    '(a+)+$',
    '{"a":1}',
    'a: 1',
    '2006-01-02',
    '>=1.2 || ^3',
    'http://u@h:1/p?q#f',
    'MFRA====',
    '\ud800',
    '%zz',
    'UTC',
    ['$1$', '{x}'].join(''),
  ),
)
const integer = fc
  .oneof(fc.integer({ min: -5, max: 40 }).map(BigInt), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
  .chain(value => fc.constantFrom('int' as const, 'int64' as const).map(type => new GoInteger(value, type)))
const time = fc
  .tuple(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.constantFrom('UTC', 'Europe/Berlin', 'CEST@7200'))
  .map(([at, zone]) => new GoTime(at, zone))
const anything = fc.letrec<{ value: GoValue; map: GoValue }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.constant(undefined),
    fc.boolean(),
    fc.double(),
    text,
    integer,
    time,
    fc.uint8Array({ maxLength: 8 }).map(bytes => new GoBytes(bytes)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(text, { maxLength: 4 }).map(items => typedList('[]string', items)),
    tie('map'),
  ),
  map: fc.oneof(
    fc.dictionary(fc.oneof(text, fc.constantFrom('scheme', 'host', 'path', '__proto__')), tie('value'), {
      maxKeys: 4,
      noNullPrototype: true,
    }) as fc.Arbitrary<GoValue>,
    fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }).map(map => typedMap('map[string]string', map)),
  ),
}))

const OF_TYPE: { readonly [type in ParameterType]?: fc.Arbitrary<GoValue> } = {
  string: text,
  int: integer.map(({ value }) => new GoInteger(value, 'int')),
  int64: integer,
  bool: fc.boolean(),
  float64: fc.double(),
  map: anything.map,
  time,
}

function argumentsOf(name: string): fc.Arbitrary<readonly GoValue[]> {
  const { parameters, variadic } = SPRIG_FUNCTIONS.get(name)!
  const fitting = fc
    .tuple(
      fc.tuple(...parameters.map(type => OF_TYPE[type] ?? anything.value)),
      variadic === undefined ? fc.constant([]) : fc.array(OF_TYPE[variadic] ?? anything.value, { maxLength: 4 }),
    )
    .map(([first, more]) => [...first, ...more])
  return fc.oneof(
    { weight: 4, arbitrary: fitting },
    { weight: 1, arbitrary: fc.array(anything.value, { maxLength: 5 }) },
  )
}

const call = fc.constantFrom(...NAMES).chain(name => fc.tuple(fc.constant(name), argumentsOf(name)))

describe('functions of templates, whatever they are given', () => {
  test('refuse with their own error, or end at the limit', () => {
    fc.assert(
      fc.property(call, ([name, args]) => {
        try {
          SPRIG_FUNCTIONS.get(name)!.call(args, scopeOf(100_000))
        } catch (error) {
          if (!(error instanceof GoFunctionError) && !(error instanceof Spent)) throw error
        }
      }),
      { numRuns: 6000 },
    )
  })

  test('leave their arguments as they were, save those that say so', () => {
    fc.assert(
      fc.property(call, ([name, args]) => {
        const fun = SPRIG_FUNCTIONS.get(name)!
        if (fun.mutates === true) return
        const before = shown(args)
        try {
          fun.call(args, scopeOf(100_000))
        } catch (error) {
          if (!(error instanceof GoFunctionError) && !(error instanceof Spent)) throw error
        }
        expect(shown(args)).toBe(before)
      }),
      { numRuns: 2000 },
    )
  })

  test('give texts and lists that they have paid for', () => {
    fc.assert(
      fc.property(call, ([name, args]) => {
        const scope = scopeOf(100_000)
        let result: GoValue
        try {
          result = SPRIG_FUNCTIONS.get(name)!.call(args, scope)
        } catch (error) {
          if (!(error instanceof GoFunctionError) && !(error instanceof Spent)) throw error
          return
        }
        const given = args.reduce<number>((sum, arg) => sum + sizeOf(arg), 0)
        expect(sizeOf(result)).toBeLessThanOrEqual(scope.spent() * 4 + given + 200)
      }),
      { numRuns: 2000 },
    )
  })

  test.each([...SPRIG_FUNCTIONS])('%s gives the same again unless it says that it does not', (name, fun) => {
    if (fun.repeatable === false) return
    const withoutWorld: FunctionScope = { environment: undefined, spend: () => {} }
    fc.assert(
      fc.property(argumentsOf(name), args => {
        const outcome = (): string => {
          try {
            return shown([fun.call(structuredArguments(args), withoutWorld)])
          } catch (error) {
            if (error instanceof GoFunctionError) return `refused: ${error.message}`
            throw error
          }
        }
        expect(outcome()).toBe(outcome())
      }),
      { numRuns: SLOW.has(name) ? 1 : 10 },
    )
  })
})

/** Maps are copied, so that a function that changes one sees it as it was. */
function structuredArguments(args: readonly GoValue[]): readonly GoValue[] {
  return args.map(arg => (typeof arg === 'object' && arg !== null && arg.constructor === Object ? { ...arg } : arg))
}

function shown(values: readonly GoValue[]): string {
  return JSON.stringify(values, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}

function sizeOf(value: GoValue): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 1
  if (value instanceof GoInteger || value instanceof GoTime || value instanceof GoBytes) return 1
  return Object.values(value).reduce<number>((sum, member) => sum + sizeOf(member as GoValue), 1)
}
