import { describe, expect, test } from 'vitest'
import { DEFAULT_GATEWAY_LIMITS, heartbeatMsFor } from './limits.ts'

describe('how often an agent is heard', () => {
  const cases: Record<string, { readonly clusters: number; readonly seconds: number }> = {
    'every half minute in a small fleet': { clusters: 1, seconds: 30 },
    'and while the fleet has no cluster': { clusters: 0, seconds: 30 },
    'up to five hundred clusters': { clusters: 500, seconds: 30 },
    'less often in a larger one': { clusters: 1020, seconds: 60 },
    'and never more rarely than every two minutes': { clusters: 10_000, seconds: 120 },
  }
  test.each(Object.entries(cases))('%s', (_, { clusters, seconds }) => {
    expect(heartbeatMsFor(clusters, DEFAULT_GATEWAY_LIMITS)).toBe(seconds * 1000)
  })
})
