import { expect, test } from 'vitest'
import type { ScenarioResult } from './scenario.ts'
import { type Deed, drawSchedule, type Schedule } from './schedule.ts'
import { shrink, whatFailed } from './shrink.ts'

const NETWORK: Deed = {
  at: 5,
  kind: 'network',
  cluster: 'eu',
  weather: { lose: 0.1, double: 0.1, delay: 0.1, maxDelayMs: 100, socketsForbidden: true },
  forMs: 10,
}

function life(schedule: Schedule, breaches: readonly string[]): ScenarioResult {
  return {
    schedule,
    missing: [],
    breaches,
    trace: [],
    hash: '',
    virtualMs: 0,
    convergedAfterMs: 0,
    crashes: [],
    called: new Map(),
  }
}

test('what is left is what it takes: of fifty deeds the two that do it together, and of the weather what does', async () => {
  const drawn = drawSchedule(3)
  const deeds = [...drawn.deeds.slice(0, 20), NETWORK, ...drawn.deeds.slice(20)]
  const clock = deeds.find(({ kind }) => kind === 'clock') ?? deeds[3]!
  const run = async (schedule: Schedule): Promise<ScenarioResult> => {
    const loses = schedule.deeds.some(deed => deed.kind === 'network' && deed.at === 5 && deed.weather.lose > 0)
    const both = loses && schedule.deeds.includes(clock)
    const other = schedule.deeds.includes(clock) && !loses
    return life(
      schedule,
      both ? ['eu deletes ConfigMap shop/a-1, which nobody withdrew'] : other ? ['another law'] : [],
    )
  }
  const { schedule, result, runs } = await shrink(await run({ ...drawn, deeds }), run)
  expect(schedule.deeds).toHaveLength(2)
  expect(schedule.deeds).toContain(clock)
  expect(schedule.deeds.find(({ kind, at }) => kind === 'network' && at === 5)).toEqual({
    ...NETWORK,
    weather: { lose: 0.1, double: 0, delay: 0, maxDelayMs: 100, socketsForbidden: false },
  })
  expect(result.breaches).toHaveLength(1)
  expect(runs).toBeLessThan(100)
})

test('names and numbers that differ from run to run do not make it another failure', () => {
  const schedule = drawSchedule(1)
  const texts = ['report 1.4.7 replaced 1.4.9', 'report 2.1.1 replaced 2.1.30'].map(breach => {
    return whatFailed(life(schedule, [breach]))
  })
  expect(texts[0]).toBe(texts[1])
  expect(whatFailed(life(schedule, []))).toBe('')
  expect(whatFailed({ ...life(schedule, []), missing: ['shop is not there'] })).toBe('not converged')
})
