import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/**
 * `npm test`: formatter and linter, house rules, types, and every test; all steps run even when one fails, so that
 * one run shows all there is to mend. The last line counts the tests: `N passed, N failed, N skipped`.
 *
 * Steps that compute run one after the other and are seen as they go. Steps that mostly wait run beside them, and
 * beside each other; what they said is told when they have ended.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const RESULTS = join(ROOT, '.cache', 'test-results')

interface Step {
  readonly name: string
  readonly says: string
  readonly command: readonly string[]
  /** Where vitest leaves its JSON, when the step counts tests. */
  readonly results?: string
  /** A program that the step cannot do without: missing, it is left out aloud, and under CI=true it fails. */
  readonly needs?: string
  /** Only when asked for by name. */
  readonly onRequest?: boolean
  readonly environment?: Readonly<Record<string, string>>
  readonly fast?: boolean
  /** It waits for processes, sockets and clocks far more than it computes. */
  readonly waits?: boolean
}

/** Of the unit tests, what is over before one has looked up: no laws, and a tenth of the made-up templates. */
const INNER_LOOP = { FLOTILLA_INNER_LOOP: '1', FLOTILLA_FUZZ_CASES: '200' }

/** Each test is told when it is over, and not only each file. */
const EACH_TEST = '--reporter=verbose'
/** A law may take its minutes when it is held against so many cases. */
const FOR_HOURS = [EACH_TEST, '--testTimeout=3600000']

function vitest(
  name: string,
  says: string,
  projects: readonly string[],
  more: readonly string[] = [],
  fast = false,
): Step {
  const results = join(RESULTS, `${name}.json`)
  return {
    name,
    says,
    fast,
    results,
    command: [
      'vitest',
      'run',
      ...projects.flatMap(project => ['--project', project]),
      ...(more.includes(EACH_TEST) ? [] : ['--reporter=default']),
      '--reporter=json',
      `--outputFile.json=${results}`,
      ...more,
    ],
  }
}

/** @param share Files at the same time, for each processor: they wait for each other's processes. */
function waiting(name: string, says: string, share: number, project = name): Step {
  const workers = Math.max(2, Math.round(share * availableParallelism()))
  return { ...vitest(name, says, [project], [`--maxWorkers=${workers}`]), waits: true }
}

/** Built before anything asks for it: two would build it twice. */
const CONTROL_PLANE = 'controlplane'
/** The command in a few files, and who tells tests where they are: test/e2e/support/bundled-command.ts. */
const COMMAND = 'command'
const BUNDLE = 'npm-test'
const BUNDLED = { FLOTILLA_BUNDLED: join(ROOT, 'cli', 'dist', `${BUNDLE}-start.mjs`) }

