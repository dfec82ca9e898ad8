import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark, Figure } from './figure.ts'
import { declarations, foldersOnClusters } from './parts/declarations.ts'
import { clusterNames } from './parts/fleet-files.ts'
import { HubChild } from './parts/hub-child.ts'

const CLIENTS = 50
/** Some of it alone: `BENCH_PARTS=lists,watch,start`. */
const PARTS = (process.env['BENCH_PARTS'] ?? 'lists,watch,start').split(',')
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 6)
const AT_ONCE = 16
const REQUESTS = 1_500
const WATCHERS = 1_000
const TOLD = 5

interface Ready {
  readonly url: string
  readonly bare: string
  readonly token: string
  readonly lists: readonly List[]
}

/** One list that somebody asks for, and where express alone serves its very bytes. */
interface List {
  readonly who: string
  readonly token: string
  readonly path: string
  readonly barePath: string
  readonly total: number
  readonly bytes: number
}

/** People's API over 10,000 Applications: lists, watchers, and how soon a hub that starts is ready. */
export const run: Benchmark = async () => {
  const child = fork(fileURLToPath(new URL('./parts/api-server.ts', import.meta.url)), { stdio: 'inherit' })
  try {
    const ready = (await heard(child, 'ready')) as unknown as Ready
    return [
      ...(PARTS.includes('lists') ? await listed(child, ready) : []),
      ...(PARTS.includes('watch') ? [await watched(child, ready)] : []),
      ...(PARTS.includes('start') ? await started() : []),
    ]
  } finally {
    child.disconnect()
    if (child.exitCode === null) await once(child, 'exit')
  }
}

async function listed(child: ChildProcess, ready: Ready): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const list of ready.lists) figures.push(...(await polite(ready, list)), ...(await flatOut(child, ready, list)))
  return figures
}

/** Fifty clients that ask once a second each, at their own moments. */
async function polite({ url }: Ready, list: List): Promise<readonly Figure[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  const times: number[] = []
  await ask(agent, url + list.path, list)
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      await pause((client * 1000) / CLIENTS)
      for (let round = 0; round < ROUNDS; round++) {
        const start = performance.now()
        await ask(agent, url + list.path, list)
        const took = performance.now() - start
        times.push(took)
        await pause(Math.max(0, 1000 - took))
      }
    }),
  )
  agent.destroy()
  const sorted = times.toSorted((a, b) => a - b)
  const what = `GET /applications (100 of ${list.total} of 10,000, ${list.who}, ${Math.round(list.bytes / 1000)} kB), ${CLIENTS} clients once a second`
  return [
    figure(`${what}: p50`, 'ms', sorted[sorted.length >> 1]!, { target: '< 10' }),
    figure(`${what}: p95`, 'ms', sorted[Math.floor(sorted.length * 0.95)]!, { target: '< 50' }),
  ]
}

/** As fast as one core goes: by the server's processor time, so that what the client costs does not count. */
async function flatOut(child: ChildProcess, ready: Ready, list: List): Promise<readonly Figure[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const perSecond = { hub: [] as number[], bare: [] as number[] }
  for (let round = 0; round < 4; round++) {
    for (const which of ['hub', 'bare'] as const) {
      const before = await cpuMs(child)
      await many(agent, which === 'hub' ? ready.url + list.path : ready.bare + list.barePath, list)
      // The first is for the compiler.
      if (round > 0) perSecond[which].push((REQUESTS * 1000) / ((await cpuMs(child)) - before))
    }
  }
  agent.destroy()
  return [
    figure(`the same, ${list.who}, per second of one core`, '/s', median(perSecond.hub), {
      baseline: median(perSecond.bare),
      baselineOf: 'express serving the same bytes',
      target: '> 0.5 ×',
    }),
  ]
}

async function many(agent: Agent, url: string, list: List): Promise<void> {
  let left = REQUESTS
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await ask(agent, url, list)
    }),
  )
}

