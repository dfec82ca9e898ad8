import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The command as it is in the repository; {@link HubChildOptions.command} may name a bundle instead. */
export const COMMAND = fileURLToPath(new URL('../../../cli/bin/flotilla.mjs', import.meta.url))

const PATIENCE_MS = 10 * 60_000

export interface HubChildOptions {
  /** Data and hub.yaml are made in it, and it as well. */
  readonly directory: string
  /** Declares the fleet under `fleet/`. */
  readonly repository: string
  /** Default: plain HTTP, as behind a proxy. */
  readonly tls?: boolean
  /** Where it listens; a free port without it. A hub that comes back has to be found where it was. */
  readonly port?: number
  /** Of an earlier start: it is shown at the first one only. */
  readonly token?: string
  readonly command?: string
  readonly nodeOptions?: readonly string[]
}

export interface HubUsage {
  readonly rssMb: number
  readonly heapMb: number
  /** Processor time, user and system, to the microsecond, but counted from the first scrape on: for differences. */
  readonly cpuSeconds: number
  /** Pauses of the main thread for garbage, since the start. */
  readonly gcSeconds: number
}

/** The real hub: `flotilla hub` in a process of its own, asked over its HTTP API as anyone would. */
export class HubChild {
  readonly url: string
  readonly token: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string, token: string) {
    this.#child = child
    this.url = url
    this.token = token
  }

  /** Resolves when the hub is ready: it has read what the fleet declares. */
  static async start({
    directory,
    repository,
    tls = false,
    port = 0,
    token = '',
    command = COMMAND,
    nodeOptions = process.env['BENCH_HUB_NODE_OPTIONS']?.split(' ') ?? [],
  }: HubChildOptions): Promise<HubChild> {
    const settings = {
      dataDirectory: join(directory, 'data'),
      listen: `127.0.0.1:${port}`,
      tls: { mode: tls ? 'own' : 'off' },
      // As rarely as a hub polls that webhooks serve.
      polling: { interval: '10m' },
      log: { level: 'warn' },
      configSources: [{ name: 'platform', repository, revision: 'main', path: 'fleet', trust: 'all' }],
    }
    await mkdir(directory, { recursive: true })
    const file = join(directory, 'hub.yaml')
    await writeFile(file, JSON.stringify(settings))
    const child = spawn(process.execPath, [...nodeOptions, command, 'hub', '--config', file, '-o', 'json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const { url, adminToken } = JSON.parse(await firstLine(child)) as { url: string; adminToken?: string }
      const hub = new HubChild(child, url, adminToken ?? token)
      await hub.#ready()
      return hub
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const ready = await this.ask('GET', '/readyz').then(
        () => true,
        () => false,
      )
      if (ready) return
      if (performance.now() > deadline) throw new Error('the hub never got ready')
      await pause()
    }
  }

  async joinToken(cluster: string): Promise<string> {
    return ((await this.ask('POST', `/api/v1/clusters/${cluster}/join-tokens`)) as { token: string }).token
  }

  async webhook(repository: string): Promise<void> {
    await this.ask('POST', '/api/v1/webhooks/generic', { repository })
  }

  async metrics(): Promise<Metrics> {
    return new Metrics((await this.ask('GET', '/metrics')) as string)
  }

  /** Asks until it is so. @throws Error after ten minutes, with what was waited for. */
  async until(what: string, done: (metrics: Metrics) => boolean, everyMs?: number): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!done(await this.metrics())) {
      if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`)
      await pause(everyMs)
    }
  }

  /** Applications in all, and those that are Synced and Healthy. */
  async counts(): Promise<{ readonly applications: number; readonly settled: number }> {
    const { applications } = (await this.ask('GET', '/api/v1/fleet')) as {
      applications: { total: number; sync: { Synced: number }; health: { Healthy: number } }
    }
    const { total, sync, health } = applications
    return { applications: total, settled: Math.min(sync.Synced, health.Healthy) }
  }

  /** Processor time since the process was started, in seconds, to the hundredth: the kernel tells it, and asking costs the hub nothing. */
  async cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')
    // Behind the name, which may hold spaces: utime and stime are fields 14 and 15, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  }

  async usage(): Promise<HubUsage> {
    const metrics = await this.metrics()
    return {
      rssMb: metrics.sum('process_resident_memory_bytes') / 1e6,
      heapMb: metrics.sum('nodejs_heap_size_used_bytes') / 1e6,
      cpuSeconds: metrics.sum('process_cpu_seconds_total'),
      gcSeconds: metrics.sum('nodejs_gc_duration_seconds_sum'),
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }

  /** One request, for JSON or text. @throws Error for an answer that is no success. */
  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const send = this.url.startsWith('https:') ? httpsRequest : httpRequest
    return await new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${this.token}`,
        ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      }
      // The certificate is the hub's own and this is loopback: what is measured is the hub.
      const sending = send(`${this.url}${path}`, { method, headers, rejectUnauthorized: false }, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8')
          const status = response.statusCode ?? 0
          if (status >= 300) reject(new Error(`${method} ${path}: ${status} ${answer.slice(0, 500)}`))
          else resolve(response.headers['content-type']?.includes('json') ? JSON.parse(answer) : answer)
        })
      })
      sending.on('error', reject)
      sending.end(text)
    })
  }
}

/** Prometheus' text, as far as a benchmark reads it. */
export class Metrics {
  readonly #lines: readonly string[]

  constructor(text: string) {
    this.#lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  }

  /** Of all series of this name whose labels hold `part`. */
  sum(name: string, part = ''): number {
    return this.#lines
      .filter(line => line.startsWith(`${name} `) || (line.startsWith(`${name}{`) && line.includes(part)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`the hub ended with ${code}`)))
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
  })
}

function pause(ms = 200): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
