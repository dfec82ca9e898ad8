import type { Json } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { at } from '../api.ts'
import { ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

function named(list: Json | undefined, key: string, name: string): Json | undefined {
  return (list as readonly Json[]).find(item => at(item, key) === name)
}

export const discovery: readonly Row[] = [
  {
    sentence: '/version names the version in full and in parts',
    async run({ api }) {
      const version = ok(await api.send('GET', '/version'))
      expect(version).toMatchObject({ gitVersion: expect.stringMatching(/^v1\.\d+\.\d+/), major: '1' })
      expect(at(version, 'minor')).toBe(String(at(version, 'gitVersion')).split('.')[1])
    },
  },
  {
    sentence: '/api lists the one version of the core group',
    async run({ api }) {
      expect(ok(await api.send('GET', '/api'))).toMatchObject({ kind: 'APIVersions', versions: ['v1'] })
    },
  },
  {
    sentence: '/apis lists groups with their preferred version',
    async run({ api }) {
      const list = ok(await api.send('GET', '/apis'))
      expect(list).toMatchObject({ kind: 'APIGroupList', apiVersion: 'v1' })
      for (const group of ['apps', 'batch', 'networking.k8s.io', 'rbac.authorization.k8s.io', 'apiextensions.k8s.io']) {
        expect(named(list['groups'], 'name', group)).toMatchObject({
          preferredVersion: { groupVersion: `${group}/v1`, version: 'v1' },
        })
      }
    },
  },
  {
    sentence: 'a group is described by itself as well',
    async run({ api }) {
      expect(ok(await api.send('GET', '/apis/apps'))).toMatchObject({
        kind: 'APIGroup',
        name: 'apps',
        versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
      })
    },
  },
  {
    sentence: '/api/v1 lists resources with kind, scope, verbs and short names',
    async run({ api }) {
      const list = ok(await api.send('GET', '/api/v1'))
      expect(list).toMatchObject({ kind: 'APIResourceList', groupVersion: 'v1' })
      const configMaps = named(list['resources'], 'name', 'configmaps')
      expect(configMaps).toMatchObject({
        kind: 'ConfigMap',
        namespaced: true,
        singularName: 'configmap',
        shortNames: ['cm'],
      })
      expect([...(at(configMaps, 'verbs') as string[])].sort()).toEqual([
        'create',
        'delete',
        'deletecollection',
        'get',
        'list',
        'patch',
        'update',
        'watch',
      ])
      expect(named(list['resources'], 'name', 'namespaces')).toMatchObject({ kind: 'Namespace', namespaced: false })
    },
  },
  {
    sentence: 'a namespace cannot be deleted by collection, and discovery says so',
    async run({ api }) {
      const list = ok(await api.send('GET', '/api/v1'))
      expect(at(named(list['resources'], 'name', 'namespaces'), 'verbs')).not.toContain('deletecollection')
    },
  },
  {
    sentence: 'subresources are resources with a slash; scale has a kind of another group',
    async run({ api }) {
      const resources = ok(await api.send('GET', '/apis/apps/v1'))['resources']
      expect(named(resources, 'name', 'deployments/status')).toMatchObject({
        kind: 'Deployment',
        verbs: ['get', 'patch', 'update'],
      })
      expect(named(resources, 'name', 'deployments/scale')).toMatchObject({
        group: 'autoscaling',
        version: 'v1',
        kind: 'Scale',
      })
    },
  },
  {
    sentence: 'a group, and a version of a group, that is not served is a 404, not always with a Status',
    async run({ api }) {
      for (const path of ['/apis/no-such-group.test', '/apis/no-such-group.test/v1', '/apis/apps/v9']) {
        expect((await api.send('GET', path)).status, path).toBe(404)
      }
    },
  },
  {
    sentence: 'aggregated discovery answers with all groups and resources at once',
    async run({ api }) {
      const answer = await api.send('GET', '/apis', { accept: aggregated })
      expect(ok(answer)).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
      expect(answer.headers['content-type']).toContain('as=APIGroupDiscoveryList')
      const apps = (at(answer.body, 'items') as readonly Json[]).find(item => at(item, 'metadata', 'name') === 'apps')
      const version = named(at(apps, 'versions'), 'version', 'v1')
      expect(at(version, 'freshness')).toBe('Current')
      expect(named(at(version, 'resources'), 'resource', 'deployments')).toMatchObject({
        // An empty group and version here mean those of the list it stands in.
        responseKind: { kind: 'Deployment' },
        scope: 'Namespaced',
        singularResource: 'deployment',
      })
    },
  },
  {
    sentence: 'aggregated discovery of the core group lists subresources below their resource',
    async run({ api }) {
      const list = ok(await api.send('GET', '/api', { accept: aggregated }))
      const version = at(list, 'items', 0, 'versions', 0)
      expect(at(version, 'version')).toBe('v1')
      const pods = named(at(version, 'resources'), 'resource', 'pods')
      expect(named(at(pods, 'subresources'), 'subresource', 'status')).toMatchObject({
        responseKind: { kind: 'Pod' },
      })
    },
  },
  {
    sentence: 'who also accepts plain JSON gets aggregated discovery first where it is listed first',
    async run({ api }) {
      const list = ok(await api.send('GET', '/apis', { accept: `${aggregated},application/json` }))
      expect(list['kind']).toBe('APIGroupDiscoveryList')
    },
  },
  {
    sentence: 'the OpenAPI v3 index names a document for each group and version',
    async run({ api }) {
      const index = ok(await api.send('GET', '/openapi/v3'))
      for (const path of ['api/v1', 'apis/apps/v1']) {
        const url = String(at(index, 'paths', path, 'serverRelativeURL'))
        expect(url).toMatch(/^\/openapi\/v3\/\w+(\/\w+)+\?hash=\w+/)
        expect(url).toContain(path)
      }
    },
  },
  {
    sentence: 'OpenAPI v3 schemas name their kinds and the keys of list maps',
    async run({ api }) {
      const document = ok(await api.send('GET', '/openapi/v3/apis/apps/v1'))
      const schemas = at(document, 'components', 'schemas')
      expect(at(schemas, 'io.k8s.api.apps.v1.Deployment', 'x-kubernetes-group-version-kind')).toEqual([
        { group: 'apps', version: 'v1', kind: 'Deployment' },
      ])
      expect(at(schemas, 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers')).toMatchObject({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      })
    },
  },
  {
    sentence: 'an OpenAPI v3 document asked for by its hash may be cached for ever',
    async run({ api }) {
      const index = ok(await api.send('GET', '/openapi/v3'))
      const answer = await api.send('GET', String(at(index, 'paths', 'apis/batch/v1', 'serverRelativeURL')))
      ok(answer)
      expect(answer.headers['cache-control']).toContain('immutable')
    },
  },
  {
    sentence: 'readyz and livez say ok',
    async run({ api }) {
      for (const path of ['/readyz', '/livez']) {
        const answer = await api.send('GET', path)
        expect([answer.status, answer.text]).toEqual([200, 'ok'])
      }
    },
  },
  {
    sentence: 'a resource that a served group does not have is a 404 with a Status that names nothing',
    async run({ api }) {
      expect(refused(await api.list('gadgets'), 404, 'NotFound')).toMatchObject({
        message: 'the server could not find the requested resource',
      })
    },
  },
]
