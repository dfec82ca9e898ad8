import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { trackingId } from '../plan/tracking.ts'
import type { Ceiling } from '../protocol/documents.ts'
import { isUnclaimed, mayHoldOrphans, orphanView } from './judge-orphan.ts'
import { MOST_NAMED_ORPHANS, OrphanCount, orphanMessage } from './orphan-report.ts'
import { LONGEST_ORPHAN_GLOB, orphanIgnoreMistake, orphanRulesOf } from './orphan-rules.ts'

function object(kind: string, name: string, metadata: JsonObject = {}, apiVersion = 'v1'): KubernetesObject {
  return { apiVersion, kind, metadata: { namespace: 'shop', ...metadata, name } } as KubernetesObject
}
const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' }
const tracked = (name: string) => ({
  annotations: { 'flotilla.dev/tracking-id': trackingId('app-1', { ...key, name }) },
})

describe('what belongs to nobody', () => {
  const cases: Record<string, [KubernetesObject, boolean]> = {
    'an object that somebody made by hand': [object('ConfigMap', 'left'), true],
    'one that an Application tracks': [object('ConfigMap', 'a', tracked('a')), false],
    'one that bears a copied mark': [object('ConfigMap', 'b', tracked('a')), true],
    'one that another object owns': [object('Pod', 'web-1', { ownerReferences: [{ name: 'web' }] }), false],
    'one that another tool deployed': [
      object('ConfigMap', 'helm', { annotations: { 'meta.helm.sh/release-name': 'x' } }),
      true,
    ],
    'the default ServiceAccount': [object('ServiceAccount', 'default'), false],
    'another ServiceAccount': [object('ServiceAccount', 'builder'), true],
    'the cluster’s own certificate': [object('ConfigMap', 'kube-root-ca.crt'), false],
    'a custom resource of that name': [object('ConfigMap', 'kube-root-ca.crt', {}, 'example.com/v1'), true],
    'the kubernetes Service': [object('Service', 'kubernetes', { namespace: 'default' }), false],
    'a Service of that name elsewhere': [object('Service', 'kubernetes'), true],
    'the token of a ServiceAccount': [
      object('Secret', 'token-x', { annotations: { 'kubernetes.io/service-account.name': 'web' } }),
      false,
    ],
    'a claim that a StatefulSet made': [object('PersistentVolumeClaim', 'data-my-db-0'), false],
    'a claim of no StatefulSet': [object('PersistentVolumeClaim', 'data-other-0'), true],
    'a claim without an ordinal': [object('PersistentVolumeClaim', 'data-my-db'), true],
  }
  test.each(Object.entries(cases))('%s', (_, [found, expected]) => {
    expect(isUnclaimed(found, new Set(['my-db', 'web']))).toBe(expected)
  })

  test('a claim that a StatefulSet may have made is none where nobody may list those', () => {
    const claim = (name: string) => isUnclaimed(object('PersistentVolumeClaim', name), undefined)
    expect([claim('data-other-0'), claim('data-my-db'), claim('backup')]).toEqual([false, true, true])
  })

  test('what clusters make by themselves is not looked at', () => {
    const kinds = [
      '/Event',
      'events.k8s.io/Event',
      'coordination.k8s.io/Lease',
      '/Endpoints',
      'metrics.k8s.io/PodMetrics',
    ]
    for (const name of kinds) {
      const [group = '', kind = ''] = name.split('/')
      expect(mayHoldOrphans({ group, kind, namespaced: true })).toBe(false)
    }
    expect(mayHoldOrphans({ group: '', kind: 'ConfigMap', namespaced: true })).toBe(true)
    expect(mayHoldOrphans({ group: '', kind: 'Namespace', namespaced: false })).toBe(false)
  })
})

describe('what a Project hears of', () => {
  const ceiling: Ceiling = {
    clusterKindsAllowed: [],
    clusterKindsDenied: [],
    namespacedKindsDenied: [{ group: '', kind: 'Secret' }],
    namespaces: ['shop'],
  }
  const ignore = [
    { kind: 'ConfigMap', name: 'istio-*' },
    { group: '*.example.com', kind: '*' },
    { group: 'batch', kind: 'Job', name: '' },
    { kind: '[', name: 'x' },
  ]
  const view = orphanView({ warn: true, ignore }, ceiling, 'shop')
  const cases: Record<string, [string, string, string, boolean]> = {
    'an object of a kind that it may deploy': ['', 'ConfigMap', 'left', true],
    'not one that its globs leave out': ['', 'ConfigMap', 'istio-ca', false],
    'not one of a group that its globs leave out': ['stable.example.com', 'Widget', 'w', false],
    'nor of a kind without a name': ['batch', 'Job', 'migrate', false],
    'one whose kind alone is like it': ['batch', 'CronJob', 'nightly', true],
    'no group means the core group': ['apps', 'ConfigMap', 'istio-ca', true],
    'not one of a kind that it may not deploy': ['', 'Secret', 'password', false],
  }
  test.each(Object.entries(cases))('%s', (_, [group, kind, name, expected]) => {
    const ofKind = view.ofKind(group, kind)
    expect(ofKind === 'none' ? false : ofKind(name)).toBe(expected)
  })

  test('of nothing in a namespace that it may not deploy to', () => {
    expect(orphanView({ warn: true, ignore: [] }, ceiling, 'kube-system').ofKind('', 'ConfigMap')).toBe('none')
  })

  test('it has to ask', () => {
    expect(orphanRulesOf({})).toBeUndefined()
    expect(orphanRulesOf({ orphanedResources: {} })).toEqual({ warn: true, ignore: [] })
    expect(orphanRulesOf({ orphanedResources: { warn: false, ignore } })).toEqual({ warn: false, ignore })
    expect(orphanIgnoreMistake({ name: '[' })).toMatch(/^name: /)
    expect(orphanIgnoreMistake({ group: 'apps', kind: 'D*' })).toBeUndefined()
    expect(orphanIgnoreMistake({ name: 'x'.repeat(LONGEST_ORPHAN_GLOB + 1) })).toMatch(/^name: .* 1024 characters/)
  })
})

test('a namespace full of orphans is a number and a few names', () => {
  const count = new OrphanCount()
  for (let n = 50_000; n > 0; n--) count.add({ ...key, name: `o-${String(n).padStart(5, '0')}` })
  const report = count.report(true, 0, false)
  expect(report.count).toBe(50_000)
  expect(report.objects).toHaveLength(MOST_NAMED_ORPHANS)
  expect(report.objects.map(({ name }) => name).slice(0, 2)).toEqual(['o-00001', 'o-00002'])
  expect(orphanMessage(report, 'shop')).toBe(
    '50000 objects in namespace "shop" declared by no Application: ConfigMap o-00001, ConfigMap o-00002, ConfigMap o-00003, …',
  )
  expect(orphanMessage({ ...report, more: true }, 'shop')).toMatch(/^more than 50000 objects/)
})
