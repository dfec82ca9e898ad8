import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { coverageOf, coverageTable } from './coverage.ts'
import { findPlanted, plantedTable } from './find-planted.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runSeeds } from './run-seeds.ts'
import { crashText, describeFailure, hasFailed, runScenario } from './scenario.ts'
import { deedText, drawSchedule, type Schedule } from './schedule.ts'
import type { SeedOutcome } from './seed-worker.ts'
import { shrink } from './shrink.ts'

const USAGE = `usage: npm run simulate -- [--seeds N] [--from S] [--jobs J] [--coverage] [--verbose]
       npm run simulate -- --seed S [--trace] [--no-shrink]
       npm run simulate -- --planted [NAME ...] [--seeds N] [--jobs J]

Whole fleets on a virtual clock, each from a seed: what happens to them, and what comes of it, is the same whenever the
seed is run again. A life fails when a law is broken or the fleet is not as declared in the end.

  --seeds N     lives, with the seeds from S upwards; 20 by default, 1000 with --planted
  --from S      the first seed; 1 by default
  --jobs J      processes at the same time; as many as there are processors by default
  --coverage    afterwards, at which calls of which ports processes crashed, and how often
  --verbose     a line for each life; otherwise for those that failed
  --seed S      one life again: what happened to it, and at which port calls it crashed. When it fails, deeds are left
                out as long as the same goes wrong, and what it takes is printed
  --no-shrink   leaves that out
  --trace       what happened, line by line, with its virtual time; of what it takes, when the life failed
  --planted     plants bugs into the product, one at a time, and says how many seeds it takes to find each

Exit status: 0 when every life kept every law (every planted bug was found), 1 when not, 2 for a wrong argument.`

function usage(problem: string): number {
  console.error(`${problem}\n\n${USAGE}`)
  return 2
}

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: true },
      planted: { type: 'boolean', default: false },
      coverage: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
}

async function main(): Promise<number> {
  let given: ReturnType<typeof readArguments>
  try {
    given = readArguments()
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = given
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const whole = (name: 'seeds' | 'from' | 'jobs' | 'seed', least: number, otherwise = '') => {
    const text = values[name] ?? otherwise
    const value = Number(text)
    return /^\d+$/.test(text) && value >= least && value <= 0xffff_ffff ? value : undefined
  }
  const seeds = whole('seeds', 1, values.planted ? '1000' : '20')
  const from = whole('from', 0)
  const jobs = whole('jobs', 1)
  if (seeds === undefined || from === undefined || jobs === undefined) {
    return usage('--seeds, --from and --jobs are whole numbers')
  }
  if (values.planted) return await planted(positionals, seeds, jobs)
  if (positionals.length > 0) return usage(`unknown argument "${positionals[0]}"`)
  if (values.seed === undefined) return await many({ ...values, from, seeds, jobs })
  const seed = whole('seed', 0)
  if (seed === undefined) return usage('--seed is a whole number')
  return await one(drawSchedule(seed), values.trace, values.shrink)
}

async function many(options: {
  readonly from: number
  readonly seeds: number
  readonly jobs: number
  readonly coverage: boolean
  readonly verbose: boolean
}): Promise<number> {
  const { from, seeds: count, jobs } = options
  const startedAt = performance.now()
  let ended = 0
  const outcomes = await runSeeds({
    from,
    count,
    jobs,
    onOutcome: outcome => {
      ended++
      if (outcome.failed || options.verbose) console.log(outcomeText(outcome))
      if (outcome.failed) console.log(`  ${outcome.description}`)
      if (process.stderr.isTTY)
        process.stderr.write(`\r${ended} of ${count} lives\u001b[K${ended === count ? '\n' : ''}`)
    },
  })
  const failed = outcomes.filter(outcome => outcome.failed).map(({ seed }) => seed)
  if (options.coverage) console.log(coverageTable(coverageOf(outcomes)))
  const tookMs = outcomes.reduce((sum, outcome) => sum + outcome.tookMs, 0)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(
    `${count - failed.length} of ${count} lives converged and kept every law, in ${seconds} s, ` +
      `${Math.round(tookMs / count)} ms each, from seed ${from}`,
  )
  if (failed.length > 0) console.log(`failing seeds: ${failed.join(' ')}`)
  return failed.length === 0 ? 0 : 1
}

function outcomeText({ seed, failed, convergedAfterMs, virtualMs, tookMs, hash }: SeedOutcome): string {
  const minutes = (ms: number): string => (ms / 60_000).toFixed(0)
  return (
    `seed ${seed}: ${failed ? 'FAILED' : 'converged'} ${minutes(convergedAfterMs)} min after the faults, ` +
    `${minutes(virtualMs)} virtual minutes in ${tookMs} ms, trace ${hash.slice(0, 12)}`
  )
}

async function one(schedule: Schedule, trace: boolean, shrinks: boolean): Promise<number> {
  const result = await runScenario(schedule)
  if (!hasFailed(result) || !shrinks) {
    console.log((trace ? result.trace : [`what befell seed ${schedule.seed}:`, ...lifeOf(schedule)]).join('\n'))
    for (const crash of result.crashes) console.log(crashText(crash))
    console.log(hasFailed(result) ? describeFailure(result) : `seed ${schedule.seed}: converged, and kept every law`)
    return hasFailed(result) ? 1 : 0
  }
  console.log(describeFailure(result))
  console.log(`leaving out what it does not take, of ${schedule.deeds.length} deeds …`)
  const least = await shrink(result, runScenario)
  console.log(`after ${least.runs} runs ${least.schedule.deeds.length} deeds are left:`)
  console.log(lifeOf(least.schedule).join('\n'))
  if (trace) console.log(least.result.trace.join('\n'))
  console.log(describeFailure(least.result))
  return 1
}

function lifeOf({ deeds }: Schedule): readonly string[] {
  return deeds.map(deed => `  ${deedText(deed)}`)
}

async function planted(names: readonly string[], seeds: number, jobs: number): Promise<number> {
  const unknown = names.find(name => !PLANTED_BUGS.some(bug => bug.name === name))
  if (unknown !== undefined) {
    return usage(`no bug is named "${unknown}"; there are ${PLANTED_BUGS.map(({ name }) => name).join(', ')}`)
  }
  const bugs = PLANTED_BUGS.filter(({ name }) => names.length === 0 || names.includes(name))
  const found = await findPlanted(bugs, {
    seeds,
    jobs,
    onFound: ({ bug, law, seeds: lives }) => console.error(`${bug.name}: ${law || 'not found'} (${lives} lives)`),
  })
  console.log(plantedTable(found))
  return found.every(({ law }) => law !== undefined) ? 0 : 1
}

process.exitCode = await main()
