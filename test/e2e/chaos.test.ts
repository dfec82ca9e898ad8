import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { controlPlaneAvailability, readAuditLog } from '@flotilla/controlplane'
import type { Json } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiProxy } from './support/api-proxy.ts'
import { bundledCommand } from './support/bundled-command.ts'
import { askCluster, objectIn } from './support/cluster-client.ts'
import { ClusterWeather } from './support/cluster-weather.ts'
import { isDone } from './support/hub-under-test.ts'
import { LEASE, OneCluster } from './support/one-cluster.ts'
import type { Started } from './support/processes.ts'
import { filesOf, HOOKS, OBJECTS } from './support/two-hundred-objects.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
/** `npm run test:chaos` asks for five hundred. */
const KILLS = Number(process.env['FLOTILLA_KILLS'] ?? 6)
/** How often the long run says where it is. */
const TELL_EVERY = 25
/**
 * An agent dies at one of its first so many requests (few more often than many), or so long after its first one; each
 * life in a row that came to no sync lets the next one be longer.
 */
const [MOST_REQUESTS, LIFE_MS] = [500, 4_000]
/** Once in so many lives there is a newer commit before the last one is done. */
const COMMIT_EVERY = 20
/** Once in so many deaths nobody says that the agent is dead: the next one waits for the term of its Lease. */
const LEASE_EVERY = 50

const OBJECT_PATH = '/api/v1/namespaces/shop/configmaps'
const JOB_PATH = '/apis/batch/v1/namespaces/shop/jobs'
const RECORDS = '/api/v1/namespaces/flotilla-system/configmaps?labelSelector=flotilla.dev%2Frecord%3Doperation'

