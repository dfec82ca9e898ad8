import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { dump } from 'js-yaml'
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import { endAll } from '../e2e/support/processes.ts'
import { configMap, deployment } from '../e2e/support/small-fleet.ts'
import { until } from '../e2e/support/until.ts'
import { DocumentedSteps } from './support/documented.ts'
import { RecoveryFleet } from './support/recovery-fleet.ts'

/** What can befall a hub's memory, with processes and sockets: protocol.md 5.7, and the last rows of its section 10. */

/** They wait for each other's processes: each test has a fleet of its own, and runs beside the others. */
async function settled(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  names: readonly string[],
  apps: readonly string[],
): Promise<RecoveryFleet> {
  const world = await RecoveryFleet.settled(names, apps)
  onTestFinished(() => world.close())
  return world
}

afterAll(endAll)

describe.concurrent('a hub that is restored from an older backup', () => {
  test('says STORE_BEHIND, and after hub recover nothing is pruned and nothing applied again; twice', async context => {
    const world = await settled(context, ['eu-1', 'eu-2'], ['web', 'api'])
    const { hub, fleet } = world
    const backup = join(world.folder.path, 'backup')
    await world.flotilla(['hub', 'backup', backup, '--data', world.data])
    // After the backup: another content, and an Application that the backup has never heard of.
    await fleet.say('web', 'eu-1', 'two')
    const files = `${dump(configMap('young', 'one'))}---\n${dump(deployment('young'))}`
    await fleet.commit({ 'apps/young/eu-2/app.yaml': files })
    await hub.push()
    await until('the new value is in eu-1', () => world.valueIn('eu-1', 'web') === 'two')
    await hub.settled(5)
    const ids = await world.ids()
    world.forgetWrites()

    for (const round of ['first', 'second']) {
      const page = new DocumentedSteps('The hub is restored from a backup', {
        '/backups/today': backup,
        '/var/lib/flotilla': world.data,
      })
      await hub.stop()
      await world.flotilla(page.next('hub restore'))
      page.next('hub --config')
      await hub.start()
      expect(await world.reason(), round).toBe('behind restored')
      await world.connected()
      // Nothing is issued: what is committed now waits.
      await fleet.say('api', 'eu-1', `${round} waits`)
      await hub.push()
      await until('the wait is shown', async () => {
        const rows = await hub.applications()
        return rows.some(
          row => textAt(row, 'name') === 'api-eu-1' && textAt(valueAt(row, 'hold'), 'code') === 'STORE_BEHIND',
        )
      })
      const shown = await world.flotilla(page.next('hub recover --show'), 1)
      expect(shown.stdout).toContain('state: behind (restored)')
      expect((await world.flotilla(['fleet'])).stderr).toContain('STORE_BEHIND since')
      const metrics = await hub.transport.request({
        method: 'GET',
        path: '/metrics',
        headers: { authorization: `Bearer ${hub.token}` },
      })
      expect(Buffer.from(metrics.body).toString()).toContain('flotilla_recovery{state="behind"} 1')
      const sync = ['app', 'sync', 'web-eu-1', '--yes']
      const refused = await world.flotilla(sync, 1)
      expect(refused.stdout + refused.stderr).toMatch(/STORE_BEHIND|hub recover/)
      await until('an agent has proved it', async () => valueAt(await world.recovery(), 'evidence') !== null)
      const readyz = await hub.transport.request({ method: 'GET', path: '/readyz', headers: {} })
      expect(Buffer.from(readyz.body).toString()).toContain('STORE_BEHIND')
      expect(world.writes(), round).toEqual([])

      const recovered = await world.flotilla(page.next('hub recover'))
      expect(recovered.stdout).toMatch(/^recovered: epoch \d{10,}/)
      await world.caughtUp()
      expect(await world.ids(), round).toEqual(ids)
      await until('the sync waits for a person', async () => {
        const rows = await hub.applications()
        return rows.some(row => textAt(valueAt(row, 'hold'), 'code') === 'RECOVERY_UNACKNOWLEDGED')
      })
      expect(world.writes(), round).toEqual([])
      const digest = textAt(valueAt(await world.recovery(), 'list'), 'digest')
      await world.flotilla(page.next('hub recover --acknowledge', { 'sha256:…': digest }))
      page.end()
      await until('what waited is applied', () => world.valueIn('eu-1', 'api') === `${round} waits`)
      await world.allDone(5)
      expect(world.writes(), round).toEqual(['eu-1: patch /api/v1/namespaces/shop/configmaps/api'])
      expect(await world.reason()).toBe('settled')
      world.forgetWrites()
    }
  })
})

