import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ScheduleOptions } from './schedule.ts'
import type { SeedOutcome, SeedWork } from './seed-worker.ts'

export interface SeedRun {
  readonly from: number
  readonly count: number
  /** Processes at the same time, each with every so-manieth seed. */
  readonly jobs?: number
  readonly options?: ScheduleOptions
  readonly plant?: string
  readonly untilFailed?: boolean
  readonly onOutcome?: (outcome: SeedOutcome) => void
}

const WORKER = fileURLToPath(new URL('./seed-worker.ts', import.meta.url))
/** What is compiled once is kept for the next process, planted bugs or not: the text is what it is kept by. */
const COMPILED = fileURLToPath(new URL('../../.cache/simulation', import.meta.url))
/** Lives make much that lasts for a moment: with room for it the collector finds it dead. */
const ROOM = '--max-semi-space-size=32'

/** Lives of many seeds in processes of their own, in order of their seeds. @throws Error when a process ends badly */
export async function runSeeds(run: SeedRun): Promise<readonly SeedOutcome[]> {
  const jobs = Math.min(run.jobs ?? 1, run.count)
  const outcomes = await Promise.all(Array.from({ length: jobs }, (_, job) => runWorker(run, jobs, job)))
  return outcomes.flat().sort((a, b) => a.seed - b.seed)
}

async function runWorker(run: SeedRun, jobs: number, job: number): Promise<readonly SeedOutcome[]> {
  const work: SeedWork = {
    seeds: Array.from({ length: run.count }, (_, index) => run.from + index).filter((_, at) => at % jobs === job),
    options: run.options ?? {},
    ...(run.plant !== undefined && { plant: run.plant }),
    untilFailed: run.untilFailed ?? false,
  }
  const child = spawn(process.execPath, [ROOM, WORKER, JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-10_000)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const outcomes: SeedOutcome[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const outcome = JSON.parse(line) as SeedOutcome
    outcomes.push(outcome)
    run.onOutcome?.(outcome)
  }
  const code = await ended
  if (code !== 0)
    throw new Error(`a process of the simulation ended with ${code} after seed ${outcomes.at(-1)?.seed}:\n${said}`)
  return outcomes
}
