import { expect, test } from 'vitest'
import { describeFailure, hasFailed, runScenario } from './scenario.ts'
import type { Deed } from './schedule.ts'

const MINUTE_MS = 60_000

test('a backup that is restored without its hub.key is a fleet again once every agent has a token', async () => {
  const deeds: readonly Deed[] = [
    { at: 0, kind: 'add', folder: 'folder', cluster: 'eu', content: { parts: ['blue'] }, webhook: true },
    { at: 0, kind: 'add', folder: 'shared', cluster: '*', content: { parts: ['red'] }, webhook: true },
    { at: MINUTE_MS, kind: 'back up' },
    { at: 2 * MINUTE_MS, kind: 'lose hub', withKey: false, forMs: 30 * MINUTE_MS },
    { at: 3 * MINUTE_MS, kind: 'restore', announced: true, forMs: 0 },
  ]
  const result = await runScenario({ seed: 1, clusters: ['eu', 'us'], deeds })
  expect(hasFailed(result), describeFailure(result)).toBe(false)
  const invited = result.trace.filter(line => /invites (eu|us) again/.test(line))
  expect(invited).toHaveLength(2)
})
