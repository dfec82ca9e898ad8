import type { StoreWriter } from '@flotilla/core/ports/store'
import request from 'supertest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sampleApplication, sampleCluster, sampleReport } from '../store/sample-rows.ts'
import { openTestApi, type TestApi } from './test-api.ts'

const key = (kind: string, name: string, namespace = '') => ({ group: '', kind, namespace, name })

let api: TestApi
/** What the Project says of orphans now. */
let orphanedResources: object | undefined = {}
beforeAll(async () => {
  const declared = { source: 'platform', file: 'projects/shop.yaml', line: 1 }
  const kinds = { clusterResourceWhitelist: [], clusterResourceBlacklist: [], namespaceResourceBlacklist: [] }
  const spec = () => ({
    sourceRepos: ['*'],
    destinations: [],
    ...kinds,
    ...(orphanedResources && { orphanedResources }),
  })
  api = await openTestApi({}, { projects: () => [{ name: 'shop', spec: spec(), declared }] })
  const map = (name: string, data: Readonly<Record<string, string>>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data,
  })
  const secret = (value: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { k: value } })
  const before = await api.putBundle([map('kept', {}), map('changed', { a: '1' }), map('gone', {}), secret('aHVudGVy')])
  const after = await api.putBundle([map('kept', {}), map('changed', { a: '2' }), map('new', {}), secret('Y2FuYXJ5')])
  const document = {
    metadata: { name: 'web' },
    spec: {
      ...{ project: 'shop', destination: { name: 'eu-1', namespace: 'shop' } },
      source: { repoURL: 'https://git.example.com/shop.git', path: 'web' },
      syncPolicy: { automated: { prune: true } },
    },
  }
  await api.write(
    async rows => {
      await rows.putCluster(sampleCluster({ agentKey: 'key', joinedAt: 1000 }))
      const over = { clusterId: 'cluster-1', document, project: 'shop', holdsSecrets: true }
      const images = ['registry.example.com:5000/shop/web:1.4.2', 'busybox', 'busybox@sha256:00']
      await rows.putApplication(
        sampleApplication({ ...over, id: 'a', name: 'web', digest: after, images, warnsOfOrphans: true }),
      )
      await rows.putApplication(sampleApplication({ ...over, id: 'b', name: 'other', images: ['busybox:1.37'] }))
      const objects = [
        {
          key: key('ConfigMap', 'changed', 'shop'),
          version: 'v1',
          sync: 'OutOfSync' as const,
          message: 'data differs',
        },
        { key: key('ConfigMap', 'gone', 'shop'), version: 'v1', sync: 'OutOfSync' as const },
      ]
      const orphans = { warn: true, count: 60, objects: [key('Secret', 'left', 'shop')], unseenKinds: 2 }
      const entry = { held: after, lastSucceeded: before, objects, objectsCut: 0, objectCount: 5, images: [], orphans }
      await rows.putReport(sampleReport({ applicationId: 'a', receivedAt: api.clock.now() }, entry))
    },
    { applications: ['a', 'b'], clusters: ['eu-1'] },
  )
})
afterAll(() => api.close())

const get = (path: string) => request(api.app).get(path).set('Authorization', `Bearer ${api.readonly}`)

it('the tree is every object that is wanted, and what is there besides, as the agent tells it', async () => {
  const { body } = await get('/api/v1/applications/web/tree').expect(200)
  expect([body.reported, body.total, body.cut]).toEqual([true, 5, 0])
  const rows = body.items.map((each: Record<string, unknown>) => [each['name'], each['wanted'], each['sync']])
  expect(rows).toContainEqual(['kept', true, 'Synced'])
  expect(rows).toContainEqual(['changed', true, 'OutOfSync'])
  expect(rows).toContainEqual(['gone', false, 'OutOfSync'])
})

it('of what no agent has spoken it is not said that all is well', async () => {
  await get('/api/v1/applications/other/tree').expect(409)
  api.clock.move(200_000)
  const { body } = await get('/api/v1/applications/web/tree').expect(200)
  expect(body.reported).toBe(false)
  expect(body.items.find((each: { name: string }) => each.name === 'kept').sync).toBe('Unknown')
})

