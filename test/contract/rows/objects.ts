import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap, deployment } from '../documents.ts'
import { causes, ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

export const objects: readonly Row[] = [
  {
    sentence: 'a created object gets a uid, a creation time to the second and a resource version',
    async run({ api, namespace }) {
      const created = ok(await api.create('configmaps', configMap('a', { key: 'value' })), 201)
      expect(created).toMatchObject({
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: {
          name: 'a',
          namespace,
          uid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
          creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          resourceVersion: expect.stringMatching(/^[1-9]\d*$/),
        },
        data: { key: 'value' },
      })
      expect(ok(await api.get('configmaps', 'a'))).toEqual(created)
    },
  },
  {
    sentence: 'creating twice is a conflict with reason AlreadyExists',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      expect(refused(await api.create('configmaps', configMap('a')), 409, 'AlreadyExists')).toMatchObject({
        message: 'configmaps "a" already exists',
        details: { name: 'a', kind: 'configmaps' },
      })
    },
  },
  {
    sentence: 'reading what is not there is a 404 whose details name it and its group',
    async run({ api }) {
      expect(refused(await api.get('configmaps', 'a'), 404, 'NotFound')).toMatchObject({
        message: 'configmaps "a" not found',
        details: { name: 'a', kind: 'configmaps' },
      })
      expect(refused(await api.get('apps/v1/deployments', 'a'), 404, 'NotFound')).toMatchObject({
        message: 'deployments.apps "a" not found',
        details: { name: 'a', group: 'apps', kind: 'deployments' },
      })
    },
  },
  {
    sentence: 'a namespace that is not there is a 404 for writes, an empty list for reads',
    async run({ api, unique }) {
      const elsewhere = api.inNamespace(unique('absent'))
      expect(refused(await elsewhere.create('configmaps', configMap('a')), 404, 'NotFound')).toMatchObject({
        details: { kind: 'namespaces', name: unique('absent') },
      })
      expect(ok(await elsewhere.list('configmaps'))['items']).toEqual([])
    },
  },
  {
    sentence: 'generateName appends five characters',
    async run({ api }) {
      const document = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'run-' } }
      const first = ok(await api.create('configmaps', document), 201)
      const second = ok(await api.create('configmaps', document), 201)
      for (const created of [first, second]) {
        expect(at(created, 'metadata', 'name')).toMatch(/^run-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
        expect(at(created, 'metadata', 'generateName')).toBe('run-')
      }
      expect(at(first, 'metadata', 'name')).not.toBe(at(second, 'metadata', 'name'))
    },
  },
  {
    sentence: 'an object without a name is invalid',
    async run({ api }) {
      const status = refused(
        await api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }),
        422,
        'Invalid',
      )
      expect(causes(status)).toEqual(['FieldValueRequired metadata.name'])
    },
  },
  {
    sentence: 'a name that is no DNS name is invalid',
    async run({ api }) {
      const status = refused(await api.create('configmaps', configMap('Not_A_Name')), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueInvalid metadata.name'])
    },
  },
  {
    sentence: 'a label value with a space and a label key with two slashes are invalid, each with its field',
    async run({ api }) {
      const status = refused(
        await api.create('configmaps', configMap('a', undefined, { labels: { ok: 'not ok', 'a/b/c': 'x' } })),
        422,
        'Invalid',
      )
      expect(causes(status)).toEqual(['FieldValueInvalid metadata.labels', 'FieldValueInvalid metadata.labels'])
    },
  },
  {
    sentence: "uid and creationTimestamp of the client's document do not count",
    async run({ api }) {
      const created = ok(
        await api.create(
          'configmaps',
          configMap('a', undefined, { uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z' }),
        ),
        201,
      )
      expect(at(created, 'metadata', 'uid')).not.toBe('mine')
      expect(at(created, 'metadata', 'creationTimestamp')).not.toBe('2001-01-01T00:00:00Z')
    },
  },
  {
    sentence: 'a document to create must not carry a resource version',
    async run({ api }) {
      const answer = await api.create('configmaps', configMap('a', undefined, { resourceVersion: '1' }))
      expect(answer.status).toBe(500)
      expect(answer.text).toContain('resourceVersion should not be set on objects to be created')
    },
  },
  {
    sentence: 'the namespace of the document must be that of the path',
    async run({ api }) {
      refused(await api.create('configmaps', configMap('a', undefined, { namespace: 'elsewhere' })), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a document of another kind is a bad request',
    async run({ api }) {
      refused(await api.create('configmaps', { ...configMap('a'), kind: 'Secret' }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a document of another API version is a bad request',
    async run({ api }) {
      refused(await api.create('configmaps', { ...configMap('a'), apiVersion: 'v2' }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'text that is no JSON is a bad request',
    async run({ api }) {
      refused(await api.create('configmaps', '{"apiVersion": "v1", '), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a value of the wrong type is a bad request that names the field',
    async run({ api }) {
      const status = refused(await api.create('configmaps', { ...configMap('a'), data: { key: 1 } }), 400, 'BadRequest')
      expect(at(status, 'message')).toContain('data')
    },
  },
  {
    sentence: 'a body in an unknown media type is a 415',
    async run({ api }) {
      const answer = await api.send('POST', api.path('configmaps'), { body: 'x', contentType: 'text/plain' })
      refused(answer, 415, 'UnsupportedMediaType')
    },
  },
  {
    sentence: 'a body of YAML is read as one of JSON is',
    async run({ api }) {
      const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: "on"\n'
      const answer = await api.send('POST', api.path('configmaps'), { body, contentType: 'application/yaml' })
      expect(ok(answer, 201)).toMatchObject({ data: { key: 'on' } })
    },
  },
  {
    sentence: 'a body over three megabytes is a 413',
    async run({ api }) {
      const answer = await api.create('configmaps', configMap('a', { key: 'x'.repeat(3 * 1024 * 1024 + 1) }))
      refused(answer, 413, 'RequestEntityTooLarge')
    },
  },
  {
    sentence: 'a ConfigMap of more than one megabyte is invalid',
    async run({ api }) {
      refused(await api.create('configmaps', configMap('a', { key: 'x'.repeat(1024 * 1024 + 1) })), 422, 'Invalid')
    },
  },
  {
    sentence: 'a PUT replaces the whole object and keeps uid and creation time',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { one: '1' }, { labels: { l: 'x' } })), 201)
      const replaced = ok(await api.replace('configmaps', 'a', configMap('a', { two: '2' })))
      expect(replaced['data']).toEqual({ two: '2' })
      expect(at(replaced, 'metadata', 'labels')).toBeUndefined()
      expect(at(replaced, 'metadata', 'uid')).toBe(at(created, 'metadata', 'uid'))
      expect(at(replaced, 'metadata', 'creationTimestamp')).toBe(at(created, 'metadata', 'creationTimestamp'))
      expect(at(replaced, 'metadata', 'resourceVersion')).not.toBe(at(created, 'metadata', 'resourceVersion'))
    },
  },
  {
    sentence: 'a PUT that changes nothing keeps the resource version',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { one: '1' })), 201)
      const replaced = ok(await api.replace('configmaps', 'a', created))
      expect(at(replaced, 'metadata', 'resourceVersion')).toBe(at(created, 'metadata', 'resourceVersion'))
    },
  },
  {
    sentence: 'a PUT with a resource version that is not the newest is a conflict',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { one: '1' })), 201)
      ok(await api.replace('configmaps', 'a', configMap('a', { one: '2' })))
      const status = refused(await api.replace('configmaps', 'a', created), 409, 'Conflict')
      expect(status).toMatchObject({ details: { name: 'a', kind: 'configmaps' } })
      expect(status['message']).toContain('the object has been modified')
    },
  },
  {
    sentence: 'a PUT with the uid of another object is a conflict',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      const uid = '00000000-0000-4000-8000-000000000000'
      refused(await api.replace('configmaps', 'a', configMap('a', { one: '1' }, { uid })), 409, 'Conflict')
    },
  },
  {
    sentence: 'a PUT to what is not there is a 404',
    async run({ api }) {
      refused(await api.replace('configmaps', 'a', configMap('a')), 404, 'NotFound')
    },
  },
  {
    sentence: 'a PUT of a document with another name than the path is a bad request',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      refused(await api.replace('configmaps', 'a', configMap('b')), 400, 'BadRequest')
    },
  },
  {
    sentence: 'the generation of a Deployment rises with its spec and with nothing else',
    async run({ api }) {
      expect(
        at(
          ok(await api.create('apps/v1/deployments', deployment('a', { paused: true })), 201),
          'metadata',
          'generation',
        ),
      ).toBe(1)
      const labelled = ok(await api.patch('merge', 'apps/v1/deployments', 'a', { metadata: { labels: { l: 'x' } } }))
      expect(at(labelled, 'metadata', 'generation')).toBe(1)
      const grown = ok(await api.patch('merge', 'apps/v1/deployments', 'a', { spec: { replicas: 3 } }))
      expect(at(grown, 'metadata', 'generation')).toBe(2)
      const status = { status: { collisionCount: 7 } }
      const told = ok(await api.patch('merge', 'apps/v1/deployments', 'a', status, {}, 'status'))
      expect(at(told, 'metadata', 'generation')).toBe(2)
    },
  },
  {
    sentence: 'a ConfigMap has no generation',
    async run({ api }) {
      expect(at(ok(await api.create('configmaps', configMap('a')), 201), 'metadata', 'generation')).toBeUndefined()
    },
  },
  {
    sentence: 'status in the document of a create is dropped where status is a subresource',
    async run({ api }) {
      const document = { ...deployment('a', { paused: true, replicas: 0 }), status: { readyReplicas: 9 } }
      expect(at(ok(await api.create('apps/v1/deployments', document), 201), 'status', 'readyReplicas')).toBeUndefined()
    },
  },
  {
    sentence: 'a write to the status subresource leaves the spec alone',
    async run({ api }) {
      const created = ok(await api.create('apps/v1/deployments', deployment('a', { paused: true, replicas: 0 })), 201)
      const told = ok(
        await api.patch(
          'merge',
          'apps/v1/deployments',
          'a',
          { spec: { replicas: 5 }, status: { collisionCount: 3 } },
          {},
          'status',
        ),
      )
      expect(at(told, 'spec')).toEqual(created['spec'])
      expect(at(told, 'status', 'collisionCount')).toBe(3)
    },
  },
  {
    sentence: 'defaults are filled in and shown',
    async run({ api }) {
      const created = ok(await api.create('apps/v1/deployments', deployment('a', { paused: true })), 201)
      expect(created['spec']).toMatchObject({
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        template: {
          spec: {
            restartPolicy: 'Always',
            dnsPolicy: 'ClusterFirst',
            terminationGracePeriodSeconds: 30,
            containers: [
              { imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', resources: {} },
            ],
          },
        },
      })
    },
  },
  {
    sentence: 'quantities are stored as they were written, but for what is shorter in canonical form',
    async run({ api }) {
      const resources = { requests: { cpu: '0.5', memory: '1024Mi' }, limits: { cpu: '1000m', memory: '2Gi' } }
      const template = {
        metadata: { labels: { app: 'a' } },
        spec: { containers: [{ name: 'c', image: 'i', resources }] },
      }
      const created = ok(await api.create('apps/v1/deployments', deployment('a', { paused: true, template })), 201)
      expect(at(created, 'spec', 'template', 'spec', 'containers', 0, 'resources')).toEqual({
        requests: { cpu: '500m', memory: '1Gi' },
        limits: { cpu: '1', memory: '2Gi' },
      })
    },
  },
  {
    sentence: 'the key __proto__ in data is a key like any other',
    async run({ api }) {
      const body =
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x","constructor":"y"}}'
      ok(await api.create('configmaps', body), 201)
      const data = ok(await api.get('configmaps', 'a'))['data'] as object
      expect(Object.entries(data).sort()).toEqual([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ])
    },
  },
  {
    sentence: 'data and binaryData must not share a key',
    async run({ api }) {
      refused(
        await api.create('configmaps', { ...configMap('a', { k: 'x' }), binaryData: { k: 'eA==' } }),
        422,
        'Invalid',
      )
    },
  },
  {
    sentence: 'empty maps are not stored',
    async run({ api }) {
      const created = ok(
        await api.create('configmaps', configMap('a', undefined, { labels: {}, annotations: {} })),
        201,
      )
      expect(created).not.toHaveProperty('data')
      expect(created['metadata']).not.toHaveProperty('labels')
    },
  },
]
