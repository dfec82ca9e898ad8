import type { JsonObject } from '@flotilla/core/json/json'
import { MOST_NAMED_ORPHANS } from '@flotilla/core/orphans/orphan-report'
import type { CommandAction } from '@flotilla/core/protocol/documents'
import type { CommandAnswer } from '@flotilla/core/protocol/frames'
import { expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, OPTIONS, SHOP } from './testing/documents.ts'

const ORPHANS = { warn: true, ignore: [] }
const QUARTER_MS = 15 * 60_000

it('tells of objects in its namespace that no Application declares, as they come and go', async () => {
  const bench = await startBench()
  await make(bench, 'shop', 'ConfigMap', 'left')
  await make(bench, 'other', 'ConfigMap', 'elsewhere')
  bench.hub.sync(bundleOf(deployment('web'), configMap('mine')), { orphans: ORPHANS })
  await bench.pass(20_000)
  // Neither what is declared, nor what that made, nor what every namespace has.
  expect(bench.report.orphans).toEqual({
    warn: true,
    count: 1,
    objects: [{ group: '', kind: 'ConfigMap', namespace: 'shop', name: 'left' }],
    unseenKinds: 0,
  })
  await bench.remove('/api/v1/namespaces/shop/configmaps/left')
  await make(bench, 'shop', 'Secret', 'new')
  await bench.pass(QUARTER_MS)
  expect(bench.report.orphans?.objects.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['Secret new'])
})

it('asks the cluster nothing where no Project asks, and nothing more when that ends', async () => {
  const bench = await startBench()
  const lists = noteLists(bench)
  bench.hub.sync(bundleOf(configMap('a')))
  await bench.pass(20_000)
  expect(lists).toEqual([])
  bench.hub.sync(bundleOf(configMap('a')), { orphans: ORPHANS })
  await bench.pass(20_000)
  expect(lists.length).toBeGreaterThan(10)
  expect(bench.report.orphans?.count).toBe(0)
  bench.hub.sync(bundleOf(configMap('a')))
  await bench.pass(20_000)
  lists.length = 0
  await bench.pass(2 * QUARTER_MS)
  expect(lists).toEqual([])
  expect(bench.report.orphans).toBeUndefined()
})

it('keeps to what the Project permits and does not ignore, and lists no other kind', async () => {
  const bench = await startBench()
  const lists = noteLists(bench)
  for (const name of ['left', 'istio-ca']) await make(bench, 'shop', 'ConfigMap', name)
  await make(bench, 'shop', 'Secret', 'password')
  const offer = bench.hub.offer(bundleOf(configMap('a')))
  const ceiling = { ...offer.ceiling, namespacedKindsDenied: [{ group: '', kind: 'Secret' }] }
  const orphans = { warn: false, ignore: [{ kind: 'ConfigMap', name: 'istio-*' }] }
  bench.hub.sync(bundleOf(configMap('a')), { ceiling, orphans })
  await bench.pass(20_000)
  expect(bench.report.orphans).toMatchObject({ warn: false, count: 1, objects: [{ name: 'left' }] })
  expect(lists.some(path => path.includes('/configmaps?'))).toBe(true)
  expect(lists.some(path => path.includes('/secrets?'))).toBe(false)
})

it('an object whose mark somebody took off is drift and no orphan', async () => {
  const bench = await startBench()
  bench.hub.sync(bundleOf(configMap('a')), { orphans: ORPHANS, options: { ...OPTIONS, selfHeal: false } })
  await bench.pass(20_000)
  await bench.edit('/api/v1/namespaces/shop/configmaps/a', {
    metadata: { annotations: { 'flotilla.dev/tracking-id': null }, labels: { 'flotilla.dev/application': null } },
  })
  await bench.pass(QUARTER_MS)
  expect(bench.report).toMatchObject({ sync: { status: 'OutOfSync' }, orphans: { count: 0 } })
})

