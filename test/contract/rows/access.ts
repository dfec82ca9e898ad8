import type { JsonObject } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { type Api, at } from '../api.ts'
import { configMap } from '../documents.ts'
import { eventually, ok, refused } from '../expectations.ts'
import { type Row, userWithoutRights } from '../row.ts'

const reviews = 'authorization.k8s.io/v1/selfsubjectaccessreviews'
const leases = 'coordination.k8s.io/v1/leases'

function review(namespace: string, verb: string, resource: string, group = '') {
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { namespace, verb, group, resource } },
  }
}

function lease(resourceVersion: unknown, holderIdentity: string) {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'a', resourceVersion },
    spec: { holderIdentity, leaseDurationSeconds: 15, renewTime: '2030-01-01T00:00:00.123456Z' },
  }
}

/** A Role that may read ConfigMaps, and who has it, both called `reader`. */
async function grantReading(api: Api, subject: JsonObject): Promise<void> {
  const rbac = 'rbac.authorization.k8s.io'
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }]
  const metadata = { name: 'reader' }
  ok(await api.create(`${rbac}/v1/roles`, { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules }), 201)
  const roleRef = { apiGroup: rbac, kind: 'Role', name: 'reader' }
  const binding = { apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata, roleRef, subjects: [subject] }
  ok(await api.create(`${rbac}/v1/rolebindings`, binding), 201)
}