test.concurrent('an agent that changed its key twice since the backup asks to come back, and does by approval', async context => {
  const world = await settled(context, ['eu-1'], ['web'])
  const { hub } = world
  const backup = join(world.folder.path, 'backup')
  await world.flotilla(['hub', 'backup', backup, '--data', world.data])
  const ids = await world.ids()
  const data = join(world.folder.path, 'a-eu-1')
  for (let change = 0; change < 2; change++) await world.flotilla(['agent', 'rotate-key', '--data-directory', data])
  const key = valueAt(await hub.api.get('/api/v1/clusters/eu-1'), 'keySince')
  world.forgetWrites()
  await hub.stop()
  await world.flotilla(['hub', 'restore', backup, '--data', world.data, '--force'])
  await hub.start()
  expect(valueAt(await hub.api.get('/api/v1/clusters/eu-1'), 'keySince')).not.toBe(key)
  const [waiting] = await until('it asks to come back', async () => {
    const { items } = await hub.api.list('/api/v1/enrolments', {})
    return items.length === 1 && items
  })
  expect(waiting).toMatchObject({ kind: 'return', cluster: 'eu-1' })
  await world.flotilla(['hub', 'recover'])
  await world.flotilla(['cluster', 'approve', 'eu-1'])
  // The key that the backup names, and that was given up before its successor was, is refused over every later restore.
  expect(await readFile(join(world.data, 'hub.key.revoked'), 'utf8')).toMatch(
    /^\{[^\n]*"agent-key"[^\n]*"eu-1"[^\n]*\}\n$/,
  )
  await world.connected()
  await world.caughtUp()
  await world.flotilla(['hub', 'recover', '--acknowledge'])
  expect(await world.ids()).toEqual(ids)
  await world.allDone(1)
  expect(world.writes()).toEqual([])
})

describe.concurrent('a hub that lost its store', () => {
  test('with hub.key: agents return by approval, ids are taken over, nothing is pruned or applied again', async context => {
    const world = await settled(context, ['eu-1', 'eu-2'], ['web', 'api'])
    const { hub } = world
    const ids = await world.ids()
    const page = new DocumentedSteps('The store is lost, `hub.key` is not', {})
    await hub.kill()
    await loseEverythingBut(world.data, ['hub.key'])
    world.forgetWrites()
    page.next('hub --config')
    await hub.start()
    expect(await world.reason()).toBe('behind empty')
    // Who comes back waits for a person: the store has forgotten as well who was revoked.
    const waiting = await until(
      'both agents ask to come back',
      async () => {
        const { items } = await hub.api.list('/api/v1/enrolments', {})
        return items.length === 2 && items
      },
      { told: () => hub.process.stderr().slice(-4000) },
    )
    expect(waiting.map(row => textAt(row, 'kind'))).toEqual(['return', 'return'])
    await world.flotilla(page.next('hub recover'))
    expect(world.writes()).toEqual([])
    expect((await world.flotilla(page.next('cluster list'))).stdout).toContain('eu-2')
    await world.flotilla(page.next('cluster approve eu-1'))
    await world.flotilla(['cluster', 'approve', 'eu-2'])
    await world.connected()
    await world.caughtUp()
    expect(await world.ids()).toEqual(ids)
    await world.flotilla(page.next('hub recover --acknowledge'))
    page.end()
    await world.allDone(4)
    expect(world.writes()).toEqual([])
    // And it is the same hub as before: what is committed goes its way.
    await world.fleet.say('web', 'eu-1', 'two')
    await hub.push()
    await until('the new value is in eu-1', () => world.valueIn('eu-1', 'web') === 'two')
    await world.allDone(4)
    expect(world.writes()).toEqual(['eu-1: patch /api/v1/namespaces/shop/configmaps/web'])
  })
})