it('what is declared is none before it is applied, and may not be deleted as one', async () => {
  const bench = await startBench()
  for (const name of ['left', 'wanted']) await make(bench, 'shop', 'ConfigMap', name)
  const { namespace: _, ...metadata } = configMap('wanted').metadata
  bench.hub.offer(bundleOf({ ...configMap('wanted'), metadata }), { orphans: ORPHANS })
  bench.hub.link.changed()
  await bench.pass(20_000)
  expect(bench.report).toMatchObject({
    sync: { status: 'OutOfSync' },
    orphans: { count: 1, objects: [{ name: 'left' }] },
  })
  const object = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'wanted' }
  const uid = bench.read('ConfigMap', 'wanted')!.metadata.uid!
  expect(await ask(bench, { verb: 'delete', object, uid })).toMatchObject({ outcome: 'refused' })
})

it('a namespace that takes long to list is not listed after every operation', async () => {
  const bench = await startBench()
  let surveys = 0
  bench.between = async (request, pass) => {
    if (/\/namespaces\/shop\/limitranges\?limit/.test(request.path)) {
      surveys++
      await new Promise<void>(resolve => void bench.clock.setTimer(10_000, () => resolve()))
    }
    return pass(request)
  }
  for (let n = 0; n < 30; n++) {
    bench.hub.sync(bundleOf(configMap('a', { a: String(n) })), { orphans: ORPHANS })
    await bench.pass(20_000)
  }
  // In ten minutes: one takes ten seconds, and then nobody looks for twenty times as long.
  expect(surveys).toBeGreaterThan(1)
  expect(surveys).toBeLessThan(5)
})

it('a small namespace is looked at every minute, and less often where there are many', async () => {
  const bench = await startBench()
  const surveys = new Map<string, number>()
  bench.between = async (request, pass) => {
    const [, namespace] = /\/namespaces\/([a-z0-9-]+)\/limitranges\?limit/.exec(request.path) ?? []
    if (namespace) {
      surveys.set(namespace, (surveys.get(namespace) ?? 0) + 1)
      await new Promise<void>(resolve => void bench.clock.setTimer(100, () => resolve()))
    }
    return pass(request)
  }
  bench.hub.sync(bundleOf(configMap('a')), { orphans: ORPHANS })
  await bench.pass(20_000)
  await make(bench, 'shop', 'ConfigMap', 'left')
  await bench.pass(75_000)
  expect(bench.report.orphans?.count).toBe(1)
  for (let n = 1; n < 30; n++) {
    const application = { ...SHOP, id: `0199c2f0-0000-7000-8000-0000000000${50 + n}`, name: `other-${n}` }
    bench.hub.sync(bundleOf(configMap('b')), { application, namespace: `shop-${n}`, orphans: ORPHANS })
  }
  await bench.pass(QUARTER_MS)
  surveys.clear()
  await bench.pass(4 * QUARTER_MS)
  // All thirty take three seconds, and an hour has room for six times two hundred of those.
  expect(surveys.size).toBe(30)
  for (const count of surveys.values()) expect(count).toBeLessThan(9)
  expect(Math.min(...surveys.values())).toBeGreaterThan(3)
})

it('what an Application of another Project declares is none', async () => {
  const bench = await startBench()
  const other = { ...SHOP, id: '0199c2f0-0000-7000-8000-000000000002', name: 'other', project: 'other' }
  bench.hub.sync(bundleOf(configMap('theirs')), { application: other })
  bench.hub.sync(bundleOf(configMap('ours')), { orphans: ORPHANS })
  await bench.pass(20_000)
  expect(bench.report.orphans?.count).toBe(0)
})

it('counts thousands, names the first, and reads them by their metadata alone', async () => {
  const bench = await startBench()
  for (let n = 0; n < 1_200; n++) await make(bench, 'shop', 'ConfigMap', `left-${String(n).padStart(4, '0')}`)
  bench.hub.sync(bundleOf(configMap('a')), { orphans: ORPHANS })
  await bench.pass(20_000)
  const { orphans } = bench.report
  expect(orphans?.count).toBe(1_200)
  expect(orphans?.objects).toHaveLength(MOST_NAMED_ORPHANS)
  expect(orphans?.objects[0]?.name).toBe('left-0000')
})

