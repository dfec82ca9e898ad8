import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The command as people start it. */
export const COMMAND = fileURLToPath(new URL('../../../cli/bin/flotilla.mjs', import.meta.url))
/** What tests start that name no other: in `npm test` the same in a few files, which costs half as much each time. */
const USUAL = process.env['FLOTILLA_BUNDLED'] ?? COMMAND

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One process of ours, with everything it said. */
export interface Started {
  readonly pid: number
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  readonly ended: Promise<Ended>
  isRunning(): boolean
  /** Resolves with the first match in what it says, on either stream. @throws Error with all it said when it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<Ended>
}

export interface StartOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Which build of the command: see `bundled-command.ts`. */
  readonly program?: string
}

/** Only bounds a run in which it never happens. */
const SAYS_WITHIN_MS = 300_000

const running = new Set<Started>()

/** Starts `flotilla <words>`; {@link endAll} ends what a test leaves. */
export function start(words: readonly string[], options: StartOptions = {}): Started {
  const child = spawn(process.execPath, [options.program ?? USUAL, ...words], {
    cwd: options.cwd,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of [...listeners]) listener()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      tell()
    })
  }
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    running.delete(started)
    setImmediate(tell)
    return { code, signal }
  })
  const started: Started = {
    pid: child.pid ?? 0,
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ended,
    isRunning: () => running.has(started),
    says: pattern =>
      new Promise((resolve, reject) => {
        const settle = (match: RegExpExecArray | null, why: string): void => {
          clearTimeout(limit)
          listeners.delete(look)
          const said = `${text.stdout}\n${text.stderr}`
          if (match !== null) resolve(match)
          else reject(new Error(`flotilla ${words[0]} ${why} ${pattern}:\n${said}`))
        }
        const look = (): void => {
          const match = pattern.exec(text.stdout) ?? pattern.exec(text.stderr)
          if (match !== null || !running.has(started)) settle(match, 'ended before it said')
        }
        const limit = setTimeout(() => settle(null, 'never said'), SAYS_WITHIN_MS)
        listeners.add(look)
        look()
      }),
    end: async (signal = 'SIGTERM') => {
      if (running.has(started)) child.kill(signal)
      return await ended
    },
  }
  running.add(started)
  return started
}

/** Runs `flotilla <words>` to its end. */
export async function run(
  words: readonly string[],
  options: StartOptions = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const started = start(words, options)
  const { code } = await started.ended
  return { code, stdout: started.stdout(), stderr: started.stderr() }
}

/** Ends every process that is still there, by its own id. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map(started => started.end('SIGKILL')))
}

/** Without what the test runner or the person at the machine has set for themselves. */
function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (
      value === undefined ||
      /^(FLOTILLA_|VITEST|NODE_ENV$|NODE_OPTIONS$|KUBERNETES_|(HTTPS?|NO|ALL)_PROXY$)/i.test(name)
    ) {
      continue
    }
    kept[name] = value
  }
  return kept
}
