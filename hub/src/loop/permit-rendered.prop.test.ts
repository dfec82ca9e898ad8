import { isClusterScoped } from '@flotilla/core/model/cluster-scoped-kinds'
import { groupOf, type KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { request } from '@flotilla/core/plan/plan-fixture'
import { prepareTargets } from '@flotilla/core/plan/prepare-targets'
import type { Ceiling } from '@flotilla/core/protocol/documents'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstKindRefused, groupKindOf } from './permit-rendered.ts'

const GROUPS = ['', 'apps', 'rbac.authorization.k8s.io', 'example.com']
const KINDS = ['ConfigMap', 'Deployment', 'Namespace', 'ClusterRole', 'Database']
const NAMES = ['web', 'shop-web', 'admin']
const NAMESPACES = ['shop', 'shop-eu', 'kube-system']

const pattern = (words: readonly string[]) => fc.constantFrom('*', 'shop*', '?eb', '{shop,web}', '[', ...words)
const rule = fc.record({
  group: pattern(GROUPS),
  kind: pattern(KINDS),
  name: fc.option(pattern(NAMES), { nil: undefined }),
})
const rules = fc.array(rule, { maxLength: 3 })
const ceiling: fc.Arbitrary<Ceiling> = fc
  .record({
    clusterKindsAllowed: rules,
    clusterKindsDenied: rules,
    namespacedKindsAllowed: fc.option(rules, { nil: undefined }),
    namespacedKindsDenied: rules,
    namespaces: fc.array(
      fc.oneof(
        pattern(NAMESPACES),
        pattern(NAMESPACES).map(text => `!${text}`),
      ),
      { maxLength: 3 },
    ),
  })
  .map(made => made as Ceiling)

const object: fc.Arbitrary<KubernetesObject> = fc
  .record({
    group: fc.constantFrom(...GROUPS),
    kind: fc.constantFrom(...KINDS),
    name: fc.constantFrom(...NAMES),
    namespace: fc.option(fc.constantFrom(...NAMESPACES), { nil: undefined }),
  })
  .map(({ group, kind, ...metadata }) => ({ apiVersion: group === '' ? 'v1' : `${group}/v1`, kind, metadata }))
  .map(made => JSON.parse(JSON.stringify(made)) as KubernetesObject)

function refusedByAgent(one: KubernetesObject, by: Ceiling, destination: string, namespaced: boolean): boolean {
  const asked = { ...request([one]), ceiling: by, namespace: destination, kinds: { lookup: () => ({ namespaced }) } }
  return prepareTargets(asked).problems.some(({ code }) => code === 'NOT_PERMITTED')
}

test('what the hub permits of known scope the agent permits, and what it refuses the agent refuses', () => {
  let [allowed, refused] = [0, 0]
  fc.assert(
    fc.property(object, ceiling, fc.constantFrom(...NAMESPACES), fc.boolean(), (one, by, destination, namespaced) => {
      const ofKubernetes = isClusterScoped(groupOf(one.apiVersion), one.kind)
      const named = one.metadata.namespace !== undefined
      const scope = ofKubernetes ? false : named || namespaced
      const byHub = firstKindRefused([groupKindOf(one)], by, 'shop', destination) !== undefined
      const byAgent = refusedByAgent(one, by, destination, scope)
      if (ofKubernetes || named) expect(byHub).toBe(byAgent)
      // Of the others only the agent knows the scope: the hub refuses what could be of neither.
      else expect(byHub).toBe([true, false].every(each => refusedByAgent(one, by, destination, each)))
      if (byAgent) refused++
      else allowed++
    }),
    { numRuns: 2_000 },
  )
  expect(Math.min(allowed, refused)).toBeGreaterThan(100)
})
