import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap } from '../documents.ts'
import { causes, eventually, names, ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

function namespaceDocument(name: string) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

export const namespaces: readonly Row[] = [
  {
    sentence: 'a namespace is active at once, labelled with its name, and held by the finalizer of its spec',
    async run({ api, namespace }) {
      expect(ok(await api.inCluster().get('namespaces', namespace))).toMatchObject({
        metadata: { labels: { 'kubernetes.io/metadata.name': namespace } },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      })
    },
  },
  {
    sentence: 'every cluster has default, kube-system, kube-public and kube-node-lease',
    async run({ api }) {
      expect(names(ok(await api.inCluster().list('namespaces')))).toEqual(
        expect.arrayContaining(['default', 'kube-node-lease', 'kube-public', 'kube-system']),
      )
    },
  },
  {
    sentence: 'a namespace gets a ServiceAccount "default" and the ConfigMap kube-root-ca.crt',
    async run({ api }) {
      await eventually(async () => {
        ok(await api.get('serviceaccounts', 'default'))
        expect(at(ok(await api.get('configmaps', 'kube-root-ca.crt')), 'data', 'ca.crt')).toContain('BEGIN CERTIFICATE')
      })
    },
  },
  {
    sentence: 'a deleted namespace is Terminating, then gone with all that was in it',
    async run({ api, unique }) {
      const name = unique('doomed')
      const [all, inside] = [api.inCluster(), api.inNamespace(name)]
      ok(await all.create('namespaces', namespaceDocument(name)), 201)
      ok(await inside.create('configmaps', configMap('a')), 201)
      const answered = ok(await all.delete('namespaces', name))
      expect(answered).toMatchObject({
        kind: 'Namespace',
        metadata: { deletionTimestamp: expect.stringMatching(/^\d{4}-/) },
        status: { phase: 'Terminating' },
      })
      await eventually(async () => refused(await all.get('namespaces', name), 404, 'NotFound'))
      refused(await inside.get('configmaps', 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'nothing can be created in a namespace that terminates; what is there can be changed',
    async run({ api, unique }) {
      const name = unique('doomed')
      const [all, inside] = [api.inCluster(), api.inNamespace(name)]
      ok(await all.create('namespaces', namespaceDocument(name)), 201)
      ok(await inside.create('configmaps', configMap('a', undefined, { finalizers: ['t.test/hold'] })), 201)
      ok(await all.delete('namespaces', name))
      for (const answer of [
        await inside.create('configmaps', configMap('b')),
        await inside.apply('configmaps', configMap('c')),
      ]) {
        const status = refused(answer, 403, 'Forbidden')
        expect(status['message']).toContain('because it is being terminated')
        expect(causes(status)).toEqual(['NamespaceTerminating metadata.namespace'])
      }
      ok(await inside.patch('merge', 'configmaps', 'a', { data: { k: '1' } }))
      ok(await inside.patch('merge', 'configmaps', 'a', { metadata: { finalizers: null } }))
    },
  },
  {
    sentence: 'the namespaces that the cluster needs cannot be deleted',
    async run({ api }) {
      refused(await api.inCluster().delete('namespaces', 'default'), 403, 'Forbidden')
      refused(await api.inCluster().delete('namespaces', 'kube-system'), 403, 'Forbidden')
    },
  },
  {
    sentence: 'a namespace with a dot in its name is invalid',
    async run({ api }) {
      const answer = await api.inCluster().create('namespaces', namespaceDocument('a.b'))
      expect(causes(refused(answer, 422, 'Invalid'))).toEqual(['FieldValueInvalid metadata.name'])
    },
  },
  {
    sentence: 'a namespace can be applied, and applied again without a change',
    async run({ api, unique }) {
      const document = namespaceDocument(unique('applied'))
      const first = ok(await api.inCluster().apply('namespaces', document), 201)
      const second = ok(await api.inCluster().apply('namespaces', document))
      expect(at(second, 'metadata', 'uid')).toBe(at(first, 'metadata', 'uid'))
      expect(at(second, 'metadata', 'generation')).toBe(at(first, 'metadata', 'generation'))
    },
  },
]
