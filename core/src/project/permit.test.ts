import { describe, expect, it } from 'vitest'
import type { Application } from '../model/application.ts'
import type { ProjectSpec } from '../model/fleet.ts'
import type { Ceiling } from '../protocol/documents.ts'
import { resolveDestination } from './destination.ts'
import {
  clusterScopePermitted,
  destinationPermitted,
  kindPermitted,
  namespacePermitted,
  permit,
  sourcePermitted,
} from './permit.ts'
import { normaliseRepositoryUrl } from './repository-url.ts'

describe('sourcePermitted', () => {
  it.each([
    ['a star is every repository', ['*'], 'https://git.example.com/a/b', true],
    ['nothing listed permits nothing', [], 'https://git.example.com/a', false],
    ['the same address in another spelling', ['https://git.example.com/a'], 'https://GIT.example.com/a.git', true],
    ['one segment', ['https://git.example.com/*'], 'https://git.example.com/a/b', false],
    ['any segments', ['https://git.example.com/**'], 'https://git.example.com/a/b', true],
    [
      'a negation refuses wherever it stands',
      ['*', '!https://git.example.com/secret'],
      'https://git.example.com/secret',
      false,
    ],
    ['a list of negations permits the rest', ['!https://git.example.com/secret'], 'https://git.example.com/open', true],
    ['a pattern that is no glob opens nothing', ['https://git.example.com/[a'], 'https://git.example.com/a', false],
  ] as const)('%s', (_sentence, patterns, url, expected) => {
    expect(sourcePermitted(patterns, url)).toBe(expected)
  })
})

describe('destinationPermitted', () => {
  const cluster = { name: 'eu-1', servers: ['https://eu-1.example.com'] }
  it.each([
    ['by name', [{ name: 'eu-1', namespace: 'shop' }], 'shop', true],
    ['by server', [{ server: 'https://eu-1.example.com', namespace: '*' }], 'shop', true],
    ['another namespace', [{ name: 'eu-1', namespace: 'shop' }], 'bank', false],
    ['by glob', [{ name: 'eu-*', namespace: 'shop-*' }], 'shop-a', true],
    ['nothing listed', [], 'shop', false],
    ['an empty namespace needs a star', [{ name: 'eu-1', namespace: 'shop' }], '', false],
    [
      'a negated name refuses, whatever the namespace',
      [
        { name: '*', namespace: '*' },
        { name: '!eu-1', namespace: 'x' },
      ],
      'shop',
      false,
    ],
    [
      'a negated server refuses its namespace',
      [
        { server: '*', namespace: '*' },
        { server: '!https://eu-1.example.com', namespace: 'shop' },
      ],
      'shop',
      false,
    ],
    [
      'a negated namespace refuses beside a server',
      [
        { server: '*', namespace: '*' },
        { server: '*', namespace: '!kube-system' },
      ],
      'kube-system',
      false,
    ],
  ] as const)('%s', (_sentence, entries, namespace, expected) => {
    expect(destinationPermitted(entries, cluster, namespace)).toBe(expected)
  })
})

describe('ceilings', () => {
  const ceiling: Ceiling = {
    clusterKindsAllowed: [{ group: '', kind: 'Namespace' }],
    clusterKindsDenied: [],
    namespacedKindsDenied: [{ group: '', kind: 'ResourceQuota' }],
    namespaces: ['shop-*', '!shop-secret'],
  }
  it.each([
    ['a cluster-scoped kind has to be listed', 'rbac.authorization.k8s.io', 'ClusterRole', false, false],
    ['one that is', '', 'Namespace', false, true],
    ['namespaced kinds are open without a list', 'apps', 'Deployment', true, true],
    ['a denied kind is denied', '', 'ResourceQuota', true, false],
  ] as const)('%s', (_sentence, group, kind, namespaced, expected) => {
    expect(kindPermitted(ceiling, group, kind, namespaced, 'x')).toBe(expected)
  })

  it('an empty list of namespaced kinds permits none', () => {
    expect(kindPermitted({ ...ceiling, namespacedKindsAllowed: [] }, 'apps', 'Deployment', true, 'x')).toBe(false)
  })

  it.each([
    ['a name that its entry allows', 'shop-eu', true],
    ['another name', 'kube-system', false],
  ] as const)('%s', (_sentence, name, expected) => {
    const named = { ...ceiling, clusterKindsAllowed: [{ group: '', kind: 'Namespace', name: 'shop-*' }] }
    expect(kindPermitted(named, '', 'Namespace', false, name)).toBe(expected)
  })

  it.each([
    ['shop-web', true],
    ['shop-secret', false],
  ] as const)('namespace %s', (namespace, expected) => {
    expect(namespacePermitted(ceiling, namespace)).toBe(expected)
  })
})

