import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { controlPlaneAvailability, readAuditLog } from '@flotilla/controlplane'
import type { Json } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApiFault, ApiProxy } from './support/api-proxy.ts'
import { bundledCommand } from './support/bundled-command.ts'
import { objectIn } from './support/cluster-client.ts'
import { isDone } from './support/hub-under-test.ts'
import { OneCluster, WEB_FILE } from './support/one-cluster.ts'
import type { Started } from './support/processes.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
/** `npm run test:chaos` asks for twenty. */
const ROUNDS = Number(process.env['FLOTILLA_CHAOS'] ?? 1)
const OBJECTS = 200
const WAVES = 4
/** Faults that befall one sync, one after the other. */
const EACH_ROUND = 4
const OBJECT_PATH = '/api/v1/namespaces/shop/configmaps'

/** What may befall a cluster and its agent during a sync; each round draws some of it. */
const FAULTS: readonly (readonly [name: string, fault: ApiFault | 'cut' | 'killed' | 'frozen' | 'agent'])[] = [
  ['answers 429', { kind: 'answers', status: 429, share: 0.3 }],
  ['answers 500', { kind: 'answers', status: 500, share: 0.2 }],
  ['answers 503', { kind: 'answers', status: 503, share: 0.2 }],
  ['does not answer what it did', { kind: 'unanswered', share: 0.1 }],
  ['is slow', { kind: 'slow', ms: 150 }],
  ['cuts watches', 'cut'],
  ['is killed', 'killed'],
  ['is frozen', 'frozen'],
  ['the agent is killed', 'agent'],
]

