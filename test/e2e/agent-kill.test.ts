import { setTimeout as sleep } from 'node:timers/promises'
import { controlPlaneAvailability, readAuditLog } from '@flotilla/controlplane'
import type { Json } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledCommand } from './support/bundled-command.ts'
import { askCluster, objectIn } from './support/cluster-client.ts'
import { isDone } from './support/hub-under-test.ts'
import { LEASE, OneCluster } from './support/one-cluster.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
/** `npm run test:kills` asks for five hundred. */
const KILLS = Number(process.env['FLOTILLA_KILLS'] ?? 15)
const APPS = ['api', 'job', 'web'] as const
const WAVES = 3
/** Of each Application in each wave. */
const OBJECTS = 3
/** After so many kills everything has to become as Git says, and is looked at. */
const CHECK_EVERY = 10
/** Once in so many deaths nobody says that the agent is dead: the next one waits for the term of its Lease. */
const LEASE_EVERY = 15
/** How long an agent lives, from its first instruction on, or once it has begun to write. */
const [LIFE_MS, WRITING_MS] = [1_500, 800]

/** A start that takes longer is told, with what the agent said. */
const SLOW_MS = 20_000

const RECORDS = '/api/v1/namespaces/flotilla-system/configmaps'
const OBJECT_PATH = '/api/v1/namespaces/shop/configmaps'