describe.concurrent('a hub that lost its store and its keys', () => {
  test('agents enrol again with new tokens and keep everything; nothing is restarted or deleted', async context => {
    const world = await settled(context, ['eu-1', 'eu-2'], ['web', 'api'])
    const { hub } = world
    const before = world.specs()
    const page = new DocumentedSteps('`hub.key` is lost too', {})
    await hub.kill()
    for (const agent of world.agents.values()) await agent.end()
    await rm(world.data, { recursive: true })
    world.forgetWrites()
    page.next('hub --config')
    await hub.start()
    expect(await world.reason()).toBe('settled')
    await until('the Clusters are known', async () => (await hub.clusters()).length === 2)
    const made = await world.flotilla(page.next('cluster join-token --cluster eu-1'))
    page.end()
    world.startAgent('eu-1', ['--join-token', made.stdout.trim()])
    world.startAgent('eu-2', ['--join-token', await world.joinToken('eu-2')])
    await world.connected()
    await world.allDone(4)
    // Marks are written anew, under the new hub's ids; nothing else.
    expect(world.writes().filter(write => !write.includes(': patch '))).toEqual([])
    expect(world.specs()).toEqual(before)
    await world.fleet.say('web', 'eu-1', 'two')
    await hub.push()
    await until('the new value is in eu-1', () => world.valueIn('eu-1', 'web') === 'two')
    await world.allDone(4)
  })
})

describe.concurrent('what befalls an agent', () => {
  test('its folder is lost: it waits for a person, takes the place of its old key, and applies nothing again', async context => {
    const world = await settled(context, ['eu-1'], ['web', 'api'])
    const { hub } = world
    const page = new DocumentedSteps("An agent's folder or Secrets are lost", {})
    await world.agents.get('eu-1')!.end('SIGKILL')
    await rm(join(world.folder.path, 'a-eu-1'), { recursive: true })
    world.forgetWrites()
    const made = await world.flotilla(page.next('cluster join-token --cluster eu-1'))
    world.startAgent('eu-1', ['--join-token', made.stdout.trim()])
    await until('it waits', async () => (await hub.api.list('/api/v1/enrolments', {})).items.length === 1)
    await world.flotilla(page.next('cluster approve eu-1'))
    page.end()
    await until(
      'it speaks under its new key',
      async () => valueAt(await hub.api.get('/api/v1/clusters/eu-1'), 'admission') === 2,
    )
    await world.connected()
    await world.allDone(2)
    expect(world.writes()).toEqual([])
  })

  test('its Lease is deleted, then the cluster forgets its incarnation: it raises it above the hub’s', async context => {
    const world = await settled(context, ['eu-1'], ['web'])
    const { hub } = world
    const { cluster } = world.clusters.get('eu-1')!
    const lease = '/apis/coordination.k8s.io/v1/namespaces/flotilla-system/leases/flotilla-agent'
    const incarnation = async () => valueAt(await hub.api.get('/api/v1/clusters/eu-1'), 'agent', 'incarnation')
    for (let restart = 0; restart < 3; restart++) {
      await world.agents.get('eu-1')!.end()
      world.startAgent('eu-1')
      await until('it speaks again', async () => Number(await incarnation()) >= restart + 2)
    }
    await world.agents.get('eu-1')!.end('SIGKILL')
    const highest = Number(await incarnation())
    const deleted = await cluster.transport().request({ method: 'DELETE', path: lease, headers: {} })
    expect(deleted.status).toBe(200)
    world.forgetWrites()
    world.startAgent('eu-1')
    await until(
      'it has raised it above the highest that the hub knows',
      async () => Number(await incarnation()) > highest,
    )
    await world.connected()
    await world.fleet.say('web', 'eu-1', 'two')
    await hub.push()
    await until('the new value is in eu-1', () => world.valueIn('eu-1', 'web') === 'two')
    await world.allDone(1)
    expect(world.writes()).toEqual(['eu-1: patch /api/v1/namespaces/shop/configmaps/web'])
  })
})

test.concurrent("a cluster's etcd is restored: results are read from it again, and it comes to what is offered once more", async context => {
  const world = await settled(context, ['eu-1'], ['web', 'api'])
  const { hub, fleet } = world
  const { cluster } = world.clusters.get('eu-1')!
  const backup = await takeObjects(cluster)
  for (const value of ['two', 'three']) {
    await fleet.say('web', 'eu-1', value)
    await hub.push()
    await until(`${value} is in eu-1`, () => world.valueIn('eu-1', 'web') === value)
    await world.allDone(2)
    await world.agents.get('eu-1')!.end()
    world.startAgent('eu-1')
    await world.connected()
  }
  const incarnation = async () => Number(valueAt(await hub.api.get('/api/v1/clusters/eu-1'), 'agent', 'incarnation'))
  const highest = await incarnation()
  await world.agents.get('eu-1')!.end('SIGKILL')
  await putObjects(cluster, backup)
  expect(world.valueIn('eu-1', 'web')).toBe('one')
  world.forgetWrites()
  world.startAgent('eu-1')
  await until('it has what is offered', () => world.valueIn('eu-1', 'web') === 'three')
  await world.allDone(2)
  expect(world.writes()).toEqual(['eu-1: patch /api/v1/namespaces/shop/configmaps/web'])
  expect(await incarnation()).toBeGreaterThan(highest)
})

