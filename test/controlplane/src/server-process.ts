import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ControlPlaneFailed } from './errors.ts'
import type { RunDirectory } from './run-directory.ts'

/** One running server of a control plane. */
export interface ServerProcess {
  /** The program, as in `kube-apiserver`. */
  readonly name: string
  readonly pid: number
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>
  isRunning(): boolean
  /** @throws When the process has ended already. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /**
   * Ends it at once: with watchers connected an orderly end of an apiserver takes a minute, and the data is throw-away.
   * Resolves when it has ended.
   */
  kill(): Promise<void>
  /** What to throw when the process ended on its own or does not become ready; quotes the end of its log. */
  failure(message: string): Promise<ControlPlaneFailed>
}

/** All children of this process and their run directories; none may outlive it. */
const children = new Set<ChildProcess>()
const runDirectories = new Set<RunDirectory>()
let exitHandlersInstalled = false

/** Starts a program; its output goes to `<folder>/<name>.log`. */
export function startServer(
  run: RunDirectory,
  folder: string,
  program: string,
  flags: readonly string[],
): ServerProcess {
  installExitHandlers()
  runDirectories.add(run)
  const name = basename(program)
  const logPath = join(folder, `${name}.log`)
  const log = openSync(logPath, 'a')
  // HOME lies in the run directory, so that nothing is read from or written to the user's own.
  const child = spawn(program, flags, {
    cwd: folder,
    env: { ...process.env, HOME: folder },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const pid = child.pid
  const ended = new Promise<void>(resolve => {
    // A program that could not be started has no exit, only an error.
    child.once('exit', () => resolve()).once('error', () => resolve())
  }).then(() => {
    children.delete(child)
  })
  if (pid === undefined) throw new ControlPlaneFailed(name, `cannot be started from ${program}`, '')
  children.add(child)
  run.recordChild(pid)
  const isRunning = () => child.exitCode === null && child.signalCode === null
  return {
    name,
    pid,
    ended,
    isRunning,
    signal(signal) {
      if (!isRunning()) throw new Error(`${name} has ended: it cannot take ${signal}`)
      child.kill(signal)
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async failure(message) {
      const lines = (await readFile(logPath, 'utf8')).trimEnd().split('\n')
      return new ControlPlaneFailed(name, message, lines.slice(-15).join('\n'))
    },
  }
}

/** Ends all that still uses a run directory and removes it. */
export function forgetRunDirectory(run: RunDirectory): void {
  runDirectories.delete(run)
  run.removeNow()
}

/**
 * Children must not outlive their launcher. On a signal that nobody else handles they are killed and the signal is
 * raised again, so that this process ends as it would have without us; whoever handles the signal decides when to exit.
 */
function installExitHandlers(): void {
  if (exitHandlersInstalled) return
  exitHandlersInstalled = true
  process.on('exit', killEverything)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const onSignal = () => {
      if (process.listenerCount(signal) > 1) return
      killEverything()
      process.removeListener(signal, onSignal)
      process.kill(process.pid, signal)
    }
    process.on(signal, onSignal)
  }
}

function killEverything(): void {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  for (const run of runDirectories) run.removeNow()
  runDirectories.clear()
}
