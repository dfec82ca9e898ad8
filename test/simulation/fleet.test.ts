import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { coverageGaps, coverageOf, coverageTable } from './coverage.ts'
import { runSeeds } from './run-seeds.ts'
import { describeFailure, hasFailed, runScenario } from './scenario.ts'
import { drawSchedule } from './schedule.ts'

/**
 * One more seed each time, so that many runs see many lives; its number is all that is needed to see it again. Not in
 * CI, which judges a change: what a new seed finds is about all of the product, and `npm run simulate` looks for it.
 */
const FRESH = Math.floor(Math.random() * 2 ** 31)
const REPLAYED = process.env['FLOTILLA_SIM_SEED']
const LIVES = 200
const TIMEOUT_MS = 1_200_000

describe('a fleet under lost, doubled and delayed messages, crashes and outages', () => {
  test.skipIf(REPLAYED !== undefined)(
    `converges and keeps every law in ${LIVES} lives, whose processes crash at every call of every port`,
    { timeout: TIMEOUT_MS },
    async () => {
      const outcomes = await runSeeds({ from: 1, count: LIVES, jobs: availableParallelism() })
      const bad = outcomes.filter(({ failed }) => failed)
      expect(bad.map(({ description }) => description)).toEqual([])
      const coverage = coverageOf(outcomes)
      expect(coverageGaps(coverage), coverageTable(coverage)).toEqual([])
    },
  )

  test('converges and keeps every law in a life that nobody has seen', { timeout: TIMEOUT_MS }, async () => {
    const seed = Number(REPLAYED ?? (process.env['CI'] ? 0 : FRESH))
    const result = await runScenario(drawSchedule(seed))
    if (REPLAYED !== undefined) console.log(result.trace.join('\n'))
    expect(hasFailed(result), describeFailure(result)).toBe(false)
  })

  test('is the same run twice for the same seed', { timeout: TIMEOUT_MS }, async () => {
    const first = await runScenario(drawSchedule(2))
    const second = await runScenario(drawSchedule(2))
    const [different = ''] = first.trace.filter((line, index) => line !== second.trace[index])
    expect(different).toBe('')
    expect(second.hash).toBe(first.hash)
    expect(first.trace.length).toBeGreaterThan(100)
  })
})
