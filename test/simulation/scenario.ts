import { SimulatedFleet } from './fleet.ts'
import { People } from './people.ts'
import type { Crash } from './port-calls.ts'
import type { Schedule } from './schedule.ts'

const MINUTE_MS = 60_000
/**
 * The longest way to the end once nothing fails any more: a back-off of five minutes, ten minutes of absence before a
 * removal, a Grant of fifteen, and somewhat more.
 */
const CONVERGE_WITHIN_MS = 40 * MINUTE_MS

export interface ScenarioResult {
  readonly schedule: Schedule
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
  readonly crashes: readonly Crash[]
  /** By kind of process and port: how often it was called. */
  readonly called: ReadonlyMap<string, number>
}

export function hasFailed({ missing, breaches, failure }: ScenarioResult): boolean {
  return missing.length > 0 || breaches.length > 0 || failure !== undefined
}

/** One whole life of a fleet: what its schedule says, then peace, and the question whether all is as declared. */
export async function runScenario(schedule: Schedule): Promise<ScenarioResult> {
  const { seed, clusters, deeds } = schedule
  const first = deeds.filter(({ at, kind }) => at === 0 && kind === 'crash')
  const before = (started: SimulatedFleet): void => {
    for (const deed of first) new People(started).do(deed)
  }
  const fleet = await SimulatedFleet.start({ seed, clusters, before })
  let missing: readonly string[] = ['the chaos did not end']
  let convergedAfterMs = 0
  let failure: unknown
  try {
    const people = new People(fleet, deeds.filter(({ at, kind }) => at === 0 && kind === 'add').length + 3)
    for (const deed of deeds) {
      if (first.includes(deed)) continue
      await fleet.run(deed.at - fleet.clock.monotonicMs())
      people.do(deed)
    }
    await fleet.faultsOff()
    people.mendAll()
    const calmAt = fleet.clock.monotonicMs()
    await fleet.run(2 * MINUTE_MS)
    do {
      // A full disk may have kept the hub from asking until now.
      await people.releaseHeld()
      await fleet.run(MINUTE_MS)
      missing = await fleet.converged()
      convergedAfterMs = fleet.clock.monotonicMs() - calmAt
      // Agents never go back in time: one that heard of a later one starts nothing before that has come.
    } while (
      missing.length > 0 &&
      fleet.laws.breaches.length === 0 &&
      convergedAfterMs < CONVERGE_WITHIN_MS + fleet.laws.hubTime.aheadMs
    )
    await fleet.stop()
  } catch (error) {
    failure = error
  }
  return {
    schedule,
    missing,
    breaches: fleet.laws.breaches,
    ...(failure === undefined ? {} : { failure }),
    trace: fleet.trace.lines,
    hash: fleet.trace.hash(),
    virtualMs: fleet.clock.monotonicMs(),
    convergedAfterMs,
    crashes: fleet.crashes(),
    called: calledPorts(fleet),
  }
}

function calledPorts(fleet: SimulatedFleet): ReadonlyMap<string, number> {
  const called = new Map<string, number>()
  for (const [name, calls] of fleet.calls()) {
    for (const [port, times] of calls.called) {
      const key = `${name === 'hub' ? 'hub' : 'agent'} ${port}`
      called.set(key, (called.get(key) ?? 0) + times)
    }
  }
  return called
}

/** What a failed run says of itself. */
export function describeFailure(result: ScenarioResult): string {
  const { schedule, missing, breaches, failure, crashes } = result
  const lines = [
    `seed ${schedule.seed} failed; replay it with: npm run simulate -- --seed ${schedule.seed} --trace`,
    ...(failure === undefined ? [] : [`thrown: ${failure instanceof Error ? failure.stack : String(failure)}`]),
    ...breaches.slice(0, 20).map(breach => `law broken: ${breach}`),
    ...missing.slice(0, 20).map(each => `not converged: ${each}`),
    ...crashes.map(crashText),
  ]
  return lines.join('\n  ')
}

/** `crashed: hub before call 3 of store.write`. */
export function crashText({ process, side, call, port, at }: Crash): string {
  return `crashed: ${process} ${side} call ${call} of ${port === '*' ? `any port (${at})` : port}`
}