it('what may not be listed is said, and what cannot be listed now leaves the last answer', async () => {
  const bench = await startBench()
  await make(bench, 'shop', 'ConfigMap', 'left')
  let answer = 403
  bench.between = async (request, pass) => {
    if (!/\/namespaces\/shop\/secrets\?limit/.test(request.path) || answer === 200) return pass(request)
    const body = JSON.stringify({ kind: 'Status', status: 'Failure', code: answer, message: 'no' })
    return { status: answer, headers: { 'content-type': 'application/json' }, body: bytes(body) }
  }
  bench.hub.sync(bundleOf(configMap('a')), { orphans: ORPHANS })
  await bench.pass(20_000)
  expect(bench.report.orphans).toMatchObject({ count: 1, unseenKinds: 1 })
  answer = 500
  await make(bench, 'shop', 'ConfigMap', 'left-too')
  await bench.pass(QUARTER_MS)
  expect(bench.report.orphans).toMatchObject({ count: 1, unseenKinds: 1 })
  answer = 200
  await bench.pass(QUARTER_MS)
  expect(bench.report.orphans).toMatchObject({ count: 2, unseenKinds: 0 })
})

it('a claim of a StatefulSet is no orphan where those may not be listed', async () => {
  const bench = await startBench()
  await make(bench, 'shop', 'PersistentVolumeClaim', 'data-db-0')
  await make(bench, 'shop', 'PersistentVolumeClaim', 'left')
  bench.between = async (request, pass) => {
    if (!/\/namespaces\/shop\/statefulsets\?limit/.test(request.path)) return pass(request)
    const body = JSON.stringify({ kind: 'Status', status: 'Failure', code: 403, message: 'no' })
    return { status: 403, headers: { 'content-type': 'application/json' }, body: bytes(body) }
  }
  bench.hub.sync(bundleOf(configMap('a')), { orphans: ORPHANS })
  await bench.pass(20_000)
  expect(bench.report.orphans).toMatchObject({ count: 1, objects: [{ name: 'left' }], unseenKinds: 1 })
})

it('looks with the rights of the Project’s service account', async () => {
  const bench = await startBench()
  const users = new Set<string | undefined>()
  bench.between = (request, pass) => {
    if (/\/namespaces\/shop\/limitranges\?limit/.test(request.path)) users.add(request.headers?.['impersonate-user'])
    return pass(request)
  }
  const { ceiling } = bench.hub.offer(bundleOf(configMap('a')))
  const serviceAccount = 'system:serviceaccount:shop:deployer'
  bench.hub.sync(bundleOf(configMap('a')), { ceiling: { ...ceiling, serviceAccount }, orphans: ORPHANS })
  await bench.pass(20_000)
  expect([...users]).toEqual([serviceAccount])
})