const STEPS: readonly Step[] = [
  { name: 'format', says: 'formatter and linter', command: ['biome', 'ci', '--error-on-warnings', '.'] },
  { name: 'reformat', says: 'formatter and safe fixes', command: ['biome', 'check', '--write', '.'], onRequest: true },
  {
    name: 'rules',
    says: 'house rules: import arrows, time as a port, file size',
    command: ['node', 'scripts/house-rules/main.ts'],
    fast: true,
  },
  {
    name: 'types',
    says: 'types',
    command: [
      'tsc',
      '--noEmit',
      '-p',
      'tsconfig.json',
      '--incremental',
      '--tsBuildInfoFile',
      '.cache/types.tsbuildinfo',
    ],
    fast: true,
  },
  // They compute and wait for nothing: every processor has its share.
  vitest(
    'unit',
    'unit, property, golden and conformance tests',
    ['unit'],
    [`--maxWorkers=${availableParallelism()}`],
    true,
  ),
  {
    ...vitest(
      'nightly',
      'laws, each on a hundred thousand cases',
      ['unit'],
      ['.prop.test.ts', 'engines.test.ts', `--maxWorkers=${availableParallelism()}`, ...FOR_HOURS],
    ),
    onRequest: true,
    environment: { FLOTILLA_FUZZ_CASES: '100000' },
  },
  {
    ...vitest(
      'nightly-sockets',
      'ten thousand hostile connections each way',
      ['integration'],
      ['.prop.integration.test.ts', ...FOR_HOURS],
    ),
    onRequest: true,
    environment: { FLOTILLA_FUZZ_CASES: '100000' },
  },
  {
    ...vitest('nightly-cost', 'what a commit costs among ten thousand Applications', ['integration'], ['loop-cost']),
    onRequest: true,
    environment: { FLOTILLA_APPLICATIONS: '10000' },
  },
  {
    name: 'nightly-fleets',
    says: 'whole fleets from two hundred fresh seeds',
    command: ['node', 'test/simulation/main.ts', '--seeds', '200', '--from', String(1 + (Date.now() % 1e9))],
    onRequest: true,
  },
  {
    ...vitest(
      'kills',
      'an agent and a hub that are killed at work, so often',
      ['e2e'],
      ['test/e2e/agent-kill', 'test/e2e/kill'],
    ),
    onRequest: true,
  },
  {
    ...vitest(
      'chaos',
      'an agent that is killed so often while it syncs to a cluster that fails in every way',
      ['e2e'],
      ['test/e2e/chaos'],
    ),
    onRequest: true,
  },
  {
    name: 'nightly-planted',
    says: 'bugs planted into the product, each to be found by a law within a thousand lives',
    command: ['node', 'test/simulation/main.ts', '--planted'],
    onRequest: true,
  },
  vitest(
    'simulation',
    'whole fleets on a virtual clock, from seeds',
    ['simulation'],
    [`--maxWorkers=${availableParallelism()}`],
  ),
  {
    name: CONTROL_PLANE,
    says: 'the real control plane for tests (built once, about five minutes, then cached)',
    command: ['node', 'test/controlplane/src/main.ts', 'build'],
    needs: 'go',
    waits: true,
  },
  {
    name: COMMAND,
    says: 'the command in a few files, for tests that start it often',
    command: ['node', 'test/e2e/support/bundled-command.ts', BUNDLE],
    waits: true,
  },
  // Those that wait for most come first: what computes fills the time, and nothing waits alone at the end.
  waiting('e2e', 'end to end: hub, agents and clusters as processes', 1.5),
  {
    ...waiting('processes', 'integration tests that start processes', 2, 'integration'),
    environment: { FLOTILLA_INTEGRATION: 'apart' },
  },
  waiting('contract', 'one contract on the simulated and the real control plane', 1.5),
  {
    ...waiting('integration', 'integration tests: files and sockets', 2),
    environment: { FLOTILLA_INTEGRATION: 'together' },
  },
]

const { values, positionals } = parseArgs({
  options: {
    fast: { type: 'boolean' },
    only: { type: 'string' },
    // How often the steps `kills` and `chaos` kill; in the step `e2e` the same test does it as often as it says itself.
    kills: { type: 'string', default: '500' },
  },
  allowPositionals: true,
})
const only = values.only?.split(',')
const unknown = only?.find(name => !STEPS.some(step => step.name === name))
if (unknown) {
  console.error(`no step "${unknown}"; there are ${STEPS.map(step => step.name).join(', ')}`)
  process.exit(2)
}
const chosen = STEPS.filter(step => (only ? only.includes(step.name) : !step.onRequest && (!values.fast || step.fast)))
rmSync(RESULTS, { recursive: true, force: true })
mkdirSync(RESULTS, { recursive: true })

const counts = { passed: 0, failed: 0, skipped: 0 }
const broken: string[] = []
const colour = process.stderr.isTTY && !process.env.NO_COLOR
const bold = (text: string): string => (colour ? `\u001b[1m${text}\u001b[22m` : text)

// In the inner loop, what looks at the sources runs beside the tests.
const isBeside = (step: Step): boolean => (values.fast ? step.results === undefined : step.waits === true)
const beside = chosen.length === 1 ? [] : chosen.filter(isBeside)
/** What those beside said while something else is on the screen. */
const kept: string[] = []
let live = false
/** What runs, and what of it nobody has seen, for whoever ends this. */
const children = new Set<ChildProcess>()
const unseen = new Map<string, () => string>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const [name, text] of unseen) console.error(`${bold(`\n# ${name} was not over; it said:`)}\n${text()}`)
    for (const child of children) child.kill(signal)
    process.exit(1)
  })
}

