import { randomBytes } from 'node:crypto'
import type { AgentSettings } from '@flotilla/agents/settings'
import { parseJson } from '@flotilla/core/json/parse-json'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { VERSION } from '../version.ts'
import { action, type Verb } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions

/** `flotilla agent`, `flotilla agent plan` and `flotilla agent rotate-key`: the program of one cluster, whose settings are its own. */
export const agent: Verb = {
  register(program, context) {
    program
      .command('agent')
      .description('the agent of one cluster: takes what the hub offers, applies, keeps and reports it')
      .argument(
        '[words...]',
        '"plan APPLICATION": what a sync would do now; "rotate-key": another key; asked of the agent that runs here',
      )
      .allowUnknownOption()
      .helpOption(false)
      .action(
        action(context, (words: readonly string[], _flags: object, command: Command) =>
          agentVerb(words, command.optsWithGlobals(), context),
        ),
      )
  },
}

async function agentVerb(words: readonly string[], flags: Flags, context: CliContext): Promise<ExitCode> {
  const { readSettings, maskedSettings } = await import('@flotilla/agents/settings')
  const read = readSettings({ argv: [...words, ...sharedFlags(flags)], environment: context.env })
  if (read.kind === 'help') {
    context.stdout.write(`${read.text.replaceAll(/^agent /gm, 'flotilla agent ')}\n`)
    return 0
  }
  if (read.kind === 'problems') {
    for (const { setting, message } of read.problems) context.stderr.write(`${setting}: ${message}\n`)
    return 2
  }
  const { settings, printOnly, operands } = read
  if (printOnly) {
    context.stdout.write(`${JSON.stringify(maskedSettings(settings), undefined, 2)}\n`)
    return 0
  }
  const [verb, application, ...rest] = operands
  if (verb === undefined) return await run(settings, context)
  if (verb === 'rotate-key' && application === undefined) return await rotateKey(settings, context)
  if (verb === 'plan' && application === undefined) throw usageError('agent plan needs the name of an Application')
  if (verb !== 'plan' || application === undefined || rest.length > 0) {
    throw usageError(
      `unknown command "agent ${operands.join(' ')}"`,
      'there is "agent", "agent plan APPLICATION" and "agent rotate-key"',
    )
  }
  return await plan(settings, application, flags, context)
}

/** The command's global flags that the agent has as well: commander has taken them already. */
function sharedFlags({ hub, context }: Flags): readonly string[] {
  return [...(hub === undefined ? [] : ['--hub', hub]), ...(context === undefined ? [] : ['--context', context])]
}

async function plan(
  settings: AgentSettings,
  application: string,
  flags: Flags,
  context: CliContext,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const { askForPlan } = await import('@flotilla/agents/control-socket')
  const { printData } = await import('../output/data.ts')
  const answer = await askForPlan(settings.controlSocket, application, format === 'table' ? 'text' : 'json').catch(
    (error: unknown) => {
      throw failure(error instanceof Error ? error.message : String(error), undefined, error)
    },
  )
  if (format === 'table') context.stdout.write(`${answer}\n`)
  else printData(context, format, parseJson(answer))
  return 0
}

/** The agent that runs here takes another key; its hub learns it in the same moment. */
async function rotateKey(settings: AgentSettings, context: CliContext): Promise<ExitCode> {
  const { askForAnotherKey } = await import('@flotilla/agents/control-socket')
  const told = await askForAnotherKey(settings.controlSocket).catch((error: unknown) => {
    throw failure(error instanceof Error ? error.message : String(error), undefined, error)
  })
  context.stdout.write(`${told}\n`)
  return 0
}

async function run(settings: AgentSettings, context: CliContext): Promise<ExitCode> {
  const { createJsonLog } = await import('@flotilla/agents/json-log')
  const { runUntilStopped } = await import('@flotilla/agents/run-until-stopped')
  const { clock } = context
  const random = createRandom(randomBytes)
  const log = createJsonLog(line => context.stderr.write(line), clock, settings.logLevel, { cluster: settings.name })
  const stopped = new Promise<string>(done => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done(signal))
  })
  // Between two attempts to reach anything there may be no socket that keeps the process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    const ports = { clock, random, log, environment: context.env, version: VERSION }
    return await runUntilStopped(settings, ports, stopped)
  } catch (error) {
    throw failure(`the agent failed: ${error instanceof Error ? error.message : error}`, undefined, error)
  } finally {
    clearInterval(alive)
  }
}
