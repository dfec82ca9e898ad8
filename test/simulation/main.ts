import { parseArgs } from 'node:util'
import { describeFailure, hasFailed, runScenario } from './scenario.ts'

const USAGE = `usage: node test/simulation/main.ts [--seeds N] [--from S] [--seed S [--trace]]
  --seeds N   runs N scenarios, with the seeds from S (1) upwards; 20 by default
  --seed S    runs the scenario of one seed
  --trace     prints what happened, line by line, with its virtual time`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

async function main(): Promise<number> {
  const first = Number(values.seed ?? values.from)
  const count = values.seed === undefined ? Number(values.seeds) : 1
  if (values.help || !Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
    console.log(USAGE)
    return values.help ? 0 : 2
  }
  let failed = 0
  for (let seed = first; seed < first + count; seed++) {
    const startedAt = performance.now()
    const result = await runScenario(seed)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    if (values.trace) console.log(result.trace.join('\n'))
    const bad = hasFailed(result)
    if (bad) failed++
    const minutes = (ms: number): string => (ms / 60_000).toFixed(0)
    console.log(
      `seed ${seed}: ${bad ? 'FAILED' : 'converged'} ${minutes(result.convergedAfterMs)} min after the faults, ` +
        `${minutes(result.virtualMs)} virtual minutes in ${seconds} s, trace ${result.hash.slice(0, 12)}`,
    )
    if (bad) console.log(`  ${describeFailure(result)}`)
  }
  console.log(`${count - failed} of ${count} scenarios converged and kept every law`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
