import { seededRandom } from '@flotilla/core/ports/create-random'
import { Chaos } from './chaos.ts'
import { SimulatedFleet } from './fleet.ts'

const MINUTE_MS = 60_000
const CLUSTERS = ['eu', 'us', 'ap'] as const
const DEEDS = 60
/**
 * The longest way to the end once nothing fails any more: a back-off of five minutes, ten minutes of absence before a
 * removal, a Grant of fifteen, and somewhat more.
 */
const CONVERGE_WITHIN_MS = 40 * MINUTE_MS

export interface ScenarioResult {
  readonly seed: number
  /** What was not as declared at the end; empty when the fleet converged. */
  readonly missing: readonly string[]
  /** Laws that were broken. */
  readonly breaches: readonly string[]
  /** What was thrown, if anything. */
  readonly failure?: unknown
  readonly trace: readonly string[]
  readonly hash: string
  readonly virtualMs: number
  /** How long it took to converge once the faults were off. */
  readonly convergedAfterMs: number
}

export function hasFailed({ missing, breaches, failure }: ScenarioResult): boolean {
  return missing.length > 0 || breaches.length > 0 || failure !== undefined
}

/** One whole life of a small fleet: peace, chaos, peace again, and the question whether all is as declared. */
export async function runScenario(seed: number): Promise<ScenarioResult> {
  const fleet = await SimulatedFleet.start({ seed, clusters: CLUSTERS })
  let missing: readonly string[] = ['the chaos did not end']
  let convergedAfterMs = 0
  let failure: unknown
  try {
    const chaos = new Chaos(fleet, seededRandom(seed))
    chaos.begin()
    await fleet.run(MINUTE_MS)
    for (let deed = 0; deed < DEEDS; deed++) {
      await chaos.act()
      await fleet.run(chaos.pauseMs())
    }
    await fleet.faultsOff()
    chaos.mendAll()
    const calmAt = fleet.clock.monotonicMs()
    await fleet.run(2 * MINUTE_MS)
    do {
      // A full disk may have kept the hub from asking until now.
      await chaos.releaseHeld()
      await fleet.run(MINUTE_MS)
      missing = await fleet.converged()
      convergedAfterMs = fleet.clock.monotonicMs() - calmAt
    } while (missing.length > 0 && convergedAfterMs < CONVERGE_WITHIN_MS)
    await fleet.stop()
  } catch (error) {
    failure = error
  }
  return {
    seed,
    missing,
    breaches: fleet.laws.breaches,
    ...(failure === undefined ? {} : { failure }),
    trace: fleet.trace.lines,
    hash: fleet.trace.hash(),
    virtualMs: fleet.clock.monotonicMs(),
    convergedAfterMs,
  }
}

/** What a failed run says of itself. */
export function describeFailure(result: ScenarioResult): string {
  const { seed, missing, breaches, failure } = result
  const lines = [
    `seed ${seed} failed; replay it with: node test/simulation/main.ts --seed ${seed} --trace`,
    ...(failure === undefined ? [] : [`thrown: ${failure instanceof Error ? failure.stack : String(failure)}`]),
    ...breaches.slice(0, 20).map(breach => `law broken: ${breach}`),
    ...missing.slice(0, 20).map(each => `not converged: ${each}`),
  ]
  return lines.join('\n  ')
}
