import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import { textAt, valueAt } from '@flotilla/core/json/read-json'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { HubUnderTest } from './support/hub-under-test.ts'
import { endAll, run, type Started, start } from './support/processes.ts'
import { type ServedSimulation, serveSimulation } from './support/simulated.ts'
import { configMap, deployment, SmallFleet } from './support/small-fleet.ts'
import { until } from './support/until.ts'

describe('what goes wrong around a fleet', () => {
  let folder: TemporaryFolder
  let fleet: SmallFleet
  let hub: HubUnderTest
  let good: ServedSimulation
  let stranger: ServedSimulation
  let agent: Started
  let usedToken: string

  beforeAll(async () => {
    folder = await temporaryFolder()
    fleet = await SmallFleet.create(join(folder.path, 'repo'), ['eu-1'], ['web'])
    good = await serveSimulation('eu-1', join(folder.path, 'eu-1.kubeconfig'))
    stranger = await serveSimulation('stranger', join(folder.path, 'stranger.kubeconfig'))
    hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
    await hub.start()
    await until('the Cluster is known', async () => (await hub.clusters()).length === 1)
    usedToken = await joinToken('eu-1')
    agent = startAgent(good, 'good', usedToken)
    await hub.settled(1)
  })
  beforeEach(() => good.cluster.faults.clear())
  afterAll(async () => {
    await hub?.close()
    await endAll()
    await good?.close()
    await stranger?.close()
    await folder?.remove()
  })

  async function joinToken(cluster: string): Promise<string> {
    const made = await run(['cluster', 'join-token', '--cluster', cluster], { env: hub.clientEnvironment })
    expect(made.code, made.stderr).toBe(0)
    return made.stdout.trim()
  }

  function startAgent(served: ServedSimulation, name: string, token: string): Started {
    const data = join(folder.path, `agent-${name}`)
    return start(['agent', '--kubeconfig', served.kubeconfig, '--data-directory', data, '--join-token', token])
  }

  const application = async (): Promise<JsonObject> => (await hub.applications())[0] ?? {}
  const value = () =>
    textAt(
      good.cluster.read({ group: '', kind: 'ConfigMap', namespace: 'shop', name: 'web' }) as JsonObject | undefined,
      'data',
      'value',
    )

  test('a join token is good once, and a name that is taken is not given away', async () => {
    const again = startAgent(stranger, 'again', usedToken)
    await again.says(/used up/)
    // Ended first: of two agents of one cluster the second waits for the first.
    await again.end()
    const impostor = startAgent(stranger, 'impostor', await joinToken('eu-1'))
    await impostor.says(/NAME_TAKEN|belongs to another agent/)
    await impostor.end()
    // Their own records apart, neither has touched that cluster.
    expect(stranger.cluster.objects().filter(({ metadata }) => metadata.namespace === 'shop')).toEqual([])
    expect(valueAt((await hub.clusters())[0], 'agent', 'connected')).toBe(true)
    expect(agent.isRunning()).toBe(true)
    const nonsense = await startAgent(stranger, 'nonsense', 'flj1.nonsense').ended
    expect(nonsense.code).toBe(1)
  })

  test('a client that is refused, lost or wrong ends with 3, 3 and 2, and says why', async () => {
    const ask = (words: string[], env: Record<string, string> = {}) =>
      run(words, { env: { ...hub.clientEnvironment, ...env } })
    expect(await ask(['fleet'], { FLOTILLA_TOKEN: 'flt_wrong.token' })).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('the token is not valid there'),
    })
    expect(await ask(['fleet'], { FLOTILLA_HUB: 'https://127.0.0.1:1' })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cannot be reached'),
    })
    expect(await run(['fleet', '--hub', hub.url], { env: { FLOTILLA_TOKEN: hub.token } })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--ca-pin'),
    })
    expect(await ask(['fleet'], { FLOTILLA_HUB: 'http://hub.example.com' })).toMatchObject({ code: 2 })
    expect(await ask(['app', 'list', '--health', 'Sick'])).toMatchObject({ code: 2, stdout: '' })
    expect(await ask(['app', 'get', 'nobody'])).toMatchObject({ code: 1 })
    expect(await ask(['cluster', 'join-token', '--cluster', 'nowhere'])).toMatchObject({ code: 1, stdout: '' })
    const one = await ask(['app', 'get', 'web-eu-1', '-o', 'json'])
    expect(JSON.parse(one.stdout)).toMatchObject({ name: 'web-eu-1', sync: { status: 'Synced' } })
    expect(await ask(['fleet', '-o', 'name'])).toEqual({ code: 0, stdout: 'prod\n', stderr: '' })
    expect((await ask(['source', 'list'])).stdout).toMatch(/^NAME .*\nfleet +main +[0-9a-f]{8} +no +0/)
  })

  test('a repository that is away or was rewritten takes nothing away', async () => {
    const hidden = `${fleet.directory}-away`
    await rename(fleet.directory, hidden)
    await hub.push()
    await until('the hub says so', async () => {
      const { items } = await hub.api.list('/api/v1/repositories', {})
      return items.some(({ error }) => error !== null)
    })
    expect(await application()).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } })
    await rename(hidden, fleet.directory)
    await fleet.say('web', 'eu-1', 'back again')
    await hub.push()
    await until('the new value is there', () => value() === 'back again')
    good.cluster.clearRequests()
    const rewritten = await fleet.rewrite()
    await hub.push()
    await fleet.say('web', 'eu-1', 'after the rewrite')
    await hub.push()
    await until('the new value is there', () => value() === 'after the rewrite')
    expect(good.writes()).toEqual(['patch /api/v1/namespaces/shop/configmaps/web'])
    expect(rewritten).toMatch(/^[0-9a-f]{40}$/)
    await hub.settled(1)
  })

  test('a link that leaves the repository holds its Application, which keeps what it has', async () => {
    await writeFile(join(folder.path, 'outside.yaml'), dump(configMap('outside', 'x')))
    await symlink('../../../../outside.yaml', join(fleet.directory, 'apps/web/eu-1/outside.yaml'))
    await fleet.addLink('apps/web/eu-1/outside.yaml')
    await hub.push()
    const held = await until('it is held', async () => {
      const { hold } = await application()
      return hold === null ? undefined : hold
    })
    expect(JSON.stringify(held)).toMatch(/outside\.yaml/)
    expect(value()).toBe('after the rewrite')
    await fleet.commit({ 'apps/web/eu-1/outside.yaml': undefined })
    await hub.push()
    await hub.settled(1)
  })

  test.each([409, 422, 429, 500, 503, 0])('an API server that answers %s for a while is asked again', async status => {
    const text = `after ${status}`
    // What the server calls a mistake ends the operation, and the next attempt comes later.
    const times = status === 422 ? 1 : 2
    const failing = { match: /PATCH .*configmaps\/web.*/, status, times, retryAfterSeconds: 1 }
    good.cluster.faults.set({ failNext: [failing] })
    await fleet.say('web', 'eu-1', text)
    await hub.push()
    await until('the new value is there', () => value() === text, {
      told: async () => JSON.stringify(await application(), undefined, 1),
    })
    await hub.settled(1)
  })

  test('rights that are missing are told with the words of the server, and what was held back is done when they come', async () => {
    const before = value()
    good.cluster.faults.set({ denied: [{ verbs: ['patch'], group: '', resource: 'configmaps', namespace: 'shop' }] })
    await fleet.commit({
      'apps/web/eu-1/app.yaml': `${dump(configMap('web', 'with rights'))}---\n${dump(deployment('web'))}`,
    })
    await hub.push()
    await until(
      'the Application says so',
      async () => /cannot patch resource \\?"configmaps/.test(JSON.stringify(await application())),
      { told: async () => JSON.stringify(await application(), undefined, 1) },
    )
    expect(value()).toBe(before)
    good.cluster.faults.clear()
    await until('the new value is there', () => value() === 'with rights', {
      told: async () => JSON.stringify(await application(), undefined, 1),
    })
    await hub.settled(1)
  })
})
