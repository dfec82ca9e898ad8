import { describe, expect, test } from 'vitest'
import { describeFailure, hasFailed, runScenario } from './scenario.ts'

/** One more seed each time, so that many runs see many lives; its number is all that is needed to see it again. */
const FRESH = Math.floor(Math.random() * 2 ** 31)
const REPLAYED = process.env['FLOTILLA_SIM_SEED']
const SEEDS = REPLAYED === undefined ? [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, FRESH] : [Number(REPLAYED)]
const TIMEOUT_MS = 120_000

describe('a fleet under lost, doubled and delayed messages, kills and outages', () => {
  test.each(SEEDS)('converges and keeps every law: seed %i', { timeout: TIMEOUT_MS }, async seed => {
    const result = await runScenario(seed)
    if (REPLAYED !== undefined) console.log(result.trace.join('\n'))
    expect(hasFailed(result), describeFailure(result)).toBe(false)
  })

  test('is the same run twice for the same seed', { timeout: TIMEOUT_MS }, async () => {
    const seed = SEEDS.at(-1) ?? FRESH
    const [first, second] = [await runScenario(seed), await runScenario(seed)]
    const [different = ''] = first.trace.filter((line, index) => line !== second.trace[index])
    expect(different, `seed ${seed}`).toBe('')
    expect(second.hash).toBe(first.hash)
    expect(first.trace.length).toBeGreaterThan(100)
  })
})
