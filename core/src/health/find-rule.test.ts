import { describe, expect, it } from 'vitest'
import { ruleTable } from './find-rule.ts'

const ROWS: {
  readonly [sentence: string]: { readonly keys: readonly string[]; readonly key: string; readonly found?: string }
} = {
  'an exact key wins over every pattern': { keys: ['a.io/*', 'a.io/B', '*/B'], key: 'a.io/B', found: 'a.io/B' },
  'the longer text before the star wins': { keys: ['*', 'a*', 'a.io/*'], key: 'a.io/B', found: 'a.io/*' },
  'the longer pattern wins when both begin alike': { keys: ['*/B', '*.io/B'], key: 'a.io/B', found: '*.io/B' },
  'a star stands for any text, none too': { keys: ['*.io/*'], key: '.io/', found: '*.io/*' },
  'what begins and ends the same needs both texts': { keys: ['ab*ab'], key: 'ab' },
  'the middle must come between': { keys: ['a*b*c'], key: 'acb' },
  'no key, no rule': { keys: [], key: 'a' },
}

describe('ruleTable', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { keys, key, found }) => {
    for (const order of [keys, keys.toReversed()]) {
      expect(ruleTable(order.map(one => [one, one] as const)).find(key)).toBe(found)
    }
  })
})
