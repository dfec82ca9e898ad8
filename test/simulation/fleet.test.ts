import { describe, expect, test } from 'vitest'
import { describeFailure, hasFailed, runScenario, type ScenarioResult } from './scenario.ts'

/**
 * One more seed each time, so that many runs see many lives; its number is all that is needed to see it again. Not in
 * CI, which judges a change: what a new seed finds is about all of the product, and `main.ts --seeds N` looks for it.
 */
const FRESH = Math.floor(Math.random() * 2 ** 31)
const REPLAYED = process.env['FLOTILLA_SIM_SEED']
const SEEDS =
  REPLAYED === undefined
    ? [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, ...(process.env['CI'] ? [] : [FRESH])]
    : [Number(REPLAYED)]
const TIMEOUT_MS = 600_000
const LAST = SEEDS.at(-1) ?? FRESH
let last: ScenarioResult | undefined

describe('a fleet under lost, doubled and delayed messages, kills and outages', () => {
  test.each(SEEDS)('converges and keeps every law: seed %i', { timeout: TIMEOUT_MS }, async seed => {
    const result = await runScenario(seed)
    if (seed === LAST) last = result
    if (REPLAYED !== undefined) console.log(result.trace.join('\n'))
    expect(hasFailed(result), describeFailure(result)).toBe(false)
  })

  test('is the same run twice for the same seed', { timeout: TIMEOUT_MS }, async () => {
    const first = last ?? (await runScenario(LAST))
    const second = await runScenario(LAST)
    const [different = ''] = first.trace.filter((line, index) => line !== second.trace[index])
    expect(different, `seed ${LAST}`).toBe('')
    expect(second.hash).toBe(first.hash)
    expect(first.trace.length).toBeGreaterThan(100)
  })
})
