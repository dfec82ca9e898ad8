import { spawn } from 'node:child_process'
import type { GitError } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import { nativeError } from './native-errors.ts'

export interface GitRun {
  readonly gitBinary: string
  readonly subject: string
  readonly arguments: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  /** Default: the hub's own. */
  readonly folder?: string
  /** What it reads; nothing without it. */
  readonly input?: Uint8Array
  readonly signal: AbortSignal
}

/** A run of git that ended badly: what it wrote, and the error that the caller sees. */
export class GitRunFailed extends Error {
  readonly stderr: string
  readonly error: GitError
  constructor(stderr: string, error: GitError) {
    super(error.message, { cause: error })
    this.name = 'GitRunFailed'
    this.stderr = stderr
    this.error = error
  }
}

const MAX_STDOUT_BYTES = 64 * 1024 * 1024
const MAX_STDERR_CHARACTERS = 64 * 1024

/**
 * Runs git once and returns what it wrote. It is the leader of a process group of its own, so that stopping it stops
 * ssh and the helpers too.
 *
 * @throws GitRunFailed
 */
export function runGit(run: GitRun): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (stderr: string, error: GitError) => reject(new GitRunFailed(stderr, error))
    if (run.signal.aborted) return fail('', stopped(run))
    const child = spawn(run.gitBinary, [...run.arguments], {
      env: { ...run.variables },
      cwd: run.folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    const stop = () => killGroup(child.pid)
    run.signal.addEventListener('abort', stop, { once: true })
    // A program that ends without reading all of it says by its end what went wrong.
    child.stdin.on('error', () => undefined)
    child.stdin.end(run.input)
    const output: Buffer[] = []
    let size = 0
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size > MAX_STDOUT_BYTES) stop()
      else output.push(chunk)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < MAX_STDERR_CHARACTERS) stderr += text
    })
    child.once('error', cause => {
      run.signal.removeEventListener('abort', stop)
      fail('', gitError('REPOSITORY_UNREACHABLE', run.subject, `${run.gitBinary} cannot be run`, cause))
    })
    child.once('close', code => {
      run.signal.removeEventListener('abort', stop)
      if (code === 0) return resolve(Buffer.concat(output).toString('utf8'))
      if (run.signal.aborted) return fail(stderr, stopped(run))
      if (size > MAX_STDOUT_BYTES) {
        return fail(stderr, gitError('OBJECT_TOO_LARGE', run.subject, 'the server lists too many refs'))
      }
      fail(stderr, nativeError(run.subject, stderr))
    })
  })
}

export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function stopped(run: GitRun): GitError {
  const late = (run.signal.reason as { name?: string } | undefined)?.name === 'TimeoutError'
  return gitError('REPOSITORY_UNREACHABLE', run.subject, late ? 'the fetch took too long' : 'the fetch was stopped')
}
