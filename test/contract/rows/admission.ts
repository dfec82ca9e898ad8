import type { JsonObject } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { type Api, at } from '../api.ts'
import { configMap, deployment, podTemplate } from '../documents.ts'
import { eventually, ok, ownership } from '../expectations.ts'
import type { Row, RowContext } from '../row.ts'

const GROUP = 'admissionregistration.k8s.io/v1'
const deployments = 'apps/v1/deployments'
const MAPS = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] }
const DEPLOYMENTS = { ...MAPS, apiGroups: ['apps'], resources: ['deployments'] }

/** A policy of one rule that lays a configuration over what is written in the row's namespace. */
function policy(name: string, namespace: string, rule: JsonObject, expression: string): JsonObject {
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } }
  return {
    ...{ apiVersion: GROUP, kind: 'MutatingAdmissionPolicy', metadata: { name } },
    spec: {
      matchConstraints: { namespaceSelector, resourceRules: [rule] },
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    },
  }
}

function binding(name: string): JsonObject {
  return {
    ...{ apiVersion: GROUP, kind: 'MutatingAdmissionPolicyBinding', metadata: { name } },
    spec: { policyName: name },
  }
}

/** Makes both, and waits until a dry run shows that the server has taken them up, which it does from a watch of its own. */
async function inject(
  { api, namespace, unique }: RowContext,
  rule: JsonObject,
  expression: string,
  works: (api: Api) => Promise<void>,
): Promise<string> {
  const name = unique('inject')
  const cluster = api.inCluster()
  ok(await cluster.create(`${GROUP}/mutatingadmissionpolicies`, policy(name, namespace, rule, expression)), 201)
  ok(await cluster.create(`${GROUP}/mutatingadmissionpolicybindings`, binding(name)), 201)
  await eventually(() => works(api))
  return name
}

const LABELLED = 'Object{data: {"injected": "yes"}}'

async function labels(api: Api): Promise<void> {
  const probe = ok(await api.create('configmaps', configMap('probe', { own: '1' }), { dryRun: 'All' }), 201)
  expect(probe['data']).toEqual({ own: '1', injected: 'yes' })
}

export const admission: readonly Row[] = [
  {
    sentence: 'a mutating policy is stored with its defaults',
    async run({ api, namespace, unique }) {
      const cluster = api.inCluster()
      const name = unique('inject')
      const made = ok(
        await cluster.create(`${GROUP}/mutatingadmissionpolicies`, policy(name, namespace, MAPS, LABELLED)),
        201,
      )
      expect(made).toMatchObject({ metadata: { generation: 1 }, spec: { matchConstraints: { objectSelector: {} } } })
      expect(at(made, 'spec', 'matchConstraints', 'matchPolicy')).toBe('Equivalent')
      expect(at(made, 'spec', 'matchConstraints', 'resourceRules', 0, 'scope')).toBe('*')
      const bound = ok(await cluster.create(`${GROUP}/mutatingadmissionpolicybindings`, binding(name)), 201)
      expect(at(bound, 'spec')).toEqual({ policyName: name })
    },
  },
  {
    sentence: 'a mutating policy changes what is created, updated, patched and applied, and dry runs alike',
    async run(context) {
      await inject(context, MAPS, LABELLED, labels)
      const { api } = context
      const injected = { own: '1', injected: 'yes' }
      expect(ok(await api.create('configmaps', configMap('made', { own: '1' })), 201)['data']).toEqual(injected)
      expect(ok(await api.replace('configmaps', 'made', configMap('made', { own: '1' })))['data']).toEqual(injected)
      const patched = ok(await api.patch('merge', 'configmaps', 'made', { data: { injected: 'no' } }))
      expect(patched['data']).toEqual(injected)
      expect(ok(await api.apply('configmaps', configMap('applied', { own: '1' })), 201)['data']).toEqual(injected)
      const dry = await api.apply('configmaps', configMap('applied', { own: '2' }), { query: { dryRun: 'All' } })
      expect(ok(dry)['data']).toEqual({ own: '2', injected: 'yes' })
      expect(ok(await api.get('configmaps', 'applied'))['data']).toEqual(injected)
    },
  },
  {
    sentence: 'what a mutating policy puts into an object is owned by nobody, and an apply leaves it',
    async run(context) {
      await inject(context, MAPS, LABELLED, labels)
      const { api } = context
      const made = ok(await api.apply('configmaps', configMap('a', { own: '1' })), 201)
      expect(ownership(made)).toEqual({ 'flotilla Apply': { 'f:data': { 'f:own': {} } } })
      const again = ok(await api.apply('configmaps', configMap('a', { own: '1' })))
      expect(at(again, 'metadata', 'resourceVersion')).toBe(at(made, 'metadata', 'resourceVersion'))
      const changed = ok(await api.apply('configmaps', configMap('a', { own: '2' })))
      expect(changed['data']).toEqual({ own: '2', injected: 'yes' })
      expect(ownership(changed)).toEqual({ 'flotilla Apply': { 'f:data': { 'f:own': {} } } })
    },
  },
  {
    sentence: 'a mutating policy adds an item to a list that merges by key, with the defaults of its type',
    async run(context) {
      const steps = 'Object.spec.template.spec'
      const added = `${steps}.containers{name: "proxy", image: "example.test/proxy:1"}`
      const expression = `Object{spec: Object.spec{template: Object.spec.template{spec: ${steps}{containers: [${added}]}}}}`
      const paused = deployment('a', { paused: true, template: podTemplate('a') })
      const namesOf = (object: JsonObject) => {
        const containers = at(object, 'spec', 'template', 'spec', 'containers') as readonly JsonObject[]
        return containers.map(({ name, imagePullPolicy }) => [name, imagePullPolicy])
      }
      await inject(context, DEPLOYMENTS, expression, async api => {
        const probe = ok(await api.create(deployments, paused, { dryRun: 'All' }), 201)
        expect(namesOf(probe)).toHaveLength(2)
      })
      const { api } = context
      const made = ok(await api.apply(deployments, paused), 201)
      expect(namesOf(made)).toEqual([
        ['main', 'IfNotPresent'],
        ['proxy', 'IfNotPresent'],
      ])
      const again = ok(await api.apply(deployments, paused))
      expect(at(again, 'metadata', 'generation')).toBe(1)
    },
  },
  {
    sentence: 'a mutating policy leaves other namespaces and other kinds alone, and ends with its binding',
    async run(context) {
      const name = await inject(context, MAPS, LABELLED, labels)
      const { api } = context
      const elsewhere = api.inNamespace('default')
      const query = { dryRun: 'All' }
      expect(ok(await elsewhere.create('configmaps', configMap(name, { own: '1' }), query), 201)['data']).toEqual({
        own: '1',
      })
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { k: 'eA==' } }
      expect(ok(await api.create('secrets', secret, query), 201)['data']).toEqual({ k: 'eA==' })
      ok(await api.inCluster().delete(`${GROUP}/mutatingadmissionpolicybindings`, name))
      await eventually(async () => {
        expect(ok(await api.create('configmaps', configMap('b', { own: '1' }), query), 201)['data']).toEqual({
          own: '1',
        })
      })
    },
  },
]