describe('permit', () => {
  const project = (change: Partial<ProjectSpec> = {}) => ({
    name: 'shop',
    spec: {
      sourceRepos: ['https://git.example.com/shop'],
      destinations: [{ name: 'eu-*', namespace: 'shop' }],
      clusterResourceWhitelist: [],
      clusterResourceBlacklist: [],
      namespaceResourceBlacklist: [],
      ...change,
    },
  })
  const application: Application = {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Application',
    metadata: { name: 'web' },
    spec: {
      project: 'shop',
      source: { repoURL: 'https://git.example.com/shop.git', path: 'web' },
      destination: { name: 'eu-1', namespace: 'shop' },
    },
    provenance: { source: '', file: '', line: 1, column: 1 },
  }
  it('permits, and hands on the ceiling of that cluster', () => {
    expect(permit(project(), application, { name: 'eu-1', servers: [] })).toMatchObject({
      kind: 'permitted',
      ceiling: { namespaces: ['shop'] },
    })
  })
  it('a cluster that is for one Project alone is for no other', () => {
    const cluster = (owner?: string) => ({ name: 'eu-1', servers: [], project: owner })
    expect(permit(project(), application, cluster('shop')).kind).toBe('permitted')
    expect(permit(project(), application, cluster('bank'))).toMatchObject({
      ...{ kind: 'refused', code: 'DESTINATION_FORBIDDEN', reason: 'cluster "eu-1" is for another project alone' },
    })
  })
  it('a Project that keeps to clusters of its own uses no other', () => {
    const own = project({ permitOnlyProjectScopedClusters: true })
    expect(permit(own, application, { name: 'eu-1', servers: [], project: 'shop' }).kind).toBe('permitted')
    expect(permit(own, application, { name: 'eu-1', servers: [] })).toMatchObject({
      ...{ kind: 'refused', code: 'DESTINATION_FORBIDDEN', hint: 'write project: shop into Cluster "eu-1"' },
    })
  })
  it('names what to add when the cluster is outside', () => {
    expect(permit(project(), application, { name: 'us-1', servers: [] })).toMatchObject({
      code: 'DESTINATION_FORBIDDEN',
      hint: expect.stringContaining('us-1'),
    })
  })
  it('checks every source', () => {
    const two = {
      ...application,
      spec: { ...application.spec, sources: [application.spec.source!, { repoURL: 'https://evil.example.com' }] },
    }
    expect(permit(project(), two, { name: 'eu-1', servers: [] })).toMatchObject({ code: 'SOURCE_FORBIDDEN' })
  })

  const accounts = [
    { server: 'https://eu-1.example.com', namespace: 'shop', defaultServiceAccount: 'deployer' },
    { server: '*', namespace: 'sh*', defaultServiceAccount: 'cicd:deployer' },
  ]
  it.each<[string, Partial<ProjectSpec>, readonly string[], string | undefined]>([
    ['without accounts: the agent’s own rights', {}, [], undefined],
    [
      'the first entry that matches any URL of the cluster',
      { destinationServiceAccounts: accounts },
      ['https://old.example.com', 'https://eu-1.example.com'],
      'system:serviceaccount:shop:deployer',
    ],
    [
      'an entry that names another namespace for the account',
      { destinationServiceAccounts: accounts.slice(1) },
      [],
      'system:serviceaccount:cicd:deployer',
    ],
  ])('%s', (_sentence, change, servers, serviceAccount) => {
    const found = permit(project(change), application, { name: 'eu-1', servers })
    expect(found.kind === 'permitted' && found.ceiling.serviceAccount).toBe(serviceAccount)
  })

  it.each<[string, Partial<ProjectSpec>]>([
    ['no entry matches', { destinationServiceAccounts: accounts.slice(0, 1) }],
    ['accounts are required and none is named', { impersonation: 'required' }],
    [
      'an entry that is no account',
      { destinationServiceAccounts: [{ server: '*', namespace: '*', defaultServiceAccount: '*' }] },
    ],
  ])('nothing with the agent’s own rights: %s', (_sentence, change) => {
    const cluster = { name: 'eu-1', servers: ['https://us-1.example.com'] }
    expect(permit(project(change), application, cluster)).toMatchObject({ code: 'SERVICE_ACCOUNT_MISSING' })
  })

  it('names what a namespace may not be given, unless the Project allows it', () => {
    const managedNamespaceMetadata = { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } }
    const spec = { ...application.spec, syncPolicy: { managedNamespaceMetadata } }
    const cluster = { name: 'eu-1', servers: [] }
    expect(permit(project(), { ...application, spec }, cluster)).toMatchObject({ code: 'NAMESPACE_METADATA_FORBIDDEN' })
    const allowed = { allowedNamespaceMetadata: ['pod-security.kubernetes.io/*'] }
    expect(permit(project(allowed), { ...application, spec }, cluster).kind).toBe('permitted')
  })
})