type Simulated = NonNullable<ReturnType<RecoveryFleet['clusters']['get']>>['cluster']
const KINDS = [
  '/api/v1/namespaces/flotilla-system/configmaps',
  '/apis/coordination.k8s.io/v1/namespaces/flotilla-system/leases',
  '/api/v1/namespaces/shop/configmaps',
]

async function ask(cluster: Simulated, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: JsonObject) {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await cluster.transport().request({ method, path, headers, ...sent })
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  return { status: response.status, value: text === '' ? {} : parseJson(text) }
}

async function takeObjects(cluster: Simulated): Promise<ReadonlyMap<string, JsonObject>> {
  const objects = new Map<string, JsonObject>()
  for (const kind of KINDS) {
    const { value } = await ask(cluster, 'GET', kind)
    for (const item of listAt(value, 'items'))
      objects.set(`${kind}/${textAt(valueAt(item, 'metadata'), 'name')}`, item as JsonObject)
  }
  return objects
}

/** As a restored etcd has them: what came later is gone, what changed is as it was. */
async function putObjects(cluster: Simulated, backup: ReadonlyMap<string, JsonObject>): Promise<void> {
  const now = await takeObjects(cluster)
  for (const path of now.keys()) if (!backup.has(path)) expect((await ask(cluster, 'DELETE', path)).status).toBe(200)
  for (const [path, object] of backup) {
    const { resourceVersion: _, ...metadata } = object['metadata'] as JsonObject
    const current = valueAt(now.get(path), 'metadata', 'resourceVersion')
    const answer =
      current === undefined
        ? await ask(cluster, 'POST', path.slice(0, path.lastIndexOf('/')), { ...object, metadata })
        : await ask(cluster, 'PUT', path, { ...object, metadata: { ...metadata, resourceVersion: current } })
    expect(answer.status, path).toBeLessThan(300)
  }
}

test.concurrent('a thief reads the store and a backup with its Bundles: no secret, no token, no key, nothing to replay', async context => {
  const world = await settled(context, ['eu-1'], ['web'])
  const { hub } = world
  const joinToken = await world.joinToken('eu-1')
  const secret = joinToken.split('.')[2] ?? ''
  const backup = join(world.folder.path, 'backup')
  await world.flotilla(['hub', 'backup', backup, '--data', world.data, '--with-bundles'])
  const key = JSON.parse(await readFile(join(world.data, 'hub.key'), 'utf8')) as Record<string, string>
  expect(secret.length).toBeGreaterThan(30)
  const wanted = [hub.token, secret, key['seed']!, key['bundleKey']!]
  // The raw bytes too: a database may hold what is written elsewhere in base64url.
  const raw = wanted.slice(1).map(text => Buffer.from(text, 'base64url'))
  for (const file of await filesBelow(backup)) {
    const bytes = await readFile(file)
    for (const text of wanted) expect(bytes.includes(text), file).toBe(false)
    for (const each of raw) expect(bytes.includes(each), file).toBe(false)
    if (file.includes('/bundles/')) expect(bytes.includes('registry.example.com'), file).toBe(false)
  }
  // Documents are signed for one cluster; they are no one's proof of being it.
  const database = await readFile(join(backup, 'hub.db'), 'latin1')
  const documents = database.match(/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}/g) ?? []
  expect(documents.length).toBeGreaterThan(0)
  for (const document of documents.slice(0, 20)) {
    const asAssertion = { authorization: `Flotilla-Agent ${document}` }
    const asAgent = await hub.transport.request({ method: 'GET', path: '/agent/v1/documents', headers: asAssertion })
    expect(asAgent.status).toBe(401)
    const asPerson = { authorization: `Bearer ${document.slice(0, 200)}` }
    expect((await hub.transport.request({ method: 'GET', path: '/api/v1/fleet', headers: asPerson })).status).toBe(401)
  }
})

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

async function loseEverythingBut(folder: string, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(folder))
    if (!kept.some(each => name.startsWith(each))) await rm(join(folder, name), { recursive: true })
}
