import { describe, expect, it } from 'vitest'
import { matchesLabels, parseLabelSelector } from './label-selector.ts'

const LABELS = { env: 'prod', 'example.com/tier': 'gold', canary: '' }

const MATCHES: { readonly [selector: string]: boolean } = {
  'env=prod': true,
  'env==prod': true,
  'env = prod': true,
  'env=test': false,
  'env!=test': true,
  'missing!=test': true,
  'missing=test': false,
  'example.com/tier=gold': true,
  canary: true,
  '!canary': false,
  '! missing': true,
  'canary=': true,
  'missing=': false,
  'env in (prod, test)': true,
  'env in (test)': false,
  'missing in ()': false,
  'canary in ()': true,
  'env notin (test)': true,
  'env notin (prod)': false,
  'missing notin (prod)': true,
  'env=prod,example.com/tier in (gold,silver),!missing': true,
  'env=prod,missing': false,
  toString: false,
  '!constructor': true,
  'constructor!=x': true,
}
const REFUSED = [
  '',
  ',',
  'env=prod,',
  'env=a b',
  '-env',
  'env in',
  'env in (',
  'a/b/c',
  'env=-x',
  '=x',
  '!',
  'env>1',
  `e${'x'.repeat(400)}`,
]

describe('parseLabelSelector', () => {
  for (const [text, expected] of Object.entries(MATCHES)) {
    it(`${text} ${expected ? 'matches' : 'does not match'}`, () => {
      const parsed = parseLabelSelector(text)
      if (parsed.kind === 'refused') throw new Error(parsed.message)
      expect(matchesLabels(parsed.selector, LABELS)).toBe(expected)
    })
  }
  for (const text of REFUSED) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => expect(parseLabelSelector(text).kind).toBe('refused'))
  }
})