it('the difference is against what was last synced; values of Secrets are masked on both sides', async () => {
  const { body, text } = await get('/api/v1/applications/web/diff').expect(200)
  const changes = body.changes.map((each: { object: string; change: string }) => [each.object, each.change])
  expect(changes).toContainEqual(['ConfigMap changed', 'updated'])
  expect(changes).toContainEqual(['ConfigMap new', 'created'])
  expect(changes).toContainEqual(['ConfigMap gone', 'removed'])
  expect(body.drift.map(({ name }: { name: string }) => name)).toEqual(['changed', 'gone'])
  for (const canary of ['aHVudGVy', 'hunter', 'Y2FuYXJ5', 'canary']) expect(text).not.toContain(canary)
})

it('what nobody declares is told with the Application, cut and counted', async () => {
  const { body } = await get('/api/v1/applications/web/orphans').expect(200)
  expect(body).toEqual({
    ...{ project: 'shop', monitored: true, reported: true, total: 60, more: false, unseenKinds: 2 },
    items: [{ group: '', kind: 'Secret', namespace: 'shop', name: 'left' }],
  })
  const shown = await get('/api/v1/applications/web').expect(200)
  expect(shown.body.conditions).toEqual([
    {
      type: 'OrphanedResourceWarning',
      message: '60 objects in namespace "shop" declared by no Application: Secret left, …',
    },
  ])
  // As soon as the Project says otherwise, whether its agent has heard of it or not.
  orphanedResources = { ignore: [{ kind: 'Secret', name: 'le*' }] }
  const ignored = await get('/api/v1/applications/web/orphans').expect(200)
  expect(ignored.body).toMatchObject({ monitored: true, reported: true, total: 59, items: [] })
  orphanedResources = undefined
  const unasked = await get('/api/v1/applications/web/orphans').expect(200)
  expect(unasked.body).toMatchObject({ monitored: false, reported: false, total: 0, items: [], unseenKinds: 0 })
  const unwarned = async (rows: StoreWriter) => {
    const { warnsOfOrphans: _, ...row } = (await rows.applicationByName('web'))!
    await rows.putApplication(row)
  }
  await api.write(unwarned, { applications: ['a'] })
  expect((await get('/api/v1/applications/web').expect(200)).body.conditions).toEqual([])
  const other = await get('/api/v1/applications/other/orphans').expect(200)
  expect(other.body).toMatchObject({ reported: false, total: 0, items: [] })
  await get('/api/v1/applications/none/orphans').expect(404)
})

it('a refresh looks at the repositories of the Application alone', async () => {
  const ask = (name: string) =>
    request(api.app).post(`/api/v1/applications/${name}/refresh`).set('Authorization', `Bearer ${api.person}`)
  await ask('web').expect(202)
  expect(api.done).toEqual(['repository https://git.example.com/shop.git'])
  await ask('none').expect(404)
})

it('versions are counted by image, whatever registry and port, the most common first', async () => {
  const { body } = await get('/api/v1/versions').expect(200)
  expect(body.items.map(({ name }: { name: string }) => name)).toEqual([
    ...['busybox', 'registry.example.com:5000/shop/web'],
  ])
  expect(body.items[0].versions.map(({ version }: { version: string }) => version)).toEqual([
    ...['1.37', 'latest', 'sha256:00'],
  ])
  const filtered = await get('/api/v1/versions?images=*/web:1.4*&kind=image').expect(200)
  expect(filtered.body.items).toEqual([
    {
      kind: 'image',
      name: 'registry.example.com:5000/shop/web',
      versions: [{ version: '1.4.2', applications: 1, clusters: 1, environments: [] }],
    },
  ])
  expect((await get('/api/v1/applications?images=*/web:1.4*').expect(200)).body.total).toBe(1)
})

it('what its objects have made is not known while its agent is away, and that is said', async () => {
  const { body } = await get('/api/v1/applications/web/tree?live=true').expect(200)
  expect(body.live).toEqual({ state: 'offline', children: [], notes: [] })
  expect((await get('/api/v1/applications/web/tree').expect(200)).body.live).toBe(null)
  await get('/api/v1/applications/web/tree?live=yes').expect(400)
})
