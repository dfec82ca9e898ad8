import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap, deployment, podTemplate, widget } from '../documents.ts'
import { causes, ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const deployments = 'apps/v1/deployments'

function withTwoContainers() {
  const containers = [
    { name: 'main', image: 'i:1', env: [{ name: 'A', value: '1' }] },
    { name: 'side', image: 's:1' },
  ]
  return deployment('a', { paused: true, replicas: 0, template: podTemplate('a', { containers }) })
}

export const patch: readonly Row[] = [
  {
    sentence: 'a merge patch merges objects, replaces lists and removes by null',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1', gone: '2' }, { finalizers: ['t.test/x'] })), 201)
      const body = { data: { k: '3', gone: null, absent: null }, metadata: { finalizers: ['t.test/y'] } }
      const patched = ok(await api.patch('merge', 'configmaps', 'a', body))
      expect(patched['data']).toEqual({ k: '3' })
      expect(at(patched, 'metadata', 'finalizers')).toEqual(['t.test/y'])
    },
  },
  {
    sentence: 'a merge patch replaces a list of containers as a whole',
    async run({ api }) {
      ok(await api.create(deployments, withTwoContainers()), 201)
      const body = { spec: { template: { spec: { containers: [{ name: 'new', image: 'n' }] } } } }
      const patched = ok(await api.patch('merge', deployments, 'a', body))
      expect(at(patched, 'spec', 'template', 'spec', 'containers')).toMatchObject([{ name: 'new' }])
    },
  },
  {
    sentence: 'a strategic patch merges a list of containers by name',
    async run({ api }) {
      ok(await api.create(deployments, withTwoContainers()), 201)
      const containers = [{ name: 'main', image: 'i:2', env: [{ name: 'B', value: '2' }] }]
      const patched = ok(
        await api.patch('strategic', deployments, 'a', { spec: { template: { spec: { containers } } } }),
      )
      const [main, side] = at(patched, 'spec', 'template', 'spec', 'containers') as readonly object[]
      expect(main).toMatchObject({ name: 'main', image: 'i:2' })
      expect(side).toMatchObject({ name: 'side', image: 's:1' })
      expect((main as { env: readonly { name: string }[] }).env.map(item => item.name).sort()).toEqual(['A', 'B'])
    },
  },
  {
    sentence: 'a strategic patch removes a list item by $patch: delete',
    async run({ api }) {
      ok(await api.create(deployments, withTwoContainers()), 201)
      const containers = [{ name: 'side', $patch: 'delete' }]
      const patched = ok(
        await api.patch('strategic', deployments, 'a', { spec: { template: { spec: { containers } } } }),
      )
      expect(at(patched, 'spec', 'template', 'spec', 'containers')).toMatchObject([{ name: 'main' }])
    },
  },
  {
    sentence: 'a strategic patch removes a map key by null',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1', gone: '2' })), 201)
      expect(ok(await api.patch('strategic', 'configmaps', 'a', { data: { gone: null } }))['data']).toEqual({ k: '1' })
    },
  },
  {
    sentence: 'a custom resource takes no strategic patch',
    async run({ api, widgets }) {
      const resource = await widgets()
      ok(await api.create(resource, widget('a')), 201)
      refused(await api.patch('strategic', resource, 'a', { spec: { size: 2 } }), 415, 'UnsupportedMediaType')
    },
  },
  {
    sentence: 'a JSON patch adds, replaces, removes, copies and moves, in order',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { one: '1', two: '2', three: '3' })), 201)
      const body = [
        { op: 'add', path: '/data/four', value: '4' },
        { op: 'replace', path: '/data/one', value: 'uno' },
        { op: 'remove', path: '/data/two' },
        { op: 'copy', from: '/data/one', path: '/data/five' },
        { op: 'move', from: '/data/three', path: '/data/six' },
      ]
      expect(ok(await api.patch('json', 'configmaps', 'a', body))['data']).toEqual({
        one: 'uno',
        four: '4',
        five: 'uno',
        six: '3',
      })
    },
  },
  {
    sentence: 'a JSON patch escapes / as ~1 and ~ as ~0 in a path',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', undefined, { annotations: { 'x.test/y': '1' } })), 201)
      const body = [{ op: 'replace', path: '/metadata/annotations/x.test~1y', value: '2' }]
      const patched = ok(await api.patch('json', 'configmaps', 'a', body))
      expect(at(patched, 'metadata', 'annotations', 'x.test/y')).toBe('2')
    },
  },
  {
    sentence: 'a JSON patch adds to a list by index and by -',
    async run({ api }) {
      ok(await api.create(deployments, withTwoContainers()), 201)
      const path = '/spec/template/spec/containers'
      const body = [
        { op: 'add', path: `${path}/0`, value: { name: 'first', image: 'f' } },
        { op: 'add', path: `${path}/-`, value: { name: 'last', image: 'l' } },
      ]
      const containers = at(
        ok(await api.patch('json', deployments, 'a', body)),
        'spec',
        'template',
        'spec',
        'containers',
      )
      expect((containers as unknown as readonly { name: string }[]).map(item => item.name)).toEqual([
        'first',
        'main',
        'side',
        'last',
      ])
    },
  },
  {
    sentence: 'a JSON patch whose test fails changes nothing',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      const body = [
        { op: 'test', path: '/data/k', value: 'other' },
        { op: 'replace', path: '/data/k', value: '2' },
      ]
      refused(await api.patch('json', 'configmaps', 'a', body), 422, 'Invalid')
      expect(ok(await api.get('configmaps', 'a'))).toEqual(created)
    },
  },
  {
    sentence: 'a JSON patch that removes what is not there is refused',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      refused(await api.patch('json', 'configmaps', 'a', [{ op: 'remove', path: '/data/absent' }]), 422, 'Invalid')
    },
  },
  {
    sentence: 'a patch of what is not there is a 404',
    async run({ api }) {
      refused(await api.patch('merge', 'configmaps', 'a', { data: { k: '1' } }), 404, 'NotFound')
    },
  },
  {
    sentence: 'a patch that changes nothing keeps the resource version',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      expect(ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '1' } }))).toEqual(created)
    },
  },
  {
    sentence: 'a patch with a resource version that is not the newest is a conflict',
    async run({ api }) {
      const created = ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '2' } }))
      const resourceVersion = at(created, 'metadata', 'resourceVersion')
      const answer = await api.patch('merge', 'configmaps', 'a', { metadata: { resourceVersion }, data: { k: '3' } })
      refused(answer, 409, 'Conflict')
    },
  },
  {
    sentence: 'a patch with the uid of another object is invalid: a uid does not change',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      const uid = '00000000-0000-4000-8000-000000000000'
      const answer = await api.patch('merge', 'configmaps', 'a', { metadata: { uid }, data: { k: '3' } })
      expect(causes(refused(answer, 422, 'Invalid'))).toContain('FieldValueInvalid metadata.uid')
    },
  },
  {
    sentence: 'a patch cannot rename',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      refused(await api.patch('merge', 'configmaps', 'a', { metadata: { name: 'b' } }), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a patch in an unknown media type is a 415',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      const answer = await api.send('PATCH', api.path('configmaps', 'a'), {
        body: '{}',
        contentType: 'application/json',
      })
      refused(answer, 415, 'UnsupportedMediaType')
    },
  },
  {
    sentence: 'a body that is no patch is a bad request',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('a')), 201)
      refused(await api.patch('json', 'configmaps', 'a', { op: 'add' }), 400, 'BadRequest')
      refused(await api.patch('merge', 'configmaps', 'a', '[1'), 400, 'BadRequest')
    },
  },
  {
    sentence: 'a patch whose result is not valid is refused and changes nothing',
    async run({ api }) {
      const created = ok(await api.create(deployments, withTwoContainers()), 201)
      refused(await api.patch('merge', deployments, 'a', { spec: { replicas: -1 } }), 422, 'Invalid')
      expect(at(ok(await api.get(deployments, 'a')), 'spec')).toEqual(created['spec'])
    },
  },
  {
    sentence: 'scale can be read and patched; it is the replicas of the main resource',
    async run({ api }) {
      ok(await api.create(deployments, withTwoContainers()), 201)
      // Zero is left out.
      expect(ok(await api.get(deployments, 'a', { subresource: 'scale' }))).toMatchObject({
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { name: 'a' },
        spec: {},
      })
      ok(await api.patch('merge', deployments, 'a', { spec: { replicas: 2 } }, {}, 'scale'))
      expect(at(ok(await api.get(deployments, 'a')), 'spec', 'replicas')).toBe(2)
      expect(at(ok(await api.get(deployments, 'a', { subresource: 'scale' })), 'spec')).toEqual({ replicas: 2 })
    },
  },
]
