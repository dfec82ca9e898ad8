import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap, deployment, pod, podTemplate } from '../documents.ts'
import { causes, ok, ownership as owned, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const deployments = 'apps/v1/deployments'

/** A Deployment that no controller changes while a row looks at it. */
function still(spec: Parameters<typeof deployment>[1] = {}) {
  return deployment('a', { paused: true, ...spec })
}

function withImage(image: string) {
  const containers = [{ name: 'main', image }]
  return still({ template: podTemplate('a', { containers }) })
}

export const ownership: readonly Row[] = [
  {
    sentence: 'two managers that apply the same value own it together',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'one' }), 201)
      const both = ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'two' }))
      expect(owned(both)).toEqual({
        'one Apply': { 'f:data': { 'f:k': {} } },
        'two Apply': { 'f:data': { 'f:k': {} } },
      })
    },
  },
  {
    sentence: 'a shared field stays until its last owner lets it go',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1', own: 'x' }), { manager: 'one' }), 201)
      ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'two' }))
      expect(ok(await api.apply('configmaps', configMap('a', { own: 'x' }), { manager: 'one' }))['data']).toEqual({
        k: '1',
        own: 'x',
      })
      const none = ok(await api.apply('configmaps', configMap('a', {}), { manager: 'two' }))
      expect(none['data']).toEqual({ own: 'x' })
    },
  },
  {
    sentence: 'applying another value to a field of another applier is a conflict that names manager and field',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'one' }), 201)
      const answer = await api.apply('configmaps', configMap('a', { k: '2' }), { manager: 'two' })
      expect(refused(answer, 409, 'Conflict')).toMatchObject({
        message: 'Apply failed with 1 conflict: conflict with "one": .data.k',
        details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.k' }] },
      })
      expect(ok(await api.get('configmaps', 'a'))['data']).toEqual({ k: '1' })
    },
  },
  {
    sentence: 'a conflict with a manager that updated says with which API version',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1' }), { fieldManager: 'editor' }), 201)
      const status = refused(await api.apply('configmaps', configMap('a', { k: '2' })), 409, 'Conflict')
      expect(at(status, 'details', 'causes', 0)).toEqual({
        reason: 'FieldManagerConflict',
        message: expect.stringMatching(/^conflict with "editor" using v1( at .+)?$/),
        field: '.data.k',
      })
    },
  },
  {
    sentence: 'all conflicts are told at once, with every manager',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1', m: '1' }), { manager: 'one' }), 201)
      ok(await api.apply('configmaps', configMap('a', { n: '1' }), { manager: 'two' }))
      const answer = await api.apply('configmaps', configMap('a', { k: '2', m: '2', n: '2' }), { manager: 'three' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual([
        'FieldManagerConflict .data.k',
        'FieldManagerConflict .data.m',
        'FieldManagerConflict .data.n',
      ])
    },
  },
  {
    sentence: 'a field of a list item is named by its key in a conflict',
    async run({ api }) {
      ok(await api.apply(deployments, withImage('i:1'), { manager: 'one' }), 201)
      const answer = await api.apply(deployments, withImage('i:2'), { manager: 'two' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual([
        'FieldManagerConflict .spec.template.spec.containers[name="main"].image',
      ])
    },
  },
  {
    sentence: 'force takes the field over from its owners',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1', rest: 'x' }), { manager: 'one' }), 201)
      const taken = ok(await api.apply('configmaps', configMap('a', { k: '2' }), { manager: 'two', force: true }))
      expect(taken['data']).toEqual({ k: '2', rest: 'x' })
      expect(owned(taken)).toEqual({
        'one Apply': { 'f:data': { 'f:rest': {} } },
        'two Apply': { 'f:data': { 'f:k': {} } },
      })
    },
  },
  {
    sentence: 'a manager that loses its last field by force disappears',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'one' }), 201)
      const taken = ok(await api.apply('configmaps', configMap('a', { k: '2' }), { manager: 'two', force: true }))
      expect(Object.keys(owned(taken))).toEqual(['two Apply'])
    },
  },
  {
    sentence: 'the loser of a forced field may not write its old value again without force',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'one' }), 201)
      ok(await api.apply('configmaps', configMap('a', { k: '2' }), { manager: 'two', force: true }))
      const answer = await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'one' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual(['FieldManagerConflict .data.k'])
    },
  },
  {
    sentence: 'a PUT that changes a field takes it from its applier without asking',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1', kept: 'x' })), 201)
      const put = ok(
        await api.replace('configmaps', 'a', configMap('a', { k: '2', kept: 'x' }), { fieldManager: 'editor' }),
      )
      expect(owned(put)).toEqual({
        'flotilla Apply': { 'f:data': { 'f:kept': {} } },
        'editor Update': { 'f:data': { 'f:k': {} } },
      })
    },
  },
  {
    sentence: 'a field that its applier lost to an update is a conflict at the next apply, and force wins it back',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }, { fieldManager: 'editor' }))
      const status = refused(await api.apply('configmaps', configMap('a', { k: '1' })), 409, 'Conflict')
      expect(causes(status)).toEqual(['FieldManagerConflict .data.k'])
      const healed = ok(await api.apply('configmaps', configMap('a', { k: '1' }), { force: true }))
      expect(healed['data']).toEqual({ k: '1' })
      expect(owned(healed)).toEqual({ 'flotilla Apply': { 'f:data': { 'f:k': {} } } })
    },
  },
  {
    sentence: 'an update that sets a field to the value it has leaves its owner alone',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      const patched = ok(
        await api.patch('merge', 'configmaps', 'a', { data: { k: '1', more: 'x' } }, { fieldManager: 'editor' }),
      )
      expect(owned(patched)).toEqual({
        'flotilla Apply': { 'f:data': { 'f:k': {} } },
        'editor Update': { 'f:data': { 'f:more': {} } },
      })
    },
  },
  {
    sentence:
      'an update that removes a field takes it from every owner; the next apply brings it back without conflict',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1', kept: 'x' })), 201)
      const removed = ok(await api.patch('merge', 'configmaps', 'a', { data: { k: null } }, { fieldManager: 'editor' }))
      expect(owned(removed)['flotilla Apply']).toEqual({ 'f:data': { 'f:kept': {} } })
      const back = ok(await api.apply('configmaps', configMap('a', { k: '1', kept: 'x' })))
      expect(back['data']).toEqual({ k: '1', kept: 'x' })
    },
  },
  {
    sentence: 'Apply and Update of one manager name are two managers',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1' }), { fieldManager: 'flotilla' }), 201)
      const applied = ok(await api.apply('configmaps', configMap('a', { k: '1' })))
      expect(Object.keys(owned(applied)).sort()).toEqual(['flotilla Apply', 'flotilla Update'])
      refused(await api.apply('configmaps', configMap('a', { k: '2' })), 409, 'Conflict')
    },
  },
  {
    sentence: 'an empty entry list in a PUT resets managed fields; the object stays',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      const put = await api.replace('configmaps', 'a', configMap('a', { k: '1' }, { managedFields: [{}] }))
      expect(at(ok(put), 'metadata', 'managedFields')).toBeUndefined()
    },
  },
  {
    sentence: 'managed fields may be rewritten by a patch: how ownership is taken over from other tools',
    async run({ api }) {
      const created = ok(
        await api.create('configmaps', configMap('a', { k: '1', old: 'x' }), { fieldManager: 'helm' }),
        201,
      )
      const patch = [
        { op: 'test', path: '/metadata/resourceVersion', value: at(created, 'metadata', 'resourceVersion') },
        { op: 'replace', path: '/metadata/managedFields/0/manager', value: 'flotilla' },
        { op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Apply' },
      ]
      const moved = ok(await api.patch('json', 'configmaps', 'a', patch))
      expect(Object.keys(owned(moved))).toEqual(['flotilla Apply'])
      expect(ok(await api.apply('configmaps', configMap('a', { k: '1' })))['data']).toEqual({ k: '1' })
    },
  },
  {
    sentence: 'apply after a create by the same person removes nothing that the create wrote',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1', more: 'x' }), { fieldManager: 'kubectl' }), 201)
      expect(ok(await api.apply('configmaps', configMap('a', { k: '1' })))['data']).toEqual({ k: '1', more: 'x' })
    },
  },
  {
    sentence: 'scaling by another manager makes replicas theirs, and apply without replicas does not reset it',
    async run({ api }) {
      ok(await api.apply(deployments, still({ replicas: 0 })), 201)
      ok(await api.apply(deployments, still()))
      ok(await api.patch('merge', deployments, 'a', { spec: { replicas: 4 } }, { fieldManager: 'autoscaler' }))
      const applied = ok(await api.apply(deployments, still()))
      expect(at(applied, 'spec', 'replicas')).toBe(4)
      expect(at(owned(applied)['autoscaler Update'], 'f:spec')).toEqual({ 'f:replicas': {} })
    },
  },
  {
    sentence: 'applying to status owns and conflicts apart from the main resource',
    async run({ api }) {
      ok(await api.apply(deployments, still({ replicas: 0 })), 201)
      const told = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, status: { collisionCount: 3 } }
      const first = ok(await api.apply(deployments, told, { subresource: 'status' }))
      expect(owned(first)['flotilla Apply status']).toEqual({ 'f:status': { 'f:collisionCount': {} } })
      expect(owned(first)).toHaveProperty('flotilla Apply')
      const other = { ...told, status: { collisionCount: 4 } }
      const answer = await api.apply(deployments, other, { subresource: 'status', manager: 'other' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual(['FieldManagerConflict .status.collisionCount'])
    },
  },
  {
    sentence: 'status in an apply to the main resource is ignored',
    async run({ api }) {
      const applied = ok(await api.apply(deployments, { ...still(), status: { collisionCount: 9 } }), 201)
      expect(at(applied, 'status', 'collisionCount')).toBeUndefined()
      expect(owned(applied)['flotilla Apply']).not.toHaveProperty('f:status')
    },
  },
  {
    sentence: 'applying to scale owns replicas of the main resource',
    async run({ api }) {
      ok(await api.create(deployments, still({ replicas: 2 }), { fieldManager: 'maker' }), 201)
      const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a' }, spec: { replicas: 3 } }
      refused(await api.apply(deployments, scale, { subresource: 'scale', manager: 'scaler' }), 409, 'Conflict')
      ok(await api.apply(deployments, scale, { subresource: 'scale', manager: 'scaler', force: true }))
      const live = ok(await api.get(deployments, 'a'))
      expect(at(live, 'spec', 'replicas')).toBe(3)
      expect(owned(live)['scaler Apply scale']).toEqual({ 'f:spec': { 'f:replicas': {} } })
    },
  },
  {
    sentence: 'the manager of an update without a name is the first word of its user agent',
    async run({ api }) {
      const answer = await api.transport.request({
        method: 'POST',
        path: api.path('configmaps'),
        headers: { 'content-type': 'application/json', 'user-agent': 'my-tool/1.2 (linux)' },
        body: JSON.stringify(configMap('a', { k: '1' })),
      })
      for await (const _chunk of answer.body);
      expect(Object.keys(owned(ok(await api.get('configmaps', 'a'))))).toEqual(['my-tool Update'])
    },
  },
  {
    sentence: 'a Pod that is scheduled keeps the ownership of who applied it',
    async run({ api }) {
      ok(await api.apply('pods', pod('a', { nodeName: 'nowhere' })), 201)
      const again = ok(await api.apply('pods', pod('a', { nodeName: 'nowhere' })))
      expect(at(owned(again)['flotilla Apply'], 'f:spec', 'f:nodeName')).toEqual({})
    },
  },
]
