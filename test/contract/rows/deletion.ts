import { expect } from 'vitest'
import { type Api, at } from '../api.ts'
import { configMap, deployment, pod } from '../documents.ts'
import { eventually, names, ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

async function held(api: Api): Promise<void> {
  ok(await api.create('configmaps', configMap('a', { k: '1' }, { finalizers: ['t.test/hold'] })), 201)
}

async function isGone(api: Api, resource: string, name: string): Promise<void> {
  await eventually(async () => refused(await api.get(resource, name), 404, 'NotFound'))
}

export const deletion: readonly Row[] = [
  {
    sentence: 'deleting what holds no finalizer answers with a Status that has its uid, and it is gone',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a')), 201)
      expect(ok(await api.delete('configmaps', 'a'))).toMatchObject({
        kind: 'Status',
        status: 'Success',
        details: { name: 'a', kind: 'configmaps', uid: at(created, 'metadata', 'uid') },
      })
      refused(await api.get('configmaps', 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'deleting what is not there is a 404',
    async run({ api }) {
      refused(await api.delete('configmaps', 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'a name can be used again, with another uid',
    async run({ api }) {
      const first = ok(await api.create('configmaps', configMap('a')), 201)
      ok(await api.delete('configmaps', 'a'))
      const second = ok(await api.create('configmaps', configMap('a')), 201)
      expect(at(second, 'metadata', 'uid')).not.toBe(at(first, 'metadata', 'uid'))
    },
  },
  {
    sentence: 'a finalizer holds an object: it is answered whole, with the time of its deletion, and stays',
    async run({ api }) {
      await held(api)
      const answered = ok(await api.delete('configmaps', 'a'))
      expect(answered).toMatchObject({
        kind: 'ConfigMap',
        metadata: { deletionTimestamp: expect.stringMatching(/^\d{4}-/), deletionGracePeriodSeconds: 0 },
      })
      expect(ok(await api.get('configmaps', 'a'))['data']).toEqual({ k: '1' })
      ok(await api.patch('merge', 'configmaps', 'a', { metadata: { finalizers: null } }))
    },
  },
  {
    sentence: 'the object goes with its last finalizer',
    async run({ api }) {
      await held(api)
      ok(await api.delete('configmaps', 'a'))
      ok(await api.patch('merge', 'configmaps', 'a', { metadata: { finalizers: null } }))
      refused(await api.get('configmaps', 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'deleting again what is being deleted changes nothing',
    async run({ api }) {
      await held(api)
      const first = ok(await api.delete('configmaps', 'a'))
      expect(ok(await api.delete('configmaps', 'a'))).toEqual(first)
      ok(await api.patch('merge', 'configmaps', 'a', { metadata: { finalizers: null } }))
    },
  },
  {
    sentence: 'what is being deleted still takes changes, but no new finalizer',
    async run({ api }) {
      await held(api)
      ok(await api.delete('configmaps', 'a'))
      ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }))
      const more = { metadata: { finalizers: ['t.test/hold', 't.test/more'] } }
      refused(await api.patch('merge', 'configmaps', 'a', more), 422, 'Invalid')
      ok(await api.patch('merge', 'configmaps', 'a', { metadata: { finalizers: null } }))
    },
  },
  {
    sentence: 'deletionTimestamp cannot be set or taken back by a write',
    async run({ api }) {
      const document = configMap('a', undefined, {
        deletionTimestamp: '2030-01-01T00:00:00Z',
        finalizers: ['t.test/hold'],
      })
      const created = ok(await api.create('configmaps', document), 201)
      expect(at(created, 'metadata', 'deletionTimestamp')).toBeUndefined()
      ok(await api.delete('configmaps', 'a'))
      const patched = ok(
        await api.patch('merge', 'configmaps', 'a', { metadata: { deletionTimestamp: null, labels: { l: 'x' } } }),
      )
      expect(at(patched, 'metadata', 'deletionTimestamp')).toMatch(/^\d{4}-/)
      ok(await api.patch('merge', 'configmaps', 'a', { metadata: { finalizers: null } }))
    },
  },
  {
    sentence: 'a deletion with the uid of another object is a conflict',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      const preconditions = { uid: '00000000-0000-4000-8000-000000000000' }
      refused(await api.delete('configmaps', 'a', { preconditions }), 409, 'Conflict')
      ok(await api.get('configmaps', 'a'))
    },
  },
  {
    sentence: 'a deletion with the right uid and resource version passes, with an older version it is a conflict',
    async run({ api }) {
      const { metadata } = ok(await api.create('configmaps', configMap('a')), 201) as unknown as {
        metadata: { uid: string; resourceVersion: string }
      }
      const { uid, resourceVersion } = metadata
      const newer = ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }))
      refused(await api.delete('configmaps', 'a', { preconditions: { uid, resourceVersion } }), 409, 'Conflict')
      const now = at(newer, 'metadata', 'resourceVersion')
      ok(await api.delete('configmaps', 'a', { preconditions: { uid, resourceVersion: now } }))
    },
  },
  {
    sentence: 'options may come as DeleteOptions with their kind',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      ok(
        await api.delete('configmaps', 'a', {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: 'Background',
        }),
      )
      refused(await api.get('configmaps', 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'an unknown propagation policy is refused',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      const answer = await api.delete('configmaps', 'a', { propagationPolicy: 'Sideways' })
      expect([400, 422]).toContain(answer.status)
      ok(await api.get('configmaps', 'a'))
    },
  },
  {
    sentence: 'a collection is deleted by label, and the answer lists what went',
    async run({ api }) {
      for (const name of ['a', 'b'])
        ok(await api.create('configmaps', configMap(name, undefined, { labels: { go: 'yes' } })), 201)
      ok(await api.create('configmaps', configMap('c')), 201)
      const answer = await api.send('DELETE', api.path('configmaps'), { query: { labelSelector: 'go=yes' } })
      expect(names(ok(answer))).toEqual(['a', 'b'])
      const left = names(ok(await api.list('configmaps')))
      expect(left).toContain('c')
      expect(left).not.toContain('a')
    },
  },
  {
    sentence: 'foreground deletion marks the owner with a finalizer until its dependents are gone',
    async run({ api }) {
      ok(await api.create('apps/v1/deployments', deployment('a')), 201)
      await eventually(async () => expect(names(ok(await api.list('pods'))).length).toBe(1))
      const answered = ok(await api.delete('apps/v1/deployments', 'a', { propagationPolicy: 'Foreground' }))
      expect(at(answered, 'metadata', 'finalizers')).toEqual(['foregroundDeletion'])
      await isGone(api, 'apps/v1/deployments', 'a')
      expect(names(ok(await api.list('apps/v1/replicasets')))).toEqual([])
    },
  },
  {
    sentence: 'background deletion takes the owner at once and its dependents after',
    async run({ api }) {
      ok(await api.create('apps/v1/deployments', deployment('a')), 201)
      await eventually(async () => expect(names(ok(await api.list('pods'))).length).toBe(1))
      ok(await api.delete('apps/v1/deployments', 'a', { propagationPolicy: 'Background' }))
      refused(await api.get('apps/v1/deployments', 'a'), 404, 'NotFound')
      await eventually(async () => {
        expect(names(ok(await api.list('apps/v1/replicasets')))).toEqual([])
        expect(names(ok(await api.list('pods')))).toEqual([])
      })
    },
  },
  {
    sentence: 'orphaning deletion lets dependents stay, without their owner reference',
    async run({ api }) {
      ok(await api.create('apps/v1/deployments', deployment('a')), 201)
      await eventually(async () => expect(names(ok(await api.list('pods'))).length).toBe(1))
      ok(await api.delete('apps/v1/deployments', 'a', { propagationPolicy: 'Orphan' }))
      await isGone(api, 'apps/v1/deployments', 'a')
      const sets = ok(await api.list('apps/v1/replicasets'))
      expect(names(sets).length).toBe(1)
      expect(at(sets, 'items', 0, 'metadata', 'ownerReferences')).toBeUndefined()
    },
  },
  {
    sentence: 'a dependent goes when its only owner goes',
    async run({ api }) {
      const owner = ok(await api.create('configmaps', configMap('owner')), 201)
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: at(owner, 'metadata', 'uid') }
      ok(await api.create('configmaps', configMap('child', undefined, { ownerReferences: [reference] })), 201)
      ok(await api.delete('configmaps', 'owner', { propagationPolicy: 'Background' }))
      await isGone(api, 'configmaps', 'child')
    },
  },
  {
    sentence: 'a dependent stays while one of its owners stays, and loses the reference to the other',
    async run({ api }) {
      const references = []
      for (const name of ['one', 'two']) {
        const owner = ok(await api.create('configmaps', configMap(name)), 201)
        references.push({ apiVersion: 'v1', kind: 'ConfigMap', name, uid: at(owner, 'metadata', 'uid') })
      }
      ok(await api.create('configmaps', configMap('child', undefined, { ownerReferences: references })), 201)
      ok(await api.delete('configmaps', 'one', { propagationPolicy: 'Background' }))
      await eventually(async () => {
        const child = ok(await api.get('configmaps', 'child'))
        expect(at(child, 'metadata', 'ownerReferences')).toMatchObject([{ name: 'two' }])
      })
    },
  },
  {
    sentence: 'a dependent whose owner never was is collected',
    async run({ api }) {
      const uid = '00000000-0000-4000-8000-000000000000'
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid }
      ok(await api.create('configmaps', configMap('child', undefined, { ownerReferences: [reference] })), 201)
      await isGone(api, 'configmaps', 'child')
    },
  },
  {
    sentence: 'a foreground deletion waits for a dependent that blocks it',
    async run({ api }) {
      const owner = ok(await api.create('configmaps', configMap('owner')), 201)
      const uid = at(owner, 'metadata', 'uid')
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, blockOwnerDeletion: true }
      const child = configMap('child', undefined, { ownerReferences: [reference], finalizers: ['t.test/hold'] })
      ok(await api.create('configmaps', child), 201)
      ok(await api.delete('configmaps', 'owner', { propagationPolicy: 'Foreground' }))
      await eventually(async () => {
        expect(at(ok(await api.get('configmaps', 'child')), 'metadata', 'deletionTimestamp')).toBeDefined()
      })
      ok(await api.get('configmaps', 'owner'))
      ok(await api.patch('merge', 'configmaps', 'child', { metadata: { finalizers: null } }))
      await isGone(api, 'configmaps', 'owner')
    },
  },
  {
    sentence: 'a Pod that runs nowhere is gone at once, with or without grace',
    async run({ api }) {
      ok(await api.create('pods', pod('a', { schedulerName: 'nobody' })), 201)
      ok(await api.delete('pods', 'a'))
      refused(await api.get('pods', 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'a deletion with no grace removes a running Pod at once',
    async run({ api }) {
      ok(await api.create('pods', pod('a')), 201)
      await eventually(async () => expect(at(ok(await api.get('pods', 'a')), 'status', 'phase')).toBe('Running'))
      ok(await api.delete('pods', 'a', { gracePeriodSeconds: 0 }))
      refused(await api.get('pods', 'a'), 404, 'NotFound')
    },
  },
]
