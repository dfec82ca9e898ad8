import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'

export interface CommandResult {
  /** Null when the command was ended by a signal. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a command to its end.
 *
 * @param lowPriority Lets everything else on the machine go first: a Go build takes every core it gets.
 * @throws The system's error when the command does not exist (`code: 'ENOENT'`).
 */
export async function runCommand(
  command: string,
  argumentList: readonly string[],
  options: {
    readonly cwd: string
    readonly environment?: Readonly<Record<string, string>>
    readonly lowPriority?: boolean
  },
): Promise<CommandResult> {
  const child = spawn(command, argumentList, {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killChild = () => child.kill('SIGKILL')
  process.once('exit', killChild)
  try {
    return await new Promise<CommandResult>((resolve, reject) => {
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      child.on('error', reject)
      child.on('close', exitCode => resolve({ exitCode, stdout, stderr }))
      if (options.lowPriority && child.pid !== undefined) setPriority(child.pid, 10)
    })
  } finally {
    process.removeListener('exit', killChild)
  }
}
