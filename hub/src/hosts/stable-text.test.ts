import { describe, expect, test } from 'vitest'
import { stableText } from './stable-text.ts'

describe('stableText', () => {
  test.each([
    ['a request id', 'Not Found (request id ABCD-1234-0001)', 'Not Found (request id ABCD-9999-0002)'],
    ["GitHub's request id", 'boom C1A4:2F1E:1234567:89ABCDE:65F0', 'boom C1A4:2F1E:7654321:EDCBA98:70A1'],
    ['a uuid', 'trace 01890000-0000-7000-8000-00000000aaaa', 'trace 01890000-0000-7000-8000-00000000bbbb'],
    ['a time', 'until 2030-01-02T03:04:05Z', 'until 2031-02-03 04:05:06 UTC'],
    ['a wait', 'try again in 37 seconds', 'try again in 5 seconds'],
  ])('is the same whatever %s', (_, one, other) => {
    expect(stableText(one)).toBe(stableText(other))
  })

  test('is one short line without what was sent', () => {
    expect(stableText('a\r\nb\u0000\u2028c swordfish', ['swordfish'])).toBe('a b c ***')
    expect(stableText('x'.repeat(10_000)).length).toBeLessThan(400)
  })

  test('is quick whatever a host says', () => {
    const hostile = ['request id '.repeat(2000), 'a:'.repeat(5000), '1'.repeat(9000), '2030-01-01 '.repeat(900)]
    for (const text of hostile) expect(stableText(text).length).toBeLessThan(400)
  })
})
