import { type ControlPlane, controlPlaneAvailability, startControlPlane } from '@flotilla/controlplane'
import { createClock } from '@flotilla/core/ports/create-clock'
import type { DecisionResourcesRequest } from '@flotilla/generators/inputs'
import { DecisionResources } from '@flotilla/hub/hosts/decision-resources'
import { ManagementCluster } from '@flotilla/hub/hosts/management-cluster'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from './api.ts'
import { establish } from './establish.ts'
import { ok } from './expectations.ts'

const DUCKS = 'mallard.io/v1/ducks'
const COUNT = 300
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'ducks.mallard.io' },
  spec: {
    group: 'mallard.io',
    scope: 'Namespaced',
    names: { plural: 'ducks', singular: 'duck', kind: 'Duck', listKind: 'DuckList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}
const never = new AbortController().signal
const ask: DecisionResourcesRequest = {
  kind: 'decision-resources',
  configMapRef: 'ducks',
  project: 'shop',
  trust: { kind: 'all' },
}

const availability = await controlPlaneAvailability()

/** What docs/generators/cluster-decision-resource.md says of rights and paging, on a real kube-apiserver. */
describe.skipIf(availability.kind === 'unavailable')('decisions of a real cluster', () => {
  let controlPlane: ControlPlane
  let api: Api
  let resources: DecisionResources

  beforeAll(async () => {
    controlPlane = await startControlPlane({ components: 'apiserver', audit: 'none', users: [{ name: 'hub' }] })
    const admin = new Api(controlPlane.transport(), undefined)
    ok(await admin.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }), 201)
    api = admin.inNamespace('argocd')
    await establish(admin, DEFINITION)
    const data = { apiVersion: 'mallard.io/v1', kind: 'ducks', statusListKey: 'decisions', matchKey: 'clusterName' }
    ok(await api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ducks' }, data }), 201)
    for (let from = 0; from < COUNT; from += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => createDuck(from + index)))
    }
    const path = await controlPlane.writeKubeconfig(controlPlane.user('hub'))
    const cluster = new ManagementCluster({ kind: 'kubeconfig', path }, createClock(globalThis))
    resources = new DecisionResources({ cluster, namespace: 'argocd' })
  })
  afterAll(async () => {
    await api?.transport.close()
    await controlPlane?.stop()
  })

  async function createDuck(number: number): Promise<void> {
    const name = `duck-${number}`
    const metadata = { name, labels: { pond: number % 2 === 0 ? 'even' : 'odd' } }
    ok(await api.create(DUCKS, { apiVersion: 'mallard.io/v1', kind: 'Duck', metadata }), 201)
    const status = { decisions: [{ clusterName: `c-${number}` }] }
    ok(await api.patch('merge', DUCKS, name, { status }, {}, 'status'))
  }

  it('are refused in the words of the cluster until the hub has the rights', async () => {
    await expect(resources.ask({ ...ask, name: 'duck-1' }, never)).rejects.toThrow(
      /^error reading configMapRef: configmaps "ducks" is forbidden: User "hub"/,
    )
  })

  it('are read with no more than get on the ConfigMap and list on the resource, to the last page', async () => {
    const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'hub' }
    const rbac = 'rbac.authorization.k8s.io/v1'
    const rules = [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['ducks'], verbs: ['get'] },
      { apiGroups: ['mallard.io'], resources: ['ducks'], verbs: ['list'] },
    ]
    ok(await api.create(`${rbac}/roles`, { apiVersion: rbac, kind: 'Role', metadata: { name: 'hub' }, rules }), 201)
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'hub' }]
    const binding = { apiVersion: rbac, kind: 'RoleBinding', metadata: { name: 'hub' }, roleRef: role, subjects }
    ok(await api.create(`${rbac}/rolebindings`, binding), 201)
    const clusters = async (request: DecisionResourcesRequest): Promise<readonly unknown[]> => {
      const answer = await resources.ask(request, never)
      if (answer.kind !== 'decision-resources') throw new Error(answer.kind)
      return answer.resources.flatMap(resource => (resource['status'] as { decisions: unknown[] }).decisions)
    }
    // The authorizer learns of the binding a moment later.
    await expect.poll(() => clusters({ ...ask, name: 'duck-7' }).catch(String)).toEqual([{ clusterName: 'c-7' }])
    expect(await clusters({ ...ask, name: 'nobody' })).toEqual([])
    const all = {
      ...ask,
      labelSelector: { matchExpressions: [{ key: 'pond', operator: 'In', values: ['even', 'odd'] }] },
    }
    expect(await clusters(all)).toHaveLength(COUNT)
    const even = await clusters({ ...ask, labelSelector: { matchLabels: { pond: 'even' } } })
    expect(even).toHaveLength(COUNT / 2)
  })
})
