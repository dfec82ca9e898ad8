import type { Json } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { type Api, at } from '../api.ts'
import { configMap, pod, secret } from '../documents.ts'
import { names, ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

/** What the controllers put into every namespace is no concern of these rows. */
const ours = 'row=mine'

async function make(api: Api, labels: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<void> {
  for (const [name, own] of Object.entries(labels)) {
    ok(await api.create('configmaps', configMap(name, undefined, { labels: { row: 'mine', ...own } })), 201)
  }
}

async function selected(api: Api, labelSelector: string): Promise<readonly string[]> {
  return names(ok(await api.list('configmaps', { labelSelector })))
}

export const lists: readonly Row[] = [
  {
    sentence: 'a list has the kind of its items, without kind on each, and a resource version',
    async run({ api }) {
      await make(api, { a: {} })
      const list = ok(await api.list('configmaps', { labelSelector: ours }))
      expect(list).toMatchObject({
        kind: 'ConfigMapList',
        apiVersion: 'v1',
        metadata: { resourceVersion: expect.stringMatching(/^[1-9]\d*$/) },
      })
      expect(at(list, 'items', 0)).not.toHaveProperty('kind')
    },
  },
  {
    sentence: 'items come sorted by name',
    async run({ api }) {
      await make(api, { b: {}, 'a-b': {}, a: {}, 'a.b': {} })
      expect(await selected(api, ours)).toEqual(['a', 'a-b', 'a.b', 'b'])
    },
  },
  {
    sentence: 'a list over all namespaces has the items of each',
    async run({ api, namespace, unique }) {
      const label = unique('everywhere')
      ok(await api.create('configmaps', configMap('a', undefined, { labels: { label } })), 201)
      ok(await api.inNamespace('default').create('configmaps', configMap(label, undefined, { labels: { label } })), 201)
      const list = ok(await api.inCluster().list('configmaps', { labelSelector: `label=${label}` }))
      expect((list['items'] as readonly Json[]).map(item => at(item, 'metadata', 'namespace'))).toEqual([
        'default',
        namespace,
      ])
    },
  },
  {
    sentence: 'a label selector takes =, ==, !=, in, notin, presence and absence, joined by commas',
    async run({ api }) {
      await make(api, { a: { tier: 'web', on: 'x' }, b: { tier: 'db' }, c: {} })
      expect(await selected(api, `${ours},tier=web`)).toEqual(['a'])
      expect(await selected(api, `${ours},tier==db`)).toEqual(['b'])
      expect(await selected(api, `${ours},tier!=web`)).toEqual(['b', 'c'])
      expect(await selected(api, `${ours},tier in (web, db)`)).toEqual(['a', 'b'])
      expect(await selected(api, `${ours},tier notin (web)`)).toEqual(['b', 'c'])
      expect(await selected(api, `${ours},tier`)).toEqual(['a', 'b'])
      expect(await selected(api, `${ours},!tier`)).toEqual(['c'])
      expect(await selected(api, `${ours},tier,on=x`)).toEqual(['a'])
    },
  },
  {
    sentence: 'a label selector that cannot be read is a bad request',
    async run({ api }) {
      refused(await api.list('configmaps', { labelSelector: 'tier in (' }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a field selector on the name finds the one object',
    async run({ api }) {
      await make(api, { a: {}, b: {} })
      expect(names(ok(await api.list('configmaps', { fieldSelector: 'metadata.name=b' })))).toEqual(['b'])
    },
  },
  {
    sentence: 'a field selector on any other field of a ConfigMap is a bad request',
    async run({ api }) {
      refused(await api.list('configmaps', { fieldSelector: 'data.k=1' }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'Pods are found by node and phase, Secrets by type',
    async run({ api }) {
      ok(await api.create('pods', pod('a', { nodeName: 'nowhere-1' })), 201)
      ok(await api.create('pods', pod('b', { schedulerName: 'nobody' })), 201)
      expect(names(ok(await api.list('pods', { fieldSelector: 'spec.nodeName=nowhere-1' })))).toEqual(['a'])
      expect(names(ok(await api.list('pods', { fieldSelector: 'status.phase!=Pending' })))).toEqual([])
      ok(await api.create('secrets', secret('s', { type: 'x.test/y' })), 201)
      expect(names(ok(await api.list('secrets', { fieldSelector: 'type=x.test/y' })))).toEqual(['s'])
    },
  },
  {
    sentence: 'a long list comes in pages, each with the token of the next and how many remain',
    async run({ api }) {
      await make(api, { a: {}, b: {}, c: {}, d: {}, e: {} })
      const first = ok(await api.list('configmaps', { limit: 2 }))
      expect(names(first)).toEqual(['a', 'b'])
      // kube-root-ca.crt may be the sixth.
      expect(Number(at(first, 'metadata', 'remainingItemCount'))).toBeGreaterThanOrEqual(3)
      const second = ok(await api.list('configmaps', { limit: 3, continue: String(at(first, 'metadata', 'continue')) }))
      expect(names(second)).toEqual(['c', 'd', 'e'])
      expect(at(second, 'metadata', 'resourceVersion')).toBe(at(first, 'metadata', 'resourceVersion'))
    },
  },
  {
    sentence: 'who follows the tokens gets every item once; the last page has no token',
    async run({ api }) {
      await make(api, { a: {}, b: {}, c: {} })
      const found: string[] = []
      let token: string | undefined
      do {
        const page = ok(await api.list('configmaps', { limit: 1, labelSelector: ours, continue: token }))
        expect(names(page).length).toBeLessThanOrEqual(1)
        found.push(...names(page))
        token = String(at(page, 'metadata', 'continue') ?? '')
      } while (token !== '')
      expect(found).toEqual(['a', 'b', 'c'])
    },
  },
  {
    sentence: 'a page with a selector does not say how many remain',
    async run({ api }) {
      await make(api, { a: {}, b: {} })
      const first = ok(await api.list('configmaps', { limit: 1, labelSelector: ours }))
      expect(at(first, 'metadata', 'remainingItemCount')).toBeUndefined()
      expect(at(first, 'metadata', 'continue')).toMatch(/.+/)
    },
  },
  {
    sentence: 'the pages of a list are one snapshot: what changes in between does not show',
    async run({ api }) {
      await make(api, { b: {}, c: {}, d: {} })
      const first = ok(await api.list('configmaps', { limit: 1, labelSelector: ours }))
      await make(api, { bb: {} })
      ok(await api.delete('configmaps', 'd'))
      const token = String(at(first, 'metadata', 'continue'))
      const rest = ok(await api.list('configmaps', { labelSelector: ours, continue: token }))
      expect(names(rest)).toEqual(['c', 'd'])
    },
  },
  {
    sentence: 'a continue token that is none is a bad request',
    async run({ api }) {
      refused(await api.list('configmaps', { limit: 1, continue: 'no-token' }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a list at resource version 0 may be old but is served',
    async run({ api }) {
      expect(ok(await api.list('configmaps', { resourceVersion: 0 }))).toMatchObject({ kind: 'ConfigMapList' })
    },
  },
  {
    sentence: 'a list not older than a write shows the write',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', undefined, { labels: { row: 'mine' } })), 201)
      const resourceVersion = String(at(created, 'metadata', 'resourceVersion'))
      const query = { labelSelector: ours, resourceVersion, resourceVersionMatch: 'NotOlderThan' }
      expect(names(ok(await api.list('configmaps', query)))).toEqual(['a'])
    },
  },
  {
    sentence: 'a list at an exact resource version shows that past',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', undefined, { labels: { row: 'mine' } })), 201)
      await make(api, { b: {} })
      const resourceVersion = String(at(created, 'metadata', 'resourceVersion'))
      const query = { labelSelector: ours, resourceVersion, resourceVersionMatch: 'Exact' }
      expect(names(ok(await api.list('configmaps', query)))).toEqual(['a'])
    },
  },
  {
    sentence: 'resourceVersionMatch without a resource version is refused',
    async run({ api }) {
      refused(await api.list('configmaps', { resourceVersionMatch: 'Exact' }), 422, 'Invalid')
    },
  },
  {
    sentence: 'PartialObjectMetadata has the metadata and nothing else',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1' }, { labels: { row: 'mine' } })), 201)
      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
      const one = ok(await api.get('configmaps', 'a', { accept }))
      expect(one).toMatchObject({
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: { name: 'a' },
      })
      expect(one).not.toHaveProperty('data')
    },
  },
  {
    sentence: 'a list of PartialObjectMetadata pages and selects as the full one does',
    async run({ api }) {
      await make(api, { a: {}, b: {} })
      const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
      const list = ok(await api.list('configmaps', { labelSelector: ours, limit: 1 }, accept))
      expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
      expect(names(list)).toEqual(['a'])
      expect(at(list, 'items', 0)).not.toHaveProperty('data')
      expect(at(list, 'metadata', 'continue')).toMatch(/.+/)
    },
  },
]
