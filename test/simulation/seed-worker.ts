import { parseArgs } from 'node:util'
import type { Crash } from './port-calls.ts'
import type { ScheduleOptions } from './schedule.ts'

/** What one life came to, as a line of JSON between processes. */
export interface SeedOutcome {
  readonly seed: number
  readonly failed: boolean
  /** What went wrong, in one line; empty when nothing did. */
  readonly law: string
  readonly description: string
  readonly convergedAfterMs: number
  readonly virtualMs: number
  readonly tookMs: number
  /** Of the processor, that of the collector and the compiler included. */
  readonly processorMs: number
  readonly hash: string
  readonly crashes: readonly Crash[]
  readonly called: readonly (readonly [port: string, times: number])[]
}

/** What a worker is asked for, as its one argument. */
export interface SeedWork {
  readonly seeds: readonly number[]
  readonly options: ScheduleOptions
  /** Name of the bug to plant into the product's modules, in this process alone. */
  readonly plant?: string
  /** Ends at the first life that fails. */
  readonly untilFailed: boolean
}

const { positionals } = parseArgs({ allowPositionals: true })
const work = JSON.parse(positionals[0] ?? '') as SeedWork
if (work.plant !== undefined) (await import('./plant.ts')).plant(work.plant)
// Only now: modules that were loaded before would be without the bug.
const { describeFailure, hasFailed, runScenario } = await import('./scenario.ts')
const { drawSchedule } = await import('./schedule.ts')
const { whatFailed } = await import('./shrink.ts')
const { signQuickly } = await import('./signatures.ts')

const signatures = signQuickly()
// Outages are errors by the thousand that nobody prints; whoever replays a seed sees where the one that counts began.
Error.stackTraceLimit = 0

for (const seed of work.seeds) {
  signatures.ofLife(seed)
  const startedAt = performance.now()
  const used = process.cpuUsage()
  const result = await runScenario(drawSchedule(seed, work.options))
  const { user, system } = process.cpuUsage(used)
  const failed = hasFailed(result)
  const outcome: SeedOutcome = {
    seed,
    failed,
    law: whatFailed(result),
    description: failed ? describeFailure(result) : '',
    convergedAfterMs: result.convergedAfterMs,
    virtualMs: result.virtualMs,
    tookMs: Math.round(performance.now() - startedAt),
    processorMs: Math.round((user + system) / 1000),
    hash: result.hash,
    crashes: result.crashes,
    called: [...result.called],
  }
  process.stdout.write(`${JSON.stringify(outcome)}\n`)
  if (failed && work.untilFailed) break
}
