import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type ControlPlane, controlPlaneAvailability, readAuditLog, startControlPlane } from '@flotilla/controlplane'
import type { Json } from '@flotilla/core/json/json'
import { numberAt, textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { printPlan } from '@flotilla/core/plan/print-plan'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, createAgent } from './agent.ts'
import { KubernetesClient } from './kubernetes/client.ts'
import { createNodeClusterTransport } from './kubernetes/node-cluster-transport.ts'
import { AgentLease } from './lease.ts'
import { openFolderState } from './state/folder-state.ts'
import { bundleOf, configMap, deployment, object, SHOP, TestHub } from './testing/documents.ts'

const availability = await controlPlaneAvailability()
const clock = createClock(globalThis)
const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => QUIET }

describe.skipIf(availability.kind === 'unavailable')('the agent on a real control plane', () => {
  let plane: ControlPlane
  let transport: ClusterTransport
  let client: KubernetesClient
  let folder: string
  let hub: TestHub
  let agent: Agent | undefined
  let log: string[]
  let application: typeof SHOP
  let count = 0
  /** Requests of agents. */
  let asked = 0

  beforeAll(async () => {
    plane = await startControlPlane({ audit: 'metadata' })
    transport = createNodeClusterTransport({ kind: 'kubeconfig', path: plane.kubeconfigPath }, clock)
    client = new KubernetesClient({ transport, clock, random: seededRandom(1), cluster: 'test' })
    folder = await mkdtemp(join(tmpdir(), 'flotilla-agent-'))
  })

  afterAll(async () => {
    await transport?.close()
    await plane?.stop()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  afterEach(async () => {
    await agent?.stop()
    agent = undefined
  })

  /** Each test has an Application and a namespace of its own: deleting namespaces takes seconds. */
  async function start(over: ClusterTransport = transport): Promise<void> {
    log = []
    const note = (message: string, fields?: object) => void log.push(`${message} ${JSON.stringify(fields)}`)
    const counting: ClusterTransport = {
      request: request => {
        asked++
        return over.request(request)
      },
      close: () => over.close(),
    }
    agent = createAgent({
      name: 'test',
      cluster: counting,
      link: hub.link,
      state: await openFolderState(join(folder, `state-${count}`)),
      clock,
      random: seededRandom(count),
      log: { ...QUIET, info: note, warn: note, error: note },
    })
    await agent.start()
  }

  async function begin(): Promise<string> {
    count++
    hub = new TestHub(() => clock.now())
    application = {
      ...SHOP,
      id: `0199c2f0-0000-7000-8000-1000000000${String(count).padStart(2, '0')}`,
      name: `shop-${count}`,
    }
    await start()
    return `shop-${count}`
  }

  function sync(...objects: readonly KubernetesObject[]) {
    return hub.sync(bundleOf(...objects), { application, namespace: `shop-${count}` })
  }

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    // Long enough for a machine that has much else to do; who is quick waits for nothing.
    for (let attempt = 0; attempt < 2_400; attempt++) {
      if (await holds()) return
      await sleep(50)
    }
    const report = JSON.stringify(hub.link.latest(application.id), null, 1)
    throw new Error(`never happened: ${what}\nreport: ${report}\nlog:\n${log.join('\n')}`)
  }

  async function synced(): Promise<void> {
    const digest = hub.link.documents.get(application.id)
    await until('synced and healthy', () => {
      const report = hub.link.latest(application.id)
      const held = digest?.typ === 'offer' && report?.lastSucceeded === digest.digest
      return held && report.sync.status === 'Synced' && report.health.status === 'Healthy'
    })
  }

  function read(kind: string, name: string, group = '') {
    return client.get({ group, kind, namespace: `shop-${count}`, name })
  }

  async function edit(path: string, patch: Json): Promise<void> {
    const headers = { 'content-type': 'application/merge-patch+json' }
    const about = { subject: path, verb: 'edit', idempotent: true }
    await client.requester.json({
      method: 'PATCH',
      path: `${path}?fieldManager=kubectl-edit`,
      headers,
      body: patch,
      ...about,
    })
  }

  it('creates, finds nothing more to do, and is Healthy once the Pods are', async () => {
    const namespace = await begin()
    sync(configMap('a', { big: '12345678901234567890' }), deployment('web', 'registry.example/web:1', 2))
    await synced()
    expect((await read('Deployment', 'web', 'apps'))?.metadata.annotations?.['flotilla.dev/tracking-id']).toBe(
      `${application.id}:apps/Deployment:${namespace}/web`,
    )
    // What was on its way may still come; then there is nothing more, however long one looks.
    const done = async () => [await auditedWrites(plane, namespace), hub.link.reports.length, asked]
    await until('it has nothing more to do', async () => {
      const before = await done()
      await sleep(2_000)
      return isDeepStrictEqual(await done(), before)
    })
  })

  it('corrects drift that its watch tells of, and leaves what others set', async () => {
    const namespace = await begin()
    sync(deployment('web', 'registry.example/web:1', 1))
    await synced()
    await edit(`/apis/apps/v1/namespaces/${namespace}/deployments/web`, {
      metadata: { annotations: { theirs: 'kept' } },
      spec: { replicas: 3 },
    })
    await until('healed', async () => {
      return numberAt(await read('Deployment', 'web', 'apps'), 'spec', 'replicas') === 1
    })
    expect((await read('Deployment', 'web', 'apps'))?.metadata.annotations?.['theirs']).toBe('kept')
    // It is told after it was done.
    await until('told', () => hub.link.reports.some(({ operation }) => operation?.trigger === 'heal'))
  })

  it('removes a field that left Git, and one that kubectl had set before', async () => {
    const namespace = await begin()
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await client.requester.json({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/configmaps?fieldManager=kubectl-create`,
      headers: { 'content-type': 'application/json' },
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { old: '1', x: '0' } },
      subject: 'a',
      verb: 'create',
      idempotent: false,
    })
    sync(configMap('a', { x: '1', y: '2' }))
    await synced()
    expect((await read('ConfigMap', 'a'))?.['data']).toEqual({ x: '1', y: '2' })
    sync(configMap('a', { x: '1' }))
    await synced()
    expect((await read('ConfigMap', 'a'))?.['data']).toEqual({ x: '1' })
  })

  it('prunes with two witnesses, and refuses what belongs to another', async () => {
    const namespace = await begin()
    sync(configMap('a'), configMap('b'), configMap('taken'))
    await synced()
    const other = { 'flotilla.dev/tracking-id': `other:/ConfigMap:${namespace}/taken` }
    await edit(`/api/v1/namespaces/${namespace}/configmaps/taken`, { metadata: { annotations: other } })
    sync(configMap('a'))
    await synced()
    await until('b gone', async () => (await read('ConfigMap', 'b')) === undefined)
    expect(await read('ConfigMap', 'taken')).toBeDefined()
    sync(configMap('a'), configMap('taken', { mine: 'now' }))
    await until('refused', () => hub.link.latest(application.id)?.operation?.phase === 'Failed')
    expect(hub.link.latest(application.id)?.operation?.message).toMatch(/OWNED_BY_OTHER.*ConfigMap.*taken/)
    expect((await read('ConfigMap', 'taken'))?.['data']).toEqual({ a: '1' })
  })

  it('performs exactly the writes of the plan that it prints', async () => {
    const namespace = await begin()
    sync(configMap('a', { x: '1' }), configMap('b'), configMap('same'))
    await synced()
    const before = await auditedWrites(plane, namespace)
    const bundle = bundleOf(configMap('a', { x: '2' }), configMap('c'), configMap('same'), deployment('web'))
    const offer = hub.offer(bundle, { application, namespace })
    const plan = await agent!.plan(application.name)
    expect(printPlan(plan)).toBe(
      [
        `${application.name}: 2 to create, 1 to update, 1 to prune, 2 kept`,
        `  prune   Sync/0  ConfigMap ${namespace}/b`,
        `  update  Sync/0  ConfigMap ${namespace}/a: .data.x`,
        `  create  Sync/0  ConfigMap ${namespace}/c`,
        `  create  Sync/0  apps/Deployment ${namespace}/web`,
      ].join('\n'),
    )
    expect(await auditedWrites(plane, namespace)).toEqual(before)
    hub.grant(offer)
    hub.link.changed()
    await synced()
    const done = (await auditedWrites(plane, namespace)).slice(before.length)
    // The two ConfigMaps are of one step, and were written at the same time.
    expect([done[0], ...done.slice(1, 3).sort(), ...done.slice(3)]).toEqual([
      'delete configmaps/b 200',
      'patch configmaps/a 200',
      'patch configmaps/c 201',
      'patch deployments/web 201',
    ])
  })

  it('establishes a definition before its resources', async () => {
    await begin()
    sync(definition('gadgets', 'Gadget'), object('acme.example/v1', 'Gadget', 'g', { spec: { size: 1 } }))
    await synced()
    expect(await read('Gadget', 'g', 'acme.example')).toBeDefined()
  })

  it('holds what the server would refuse, with the server’s words', async () => {
    await begin()
    sync(object('v1', 'ConfigMap', 'a', { data: { x: '1' }, immutable: true }))
    await synced()
    sync(object('v1', 'ConfigMap', 'a', { data: { x: '2' }, immutable: true }))
    await until('refused', () => hub.link.latest(application.id)?.operation?.phase === 'Failed')
    expect(hub.link.latest(application.id)?.operation?.message).toMatch(/dry run failed \(\w+\): .*immutable/)
  })

  it('goes on after it was cut off between applying and the end, and forgets nothing', async () => {
    const namespace = await begin()
    await agent!.stop()
    const names = Array.from({ length: 60 }, (_, index) => `c-${String(index).padStart(2, '0')}`)
    // The process dies after some thirty of its writes: from then on nothing gets through.
    let writes = 0
    const dying: ClusterTransport = {
      request: request => {
        if (request.method === 'PATCH' && request.path.includes('/configmaps/c-')) writes++
        return writes > 30 ? new Promise(() => undefined) : transport.request(request)
      },
      close: async () => undefined,
    }
    hub.offer(bundleOf(...names.map(name => configMap(name))), { application, namespace })
    const doomed = createAgent({
      name: 'test',
      cluster: dying,
      link: hub.link,
      state: await openFolderState(join(folder, 'doomed')),
      clock,
      random: seededRandom(7),
      log: QUIET,
    })
    hub.grant(hub.link.documents.get(application.id)!)
    await doomed.start()
    await until('cut off', () => writes > 30)
    await start()
    await synced()
    expect((await read('ConfigMap', 'c-59')) && (await read('ConfigMap', 'c-00'))).toBeDefined()
    sync(...names.slice(0, 40).map(name => configMap(name)))
    await synced()
    await until('pruned', async () => (await read('ConfigMap', 'c-59')) === undefined)
    expect(await read('ConfigMap', 'c-40')).toBeUndefined()
    expect(await read('ConfigMap', 'c-39')).toBeDefined()
  })

  it('removes everything under a Tombstone', async () => {
    await begin()
    sync(configMap('a'), deployment('web'))
    await synced()
    hub.grant(hub.tombstone({ application }))
    hub.link.changed()
    await until('gone', () => hub.link.latest(application.id)?.gone === true)
    expect(await read('ConfigMap', 'a')).toBeUndefined()
    expect(await read('Deployment', 'web', 'apps')).toBeUndefined()
  })

  it('applies 1,000 ConfigMaps and reads none of them again', async () => {
    await begin()
    const names = Array.from({ length: 1_000 }, (_, index) => `c-${index}`)
    sync(...names.map(name => configMap(name, { index: name })))
    await synced()
    expect(hub.link.latest(application.id)).toMatchObject({ objectCount: 1_001, objectsCut: 0, objects: [] })
    await edit(`/api/v1/namespaces/shop-${count}/configmaps/c-500`, { data: { index: 'edited' } })
    await until('healed', async () => {
      return textAt(await read('ConfigMap', 'c-500'), 'data', 'index') === 'c-500'
    })
  })

  it('keeps a second process from writing until the first has gone', async () => {
    count++
    const options = { client, namespace: 'flotilla-lease', clock, log: QUIET }
    const first = new AgentLease(options)
    const second = new AgentLease(options)
    const { inc } = await first.acquire()
    expect(first.held()).toBe(true)
    let taken: number | undefined
    const waiting = second.acquire(40).then(({ inc: number }) => {
      taken = number
    })
    await sleep(2_500)
    expect(taken).toBeUndefined()
    expect(second.held()).toBe(false)
    await first.release()
    await waiting
    expect(first.held()).toBe(false)
    expect(second.held()).toBe(true)
    expect(inc).toBe(1)
    expect(taken).toBe(41)
    await second.release()
  })
})

/** Writes of the administrator in one namespace, as the server logged them: `patch configmaps/a 200`. */
async function auditedWrites(plane: ControlPlane, namespace: string): Promise<readonly string[]> {
  const events = await readAuditLog(plane.auditLog())
  return events
    .filter(({ user, objectRef }) => user.username === 'admin' && objectRef?.namespace === namespace)
    .filter(({ requestURI }) => !requestURI.includes('dryRun=All') && !requestURI.includes('kubectl'))
    .map(
      ({ verb, objectRef, responseStatus }) =>
        `${verb} ${objectRef?.resource}/${objectRef?.name} ${responseStatus?.code}`,
    )
}

function definition(plural: string, kind: string) {
  const schema = { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } }
  return object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `${plural}.acme.example`, {
    spec: {
      group: 'acme.example',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  })
}