/** A thousand who watch, and one change: when the last of them has it. */
async function watched(child: ChildProcess, ready: Ready): Promise<Figure> {
  const waiting = new Set<() => void>()
  const closing: (() => void)[] = []
  const agent = new Agent({ maxSockets: WATCHERS })
  await Promise.all(
    Array.from(
      { length: WATCHERS },
      () =>
        new Promise<void>((resolve, reject) => {
          const headers = { Authorization: `Bearer ${ready.token}` }
          const asked = request(`${ready.url}/api/v1/watch?kinds=applications`, { agent, headers }, response => {
            if (response.statusCode !== 200) reject(new Error(String(response.statusCode)))
            response.on('data', (chunk: Buffer) => {
              const text = chunk.toString('latin1')
              if (text.includes('event: snapshot')) resolve()
              if (text.includes('event: applications')) for (const told of [...waiting].slice(0, 1)) told()
            })
          })
          asked.on('error', error => (closing.length === 0 ? undefined : reject(error)))
          closing.push(() => asked.destroy())
          asked.end()
        }),
    ),
  )
  const times: number[] = []
  for (let change = 0; change < TOLD; change++) {
    const start = performance.now()
    await new Promise<void>(resolve => {
      let told = 0
      const count = (): void => {
        told += 1
        if (told < WATCHERS) return
        waiting.delete(count)
        resolve()
      }
      waiting.add(count)
      child.send({ kind: 'change' })
    })
    times.push(performance.now() - start)
  }
  for (const close of closing.splice(0)) close()
  agent.destroy()
  return figure(`${WATCHERS} who watch, one change: the last one told`, 'ms', median(times), { target: '< 500' })
}

/** A hub that holds 10,000 Applications is stopped and started again, until it says that it is ready. */
async function started(): Promise<readonly Figure[]> {
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const repository = server.url('fleet.git')
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-api-'))
  try {
    await fixture.commit({ files: fleetFiles(repository) })
    const first = await HubChild.start({ directory, repository })
    await first.until('all is rendered', all => all.sum('flotilla_applications_held') === 10_000)
    const { token } = first
    await first.stop()
    const times: number[] = []
    for (let round = 0; round < 3; round++) {
      const start = performance.now()
      const hub = await HubChild.start({ directory, repository, token })
      times.push(performance.now() - start)
      await hub.stop()
    }
    const what = 'a hub with 10,000 Applications: from its start until it is ready'
    return [figure(what, 's', median(times) / 1000, { target: '< 3' })]
  } finally {
    await server.close()
    await fixture.remove()
    await rm(directory, { recursive: true, force: true })
  }
}

function fleetFiles(repository: string): Record<string, string> {
  const names = Array.from({ length: 100 }, (_, index) => `app-${index}`)
  const fleet = declarations({
    repository,
    clusters: clusterNames(100),
    generator: foldersOnClusters(repository, 'apps/*'),
    application: '{{path.basename}}-{{name}}',
    destination: { cluster: '{{name}}', namespace: 'shop' },
  })
  const files = names.map(name => [
    `apps/${name}/config.yaml`,
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`,
  ])
  return { 'fleet/fleet.yaml': fleet, ...Object.fromEntries(files) }
}

function ask(agent: Agent, url: string, { token, bytes }: List): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, headers: { Authorization: `Bearer ${token}` } }, response => {
      let read = 0
      response.on('data', (chunk: Buffer) => {
        read += chunk.length
      })
      response.on('end', () =>
        response.statusCode === 200 && read === bytes
          ? resolve()
          : reject(new Error(`${response.statusCode}: ${read} bytes`)),
      )
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}

async function cpuMs(child: ChildProcess): Promise<number> {
  const answer = heard(child, 'cpu')
  child.send({ kind: 'cpu' })
  return (await answer)['ms'] as number
}

function heard(child: ChildProcess, kind: string): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the server has ended'))
    const listen = (message: unknown): void => {
      if ((message as { readonly kind?: unknown }).kind !== kind) return
      child.off('message', listen)
      child.off('exit', ended)
      resolve(message as Readonly<Record<string, unknown>>)
    }
    child.on('message', listen)
    child.once('exit', ended)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function figure(name: string, unit: string, value: number, more: Partial<Figure> = {}): Figure {
  return { figure: name, unit, value: Math.round(value * 100) / 100, ...more }
}
