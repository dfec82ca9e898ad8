import { join } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { HubUnderTest } from './support/hub-under-test.ts'
import { endAll, run, type Started, start } from './support/processes.ts'
import { type ServedSimulation, serveSimulation } from './support/simulated.ts'
import { SmallFleet } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const CLUSTERS = ['eu-1', 'eu-2'] as const
const APPS = ['web', 'api'] as const
const COUNT = CLUSTERS.length * APPS.length

describe('hub, agents and clusters as processes of their own', () => {
  let folder: TemporaryFolder
  let fleet: SmallFleet
  let hub: HubUnderTest
  const clusters = new Map<string, ServedSimulation>()
  const agents = new Map<string, Started>()

  beforeAll(async () => {
    folder = await temporaryFolder()
    fleet = await SmallFleet.create(join(folder.path, 'repo'), CLUSTERS, APPS)
    for (const name of CLUSTERS)
      clusters.set(name, await serveSimulation(name, join(folder.path, `${name}.kubeconfig`)))
    hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
    await hub.start()
  })

  afterAll(async () => {
    await hub?.close()
    await endAll()
    for (const { close } of clusters.values()) await close()
    await folder?.remove()
  })

  function startAgent(name: string, flags: readonly string[]): Started {
    const { kubeconfig } = clusters.get(name)!
    const data = join(folder.path, `a-${name}`)
    const started = start(['agent', '--name', name, '--kubeconfig', kubeconfig, '--data-directory', data, ...flags])
    agents.set(name, started)
    return started
  }

  function valueIn(cluster: string, app: string): unknown {
    const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: app }
    return valueAt(clusters.get(cluster)!.cluster.read(key) as JsonObject | undefined, 'data', 'value')
  }

  const connected = () =>
    until('both agents connected', async () =>
      (await hub.clusters()).every(each => valueAt(each, 'agent', 'connected') === true),
    )

  test('clusters join by the tokens that the command makes, and everything comes alive', async () => {
    await until('both Clusters are known', async () => (await hub.clusters()).length === CLUSTERS.length)
    for (const name of CLUSTERS) {
      const made = await run(['cluster', 'join-token', '--cluster', name], { env: hub.clientEnvironment })
      expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^flj1\.\S+\n$/) })
      startAgent(name, ['--join-token', made.stdout.trim()])
    }
    await hub.settled(COUNT)
    expect(valueIn('eu-1', 'web')).toBe('one')
    const listed = await run(['app', 'list', '-o', 'name', '--sort', 'name'], { env: hub.clientEnvironment })
    expect(listed).toEqual({ code: 0, stdout: 'api-eu-1\napi-eu-2\nweb-eu-1\nweb-eu-2\n', stderr: '' })
  })

  test('a commit and a webhook change exactly the cluster that the commit is about', async () => {
    const [one, other] = [clusters.get('eu-1')!, clusters.get('eu-2')!]
    one.cluster.clearRequests()
    other.cluster.clearRequests()
    await fleet.say('web', 'eu-1', 'two')
    expect((await hub.push()).status).toBe(202)
    await until('the new value is in eu-1', () => valueIn('eu-1', 'web') === 'two')
    await hub.settled(COUNT)
    expect(one.writes()).toEqual(['patch /api/v1/namespaces/shop/configmaps/web'])
    expect(other.writes()).toEqual([])
  })

  test('while the hub is away agents keep correcting drift; when it is back nothing is applied again', async () => {
    await hub.kill()
    const { cluster } = clusters.get('eu-1')!
    await edit(cluster, '/api/v1/namespaces/shop/configmaps/web', { data: { value: 'by hand' } })
    expect(valueIn('eu-1', 'web')).toBe('by hand')
    await until('the drift is corrected', () => valueIn('eu-1', 'web') === 'two')
    for (const each of clusters.values()) each.cluster.clearRequests()
    await hub.start()
    await connected()
    await hub.settled(COUNT)
    for (const [name, each] of clusters) expect(each.writes(), name).toEqual([])
    // And it is the same hub: what is committed now goes its way.
    await fleet.say('api', 'eu-2', 'three')
    await hub.push()
    await until('the new value is in eu-2', () => valueIn('eu-2', 'api') === 'three')
    await hub.settled(COUNT)
    expect(clusters.get('eu-2')!.writes()).toEqual(['patch /api/v1/namespaces/shop/configmaps/api'])
  })

  test('an agent that is killed goes on where it was, without a token', async () => {
    await agents.get('eu-1')!.end('SIGKILL')
    clusters.get('eu-1')!.cluster.clearRequests()
    await fleet.say('api', 'eu-1', 'four')
    await hub.push()
    startAgent('eu-1', [])
    await until('the new value is in eu-1', () => valueIn('eu-1', 'api') === 'four')
    expect(clusters.get('eu-1')!.writes()).toEqual(['patch /api/v1/namespaces/shop/configmaps/api'])
  })
})

/** As kubectl edit would. */
async function edit(cluster: ServedSimulation['cluster'], path: string, patch: JsonObject): Promise<void> {
  const headers = { 'content-type': 'application/merge-patch+json' }
  const response = await cluster
    .transport()
    .request({ method: 'PATCH', path: `${path}?fieldManager=kubectl-edit`, headers, body: JSON.stringify(patch) })
  expect(response.status).toBe(200)
}
