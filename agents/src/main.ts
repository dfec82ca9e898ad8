import { randomBytes } from 'node:crypto'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { collectWhenQuiet } from '@flotilla/core/time/collect-when-quiet'
import { askForAnotherKey, askForPlan } from './control-socket.ts'
import { createJsonLog } from './json-log.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { type AgentSettings, maskedSettings, readSettings } from './settings.ts'
import { AGENT_VERSION } from './version.ts'

/** The program of one cluster: `agent`; beside a running one `agent plan APPLICATION` and `agent rotate-key`. */
const KEEP_ALIVE_MS = 60_000
/** Watches and the Lease need less; a sync of some objects leaves garbage that is worth a collection. */
const QUIET = { workMs: 300, quietMs: 100 }

// Not awaited here: a module that waits keeps what it made on the way there, as long as the program runs.
void main(process.argv.slice(2)).then(code => {
  process.exitCode = code
})

async function main(argv: readonly string[]): Promise<number> {
  const read = readSettings({ argv, environment: process.env })
  if (read.kind === 'help') {
    console.log(read.text)
    return 0
  }
  if (read.kind === 'problems') {
    for (const { setting, message } of read.problems) console.error(`${setting}: ${message}`)
    return 2
  }
  const { settings, printOnly, operands, output } = read
  if (printOnly) {
    console.log(JSON.stringify(maskedSettings(settings), null, 2))
    return 0
  }
  const [verb, application] = operands
  const { controlSocket: socket } = settings
  if (verb === 'plan' && application !== undefined) {
    return ask(() => askForPlan(socket, application, output === 'json' ? 'json' : 'text'))
  }
  if (verb === 'rotate-key' && application === undefined) return ask(() => askForAnotherKey(socket))
  if (verb !== undefined) {
    console.error(`unknown command "${operands.join(' ')}"; try --help`)
    return 2
  }
  return run(settings)
}

async function ask(question: () => Promise<string>): Promise<number> {
  try {
    console.log(await question())
    return 0
  } catch (error) {
    console.error((error as Error).message)
    return 1
  }
}

async function run(settings: AgentSettings): Promise<number> {
  const clock = createClock(globalThis)
  const random = createRandom(randomBytes)
  const log = createJsonLog(line => process.stderr.write(line), clock, settings.logLevel, { cluster: settings.name })
  const stopped = new Promise<string>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
  // Its timers do not keep a process alive, and between two attempts to reach anything there may be no socket.
  const keepAlive = setInterval(() => undefined, KEEP_ALIVE_MS)
  const { gc } = globalThis
  const usedMs = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  // Only where the process was started with --expose-gc, as the image does.
  const endCollecting =
    gc && collectWhenQuiet({ ...QUIET, clock, usedMs, collect: () => gc({ type: 'major', flavor: 'last-resort' }) })
  try {
    return await runUntilStopped(
      settings,
      { clock, random, log, environment: process.env, version: AGENT_VERSION },
      stopped,
    )
  } catch (error) {
    log.error('agent failed', { error: error instanceof Error ? error.message : String(error) })
    return 1
  } finally {
    endCollecting?.()
    clearInterval(keepAlive)
  }
}
