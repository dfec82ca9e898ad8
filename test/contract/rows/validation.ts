import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap, deployment, job, podTemplate, secret, service } from '../documents.ts'
import { causes, ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const deployments = 'apps/v1/deployments'

export const validation: readonly Row[] = [
  {
    sentence: 'the selector of a Deployment cannot change',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a', { paused: true })), 201)
      const other = { ...deployment('b', { paused: true }), metadata: { name: 'a' } }
      const status = refused(await api.apply(deployments, other), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueInvalid spec.selector'])
      expect(status['message']).toContain('field is immutable')
    },
  },
  {
    sentence: 'the template of a Job cannot change',
    async run({ api }) {
      const [first, second] = ['i:1', 'i:2'].map(image =>
        job('a', { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image }] } } }),
      )
      ok(await api.apply('batch/v1/jobs', first), 201)
      const status = refused(await api.apply('batch/v1/jobs', second), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueInvalid spec.template.spec'])
      expect(status['message']).toContain('field is immutable')
    },
  },
  {
    sentence: 'a StatefulSet can change little of its spec, its volume claims not at all',
    async run({ api }) {
      const set = (storage: string) => ({
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'a' },
        spec: {
          replicas: 0,
          serviceName: 'a',
          selector: { matchLabels: { app: 'a' } },
          template: podTemplate('a'),
          volumeClaimTemplates: [
            {
              metadata: { name: 'data' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
            },
          ],
        },
      })
      ok(await api.apply('apps/v1/statefulsets', set('1Gi')), 201)
      const status = refused(await api.apply('apps/v1/statefulsets', set('2Gi')), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueForbidden spec'])
    },
  },
  {
    sentence: 'a selector that does not match the template is invalid',
    async run({ api }) {
      const answer = await api.create(deployments, deployment('a', { selector: { matchLabels: { app: 'other' } } }))
      expect(causes(refused(answer, 422, 'Invalid'))).toEqual(['FieldValueInvalid spec.template.metadata.labels'])
    },
  },
  {
    sentence: 'a Deployment without containers is invalid, and the Status names object, kind and group',
    async run({ api }) {
      const answer = await api.create(deployments, deployment('a', { template: podTemplate('a', { containers: [] }) }))
      const status = refused(answer, 422, 'Invalid')
      expect(status['details']).toMatchObject({ name: 'a', group: 'apps', kind: 'Deployment' })
      expect(causes(status)).toEqual(['FieldValueRequired spec.template.spec.containers'])
    },
  },
  {
    sentence: 'all mistakes of a document are told at once',
    async run({ api }) {
      const containers = [{ name: 'Not_OK' }, { name: 'b', image: 'i', ports: [{ containerPort: 99999 }] }]
      const answer = await api.create(
        deployments,
        deployment('a', { replicas: -1, template: podTemplate('a', { containers }) }),
      )
      expect(causes(refused(answer, 422, 'Invalid'))).toEqual([
        'FieldValueInvalid spec.replicas',
        'FieldValueInvalid spec.template.spec.containers[0].name',
        'FieldValueInvalid spec.template.spec.containers[1].ports[0].containerPort',
        'FieldValueRequired spec.template.spec.containers[0].image',
      ])
    },
  },
  {
    sentence: 'a Service without ports is invalid',
    async run({ api }) {
      const answer = await api.create('services', service('a', { ports: [] }))
      expect(causes(refused(answer, 422, 'Invalid'))).toEqual(['FieldValueRequired spec.ports'])
    },
  },
  {
    sentence: 'the address of a Service cannot change',
    async run({ api }) {
      const created = ok(await api.create('services', service('a')), 201)
      const clusterIP = at(created, 'spec', 'clusterIP') === '10.96.77.7' ? '10.96.77.8' : '10.96.77.7'
      const answer = await api.patch('merge', 'services', 'a', { spec: { clusterIP, clusterIPs: [clusterIP] } })
      refused(answer, 422, 'Invalid')
    },
  },
  {
    sentence: 'an immutable ConfigMap takes no other data, and stays immutable',
    async run({ api }) {
      ok(await api.create('configmaps', { ...configMap('a', { k: '1' }), immutable: true }), 201)
      refused(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }), 422, 'Invalid')
      refused(await api.patch('merge', 'configmaps', 'a', { immutable: false }), 422, 'Invalid')
      ok(await api.patch('merge', 'configmaps', 'a', { metadata: { labels: { l: 'x' } } }))
    },
  },
  {
    sentence: 'the type of a Secret cannot change',
    async run({ api }) {
      ok(await api.create('secrets', secret('a', { type: 'Opaque' })), 201)
      const status = refused(await api.patch('merge', 'secrets', 'a', { type: 'x.test/other' }), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueInvalid type'])
    },
  },
  {
    sentence: 'stringData of a Secret becomes data and is not shown',
    async run({ api }) {
      const created = ok(
        await api.create('secrets', secret('a', { stringData: { k: 'höm' }, data: { k: 'eA==', b: 'Yg==' } })),
        201,
      )
      expect(created['type']).toBe('Opaque')
      expect(created['data']).toEqual({ k: Buffer.from('höm').toString('base64'), b: 'Yg==' })
      expect(created).not.toHaveProperty('stringData')
    },
  },
  {
    sentence: 'applied stringData is owned as stringData, and a key left out of it stays in data',
    async run({ api }) {
      ok(await api.apply('secrets', secret('a', { stringData: { k: '1', more: '2' } })), 201)
      const again = ok(await api.apply('secrets', secret('a', { stringData: { k: '3' } })))
      expect(again['data']).toEqual({ k: 'Mw==', more: 'Mg==' })
    },
  },
  {
    sentence: 'data of a Secret that is no base64 is a bad request',
    async run({ api }) {
      refused(await api.create('secrets', secret('a', { data: { k: 'not base64!' } })), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a Secret of type kubernetes.io/tls needs certificate and key',
    async run({ api }) {
      const answer = await api.create('secrets', secret('a', { type: 'kubernetes.io/tls' }))
      expect(causes(refused(answer, 422, 'Invalid'))).toEqual([
        'FieldValueRequired data[tls.crt]',
        'FieldValueRequired data[tls.key]',
      ])
    },
  },
  {
    sentence: 'an int-or-string takes both',
    async run({ api }) {
      const rolling = (maxSurge: number | string) =>
        deployment('a', { paused: true, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge } } })
      expect(
        at(ok(await api.apply(deployments, rolling(1)), 201), 'spec', 'strategy', 'rollingUpdate', 'maxSurge'),
      ).toBe(1)
      expect(
        at(ok(await api.apply(deployments, rolling('30%'))), 'spec', 'strategy', 'rollingUpdate', 'maxSurge'),
      ).toBe('30%')
    },
  },
  {
    sentence: 'the roleRef of a RoleBinding cannot change',
    async run({ api }) {
      const binding = (role: string) => ({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'a' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
        subjects: [],
      })
      const resource = 'rbac.authorization.k8s.io/v1/rolebindings'
      ok(await api.apply(resource, binding('one')), 201)
      const status = refused(await api.apply(resource, binding('two')), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueInvalid roleRef'])
    },
  },
  {
    sentence: 'the request of a bound PersistentVolumeClaim cannot shrink',
    async run({ api }) {
      const claim = (storage: string) => ({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'a' },
        spec: { storageClassName: 'nobody', accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
      })
      ok(await api.apply('persistentvolumeclaims', claim('2Gi')), 201)
      const status = refused(await api.apply('persistentvolumeclaims', claim('1Gi')), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueForbidden spec'])
    },
  },
]
