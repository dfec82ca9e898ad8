import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareUtf8, formatNumber, formatValue, goJson, goQuote, goTrimSpace } from './go-text.ts'

describe('formatNumber', () => {
  // What Go prints for a float64 with %v.
  const go: readonly [number | bigint, string][] = [
    [0, '0'],
    [-0, '-0'],
    [8080, '8080'],
    [999999, '999999'],
    [1000000, '1e+06'],
    [1234567, '1.234567e+06'],
    [2097152, '2.097152e+06'],
    [123456.789, '123456.789'],
    [1234567.891, '1.234567891e+06'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1e20, '1e+20'],
    [1e21, '1e+21'],
    [1e-7, '1e-07'],
    [-1000000, '-1e+06'],
    [12345678901234567890n, '1.2345678901234567e+19'],
  ]
  for (const [value, expected] of go) {
    test(`${value} prints as in Go: ${expected}`, () => expect(formatNumber(value, 'go')).toBe(expected))
  }
  test('in plain notation an integer stays an integer, however large', () => {
    expect([1000000, 12345678901234567890n, -5, 0.00001].map(value => formatNumber(value, 'plain'))).toEqual([
      '1000000',
      '12345678901234567890',
      '-5',
      '1e-05',
    ])
  })
  test('law: the text is that number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
        expect(Number(formatNumber(value, 'go'))).toBe(value)
      }),
    )
  })
})

test('values print as Go prints them', () => {
  const value = { b: [1, null, 'x y', { z: true }], a: {}, é: 1e6 }
  expect(formatValue(value, 'go')).toBe('map[a:map[] b:[1 <nil> x y map[z:true]] é:1e+06]')
  expect([null, undefined, true, 'x'].map(item => formatValue(item, 'go'))).toEqual(['<nil>', '<nil>', 'true', 'x'])
})

test('quotes are those of Go', () => expect(goQuote('a"b\\\n\t\u0001é')).toBe('"a\\"b\\\\\\n\\t\\x01é"'))

test('JSON is that of Go: sorted, compact, floats, HTML escaped', () => {
  expect(goJson({ b: ['<&>', 12345678901234567890n], a: null })).toBe(
    '{"a":null,"b":["\\u003c\\u0026\\u003e",12345678901234567000]}',
  )
})

test('white space is that of Go', () => {
  expect([...goTrimSpace('\u0085\u00a0 \n\ufeffa\ufeff\u3000')]).toEqual(['\ufeff', 'a', '\ufeff'])
})

test('law: compareUtf8 is the order of the bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
})