it('an orphan may be looked at and deleted through the Application, and nothing else of it may be done', async () => {
  const bench = await startBench()
  await make(bench, 'shop', 'ConfigMap', 'left')
  await make(bench, 'shop', 'ConfigMap', 'istio-ca')
  await make(bench, 'other', 'ConfigMap', 'elsewhere')
  const other = { ...SHOP, id: '0199c2f0-0000-7000-8000-000000000002', name: 'other', project: 'other' }
  bench.hub.sync(bundleOf(configMap('theirs')), { application: other })
  const orphans = { warn: true, ignore: [{ kind: 'ConfigMap', name: 'istio-*' }] }
  bench.hub.sync(bundleOf(configMap('a')), { orphans })
  await bench.pass(20_000)
  expect(bench.report.orphans).toMatchObject({ count: 1, objects: [{ name: 'left' }] })
  const place = (name: string, namespace = 'shop') => ({ group: '', kind: 'ConfigMap', namespace, name })
  const uidOf = (name: string, namespace?: string) => bench.read('ConfigMap', name, '', namespace)!.metadata.uid!
  const remove = (name: string, namespace?: string) =>
    ask(bench, { verb: 'delete', object: place(name, namespace), uid: uidOf(name, namespace) })
  for (const refused of [remove('theirs'), remove('istio-ca'), remove('elsewhere', 'other')]) {
    expect(await refused).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/is not tracked/) })
  }
  expect(await ask(bench, { verb: 'inspect', object: place('left') })).toMatchObject({ outcome: 'done' })
  const scale = { verb: 'scale', object: place('left'), replicas: 2 } as const
  expect(await ask(bench, scale)).toMatchObject({ outcome: 'refused' })
  expect(await remove('left')).toMatchObject({ outcome: 'done' })
  expect(bench.read('ConfigMap', 'left')).toBeUndefined()
  await bench.pass(20_000)
  expect(bench.report.orphans).toMatchObject({ count: 0 })
  // Where the Project does not ask, nothing untracked may be touched.
  await make(bench, 'shop', 'ConfigMap', 'new')
  bench.hub.sync(bundleOf(configMap('a')))
  await bench.pass(20_000)
  expect(await remove('new')).toMatchObject({ outcome: 'refused' })
})

it('what the Project’s account may not read is no orphan that could be deleted', async () => {
  const bench = await startBench()
  await make(bench, 'shop', 'ConfigMap', 'left')
  const { ceiling } = bench.hub.offer(bundleOf(configMap('a')))
  const serviceAccount = 'system:serviceaccount:shop:deployer'
  const reads: (string | undefined)[] = []
  bench.between = async (request, pass) => {
    if (!/\/namespaces\/shop\/configmaps\/left/.test(request.path)) return pass(request)
    const as = request.headers?.['impersonate-user']
    reads.push(as)
    if (as === undefined) return pass(request)
    const body = JSON.stringify({ kind: 'Status', status: 'Failure', code: 403, message: 'no' })
    return { status: 403, headers: { 'content-type': 'application/json' }, body: bytes(body) }
  }
  bench.hub.sync(bundleOf(configMap('a')), { ceiling: { ...ceiling, serviceAccount }, orphans: ORPHANS })
  await bench.pass(20_000)
  const object = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'left' }
  const uid = bench.read('ConfigMap', 'left')!.metadata.uid!
  expect(await ask(bench, { verb: 'delete', object, uid })).toMatchObject({
    ...{ outcome: 'refused', message: expect.stringMatching(/is not tracked/) },
  })
  expect(reads).toContain(serviceAccount)
  expect(bench.read('ConfigMap', 'left')).toBeDefined()
})

let commands = 0
async function ask(bench: AgentBench, action: CommandAction): Promise<CommandAnswer | undefined> {
  const id = `command-${++commands}`
  bench.hub.link.openCommands.push({
    ...{ typ: 'command', cluster: 'c', adm: 1, iat: bench.clock.now(), must: [], id, action },
    ...{ application: SHOP.id, by: 'ana', expires: bench.clock.now() + 60_000 },
  })
  bench.hub.link.changed()
  await bench.pass(2_000)
  return bench.hub.link.answers.find(answer => answer.id === id)
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

/** Lists of the whole namespace, from now on. */
function noteLists(bench: AgentBench): string[] {
  const lists: string[] = []
  bench.between = (request, pass) => {
    if (/\/namespaces\/shop\/[a-z]+\?limit/.test(request.path)) lists.push(request.path)
    return pass(request)
  }
  return lists
}

type Made = 'ConfigMap' | 'PersistentVolumeClaim' | 'Secret'

async function make(bench: AgentBench, namespace: string, kind: Made, name: string): Promise<void> {
  const post = (path: string, body: JsonObject) =>
    bench.cluster.handle({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const metadata = { name }
  await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const path = `/api/v1/namespaces/${namespace}/${kind.toLowerCase()}s`
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  const body = { apiVersion: 'v1', kind, metadata, ...(kind === 'PersistentVolumeClaim' && { spec: claim }) }
  expect((await post(path, body)).status).toBe(201)
}
