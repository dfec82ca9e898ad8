import type { Json, JsonObject } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap, deployment, podTemplate, service } from '../documents.ts'
import { causes, ok, ownership, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const deployments = 'apps/v1/deployments'

function withContainers(...containers: readonly JsonObject[]) {
  return deployment('a', { paused: true, replicas: 0, template: podTemplate('a', { containers }) })
}

function withEnv(...env: readonly JsonObject[]) {
  return withContainers({ name: 'main', image: 'i', env })
}

function containers(object: JsonObject): readonly Json[] {
  return at(object, 'spec', 'template', 'spec', 'containers') as readonly Json[]
}

function env(object: JsonObject): Json | undefined {
  return at(containers(object)[0], 'env')
}

export const applyLists: readonly Row[] = [
  {
    sentence: 'items of a list map are merged by key: two managers bring a container each',
    async run({ api }) {
      ok(await api.apply(deployments, withContainers({ name: 'main', image: 'i' }), { manager: 'one' }), 201)
      const both = ok(await api.apply(deployments, withContainers({ name: 'side', image: 's' }), { manager: 'two' }))
      expect(containers(both).map(item => at(item, 'name'))).toEqual(['main', 'side'])
    },
  },
  {
    sentence: 'an item left out goes when its applier was its only owner',
    async run({ api }) {
      const [main, side] = [
        { name: 'main', image: 'i' },
        { name: 'side', image: 's' },
      ]
      ok(await api.apply(deployments, withContainers(main, side)), 201)
      expect(containers(ok(await api.apply(deployments, withContainers(main)))).length).toBe(1)
    },
  },
  {
    sentence: 'an item left out stays as long as another manager owns a field in it',
    async run({ api }) {
      const main = { name: 'main', image: 'i' }
      ok(await api.apply(deployments, withContainers(main, { name: 'side', image: 's' })), 201)
      const tty = withContainers({ name: 'side', tty: true })
      ok(await api.apply(deployments, tty, { manager: 'other' }))
      const answer = await api.apply(deployments, withContainers(main))
      // What is left of it has no image, and so it is not valid.
      expect(causes(refused(answer, 422, 'Invalid'))).toEqual([
        'FieldValueRequired spec.template.spec.containers[1].image',
      ])
    },
  },
  {
    sentence: 'items come in the order of the applied document',
    async run({ api }) {
      ok(await api.apply(deployments, withEnv({ name: 'A', value: '1' }, { name: 'B', value: '2' })), 201)
      const turned = ok(await api.apply(deployments, withEnv({ name: 'B', value: '2' }, { name: 'A', value: '1' })))
      expect(env(turned)).toEqual([
        { name: 'B', value: '2' },
        { name: 'A', value: '1' },
      ])
    },
  },
  {
    sentence: 'a new item comes where the applied document has it',
    async run({ api }) {
      ok(await api.apply(deployments, withEnv({ name: 'A', value: '1' }, { name: 'C', value: '3' })), 201)
      const grown = ok(
        await api.apply(
          deployments,
          withEnv({ name: 'A', value: '1' }, { name: 'B', value: '2' }, { name: 'C', value: '3' }),
        ),
      )
      expect((env(grown) as Json[]).map(item => at(item, 'name'))).toEqual(['A', 'B', 'C'])
    },
  },
  {
    sentence: 'ports are keyed by port and protocol, the protocol by its default',
    async run({ api }) {
      const port = (more: JsonObject) =>
        withContainers({ name: 'main', image: 'i', ports: [{ containerPort: 53, ...more }] })
      ok(await api.apply(deployments, port({ protocol: 'TCP' }), { manager: 'one' }), 201)
      ok(await api.apply(deployments, port({ protocol: 'UDP' }), { manager: 'two' }))
      const same = ok(await api.apply(deployments, port({}), { manager: 'one' }))
      expect(at(containers(same)[0], 'ports')).toEqual([
        { containerPort: 53, protocol: 'TCP' },
        { containerPort: 53, protocol: 'UDP' },
      ])
    },
  },
  {
    sentence: 'the ports of a Service are keyed by port and protocol',
    async run({ api }) {
      ok(await api.apply('services', service('a', { ports: [{ name: 'http', port: 80 }] }), { manager: 'one' }), 201)
      const both = ok(
        await api.apply('services', service('a', { ports: [{ name: 'more', port: 81 }] }), { manager: 'two' }),
      )
      expect((at(both, 'spec', 'ports') as Json[]).map(item => at(item, 'port'))).toEqual([80, 81])
    },
  },
  {
    sentence: 'two items with one key are refused',
    async run({ api }) {
      const answer = await api.apply(deployments, withEnv({ name: 'A', value: '1' }, { name: 'A', value: '2' }))
      expect(answer.status).toBe(500)
      expect(answer.text).toContain('duplicate entries for key [name=\\"A\\"]')
    },
  },
  {
    sentence: 'a list map item without its key is invalid',
    async run({ api }) {
      const status = refused(await api.apply(deployments, withEnv({ value: '1' })), 422, 'Invalid')
      expect(causes(status)).toEqual(['FieldValueRequired spec.template.spec.containers[0].env[0].name'])
    },
  },
  {
    sentence: 'duplicates that came by a POST do not stop an apply to other fields',
    async run({ api }) {
      const twice = withEnv({ name: 'A', value: '1' }, { name: 'A', value: '2' })
      ok(await api.create(deployments, twice, { fieldManager: 'maker' }), 201)
      const labelled = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', labels: { l: 'x' } } }
      const applied = ok(await api.apply(deployments, labelled))
      expect((env(applied) as Json[]).length).toBe(2)
    },
  },
  {
    sentence: 'the values of a set are merged: finalizers of two managers',
    async run({ api }) {
      ok(
        await api.apply('configmaps', configMap('a', undefined, { finalizers: ['t.test/one'] }), { manager: 'one' }),
        201,
      )
      const both = ok(
        await api.apply('configmaps', configMap('a', undefined, { finalizers: ['t.test/two'] }), { manager: 'two' }),
      )
      expect([...(at(both, 'metadata', 'finalizers') as string[])].sort()).toEqual(['t.test/one', 't.test/two'])
      expect(ownership(both)['two Apply']).toEqual({
        'f:metadata': { 'f:finalizers': { 'v:"t.test/two"': {} } },
      })
      const left = ok(await api.apply('configmaps', configMap('a'), { manager: 'one' }))
      expect(at(left, 'metadata', 'finalizers')).toEqual(['t.test/two'])
      ok(await api.apply('configmaps', configMap('a'), { manager: 'two' }))
    },
  },
  {
    sentence: 'an atomic list is replaced as a whole and owned as a whole',
    async run({ api }) {
      const args = (...list: string[]) => withContainers({ name: 'main', image: 'i', args: list })
      ok(await api.apply(deployments, args('a', 'b')), 201)
      const changed = ok(await api.apply(deployments, args('c')))
      expect(at(containers(changed)[0], 'args')).toEqual(['c'])
      const owned = at(ownership(changed)['flotilla Apply'], 'f:spec', 'f:template', 'f:spec', 'f:containers')
      expect(at(owned, 'k:{"name":"main"}', 'f:args')).toEqual({})
    },
  },
  {
    sentence: 'an atomic list of another manager is a conflict as a whole',
    async run({ api }) {
      const args = (...list: string[]) => withContainers({ name: 'main', image: 'i', args: list })
      ok(await api.apply(deployments, args('a', 'b'), { manager: 'one' }), 201)
      const answer = await api.apply(deployments, args('a', 'c'), { manager: 'two' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual([
        'FieldManagerConflict .spec.template.spec.containers[name="main"].args',
      ])
    },
  },
  {
    sentence: 'a map is merged key by key: labels of two managers',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', undefined, { labels: { one: '1' } }), { manager: 'one' }), 201)
      const both = ok(
        await api.apply('configmaps', configMap('a', undefined, { labels: { two: '2' } }), { manager: 'two' }),
      )
      expect(at(both, 'metadata', 'labels')).toEqual({ one: '1', two: '2' })
    },
  },
  {
    sentence: 'a node selector is atomic: a second key of another manager is a conflict',
    async run({ api }) {
      const selector = (nodeSelector: JsonObject) =>
        deployment('a', { paused: true, template: podTemplate('a', { nodeSelector }) })
      ok(await api.apply(deployments, selector({ one: '1' }), { manager: 'one' }), 201)
      const answer = await api.apply(deployments, selector({ two: '2' }), { manager: 'two' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual([
        'FieldManagerConflict .spec.template.spec.nodeSelector',
      ])
    },
  },
  {
    sentence: 'null is as good as absent for a field that has a default',
    async run({ api }) {
      const applied = ok(
        await api.apply(deployments, deployment('a', { paused: true, revisionHistoryLimit: null })),
        201,
      )
      expect(at(applied, 'spec', 'revisionHistoryLimit')).toBe(10)
    },
  },
  {
    sentence: 'null in place of a map owns it and writes nothing',
    async run({ api }) {
      const applied = ok(await api.apply('configmaps', { ...configMap('a'), data: null }), 201)
      expect(applied).not.toHaveProperty('data')
      const again = ok(await api.apply('configmaps', { ...configMap('a'), data: null }))
      expect(again).toEqual(applied)
    },
  },
  {
    sentence: 'an empty object in place of a map of another manager removes nothing of it',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'one' }), 201)
      const answer = await api.apply('configmaps', configMap('a', {}), { manager: 'two' })
      expect(ok(answer)['data']).toEqual({ k: '1' })
    },
  },
  {
    sentence: 'an empty map that two managers apply is a conflict, for it is owned but never stored',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', {}), { manager: 'one' }), 201)
      const answer = await api.apply('configmaps', configMap('a', {}), { manager: 'two' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual(['FieldManagerConflict .data'])
    },
  },
  {
    sentence: 'an empty object in a Pod (emptyDir) is a value: it is stored and owned',
    async run({ api }) {
      const volumes = [{ name: 'scratch', emptyDir: {} }]
      const applied = ok(
        await api.apply(deployments, deployment('a', { paused: true, template: podTemplate('a', { volumes }) })),
        201,
      )
      expect(at(applied, 'spec', 'template', 'spec', 'volumes')).toEqual(volumes)
      expect(
        at(ownership(applied)['flotilla Apply'], 'f:spec', 'f:template', 'f:spec', 'f:volumes', 'k:{"name":"scratch"}'),
      ).toEqual({ '.': {}, 'f:name': {}, 'f:emptyDir': {} })
    },
  },
  {
    sentence: 'an empty list of items removes the applier’s items',
    async run({ api }) {
      ok(await api.apply(deployments, withEnv({ name: 'A', value: '1' })), 201)
      expect(env(ok(await api.apply(deployments, withEnv())))).toBeUndefined()
    },
  },
  {
    sentence: 'moving a value from one member of a union to another needs only that the first is left out',
    async run({ api }) {
      const from = { configMapKeyRef: { name: 'c', key: 'k' } }
      ok(await api.apply(deployments, withEnv({ name: 'A', value: '1' })), 201)
      const moved = ok(await api.apply(deployments, withEnv({ name: 'A', valueFrom: from })))
      expect(env(moved)).toEqual([{ name: 'A', valueFrom: from }])
    },
  },
]