describe('resolveDestination', () => {
  const clusters = [
    { name: 'eu-1', servers: ['https://eu-1.example.com'], local: false },
    { name: 'hub', servers: [], local: true },
  ]
  const lookup = (list: typeof clusters) => ({
    byName: (name: string) => list.find(cluster => cluster.name === name),
    byServer: (server: string) => list.find(cluster => cluster.servers.includes(server)),
    local: () => list.find(cluster => cluster.local),
  })
  it.each([
    ['by name', { name: 'eu-1' }, 'eu-1'],
    ['by server', { server: 'https://eu-1.example.com/' }, 'eu-1'],
    ['the local server', { server: 'https://kubernetes.default.svc' }, 'hub'],
    ['in-cluster', { name: 'in-cluster' }, 'hub'],
  ] as const)('%s', (_sentence, destination, name) => {
    expect(resolveDestination(destination, lookup(clusters))).toMatchObject({ kind: 'cluster', cluster: { name } })
  })
  it.each([
    ['nothing', {}, /names no cluster/],
    ['both', { name: 'a', server: 'b' }, /both/],
    ['a stranger', { name: 'us-1' }, /no Cluster is named "us-1"/],
    ['a strange server', { server: 'https://us-1' }, /no Cluster declares/],
  ] as const)('refuses %s', (_sentence, destination, says) => {
    expect(resolveDestination(destination, lookup(clusters))).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(says),
    })
  })
  it('says so when no Cluster is local', () => {
    const result = resolveDestination({ server: 'https://kubernetes.default.svc' }, lookup(clusters.slice(0, 1)))
    expect(result).toMatchObject({ kind: 'unknown', hint: expect.stringContaining('local: true') })
  })
})

describe('normaliseRepositoryUrl', () => {
  it.each([
    ['git@git.example.com:shop/web.git', 'ssh://git@git.example.com/shop/web'],
    [' HTTPS://Git.Example.com/Shop.git/ ', 'https://git.example.com/shop'],
    ['ssh://git@git.example.com:2222/shop', 'ssh://git@git.example.com:2222/shop'],
  ])('%s', (given, expected) => {
    expect(normaliseRepositoryUrl(given)).toBe(expected)
  })
})

describe('clusterScopePermitted', () => {
  it.each<[string, boolean, string | undefined, boolean]>([
    ['a project that does not ask for clusters of its own may use any', false, undefined, true],
    ['and one of another project, whose own destinations keep others out', false, 'bank', true],
    ['a project that asks for its own may use its own', true, 'shop', true],
    ['not another one', true, 'bank', false],
    ["and not one that is nobody's", true, undefined, false],
  ])('%s', (_, onlyOwnClusters, clusterProject, permitted) => {
    expect(clusterScopePermitted({ name: 'shop', onlyOwnClusters }, clusterProject)).toBe(permitted)
  })
})
