import { expect, test } from 'vitest'
import { authorise } from './authorise.ts'
import { authoriseObject, type ClusterObject, refusalText } from './authorise-object.ts'
import { compilePolicy } from './policy.ts'

const CEILING = {
  clusterKindsAllowed: [{ group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'shop-*' }],
  clusterKindsDenied: [],
  namespacedKindsAllowed: undefined,
  namespacedKindsDenied: [{ group: '', kind: 'ResourceQuota' }],
  namespaces: ['shop', 'shop-*'],
}
const object = (change: Partial<ClusterObject>): ClusterObject => ({
  ...{ group: 'apps', kind: 'Deployment', name: 'web', namespace: 'shop', namespaced: true },
  ...change,
})
const role = { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', namespace: '', namespaced: false }

const cases: Readonly<Record<string, readonly [Partial<ClusterObject>, string]>> = {
  'a kind in a namespace of the Project': [{}, 'allow'],
  'another namespace': [{ namespace: 'kube-system' }, 'the Project does not permit namespace "kube-system"'],
  'a kind that is denied': [{ group: '', kind: 'ResourceQuota' }, 'the Project does not permit ResourceQuota'],
  'a cluster-scoped kind that is listed': [{ ...role, name: 'shop-reader' }, 'allow'],
  'one of another name': [
    { ...role, name: 'cluster-admin' },
    'the Project does not permit rbac.authorization.k8s.io/ClusterRole',
  ],
  'one without a name yet': [
    { ...role, name: '' },
    'the Project does not permit rbac.authorization.k8s.io/ClusterRole',
  ],
  'a kind of unknown scope that may be in a namespace': [{ namespaced: undefined, namespace: '' }, 'allow'],
  'one whose namespace is known and not permitted': [
    { namespaced: undefined, namespace: 'kube-system' },
    'the Project does not permit namespace "kube-system"',
  ],
  'one that may be outside of all': [
    { ...role, namespaced: undefined, name: 'shop-x', namespace: 'kube-system' },
    'allow',
  ],
}
for (const [what, [change, expected]] of Object.entries(cases)) {
  test(what, () => {
    const asked = object(change)
    const answer = authoriseObject(CEILING, 'apply', asked)
    expect(answer.kind === 'allow' ? 'allow' : refusalText('the Project', asked, answer.lacks)).toBe(expected)
  })
}

test('what may not be, is not there for who reads, and forbidden to who writes', () => {
  const asked = object({ namespace: 'kube-system' })
  expect(authoriseObject(CEILING, 'get', asked).kind).toBe('hidden')
  for (const action of ['apply', 'prune', 'act'] as const) {
    expect(authoriseObject(CEILING, action, asked).kind).toBe('forbidden')
  }
})

test('authorise answers an agent for its own cluster, its Offer and such actions alone', () => {
  const policy = compilePolicy({ rows: [] })
  const agent = { kind: 'agent', cluster: 'eu-1' } as const
  const ask = (action: string, cluster: string, inCluster: ClusterObject, ceiling?: typeof CEILING): string =>
    authorise(
      policy,
      agent,
      action,
      { resource: 'objects', name: inCluster.name, cluster, inCluster },
      ceiling && { ceiling },
    ).kind
  expect(ask('apply', 'eu-1', object({}), CEILING)).toBe('allow')
  expect(ask('apply', 'eu-1', object({ namespace: 'kube-system' }), CEILING)).toBe('forbidden')
  expect(ask('get', 'eu-1', object({ namespace: 'kube-system' }), CEILING)).toBe('hidden')
  expect(ask('apply', 'us-1', object({}), CEILING)).toBe('hidden')
  expect(ask('apply', 'eu-1', object({}))).toBe('hidden')
  expect(ask('report', 'eu-1', object({}), CEILING)).toBe('hidden')
  const person = { kind: 'person', subject: 'admin', groups: [] } as const
  expect(
    authorise(
      policy,
      person,
      'apply',
      { resource: 'objects', name: 'web', cluster: 'eu-1', inCluster: object({}) },
      { ceiling: CEILING },
    ).kind,
  ).toBe('hidden')
})
