import { runSeeds } from '../simulation/run-seeds.ts'
import { AN_HOUR_OF_TWELVE } from '../simulation/schedule.ts'
import type { Benchmark } from './figure.ts'

/** The first is also the time that it takes to compile everything. */
const WARMING = 1
const LIVES = 7

/**
 * An hour in the life of twelve clusters and sixty Applications, with all that befalls them, on one core, in a process
 * as `npm run simulate` starts it.
 */
export const run: Benchmark = async () => {
  const outcomes = await runSeeds({ from: 1, count: WARMING + LIVES, options: AN_HOUR_OF_TWELVE })
  const bad = outcomes.find(({ failed }) => failed)
  if (bad) throw new Error(bad.description)
  const took = outcomes.slice(WARMING).map(({ processorMs }) => processorMs)
  const value = took.toSorted((a, b) => a - b)[LIVES >> 1]!
  return [
    {
      figure: 'simulation: 12 clusters, 60 Applications, one virtual hour with faults, processor time',
      unit: 'ms',
      value,
      target: '< 300',
    },
  ]
}
