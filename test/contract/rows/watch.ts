import { expect } from 'vitest'
import { type Api, at } from '../api.ts'
import { configMap } from '../documents.ts'
import { ok } from '../expectations.ts'
import type { Row } from '../row.ts'
import type { Watch } from '../watch.ts'

const ours = 'row=mine'

function mine(name: string, data?: Parameters<typeof configMap>[1]) {
  return configMap(name, data, { labels: { row: 'mine' } })
}

async function listVersion(api: Api): Promise<string> {
  return String(at(ok(await api.list('configmaps')), 'metadata', 'resourceVersion'))
}

/** Watches our own ConfigMaps and closes the watch whatever happens. */
async function watching(
  api: Api,
  query: Parameters<Api['watch']>[1],
  use: (watch: Watch) => Promise<void>,
  accept?: string,
): Promise<void> {
  const watch = await api.watch('configmaps', { labelSelector: ours, ...query }, accept)
  try {
    await use(watch)
  } finally {
    watch.close()
  }
}

export const watch: readonly Row[] = [
  {
    sentence: 'a watch tells creations, changes and deletions in their order',
    async run({ api }) {
      await watching(api, { resourceVersion: await listVersion(api) }, async events => {
        ok(await api.create('configmaps', mine('a')), 201)
        ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '1' } }))
        ok(await api.delete('configmaps', 'a'))
        expect(await events.take(3)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a'])
      })
    },
  },
  {
    sentence: 'events carry the whole object as it was then, with kind and rising resource versions',
    async run({ api }) {
      await watching(api, { resourceVersion: await listVersion(api) }, async events => {
        const created = ok(await api.create('configmaps', mine('a', { k: '1' })), 201)
        const changed = ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }))
        expect(await events.next()).toEqual({ type: 'ADDED', object: created })
        expect(await events.next()).toEqual({ type: 'MODIFIED', object: changed })
        const versions = [created, changed].map(object => Number(at(object, 'metadata', 'resourceVersion')))
        expect(versions[1]).toBeGreaterThan(versions[0]!)
      })
    },
  },
  {
    sentence: 'a deletion is told with the last state and a resource version of its own',
    async run({ api }) {
      const created = ok(await api.create('configmaps', mine('a', { k: '1' })), 201)
      const resourceVersion = String(at(created, 'metadata', 'resourceVersion'))
      await watching(api, { resourceVersion }, async events => {
        ok(await api.delete('configmaps', 'a'))
        const event = await events.next()
        expect(event).toMatchObject({ type: 'DELETED', object: { data: { k: '1' } } })
        expect(Number(at(event?.object, 'metadata', 'resourceVersion'))).toBeGreaterThan(Number(resourceVersion))
      })
    },
  },
  {
    sentence: 'a watch from the version of a list starts right after it',
    async run({ api }) {
      ok(await api.create('configmaps', mine('a')), 201)
      const resourceVersion = await listVersion(api)
      ok(await api.create('configmaps', mine('b')), 201)
      await watching(api, { resourceVersion }, async events => expect(await events.take(1)).toEqual(['ADDED b']))
    },
  },
  {
    sentence: 'a watch can be resumed from the version of any object it told',
    async run({ api }) {
      const first = ok(await api.create('configmaps', mine('a')), 201)
      ok(await api.create('configmaps', mine('b')), 201)
      ok(await api.delete('configmaps', 'a'))
      const resourceVersion = String(at(first, 'metadata', 'resourceVersion'))
      await watching(api, { resourceVersion }, async events => {
        expect(await events.take(2)).toEqual(['ADDED b', 'DELETED a'])
      })
    },
  },
  {
    sentence: 'a watch without a version begins with what is there, as if it were new',
    async run({ api }) {
      ok(await api.create('configmaps', mine('a')), 201)
      ok(await api.create('configmaps', mine('b')), 201)
      await watching(api, {}, async events => {
        expect([...(await events.take(2))].sort()).toEqual(['ADDED a', 'ADDED b'])
        ok(await api.patch('merge', 'configmaps', 'b', { data: { k: '1' } }))
        expect(await events.take(1)).toEqual(['MODIFIED b'])
      })
    },
  },
  {
    sentence: 'a write that changes nothing is no event',
    async run({ api }) {
      ok(await api.apply('configmaps', mine('a', { k: '1' })), 201)
      await watching(api, { resourceVersion: await listVersion(api) }, async events => {
        ok(await api.apply('configmaps', mine('a', { k: '1' })))
        ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }))
        expect(await events.next()).toMatchObject({ type: 'MODIFIED', object: { data: { k: '2' } } })
      })
    },
  },
  {
    sentence: 'a dry run is no event',
    async run({ api }) {
      await watching(api, { resourceVersion: await listVersion(api) }, async events => {
        ok(await api.create('configmaps', mine('phantom'), { dryRun: 'All' }), 201)
        ok(await api.create('configmaps', mine('real')), 201)
        expect(await events.take(1)).toEqual(['ADDED real'])
      })
    },
  },
  {
    sentence: 'an object that begins to match the selector is added, one that ceases to match is deleted',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      await watching(api, { resourceVersion: await listVersion(api) }, async events => {
        ok(await api.patch('merge', 'configmaps', 'a', { metadata: { labels: { row: 'mine' } } }))
        ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '1' } }))
        ok(await api.patch('merge', 'configmaps', 'a', { metadata: { labels: { row: 'other' } } }))
        ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }))
        ok(await api.create('configmaps', mine('z')), 201)
        expect(await events.take(4)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED z'])
      })
    },
  },
  {
    sentence: 'a field selector on the name watches one object',
    async run({ api }) {
      await watching(
        api,
        { fieldSelector: 'metadata.name=b', resourceVersion: await listVersion(api) },
        async events => {
          ok(await api.create('configmaps', mine('a')), 201)
          ok(await api.create('configmaps', mine('b')), 201)
          expect(await events.take(1)).toEqual(['ADDED b'])
        },
      )
    },
  },
  {
    sentence: 'a deletion that a finalizer holds is a change first',
    async run({ api }) {
      await watching(api, { resourceVersion: await listVersion(api) }, async events => {
        const held = configMap('a', undefined, { labels: { row: 'mine' }, finalizers: ['t.test/hold'] })
        ok(await api.create('configmaps', held), 201)
        ok(await api.delete('configmaps', 'a'))
        ok(await api.patch('merge', 'configmaps', 'a', { metadata: { finalizers: null } }))
        expect(await events.take(3)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a'])
      })
    },
  },
  {
    sentence: 'timeoutSeconds ends a watch in order',
    async run({ api }) {
      ok(await api.create('configmaps', mine('a')), 201)
      await watching(api, { timeoutSeconds: 1 }, async events => expect(await events.rest()).toEqual(['ADDED a']))
    },
  },
  {
    sentence: 'a watch over all namespaces tells of each',
    async run({ api, unique }) {
      const label = unique('watched')
      const everywhere = api.inCluster()
      const resourceVersion = await listVersion(everywhere)
      await watching(everywhere, { labelSelector: `label=${label}`, resourceVersion }, async events => {
        ok(await api.create('configmaps', configMap('here', undefined, { labels: { label } })), 201)
        const elsewhere = api.inNamespace('default')
        ok(await elsewhere.create('configmaps', configMap(label, undefined, { labels: { label } })), 201)
        expect(await events.take(2)).toEqual(['ADDED here', `ADDED ${label}`])
      })
    },
  },
  {
    sentence: 'a watch that asks for its first events gets a bookmark after them',
    async run({ api }) {
      ok(await api.create('configmaps', mine('a')), 201)
      const query = { sendInitialEvents: true, allowWatchBookmarks: true, resourceVersionMatch: 'NotOlderThan' }
      await watching(api, query, async events => {
        const told = await events.until(event => event.type === 'BOOKMARK')
        expect(told.map(event => event.type)).toEqual(['ADDED', 'BOOKMARK'])
        const bookmark = told[1]!.object
        expect(at(bookmark, 'metadata', 'annotations', 'k8s.io/initial-events-end')).toBe('true')
        expect(at(bookmark, 'metadata', 'resourceVersion')).toMatch(/^[1-9]\d*$/)
      })
    },
  },
  {
    sentence: 'a bookmark has the kind of the objects and nothing but a resource version',
    async run({ api }) {
      const query = { sendInitialEvents: true, allowWatchBookmarks: true, resourceVersionMatch: 'NotOlderThan' }
      await watching(api, query, async events => {
        const told = await events.until(event => event.type === 'BOOKMARK')
        expect(told.at(-1)?.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' })
        expect(at(told.at(-1)?.object, 'metadata', 'name')).toBeUndefined()
      })
    },
  },
  {
    sentence: 'a watch can be resumed from a bookmark',
    async run({ api }) {
      const query = { sendInitialEvents: true, allowWatchBookmarks: true, resourceVersionMatch: 'NotOlderThan' }
      let resourceVersion = ''
      await watching(api, query, async events => {
        const told = await events.until(event => event.type === 'BOOKMARK')
        resourceVersion = String(at(told.at(-1)?.object, 'metadata', 'resourceVersion'))
      })
      ok(await api.create('configmaps', mine('a')), 201)
      await watching(api, { resourceVersion }, async events => expect(await events.take(1)).toEqual(['ADDED a']))
    },
  },
  {
    sentence: 'a version from before the resource was served is told as 410 Expired, and the watch ends',
    async run({ api, widgets }) {
      const events = await api.watch(await widgets(), { resourceVersion: '1' })
      try {
        expect(events.status).toBe(200)
        expect(await events.next()).toMatchObject({
          type: 'ERROR',
          object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 },
        })
        expect(await events.next()).toBeUndefined()
      } finally {
        events.close()
      }
    },
  },
  {
    sentence: 'a version that is no number is refused',
    async run({ api }) {
      const events = await api.watch('configmaps', { resourceVersion: 'yesterday' })
      events.close()
      expect(events.status).toBeGreaterThanOrEqual(400)
    },
  },
  {
    sentence: 'a watch of PartialObjectMetadata tells metadata alone',
    async run({ api }) {
      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
      const resourceVersion = await listVersion(api)
      await watching(
        api,
        { resourceVersion },
        async events => {
          ok(await api.create('configmaps', mine('a', { k: '1' })), 201)
          const event = await events.next()
          expect(event).toMatchObject({
            type: 'ADDED',
            object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } },
          })
          expect(event?.object).not.toHaveProperty('data')
        },
        accept,
      )
    },
  },
  {
    sentence: 'two watches of one resource do not disturb each other',
    async run({ api }) {
      const query = { resourceVersion: await listVersion(api) }
      await watching(api, query, async first => {
        await watching(api, query, async second => {
          ok(await api.create('configmaps', mine('a')), 201)
          expect(await second.take(1)).toEqual(['ADDED a'])
        })
        ok(await api.delete('configmaps', 'a'))
        expect(await first.take(2)).toEqual(['ADDED a', 'DELETED a'])
      })
    },
  },
]
