import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap, deployment, job } from '../documents.ts'
import { causes, ok, ownership, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const deployments = 'apps/v1/deployments'

export const apply: readonly Row[] = [
  {
    sentence: 'applying what is not there creates it (201), applying again updates it (200)',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      expect(ok(await api.apply('configmaps', configMap('a', { k: '2' })))).toMatchObject({ data: { k: '2' } })
    },
  },
  {
    sentence: 'applying the same again changes neither resource version nor managed fields',
    async run({ api }) {
      const first = ok(await api.apply('configmaps', configMap('a', { k: '1' }, { labels: { l: 'x' } })), 201)
      const second = ok(await api.apply('configmaps', configMap('a', { k: '1' }, { labels: { l: 'x' } })))
      expect(second).toEqual(first)
    },
  },
  {
    sentence: 'applying the same Deployment again, defaults and all, is no change either',
    async run({ api }) {
      const document = deployment('a', { paused: true, replicas: 0 })
      const first = ok(await api.apply(deployments, document), 201)
      const second = ok(await api.apply(deployments, document))
      expect(at(second, 'metadata', 'generation')).toBe(1)
      expect(ownership(second)['flotilla Apply']).toEqual(ownership(first)['flotilla Apply'])
    },
  },
  {
    sentence: 'a quantity written in another way is no change',
    async run({ api }) {
      const document = (cpu: string) => {
        const container = { name: 'c', image: 'i', resources: { requests: { cpu } } }
        return deployment('a', {
          paused: true,
          replicas: 0,
          template: { metadata: { labels: { app: 'a' } }, spec: { containers: [container] } },
        })
      }
      ok(await api.apply(deployments, document('1000m')), 201)
      expect(at(ok(await api.apply(deployments, document('1'))), 'metadata', 'generation')).toBe(1)
    },
  },
  {
    sentence: 'managed fields name the manager, the operation, the version and exactly the applied fields',
    async run({ api }) {
      const applied = ok(await api.apply('configmaps', configMap('a', { k: '1' }, { labels: { l: 'x' } })), 201)
      expect(at(applied, 'metadata', 'managedFields')).toEqual([
        {
          manager: 'flotilla',
          operation: 'Apply',
          apiVersion: 'v1',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:data': { 'f:k': {} }, 'f:metadata': { 'f:labels': { 'f:l': {} } } },
        },
      ])
    },
  },
  {
    sentence: 'fields of list items are owned by key, the item itself by a dot',
    async run({ api }) {
      const container = { name: 'c', image: 'i', ports: [{ containerPort: 80, name: 'http' }] }
      const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container] } }
      const applied = ok(await api.apply(deployments, deployment('a', { paused: true, template })), 201)
      expect(at(ownership(applied)['flotilla Apply'], 'f:spec', 'f:template', 'f:spec')).toEqual({
        'f:containers': {
          'k:{"name":"c"}': {
            '.': {},
            'f:name': {},
            'f:image': {},
            'f:ports': {
              'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:name': {} },
            },
          },
        },
      })
    },
  },
  {
    sentence: 'a selector is atomic: it is owned as a whole',
    async run({ api }) {
      const applied = ok(await api.apply(deployments, deployment('a', { paused: true })), 201)
      expect(at(ownership(applied)['flotilla Apply'], 'f:spec', 'f:selector')).toEqual({})
    },
  },
  {
    sentence: 'a POST owns what it wrote, defaults too, as operation Update of the manager in the query',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { k: '1' }), { fieldManager: 'maker' }), 201)
      expect(ownership(created)).toEqual({ 'maker Update': { 'f:data': { '.': {}, 'f:k': {} } } })
    },
  },
  {
    sentence: 'a write to status is owned apart, by subresource',
    async run({ api }) {
      ok(await api.create(deployments, deployment('a', { paused: true, replicas: 0 }), { fieldManager: 'maker' }), 201)
      const status = { status: { collisionCount: 3 } }
      const told = ok(await api.patch('merge', deployments, 'a', status, { fieldManager: 'teller' }, 'status'))
      expect(ownership(told)['teller Update status']).toEqual({ 'f:status': { 'f:collisionCount': {} } })
    },
  },
  {
    sentence: 'a field left out of the next document is removed when nobody else owns it',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1', gone: '2' })), 201)
      const second = ok(await api.apply('configmaps', configMap('a', { k: '1' })))
      expect(second['data']).toEqual({ k: '1' })
    },
  },
  {
    sentence: 'a removed field that has a default falls back to it',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a', { paused: true, revisionHistoryLimit: 3 })), 201)
      const second = ok(await api.apply(deployments, deployment('a', { paused: true })))
      expect(at(second, 'spec', 'revisionHistoryLimit')).toBe(10)
    },
  },
  {
    sentence: 'removing the last field of a map leaves no empty map',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }, { annotations: { x: 'y' } })), 201)
      const second = ok(await api.apply('configmaps', configMap('a', { k: '1' })))
      expect(second['metadata']).not.toHaveProperty('annotations')
    },
  },
  {
    sentence: 'what another manager wrote is left alone',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      ok(await api.patch('merge', 'configmaps', 'a', { data: { other: 'x' } }, { fieldManager: 'other' }))
      expect(ok(await api.apply('configmaps', configMap('a', { k: '2' })))['data']).toEqual({ k: '2', other: 'x' })
    },
  },
  {
    sentence: 'a field manager is required',
    async run({ api }) {
      const status = refused(await api.patch('apply', 'configmaps', 'a', configMap('a')), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueRequired fieldManager'])
    },
  },
  {
    sentence: 'force belongs to apply alone',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      const answer = await api.patch(
        'merge',
        'configmaps',
        'a',
        { data: { k: '1' } },
        { force: true, fieldManager: 'm' },
      )
      refused(answer, 422, 'Invalid')
    },
  },
  {
    sentence: 'a field manager of more than 128 characters is refused',
    async run({ api }) {
      refused(await api.apply('configmaps', configMap('a'), { manager: 'm'.repeat(129) }), 422, 'Invalid')
    },
  },
  {
    sentence: 'an applied document must not hold managed fields',
    async run({ api }) {
      const applied = ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      expect(refused(await api.apply('configmaps', applied), 400, 'BadRequest')['message']).toContain('managedFields')
    },
  },
  {
    sentence: 'an applied document must name its kind',
    async run({ api }) {
      refused(await api.apply('configmaps', { apiVersion: 'v1', metadata: { name: 'a' } }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a document of another kind than the path is a bad request',
    async run({ api }) {
      refused(await api.apply('configmaps', { ...configMap('a'), kind: 'Secret' }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a document with another name than the path is a bad request',
    async run({ api }) {
      const answer = await api.patch('apply', 'configmaps', 'a', configMap('b'), { fieldManager: 'flotilla' })
      refused(answer, 400, 'BadRequest')
    },
  },
  {
    sentence: 'a document with another namespace than the path is a bad request',
    async run({ api }) {
      refused(await api.apply('configmaps', configMap('a', undefined, { namespace: 'elsewhere' })), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a document to create must have its name in it, though the path has it',
    async run({ api }) {
      const document = { apiVersion: 'v1', kind: 'ConfigMap', data: { k: '1' } }
      const answer = await api.patch('apply', 'configmaps', 'a', document, { fieldManager: 'flotilla' })
      refused(answer, 400, 'BadRequest')
    },
  },
  {
    sentence: 'a document may be YAML, as the media type says',
    async run({ api }) {
      const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: |\n    one\n    two\n'
      const answer = await api.patch('apply', 'configmaps', 'a', body, { fieldManager: 'flotilla' })
      expect(at(ok(answer, 201), 'data', 'k')).toBe('one\ntwo\n')
    },
  },
  {
    sentence: 'a document that is neither is a bad request',
    async run({ api }) {
      const answer = await api.patch('apply', 'configmaps', 'a', 'a: b: c', { fieldManager: 'flotilla' })
      refused(answer, 400, 'BadRequest')
    },
  },
  {
    sentence: 'applying with the resource version of the live object passes, with an older one it is a conflict',
    async run({ api }) {
      const first = ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      const resourceVersion = at(first, 'metadata', 'resourceVersion')
      ok(await api.apply('configmaps', configMap('a', { k: '2' }, { resourceVersion })))
      refused(await api.apply('configmaps', configMap('a', { k: '3' }, { resourceVersion })), 409, 'Conflict')
    },
  },
  {
    sentence: 'a resource version does not keep an apply from creating what is not there',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', undefined, { resourceVersion: '1' })), 201)
    },
  },
  {
    sentence: 'applying with the uid of another object is invalid: a uid does not change',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      const uid = '00000000-0000-4000-8000-000000000000'
      const status = refused(await api.apply('configmaps', configMap('a', { k: '2' }, { uid })), 422, 'Invalid')
      expect(causes(status)).toContain('FieldValueInvalid metadata.uid')
    },
  },
  {
    sentence: 'applying with a uid to what is not there is a conflict, not a creation',
    async run({ api }) {
      const uid = '00000000-0000-4000-8000-000000000000'
      refused(await api.apply('configmaps', configMap('a', { k: '2' }, { uid })), 409, 'Conflict')
    },
  },
  {
    sentence: 'an invalid document is refused with all its causes and nothing is written',
    async run({ api }) {
      const document = job('a', { parallelism: -1, backoffLimit: -2 })
      const status = refused(await api.apply('batch/v1/jobs', document), 422, 'Invalid')
      expect((at(status, 'details', 'causes') as readonly object[]).length).toBe(2)
      refused(await api.get('batch/v1/jobs', 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'applying to an unknown resource is a 404',
    async run({ api }) {
      const document = { apiVersion: 'no-such-group.test/v1', kind: 'Gadget', metadata: { name: 'a' } }
      expect((await api.apply('no-such-group.test/v1/gadgets', document)).status).toBe(404)
    },
  },
  {
    sentence: 'applying to a namespace that is not there is a 404',
    async run({ api, unique }) {
      refused(await api.inNamespace(unique('absent')).apply('configmaps', configMap('a')), 404, 'NotFound')
    },
  },
  {
    sentence: 'a value of the wrong type is refused and its field named',
    async run({ api }) {
      const answer = await api.apply(deployments, deployment('a', { replicas: 'three' }))
      expect(answer.status).toBe(500)
      expect(answer.text).toContain('.spec.replicas')
    },
  },
  {
    sentence: 'creating by apply fills defaults in, but the applier owns only what it wrote',
    async run({ api }) {
      const applied = ok(await api.apply(deployments, deployment('a', { paused: true })), 201)
      expect(at(applied, 'spec', 'replicas')).toBe(1)
      expect(at(ownership(applied)['flotilla Apply'], 'f:spec', 'f:replicas')).toBeUndefined()
    },
  },
]
