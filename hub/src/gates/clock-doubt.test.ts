import { describe, expect, test } from 'vitest'
import { clockDoubt, medianSkewMs } from './clock-doubt.ts'

describe('a hub suspects its own clock', () => {
  test.each<[string, readonly number[], boolean]>([
    ['when most agents are more than a minute ahead', [61_000, 70_000, 0], true],
    ['when most agents are more than a minute behind', [-61_000, -3_600_000, 0], true],
    ['not when one of them is an hour off', [3_600_000, 20, -300], false],
    ['not at exactly a minute', [60_000, 60_000, 60_000], false],
    ['not when there are but two: nobody knows who is right', [3_600_000, 3_600_000], false],
    ['when half of four differ so much that the middle does', [0, 61_000, 61_000, 80_000], true],
    ['not when nobody has said anything', [], false],
  ])('%s', (_, skews, expected) => expect(clockDoubt(skews) !== undefined).toBe(expected))

  test('and says how far it is off, and which way', () => {
    expect(clockDoubt([90_000, 90_000, 90_000])).toMatch(/90 s behind/)
    expect(clockDoubt([-90_000, -90_000, -90_000])).toMatch(/90 s ahead/)
    expect(medianSkewMs([4, 1, 3, 2])).toBe(2.5)
  })
})