export const access: readonly Row[] = [
  {
    sentence: 'a user without rights is told who may not do what, for reads and writes',
    async run({ as, namespace }) {
      const mallory = as('user-without-rights')
      expect(refused(await mallory.get('configmaps', 'a'), 403, 'Forbidden')['message']).toMatch(
        new RegExp(
          `configmaps "a" is forbidden: User ".+" cannot get resource "configmaps" in API group "" in the namespace "${namespace}"`,
        ),
      )
      const answer = await mallory.apply('configmaps', configMap('a'))
      expect(refused(answer, 403, 'Forbidden')['message']).toContain('cannot patch resource "configmaps"')
      refused(await mallory.create('apps/v1/deployments', {}), 403, 'Forbidden')
      refused(await mallory.delete('configmaps', 'a'), 403, 'Forbidden')
    },
  },
  {
    sentence: 'a refusal comes before anything is read: what is not there is forbidden too',
    async run({ as, unique }) {
      const elsewhere = as('user-without-rights').inNamespace(unique('absent'))
      refused(await elsewhere.list('configmaps'), 403, 'Forbidden')
    },
  },
  {
    sentence: 'a forbidden watch is an answer of 403, not an event',
    async run({ as }) {
      const events = await as('user-without-rights').watch('configmaps')
      events.close()
      expect(events.status).toBe(403)
    },
  },
  {
    sentence: 'a user without rights may still read discovery and the version',
    async run({ as }) {
      const mallory = as('user-without-rights')
      for (const path of ['/version', '/apis', '/api/v1', '/openapi/v3']) ok(await mallory.send('GET', path))
    },
  },
  {
    sentence: 'a token that nobody gave is a 401',
    async run({ as }) {
      refused(await as('wrong-token').get('configmaps', 'a'), 401, 'Unauthorized')
      refused(await as('wrong-token').send('GET', '/version'), 401, 'Unauthorized')
    },
    skipOn: {
      side: 'simulated',
      reason: 'the simulation is called in process and told who asks; its faults answer 401 when a test wants that',
    },
  },
  {
    sentence: 'without any token one is system:anonymous and forbidden',
    async run({ as }) {
      const status = refused(await as('anonymous').list('configmaps'), 403, 'Forbidden')
      expect(status['message']).toContain('User "system:anonymous" cannot list')
    },
  },
  {
    sentence: 'a Role and its binding give a user just those rights, in that namespace alone',
    async run({ api, as }) {
      const mallory = as('user-without-rights')
      ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      await grantReading(api, { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: userWithoutRights })
      await eventually(async () => ok(await mallory.get('configmaps', 'a')))
      refused(await mallory.patch('merge', 'configmaps', 'a', { data: { k: '2' } }), 403, 'Forbidden')
      refused(await mallory.get('secrets', 'a'), 403, 'Forbidden')
      refused(await mallory.inNamespace('default').list('configmaps'), 403, 'Forbidden')
      ok(await api.delete('rbac.authorization.k8s.io/v1/rolebindings', 'reader'))
      await eventually(async () => refused(await mallory.get('configmaps', 'a'), 403, 'Forbidden'))
    },
  },
  {
    sentence: 'who impersonates a ServiceAccount has its rights and no others',
    async run({ api, namespace }) {
      await grantReading(api, { kind: 'ServiceAccount', name: 'deployer', namespace })
      const headers = { 'impersonate-user': `system:serviceaccount:${namespace}:deployer` }
      await eventually(async () => ok(await api.send('GET', api.path('configmaps'), { headers })))
      const body = configMap('a')
      refused(await api.send('POST', api.path('configmaps'), { headers, body }), 403, 'Forbidden')
    },
  },
  {
    sentence: 'a user without rights may not impersonate',
    async run({ api, as }) {
      const headers = { 'impersonate-user': 'admin' }
      const status = refused(
        await as('user-without-rights').send('GET', api.path('configmaps'), { headers }),
        403,
        'Forbidden',
      )
      expect(status['message']).toMatch(/User "mallory" cannot impersonate/)
    },
  },
  {
    sentence: 'a SelfSubjectAccessReview tells what one may do, and is stored nowhere',
    async run({ api, as, namespace }) {
      const may = ok(await api.inCluster().create(reviews, review(namespace, 'patch', 'deployments', 'apps')), 201)
      expect(at(may, 'status', 'allowed')).toBe(true)
      const mayNot = ok(
        await as('user-without-rights')
          .inCluster()
          .create(reviews, review(namespace, 'get', 'secrets')),
        201,
      )
      expect(at(mayNot, 'status', 'allowed')).toBe(false)
    },
  },
  {
    sentence: 'a Lease is taken by compare-and-swap: of two writers with one version the second is told of a conflict',
    async run({ api }) {
      const created = ok(await api.create(leases, lease(undefined, 'one')), 201)
      const version = at(created, 'metadata', 'resourceVersion')
      ok(await api.replace(leases, 'a', lease(version, 'two')))
      refused(await api.replace(leases, 'a', lease(version, 'three')), 409, 'Conflict')
      expect(at(ok(await api.get(leases, 'a')), 'spec', 'holderIdentity')).toBe('two')
    },
  },
  {
    sentence: 'a Lease is created by one of two only',
    async run({ api }) {
      const answers = await Promise.all(['one', 'two'].map(holder => api.create(leases, lease(undefined, holder))))
      expect(answers.map(answer => answer.status).sort()).toEqual([201, 409])
    },
  },
  {
    sentence: 'the times of a Lease keep their microseconds',
    async run({ api }) {
      const created = ok(await api.create(leases, lease(undefined, 'one')), 201)
      expect(at(created, 'spec', 'renewTime')).toBe('2030-01-01T00:00:00.123456Z')
    },
  },
  {
    sentence: 'of two simultaneous PUTs with one version exactly one passes',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { k: '0' })), 201)
      const resourceVersion = at(created, 'metadata', 'resourceVersion')
      const answers = await Promise.all(
        ['1', '2', '3', '4'].map(k => api.replace('configmaps', 'a', configMap('a', { k }, { resourceVersion }))),
      )
      expect(answers.map(answer => answer.status).sort()).toEqual([200, 409, 409, 409])
    },
  },
  {
    sentence: 'Events can be written and found by what they are about',
    async run({ api, namespace }) {
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: 'a.' },
        involvedObject: { kind: 'ConfigMap', namespace, name: 'a' },
        reason: 'Synced',
        message: 'applied',
        type: 'Normal',
      }
      ok(await api.create('events', event), 201)
      const list = ok(await api.list('events', { fieldSelector: 'involvedObject.name=a,reason=Synced' }))
      expect(at(list, 'items', 0)).toMatchObject({ message: 'applied' })
    },
  },
]
