import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, sha256 } from './canonical-json.ts'
import { cloneJson, equalJson, getKey, type Json, jsonObject, setKey } from './json.ts'
import { parseJson } from './parse-json.ts'

/** Any JSON value, hostile keys and integers beyond 2^53 among them. */
const json = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => (Object.is(number, -0) ? 0 : number)),
    fc.bigInt({ min: 2n ** 60n, max: 2n ** 80n }),
    fc.string(),
    fc.array(tie('value')),
    fc
      .array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString')), tie('value')))
      .map(entries => jsonObject(entries)),
  ),
})).value

describe('parseJson', () => {
  it.each([
    ['keeps every digit of a large integer', '12345678901234567890', 12345678901234567890n],
    ['a negative one as well', '-9007199254740993', -9007199254740993n],
    ['a safe integer is a number', '9007199254740991', 9007199254740991],
    ['a long fraction is a number', '0.12345678901234567890', 0.12345678901234568],
    ['digits inside a string are text', '"12345678901234567890"', '12345678901234567890'],
  ] as const)('%s', (_sentence, text, expected) => {
    expect(parseJson(text)).toBe(expected)
  })

  it('keeps them wherever they stand in a text', () => {
    for (let before = 0; before < 40; before++) {
      const text = `{"${'x'.repeat(before)}":[123456789012345,-1234567890123456789,1.5]}`
      expect(Object.values(parseJson(text) as object)[0]).toEqual([123456789012345, -1234567890123456789n, 1.5])
    }
  })

  it('keeps __proto__ as an ordinary key', () => {
    const value = parseJson('{"__proto__": {"polluted": 12345678901234567890}}') as { [key: string]: Json }
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(canonicalJson(value)).toBe('{"__proto__":{"polluted":12345678901234567890}}')
  })
})

describe('canonicalJson', () => {
  it('reads back as what was written', () => {
    fc.assert(fc.property(json, value => equalJson(parseJson(canonicalJson(value)), value)))
  })

  it('is the same text whatever order an object was built in', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), members => {
        const reversed = jsonObject(Object.entries(members).reverse())
        return canonicalJson(reversed) === canonicalJson(jsonObject(Object.entries(members)))
      }),
    )
  })

  it('leaves out what is undefined', () => {
    expect(canonicalJson({ a: undefined, b: [1, null] })).toBe('{"b":[1,null]}')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %s', value => {
    expect(() => canonicalJson(value)).toThrow(TypeError)
  })
})

describe('equalJson and cloneJson', () => {
  it('a clone equals its source and shares nothing with it', () => {
    fc.assert(
      fc.property(json, value => {
        const copy = cloneJson(value)
        return equalJson(copy, value) && (typeof value !== 'object' || value === null || copy !== value)
      }),
    )
  })

  it.each([
    ['key order does not matter', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['undefined is absent', { a: 1, b: undefined }, { a: 1 }, true],
    ['null is not absent', { a: null }, {}, false],
    ['a list is no object', [], {}, false],
    ['the order of a list matters', [1, 2], [2, 1], false],
    ['a number is no text', 1, '1', false],
    ['an integer is the same as a bigint of its value', 7, 7n, true],
    ['an inherited name is no member', {}, jsonObject([['toString', 1]]), false],
  ] as readonly [string, Json, Json, boolean][])('%s', (_sentence, a, b, expected) => {
    expect(equalJson(a, b)).toBe(expected)
    expect(equalJson(b, a)).toBe(expected)
  })
})

describe('keys from outside', () => {
  it('are set and read as own members only', () => {
    const target = jsonObject([])
    setKey(target, '__proto__', 1)
    expect(getKey(target, '__proto__')).toBe(1)
    expect(getKey({}, 'constructor')).toBeUndefined()
  })
})

describe('sha256', () => {
  it('is the digest of the bytes', () => {
    expect(sha256('')).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })
})