describe.skipIf(availability.kind === 'unavailable')(`${KILLS} deaths of an agent in a cluster that fails`, () => {
  let world: OneCluster
  let proxy: ApiProxy
  let command: Awaited<ReturnType<typeof bundledCommand>>
  let kubeconfig: string
  const seed = Number(process.env['FLOTILLA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

  beforeAll(async () => {
    console.log(`chaos: FLOTILLA_SEED=${seed}`)
    command = await bundledCommand()
    const { program } = command
    world = await OneCluster.start({ plane: { audit: 'requestResponse' }, files: filesOf(0), program })
    proxy = await ApiProxy.start(world.plane, seededRandom(seed))
    kubeconfig = join(world.folder.path, 'kubeconfig')
    const through = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'chaos' },
      clusters: [{ name: 'chaos', cluster: { server: proxy.url } }],
      users: [{ name: 'chaos', user: {} }],
      contexts: [{ name: 'chaos', context: { cluster: 'chaos', user: 'chaos' } }],
    }
    await writeFile(kubeconfig, JSON.stringify(through), { mode: 0o600 })
  })
  afterAll(async () => {
    await world?.close()
    await proxy?.close()
    command?.remove()
  })

  /** What the cluster says for certain: asked past the proxy, and again while the apiserver is killed or frozen. */
  const certainly = <T>(look: () => Promise<T>): Promise<T> => {
    const answer = async (): Promise<{ readonly is: T } | undefined> => {
      try {
        return { is: await look() }
      } catch {
        return undefined
      }
    }
    return until('the cluster answers', answer, { everyMs: 100 }).then(({ is }) => is)
  }

  const itemsAt = async (path: string) => listAt(await certainly(() => objectIn(world.cluster, path)), 'items')

  async function isSyncing(): Promise<boolean> {
    const records = await itemsAt(RECORDS)
    return records.some(item => ['Running', 'Terminating'].includes(textAt(item, 'data', 'phase')))
  }

  /** A process that is dead for certain holds no Lease: the term need not pass. */
  async function declareDead(): Promise<void> {
    const { status } = await certainly(async () => {
      const answer = await askCluster(world.cluster, 'PATCH', LEASE, { spec: { holderIdentity: '' } })
      if (answer.status >= 429) throw new Error(`answered ${answer.status}`)
      return answer
    })
    expect([200, 404]).toContain(status)
  }

  async function roundIn(name: string): Promise<string> {
    return textAt(await certainly(() => objectIn(world.cluster, `${OBJECT_PATH}/${name}`)), 'data', 'round')
  }

  async function isAsInGit(round: number): Promise<boolean> {
    const rows = await world.hub.applications()
    if (rows.length !== 1 || !rows.every(isDone)) return false
    return (await roundIn(`o-${OBJECTS - 1}`)) === String(round) && !(await isSyncing())
  }

  /** Resolves at one of the agent's next requests, or when it has lived long enough. */
  async function someTimeOf(fraction: number, lifeMs: number): Promise<void> {
    const last = Math.ceil(MOST_REQUESTS ** fraction)
    let requests = 0
    await new Promise<void>(resolve => {
      proxy.onRequest = () => {
        requests++
        if (requests === 1) sleep(lifeMs * fraction).then(resolve)
        if (requests === last) resolve()
      }
    })
    proxy.onRequest = undefined
  }

  test('ends as Git says: nothing is lost, nothing goes back, and no hook runs twice for one operation', async () => {
    const random = seededRandom(seed + 1)
    const { hub, fleet, plane } = world
    const agent = (flags: readonly string[] = []): Started => world.processOfAgent(kubeconfig, flags)
    let living = agent(['--join-token', await world.joinToken()])
    await until('it has joined and is as in Git', () => isAsInGit(0))
    await living.end('SIGKILL')
    await declareDead()
    const weather = new ClusterWeather(plane, proxy, seededRandom(seed + 2))
    const beganAt = performance.now()
    let [round, inTheMiddle, lives, inVain] = [0, 0, 0, 0]
    const told = () => `${inTheMiddle} of ${lives} in the middle of a sync, round ${round}, ${proxy.faulted} faults`
    while (inTheMiddle < KILLS) {
      lives++
      expect(lives, 'lives that come to a sync').toBeLessThan(20 + 4 * KILLS)
      if (random.fraction() < 1 / COMMIT_EVERY || (await isAsInGit(round))) {
        round++
        await fleet.commit(filesOf(round))
        await hub.push()
      }
      living = agent()
      await someTimeOf(random.fraction(), LIFE_MS * (1 + inVain))
      await living.end('SIGKILL')
      const counts = await isSyncing()
      if (counts) inTheMiddle++
      inVain = counts ? 0 : inVain + 1
      if (lives % LEASE_EVERY !== 0) await declareDead()
      const seconds = Math.round((performance.now() - beganAt) / 1000)
      if (counts && inTheMiddle % TELL_EVERY === 0) console.log(`chaos: ${seconds} s, kills: ${told()}`)
    }
    await weather.clearsUp()
    living = agent()
    const state = async () =>
      `${told()}\n${JSON.stringify(await hub.applications(), undefined, 1)}\n${living.stderr().slice(-6000)}`
    await until('everything is as Git says', () => isAsInGit(round), { withinMs: 600_000, told: state })
    await lawsOfTheEnd(round)
    const operations = await lawsOfTheLog()
    const faults = [...weather.seen].map(([name, times]) => `${name} ${times} times`).join(', ')
    console.log(`chaos: kills: ${told()}, ${operations} operations; the cluster ${faults}`)
  }, 3_600_000)

  async function lawsOfTheEnd(round: number): Promise<void> {
    const objects = await itemsAt(OBJECT_PATH)
    const rounds = objects
      .filter(item => textAt(item, 'metadata', 'name') !== 'kube-root-ca.crt')
      .map(item => textAt(item, 'data', 'round'))
    expect(rounds, 'nothing is lost, and nothing is left behind').toEqual(
      Array.from({ length: OBJECTS }, () => String(round)),
    )
    const jobs = (await itemsAt(JOB_PATH)).map(item => [
      textAt(item, 'metadata', 'name'),
      textAt(item, 'metadata', 'annotations', 'example.com/round'),
      listAt(item, 'status', 'conditions').some(condition => textAt(condition, 'type') === 'Complete'),
    ])
    const wanted = HOOKS.filter(name => name !== 'passing').sort()
    expect(jobs, 'each hook has run in the last round').toEqual(wanted.map(name => [name, String(round), true]))
  }

  /** What the apiserver wrote down of every write that succeeded. Returns of how many operations it tells. */
  async function lawsOfTheLog(): Promise<number> {
    const newest = new Map<string, number>()
    const jobs = new Map<string, Set<string>>()
    for (const event of await readAuditLog(world.plane.auditLog())) {
      const { verb, objectRef, requestURI, responseObject, responseStatus, user } = event
      if ((responseStatus?.code ?? 500) >= 300 || requestURI.includes('dryRun=')) continue
      if (objectRef?.namespace !== 'shop' || objectRef.subresource !== undefined) continue
      const name = objectRef.name ?? textAt(responseObject as Json, 'metadata', 'name')
      if (objectRef.resource === 'configmaps' && name !== 'kube-root-ca.crt') {
        expect(verb, `${name} is never deleted`).not.toBe('delete')
        const round = Number(textAt(responseObject as Json, 'data', 'round'))
        expect(round, `${name} never goes back`).toBeGreaterThanOrEqual(newest.get(name) ?? 0)
        newest.set(name, round)
      }
      const isNew = verb === 'create' || verb === 'patch'
      if (objectRef.resource !== 'jobs' || !isNew || user.username.startsWith('system:')) continue
      const { metadata } = (responseObject ?? {}) as { metadata?: { uid?: string; annotations?: object } }
      // `<operation>/<phase>/<attempt>`: no hook of this test fails, so that no attempt may follow another.
      const [operation, phase] = textAt(metadata?.annotations as Json, 'flotilla.dev/hook-run').split('/')
      if (phase === undefined) continue
      const hook = `${operation} ${phase} ${name}`
      jobs.set(hook, (jobs.get(hook) ?? new Set()).add(metadata?.uid ?? ''))
    }
    const twice = [...jobs].filter(([, uids]) => uids.size > 1).map(([hook]) => hook)
    expect(twice, 'hooks with two Jobs for one operation').toEqual([])
    const operations = new Set([...jobs.keys()].map(hook => hook.split(' ')[0]))
    expect(operations.size).toBeGreaterThan(1)
    return operations.size
  }
})
