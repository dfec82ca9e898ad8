import { createClock } from '@flotilla/core/ports/create-clock'
import type { CliContext } from '../context.ts'
import { runCommand } from '../program.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The whole command with its words, without a process of its own: for tests of many short calls. */
export async function runInProcess(
  words: readonly string[],
  around: { readonly cwd?: string; readonly env?: CliContext['env'] } = {},
): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommand(words, {
    cwd: around.cwd ?? '/',
    env: around.env ?? {},
    clock: createClock(globalThis),
    stdout: { write: text => void out.push(text), isTerminal: false },
    stderr: { write: text => void err.push(text), isTerminal: false },
    exitCode: 0,
  })
  return { code, stdout: out.join(''), stderr: err.join('') }
}
