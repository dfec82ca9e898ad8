import { describe, expect, test } from 'vitest'
import { isRateLimited, notBefore, RateGates } from './host-rates.ts'

const NOW = 1_800_000_000_000
const reply = (status: number, headers: Record<string, string> = {}, text = '') => ({
  ...{ status, text },
  headers: new Map(Object.entries(headers)),
})

describe('notBefore', () => {
  test.each([
    [
      'an answer with requests left',
      reply(200, { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '1800000060' }),
      undefined,
    ],
    [
      'the last of them (GitHub)',
      reply(200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1800000060' }),
      60_000,
    ],
    ['the last of them (GitLab)', reply(200, { 'ratelimit-remaining': '0', 'ratelimit-reset': '1800000030' }), 30_000],
    ['seconds from now', reply(200, { 'ratelimit-remaining': '0', 'ratelimit-reset': '90' }), 90_000],
    ['seconds to wait', reply(429, { 'retry-after': '7' }), 7_000],
    ['a date', reply(503, { 'retry-after': new Date(NOW + 5_000).toUTCString() }), 5_000],
    ['a date that has passed', reply(429, { 'retry-after': new Date(NOW - 5_000).toUTCString() }), 0],
    ['no time said', reply(429), 60_000],
    ['nonsense', reply(429, { 'retry-after': 'soon' }), 60_000],
    ['years', reply(429, { 'retry-after': '999999999' }), 3_600_000],
    ['rights that are missing', reply(403), undefined],
    ['a failure', reply(503), undefined],
  ])('%s', (_, answer, wait) => {
    expect(notBefore(answer, NOW)).toBe(wait === undefined ? undefined : NOW + wait)
  })
})

describe('isRateLimited', () => {
  test.each([
    ['too many requests', reply(429), true],
    ['refused with a wait', reply(403, { 'retry-after': '1' }), true],
    ['refused with nothing left', reply(403, { 'x-ratelimit-remaining': '0' }), true],
    ['refused in words', reply(403, {}, '{"message":"You have exceeded a secondary rate limit."}'), true],
    ['missing rights', reply(403, { 'x-ratelimit-remaining': '12' }, '{"message":"Resource not accessible"}'), false],
    ['a failure', reply(503), false],
    ['an answer', reply(200, { 'x-ratelimit-remaining': '0' }), false],
  ])('%s', (_, answer, expected) => {
    expect(isRateLimited(answer)).toBe(expected)
  })
})

test('a gate stays closed until the latest time that was said', () => {
  const gates = new RateGates()
  gates.close('a', NOW + 100)
  gates.close('a', NOW + 50)
  expect([gates.closedUntil('a', NOW), gates.closedUntil('b', NOW)]).toEqual([NOW + 100, undefined])
  expect(gates.closedUntil('a', NOW + 100)).toBeUndefined()
})
