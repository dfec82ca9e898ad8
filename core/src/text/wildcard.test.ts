import { expect, test } from 'vitest'
import { matchesWildcard } from './wildcard.ts'

const CASES: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['shop', 'shop', true],
  ['shop', 'shop-a', false],
  ['shop-*', 'shop-', true],
  ['shop-*', 'shop-a-b', true],
  ['shop-*', 'shop', false],
  ['*', '', true],
  ['*-eu', 'shop-eu', true],
  ['*-eu', '-eu-', false],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a.c', 'abc', false],
]

test.each(CASES)('%s against %s: %s', (pattern, text, matches) => {
  expect(matchesWildcard(pattern, text)).toBe(matches)
})