const together = performBeside()
for (const step of chosen) {
  if (beside.includes(step)) continue
  live = true
  await perform(step, 'live')
  live = false
  for (const text of kept.splice(0)) console.error(text)
}
if (unseen.size > 0) console.error(bold(`\nwaiting for ${[...unseen.keys()].join(', ')} ...`))
await together
if (broken.length > 0) console.error(bold(`\nfailed: ${broken.join(', ')}`))
if (chosen.some(step => step.results)) {
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
}
process.exit(broken.length > 0 ? 1 : 0)

/** Two at a time: more would only keep each other waiting. */
async function performBeside(): Promise<void> {
  const left = [...beside]
  while (left[0]?.name === CONTROL_PLANE || left[0]?.name === COMMAND) await perform(left.shift()!, 'kept')
  const one = async (): Promise<void> => {
    for (let step = left.shift(); step; step = left.shift()) await perform(step, 'kept')
  }
  await Promise.all([one(), one()])
}

async function perform(step: Step, output: 'live' | 'kept'): Promise<void> {
  const heading = bold(`\n# ${step.says}`)
  const tell = (text: string): void => {
    if (output === 'kept' && live) kept.push(text)
    else console.error(text)
  }
  if (output === 'live') console.error(heading)
  if (step.needs && process.env.CI !== 'true' && spawnSync(step.needs, ['version']).error) {
    tell(bold(`LEFT OUT: "${step.needs}" is not installed, so nothing below runs on a real control plane`))
    return
  }
  const startedAt = performance.now()
  const kills = ['kills', 'chaos'].includes(step.name) && { FLOTILLA_KILLS: values.kills }
  const bundled = beside.some(({ name }) => name === COMMAND) && BUNDLED
  const environment = { ...step.environment, ...kills, ...bundled, ...(values.fast && INNER_LOOP) }
  const { code, text } = await run(step, environment, output)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (output === 'kept') tell(`${heading}\n${text.trimEnd()}`)
  tell(`${code === 0 ? 'ok' : 'FAILED'}: ${step.name}, ${seconds} s`)
  if (code !== 0) broken.push(step.name)
  if (step.results) count(step.results, step.name)
}

function run(
  step: Step,
  more: Readonly<Record<string, string>>,
  output: 'live' | 'kept',
): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = [...step.command, ...(step.results ? positionals : [])]
    // Under CI=true some tools colour what no terminal shows.
    const plain = colour ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }
    const env = { ...process.env, ...plain, ...more }
    const piped: StdioOptions = ['ignore', 'pipe', 'pipe']
    const stdio = output === 'live' ? 'inherit' : piped
    const child = spawn(program, args, { cwd: ROOT, stdio, shell: process.platform === 'win32', env })
    children.add(child)
    let text = ''
    if (output === 'kept') unseen.set(step.name, () => text)
    else if (beside.length > 0 && !values.fast) yieldTo(child)
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.once('error', reject)
    child.once('close', code => {
      children.delete(child)
      unseen.delete(step.name)
      resolve({ code: code ?? 1, text })
    })
  })
}

/** Whoever waited goes first when it is its turn: to be late there may be a failure, here it is only later. */
function yieldTo({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    setPriority(pid, 2)
  } catch {
    // It has ended already, or this system lets nobody: then all take turns alike.
  }
}

/** Reads vitest's JSON; a run that died before writing it has failed already by its exit code. */
function count(file: string, step: string): void {
  if (!existsSync(file)) {
    if (!broken.includes(step)) broken.push(step)
    return
  }
  const result = JSON.parse(readFileSync(file, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numPendingTests: number
    numTodoTests: number
  }
  counts.passed += result.numPassedTests
  counts.failed += result.numFailedTests
  counts.skipped += result.numPendingTests + result.numTodoTests
}
