import { randomBytes } from 'node:crypto'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { askForPlan } from './control-socket.ts'
import { createJsonLog } from './json-log.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { type AgentSettings, maskedSettings, readSettings } from './settings.ts'

/** The program of one cluster: `agent`, and `agent plan APPLICATION` beside a running one. */
const VERSION = '0.1.0'
const KEEP_ALIVE_MS = 60_000

process.exitCode = await main(process.argv.slice(2))

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
  if (verb === 'plan' && application !== undefined) return plan(settings, application, output)
  if (verb !== undefined) {
    console.error(`unknown command "${operands.join(' ')}"; try --help`)
    return 2
  }
  return run(settings)
}

async function plan(settings: AgentSettings, application: string, output: string): Promise<number> {
  try {
    console.log(await askForPlan(settings.controlSocket, application, output === 'json' ? 'json' : 'text'))
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
  try {
    return await runUntilStopped(settings, { clock, random, log, environment: process.env, version: VERSION }, stopped)
  } catch (error) {
    log.error('agent failed', { error: error instanceof Error ? error.message : String(error) })
    return 1
  } finally {
    clearInterval(keepAlive)
  }
}
