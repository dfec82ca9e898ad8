import type { ScenarioResult } from './scenario.ts'
import type { Deed, Schedule, Weather } from './schedule.ts'

export interface Shrunk {
  readonly schedule: Schedule
  readonly result: ScenarioResult
  /** How many lives it took to find out. */
  readonly runs: number
}

/** What went wrong, without the names and numbers that differ from run to run; empty when nothing did. */
export function whatFailed({ breaches, missing, failure }: ScenarioResult): string {
  const [breach] = breaches
  if (breach !== undefined) return breach.replaceAll(/[0-9a-f]{8,}|\d+/g, '#').split(/[:{]/)[0] ?? ''
  if (failure !== undefined) return 'thrown'
  return missing.length > 0 ? 'not converged' : ''
}

/**
 * Leaves out deeds, and fair-weathers what the network does, as long as the same thing goes wrong: what is left is what
 * it takes. Delta debugging: halves first, then ever smaller pieces, until no single deed can be left out.
 *
 * @param run One life; the same schedule gives the same result.
 */
export async function shrink(
  failed: ScenarioResult,
  run: (schedule: Schedule) => Promise<ScenarioResult>,
  mostRuns = 400,
): Promise<Shrunk> {
  const meant = whatFailed(failed)
  let best = { schedule: failed.schedule, result: failed }
  let runs = 0
  const stillFails = async (deeds: readonly Deed[]): Promise<boolean> => {
    if (runs >= mostRuns) return false
    runs++
    const schedule = { ...best.schedule, deeds }
    const result = await run(schedule)
    if (whatFailed(result) !== meant) return false
    best = { schedule, result }
    return true
  }
  for (let pieces = 2; best.schedule.deeds.length > 0; ) {
    const { deeds } = best.schedule
    const size = Math.ceil(deeds.length / pieces)
    let dropped = false
    // From the end: what came after the breach is the easiest to do without.
    for (let from = (pieces - 1) * size; from >= 0 && !dropped; from -= size) {
      dropped = from < deeds.length && (await stillFails([...deeds.slice(0, from), ...deeds.slice(from + size)]))
    }
    if (dropped) pieces = Math.max(2, pieces - 1)
    else if (size <= 1) break
    else pieces = Math.min(deeds.length, pieces * 2)
  }
  for (let index = 0; index < best.schedule.deeds.length; index++) {
    for (const calm of CALM) {
      const deed = best.schedule.deeds[index]
      if (deed?.kind !== 'network') continue
      const deeds = best.schedule.deeds.with(index, { ...deed, weather: { ...deed.weather, ...calm } })
      await stillFails(deeds)
    }
  }
  return { ...best, runs }
}

const CALM: readonly Partial<Weather>[] = [{ lose: 0 }, { double: 0 }, { delay: 0 }, { socketsForbidden: false }]
