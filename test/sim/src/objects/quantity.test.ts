import { describe, expect, it } from 'vitest'
import { canonicalQuantity } from './quantity.ts'

describe('quantities', () => {
  it.each([
    ['1', '1'],
    ['0', '0'],
    ['1000m', '1'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1.5Gi', '1536Mi'],
    ['1024Mi', '1Gi'],
    ['1000Ki', '1000Ki'],
    ['100', '100'],
    ['1000', '1k'],
    ['1e3', '1e3'],
    ['12e6', '12e6'],
    ['1500M', '1500M'],
    ['-2000m', '-2'],
    ['0.0000000001', '1n'],
  ])('%s is written as %s', (text, canonical) => expect(canonicalQuantity(text)).toBe(canonical))

  it.each(['', 'x', '1 Gi', '1GiB', '--1', '1e', 'Gi'])('%j is no quantity', text => {
    expect(canonicalQuantity(text)).toBeUndefined()
  })
})
