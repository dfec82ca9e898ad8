import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import type { CliContext, ExitCode } from '../context.ts'
import type { Demo } from '../demo/run-demo.ts'
import { usageError } from '../errors.ts'
import { type Colours, coloursOf } from '../output/colours.ts'
import { formatOf } from '../output/formats.ts'
import { table } from '../output/table.ts'
import { prettyYaml } from '../output/yaml.ts'
import { VERSION } from '../version.ts'
import { action, type Verb } from './verb.ts'

interface DemoFlags {
  readonly clusters?: string
  readonly directory: string
  readonly real?: boolean
  readonly once?: boolean
  readonly port: string
  readonly timeout: string
  readonly verbose?: boolean
  readonly color?: boolean
}

const REDRAW_MS = 250

/** `flotilla demo`: hub, config repository, clusters and agents on this machine. */
export const demo: Verb = {
  register(program, context) {
    program
      .command('demo')
      .description('hub, config repository, clusters and agents on this machine, in one command')
      .option('--clusters <n>', 'how many clusters (default 12, with --real 2)')
      .option('--directory <folder>', 'where the demo lives; its repository keeps your edits', 'flotilla-demo')
      .option('--real', 'real control planes instead of simulated clusters (needs Go, builds once)')
      .option('--once', 'end when everything is Synced and Healthy, with a summary')
      .option('--port <port>', 'port of the hub; 0 takes any that is free', '0')
      .option('--timeout <seconds>', 'with --once: how long to wait', '120')
      .option('--verbose', 'show what hub and agents log')
      .addHelpText(
        'after',
        '\nExamples:\n  flotilla demo\n  flotilla demo --once -o json\n  flotilla demo --real --clusters 2',
      )
      .action(
        action(context, (flags: DemoFlags, command) =>
          run(flags, formatOf(command.optsWithGlobals(), ['table', 'json', 'yaml']), context),
        ),
      )
  },
}

async function run(flags: DemoFlags, format: 'table' | 'json' | 'yaml', context: CliContext): Promise<ExitCode> {
  const clusters = wholeNumber('--clusters', flags.clusters ?? (flags.real ? '2' : '12'), 1, flags.real ? 10 : 1_000)
  const port = wholeNumber('--port', flags.port, 0, 65_535)
  const timeoutMs = wholeNumber('--timeout', flags.timeout, 1, 86_400) * 1_000
  const { startDemo } = await import('../demo/run-demo.ts')
  const clock = createClock(globalThis)
  const random = createRandom(randomBytes)
  const say = (text: string): void => context.stderr.write(`demo: ${text}\n`)
  const running = await startDemo(
    { directory: resolve(context.cwd, flags.directory), clusters, real: flags.real ?? false, port, version: VERSION },
    { clock, random, log: logTo(context, flags.verbose ?? false), say },
  )
  const ended = untilSignal()
  // The clock's timers keep no process alive; a person at the screen does.
  const alive = setInterval(() => undefined, 60_000)
  try {
    if (flags.once) return await once(running, timeoutMs, format, context)
    await watch(running, ended, context, coloursOf(context, context.stderr, flags), say)
    return 0
  } finally {
    clearInterval(alive)
    say('stopping …')
    await running.stop()
  }
}

async function once(
  running: Demo,
  timeoutMs: number,
  format: 'table' | 'json' | 'yaml',
  context: CliContext,
): Promise<ExitCode> {
  const complete = await running.settled(timeoutMs)
  const { summary } = running.look()
  if (format === 'json') context.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
  else if (format === 'yaml') context.stdout.write(prettyYaml(summary as unknown as JsonObject))
  else {
    const { clusters, connected, applications, synced, healthy, held, elapsedMs } = summary
    const colours = coloursOf(context, context.stdout)
    const rows = [
      [
        `${connected}/${clusters}`,
        String(applications),
        String(synced),
        String(healthy),
        String(held.length),
        `${(elapsedMs / 1000).toFixed(1)} s`,
      ],
    ]
    context.stdout.write(table(['CLUSTERS', 'APPLICATIONS', 'SYNCED', 'HEALTHY', 'HELD', 'TOOK'], rows, colours))
  }
  if (!complete) context.stderr.write('demo: not everything is Synced and Healthy in time\n')
  return complete ? 0 : 1
}

async function watch(
  running: Demo,
  ended: Promise<void>,
  context: CliContext,
  colours: Colours,
  say: (text: string) => void,
): Promise<void> {
  const { Screen, liveTable } = await import('../demo/live-table.ts')
  const { FleetNews } = await import('../demo/fleet-news.ts')
  const { ProgressLines } = await import('../demo/progress-lines.ts')
  const screen = new Screen(
    text => context.stderr.write(text),
    () => process.stderr.columns ?? 80,
    () => process.stderr.rows ?? 40,
  )
  const news = new FleetNews()
  const hints = hintsFor(running, colours)
  const lines = new ProgressLines(say, hints)
  const draw = (): void => {
    const { clusters, applications, summary } = running.look()
    const fresh = news.look(applications)
    if (context.stderr.isTerminal)
      screen.draw(
        liveTable({
          clusters,
          applications,
          summary,
          news: news.lines,
          hints,
          colours,
          mostClusters: spaceForClusters(),
        }),
      )
    else lines.tell(summary, fresh)
  }
  const timer = setInterval(draw, REDRAW_MS)
  await ended
  clearInterval(timer)
}

/** Lines that the terminal has left for clusters beside headings, news and hints. */
function spaceForClusters(): number {
  return Math.max(3, (process.stderr.rows ?? 40) - 22)
}

function hintsFor({ repository, fileToEdit, hub }: Demo, colours: Colours): readonly string[] {
  return [
    `${colours.bold('edit')}    ${forShell(fileToEdit)}`,
    `${colours.bold('commit')}  git -C ${forShell(repository)} commit -am "Say hello"`,
    `${colours.bold('look')}    curl -H "Authorization: Bearer ${hub.adminToken ?? '…'}" ${hub.url}/api/v1/fleet`,
    `Ctrl-C ends the demo; the repository keeps your edits.`,
  ]
}

/** As a shell reads it: the line is there to be copied. */
function forShell(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw usageError(`${name} takes a whole number from ${least} to ${most}, not "${text}"`)
  return value
}

function untilSignal(): Promise<void> {
  return new Promise(done => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done())
  })
}

/** Warnings only, unless asked: the demo's screen is its table. */
function logTo(context: CliContext, verbose: boolean): Log {
  const make = (bound: Readonly<Record<string, unknown>>): Log => {
    const write =
      (level: string) =>
      (message: string, fields?: Readonly<Record<string, unknown>>): void => {
        const text = JSON.stringify({ ...bound, ...fields }, (_key, value: unknown) =>
          value instanceof Error ? (verbose ? value.stack : value.message) : value,
        )
        context.stderr.write(`${level} ${message} ${text}\n`)
      }
    const silent = (): void => undefined
    return {
      debug: silent,
      info: verbose ? write('info') : silent,
      warn: verbose ? write('warn') : silent,
      error: write('error'),
      child: fields => make({ ...bound, ...fields }),
    }
  }
  return make({})
}