describe.skipIf(availability.kind === 'unavailable')(`an agent that is killed ${KILLS} times during syncs`, () => {
  let world: OneCluster
  let command: Awaited<ReturnType<typeof bundledCommand>>
  const seed = Number(process.env['FLOTILLA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

  beforeAll(async () => {
    console.log(`agent kill test: FLOTILLA_SEED=${seed}`)
    command = await bundledCommand()
    const { program } = command
    const plane = { audit: 'requestResponse' } as const
    world = await OneCluster.start({ apps: APPS, plane, files: filesOf(0), program })
  })
  afterAll(async () => {
    await world?.close()
    command?.remove()
  })

  const agent = () => world.startAgent()

  /** Operations whose records say that they have not ended. */
  async function unfinished(): Promise<number> {
    const list = await objectIn(world.cluster, `${RECORDS}?labelSelector=flotilla.dev%2Frecord%3Doperation`)
    return listAt(list, 'items').filter(item => ['Running', 'Terminating'].includes(textAt(item, 'data', 'phase')))
      .length
  }

  async function versionIn(name: string): Promise<string | undefined> {
    return textAt(await objectIn(world.cluster, `${OBJECT_PATH}/${name}`), 'metadata', 'resourceVersion') || undefined
  }

  /** A process that is dead for certain holds no Lease: the term need not pass. */
  async function declareDead(): Promise<void> {
    const answer = await askCluster(world.cluster, 'PATCH', LEASE, { spec: { holderIdentity: '' } })
    expect([200, 404]).toContain(answer.status)
  }

  async function everythingIsAsInGit(round: number, told: () => string): Promise<void> {
    const done = async () => {
      const rows = await world.hub.applications()
      return rows.length === APPS.length && rows.every(isDone)
    }
    const state = async () => `${JSON.stringify(await world.hub.applications(), undefined, 1)}\n${told()}`
    await until(`all is done after round ${round}`, done, { withinMs: 240_000, told: state })
    const there = new Map(
      listAt(await objectIn(world.cluster, OBJECT_PATH), 'items').map(item => [
        textAt(item, 'metadata', 'name'),
        textAt(item, 'data', 'round'),
      ]),
    )
    // The cluster's own, which it puts into every namespace.
    there.delete('kube-root-ca.crt')
    const wanted = APPS.flatMap(app =>
      objectsOf(app, round).map(({ metadata }) => [metadata.name, String(round)] as const),
    )
    expect(there).toEqual(new Map<string, string>([...wanted, ['bystander', '']]))
    expect(await unfinished()).toBe(0)
  }

  test('ends with what Git says, starts each Grant once, goes never back, and deletes only what was withdrawn', async () => {
    const random = seededRandom(seed)
    const { hub, fleet, cluster } = world
    await world.join()
    let living = world.agent
    await askCluster(cluster, 'POST', OBJECT_PATH, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'bystander' },
    })
    await living.end('SIGKILL')
    await declareDead()
    let [inTheMiddle, round] = [0, 0]
    for (let kill = 1; kill <= KILLS; kill++) {
      round++
      await fleet.commit(filesOf(round))
      await hub.push()
      const first = `${APPS[kill % APPS.length]}-w0-o0`
      const before = await versionIn(first)
      living = agent()
      const startedAt = performance.now()
      if (random.fraction() < 0.75) {
        await until('it has begun to write', async () => (await versionIn(first)) !== before, {
          everyMs: 5,
          withinMs: 180_000,
          told: () => living.stderr().slice(-3000),
        })
        // Rare, and worth knowing why: the term of a Lease is a quarter of a minute.
        const slow = performance.now() - startedAt > SLOW_MS
        if (slow) console.log(`kill ${kill}: it began to write late\n${living.stderr().slice(-3000)}`)
        await sleep(random.fraction() ** 2 * WRITING_MS)
      } else await sleep(random.fraction() * LIFE_MS)
      await living.end('SIGKILL')
      if ((await unfinished()) > 0) inTheMiddle++
      if (kill % LEASE_EVERY !== 0) await declareDead()
      if (kill % CHECK_EVERY === 0 || kill === KILLS) {
        living = agent()
        await everythingIsAsInGit(round, () => living.stderr().slice(-6000))
        await living.end('SIGKILL')
        await declareDead()
      }
    }
    await lawsOfTheLog()
    console.log(`agent kill test: ${KILLS} kills, ${inTheMiddle} of them with operations that had not ended`)
    expect(inTheMiddle).toBeGreaterThanOrEqual(KILLS / 5)
  }, 7_200_000)

  /** What the apiserver wrote down of every write, in the order in which it answered. */
  async function lawsOfTheLog(): Promise<void> {
    const writes = (await readAuditLog(world.plane.auditLog())).filter(
      ({ responseStatus }) => (responseStatus?.code ?? 500) < 300,
    )
    const newest = new Map<string, number>()
    const records = new Set<string>()
    let incarnation = 0
    for (const { verb, objectRef, requestObject, responseObject, requestURI } of writes) {
      const name = objectRef?.name ?? textAt(responseObject as Json, 'metadata', 'name')
      if (requestURI.includes('dryRun=')) continue
      if (objectRef?.resource === 'leases' && requestURI.includes('/flotilla-system/')) {
        const annotated = textAt(requestObject as Json, 'metadata', 'annotations', 'flotilla.dev/incarnation')
        const raised = Number(annotated || incarnation)
        expect(raised, 'an incarnation never goes back').toBeGreaterThanOrEqual(incarnation)
        incarnation = raised
      }
      if (objectRef?.namespace === 'flotilla-system' && name.startsWith('flotilla-operation') && verb === 'create') {
        expect(records.has(name), `${name} was begun twice`).toBe(false)
        records.add(name)
      }
      if (objectRef?.namespace !== 'shop' || objectRef.resource !== 'configmaps') continue
      if (name === 'bystander') expect(verb, 'a bystander is not touched').toBe('create')
      else if (verb === 'delete') expect(name, 'only what was withdrawn is deleted').toMatch(/-extra-\d+$/)
      else {
        const round = Number(textAt(responseObject as Json, 'data', 'round'))
        expect(round, `${name} never goes back`).toBeGreaterThanOrEqual(newest.get(name) ?? 0)
        newest.set(name, round)
      }
    }
    expect(incarnation).toBeGreaterThanOrEqual(KILLS / 2)
    expect(records.size).toBeGreaterThan(KILLS / 2)
  }
})

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> }
}

/** What an Application is in one round: objects in waves that stay, and one that comes with the round and goes with it. */
function objectsOf(app: string, round: number): readonly ConfigMap[] {
  const object = (name: string, wave: number) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, annotations: { 'argocd.argoproj.io/sync-wave': String(wave) } },
    data: { round: String(round) },
  })
  const staying = Array.from({ length: WAVES * OBJECTS }, (_, index) =>
    object(`${app}-w${Math.floor(index / OBJECTS)}-o${index % OBJECTS}`, Math.floor(index / OBJECTS)),
  )
  return [...staying, object(`${app}-extra-${round}`, 1)]
}

function filesOf(round: number): Record<string, string> {
  return Object.fromEntries(
    APPS.map(app => [
      `apps/${app}/real-1/app.yaml`,
      objectsOf(app, round)
        .map(each => dump(each))
        .join('---\n'),
    ]),
  )
}