describe.skipIf(availability.kind === 'unavailable')(`${ROUNDS} syncs of ${OBJECTS} objects under faults`, () => {
  let world: OneCluster
  let proxy: ApiProxy
  let command: Awaited<ReturnType<typeof bundledCommand>>
  const seed = Number(process.env['FLOTILLA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const random = seededRandom(seed)

  beforeAll(async () => {
    console.log(`chaos: FLOTILLA_SEED=${seed}`)
    command = await bundledCommand()
    const { program } = command
    world = await OneCluster.start({ plane: { audit: 'requestResponse' }, files: filesOf(0), program })
    proxy = await ApiProxy.start(world.plane, random)
  })
  afterAll(async () => {
    await world?.close()
    await proxy?.close()
    command?.remove()
  })

  async function agent(flags: readonly string[] = []): Promise<Started> {
    const file = join(world.folder.path, 'kubeconfig')
    const through = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'chaos' },
      clusters: [{ name: 'chaos', cluster: { server: proxy.url } }],
      users: [{ name: 'chaos', user: {} }],
      contexts: [{ name: 'chaos', context: { cluster: 'chaos', user: 'chaos' } }],
    }
    await writeFile(file, JSON.stringify(through), { mode: 0o600 })
    return world.processOfAgent(file, flags)
  }

  async function roundOf(name: string): Promise<string> {
    return textAt(await objectIn(world.cluster, `${OBJECT_PATH}/${name}`), 'data', 'round')
  }

  test('each ends as Git says; nothing is lost, nothing goes back, no hook runs twice for one operation', async () => {
    const { hub, plane, fleet } = world
    let living = await agent(['--join-token', await world.joinToken()])
    await settled(0)
    const drawn: string[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      await fleet.commit(filesOf(round))
      await hub.push()
      const first = objectsOf(round)[0]!.metadata.name
      await until('it has begun to write', async () => (await roundOf(first)) === String(round), { everyMs: 10 })
      const order = FAULTS.map(each => ({ each, at: random.fraction() })).sort((a, b) => a.at - b.at)
      for (const { each } of order.slice(0, EACH_ROUND)) {
        const [name, fault] = each
        drawn.push(`${round}: ${name}`)
        if (fault === 'cut') proxy.cutWatches()
        else if (fault === 'killed') {
          await plane.kill()
          await sleep(500)
          await plane.restart()
        } else if (fault === 'frozen') {
          plane.pause()
          await sleep(1_500)
          plane.resume()
        } else if (fault === 'agent') {
          await living.end('SIGKILL')
          living = await agent()
        } else {
          proxy.fault = fault
          await sleep(1_500)
          proxy.fault = { kind: 'none' }
        }
      }
      await settled(round)
    }
    await lawsOfTheLog()
    console.log(`chaos: ${drawn.join(', ')}; ${proxy.faulted} requests met a fault`)

    async function settled(round: number): Promise<void> {
      const told = async () =>
        `${drawn.join(', ')}\n${JSON.stringify(await hub.applications(), undefined, 1)}\n${living.stderr().slice(-4000)}`
      const done = async () => {
        const rows = await hub.applications()
        return rows.length === 1 && rows.every(isDone) && (await roundOf(`o-${OBJECTS - 1}`)) === String(round)
      }
      await until(`round ${round} is done`, done, { withinMs: 240_000, told })
      const there = listAt(await objectIn(world.cluster, OBJECT_PATH), 'items').filter(
        item => textAt(item, 'metadata', 'name') !== 'kube-root-ca.crt',
      )
      expect(there).toHaveLength(OBJECTS)
      expect(new Set(there.map(item => textAt(item, 'data', 'round')))).toEqual(new Set([String(round)]))
    }
  }, 3_600_000)

  /** What the apiserver wrote down of every write that succeeded. */
  async function lawsOfTheLog(): Promise<void> {
    const newest = new Map<string, number>()
    const hooks = new Set<string>()
    const succeeded = (await readAuditLog(world.plane.auditLog())).filter(
      ({ responseStatus, requestURI, objectRef }) =>
        (responseStatus?.code ?? 500) < 300 && !requestURI.includes('dryRun=') && objectRef?.namespace === 'shop',
    )
    for (const { verb, objectRef, responseObject, user } of succeeded) {
      const name = objectRef?.name ?? textAt(responseObject as Json, 'metadata', 'name')
      if (objectRef?.resource === 'configmaps' && name !== 'kube-root-ca.crt') {
        expect(verb, `${name} is never deleted`).not.toBe('delete')
        const round = Number(textAt(responseObject as Json, 'data', 'round'))
        expect(round, `${name} never goes back`).toBeGreaterThanOrEqual(newest.get(name) ?? 0)
        newest.set(name, round)
      }
      const isNew = verb === 'create' || verb === 'patch'
      if (objectRef?.resource !== 'jobs' || !isNew || user.username.startsWith('system:')) continue
      const { metadata } = (responseObject ?? {}) as { metadata?: { uid?: string; annotations?: object } }
      const run = textAt(metadata?.annotations as Json, 'flotilla.dev/hook-run')
      if (run !== '') hooks.add(`${name} ${run} ${metadata?.uid}`)
    }
    const runs = [...hooks].map(each => each.replace(/ \S+$/, ''))
    expect(runs.length).toBeGreaterThan(ROUNDS)
    expect(new Set(runs).size, 'one Job for each hook of each operation').toBe(runs.length)
  }
})

interface Declared {
  readonly metadata: { readonly name: string }
}

/** Two hundred ConfigMaps in waves, a hook before them and one behind. */
function objectsOf(round: number): readonly Declared[] {
  return Array.from({ length: OBJECTS }, (_, index) => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap' },
    metadata: {
      name: `o-${index}`,
      annotations: { 'argocd.argoproj.io/sync-wave': String(Math.floor((index * WAVES) / OBJECTS)) },
    },
    data: { round: String(round) },
  }))
}

function hook(name: string, phase: string, round: number): object {
  const annotations = { 'argocd.argoproj.io/hook': phase, 'example.com/round': String(round) }
  const template = {
    spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
  }
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, annotations }, spec: { backoffLimit: 0, template } }
}

function filesOf(round: number): Record<string, string> {
  const objects = [hook('before', 'PreSync', round), ...objectsOf(round), hook('after', 'PostSync', round)]
  return { [WEB_FILE]: objects.map(each => dump(each)).join('---\n') }
}
