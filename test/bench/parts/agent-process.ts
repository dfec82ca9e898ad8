import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ControlPlane } from '@flotilla/controlplane'

const SETTLE_MS = 120_000
const ROOT = join(import.meta.dirname, '../../..')
/** Another bundle than that of this checkout: one of before a change, or one that can be profiled. */
const BUNDLE = process.env['BENCH_AGENT']
const run = promisify(execFile)

/** Makes the bundle that the processes run. */
export async function buildAgent(): Promise<void> {
  if (BUNDLE === undefined) await run(process.execPath, [join(ROOT, 'scripts/build-agent.mjs')])
}

/** What an agent of some size is started with here; the image leaves more room for clusters that hold more. */
export const AGENT_FLAGS = [
  '--max-semi-space-size=2',
  '--max-old-space-size=48',
  '--no-opt',
  '--no-concurrent-recompilation',
  '--invocation-count-for-maglev=1000',
  '--v8-pool-size=1',
  '--expose-gc',
] as const
/** Of the image too: memory that was freed goes back at once. */
const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536', MALLOC_MMAP_THRESHOLD_: '8192' }

interface Line {
  readonly message: string
  readonly application: string | undefined
  /** Of an operation that has ended. */
  readonly phase: string | undefined
  readonly atMs: number
}

/**
 * `agents/dist/agent.mjs` as a process of its own, read by the lines it logs. `BENCH_AGENT_NODE_OPTIONS` adds to its
 * flags, such as `--cpu-prof`.
 */
export class AgentProcess {
  readonly #child: ChildProcess
  readonly #lines: Line[] = []
  #rest = ''

  constructor(plane: ControlPlane, joinToken: string, dataDirectory: string) {
    const settings = {
      FLOTILLA_KUBECONFIG: plane.kubeconfigPath,
      FLOTILLA_JOIN_TOKEN: joinToken,
      FLOTILLA_DATA_DIRECTORY: dataDirectory,
      FLOTILLA_LOG_LEVEL: 'debug',
    }
    const more = process.env['BENCH_AGENT_NODE_OPTIONS']?.split(' ') ?? []
    this.#child = spawn(process.execPath, [...AGENT_FLAGS, ...more, BUNDLE ?? join(ROOT, 'agents/dist/agent.mjs')], {
      env: { PATH: process.env['PATH'], ...MALLOC, ...settings },
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#read(text))
  }

  /** When it said so, of this Application if one is named. */
  async said(message: string, application?: string): Promise<number> {
    const isIt = (line: Line) =>
      line.message === message && (application === undefined || line.application === application)
    return await this.#find(message, isIt)
  }

  /** When an operation of this Application ended. */
  async ended(application: string): Promise<number> {
    const isIt = (line: Line) => line.phase !== undefined && line.application === application
    return await this.#find(`an operation of ${application} has ended`, isIt)
  }

  async #find(what: string, isIt: (line: Line) => boolean): Promise<number> {
    const deadline = performance.now() + SETTLE_MS
    for (;;) {
      const line = this.#lines.find(isIt)
      if (line) return line.atMs
      if (performance.now() > deadline || this.#child.exitCode !== null)
        throw new Error(`the agent never said: ${what}`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  forget(): void {
    this.#lines.length = 0
  }

  async peakRssMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)
  }

  /** What it holds now, in millions of bytes. */
  async rssMb(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return Math.round((Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024) / 1e5) / 10
  }

  /** Processor time since its start, user and system; in hundredths of a second, as Linux counts. */
  async cpuMs(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const { message, level, time, ...more } = JSON.parse(line) as Logged
      this.#lines.push({ message, application: more.application, phase: more.phase, atMs: Date.parse(time) })
      if (level === 'warn' || level === 'error') console.error(`agent: ${message}`, more)
    }
  }
}

interface Logged {
  readonly message: string
  readonly level: string
  readonly time: string
  readonly application?: string
  readonly phase?: string
}
