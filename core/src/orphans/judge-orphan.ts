import { authoriseObject } from '../access/authorise-object.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { trackedBy } from '../plan/tracking.ts'
import type { Ceiling } from '../protocol/documents.ts'
import { type CompiledIgnores, compileIgnores, type OrphanRules } from './orphan-rules.ts'

/**
 * Kinds that the cluster makes beside what people make, without an owner: leases of controllers, addresses of Services,
 * what happened. Argo CD leaves the same out as delivered.
 */
const MADE_BY_THE_CLUSTER: ReadonlySet<string> = new Set([
  '/Endpoints',
  '/Event',
  'coordination.k8s.io/Lease',
  'coordination.k8s.io/LeaseCandidate',
  'discovery.k8s.io/EndpointSlice',
  'events.k8s.io/Event',
])

/** What every namespace has without anybody's doing, `Kind name`, all of the core group. */
const IN_EVERY_NAMESPACE: ReadonlySet<string> = new Set(['ServiceAccount default', 'ConfigMap kube-root-ca.crt'])

/** A token that a ServiceAccount has: the control plane makes it, names the account and sets no owner. */
const TOKEN_OF = 'kubernetes.io/service-account.name'

/** Whether objects of a kind can be orphans at all; where not, they need not be listed. */
export function mayHoldOrphans({ group, kind, namespaced }: KindOfObject): boolean {
  return namespaced && group !== 'metrics.k8s.io' && !MADE_BY_THE_CLUSTER.has(`${group}/${kind}`)
}

interface KindOfObject {
  readonly group: string
  readonly kind: string
  readonly namespaced: boolean
}

/**
 * Whether an object stands by itself and belongs to nobody that we know: no owner, the marks of no Application of ours,
 * and nothing that the cluster makes. Copied marks are none ({@link trackedBy}).
 *
 * @param statefulSets Names of those in its namespace: claims that they made have no owner. Undefined: nobody may say;
 *   then every claim that one of them could have made counts as made by one.
 */
export function isUnclaimed(object: KubernetesObject, statefulSets: ReadonlySet<string> | undefined): boolean {
  const { kind, apiVersion, metadata } = object
  const name = metadata.name ?? ''
  if ((metadata.ownerReferences?.length ?? 0) > 0 || trackedBy(object) !== undefined) return false
  if (apiVersion !== 'v1') return true
  if (IN_EVERY_NAMESPACE.has(`${kind} ${name}`)) return false
  if (kind === 'Service') return !(name === 'kubernetes' && metadata.namespace === 'default')
  if (kind === 'Secret') return metadata.annotations?.[TOKEN_OF] === undefined
  return !(kind === 'PersistentVolumeClaim' && isClaimOf(name, statefulSets))
}

/** `<template>-<set>-<ordinal>`; both names may hold dashes. */
function isClaimOf(name: string, statefulSets: ReadonlySet<string> | undefined): boolean {
  const stem = /^(.+)-\d+$/.exec(name)?.[1]
  if (stem === undefined) return false
  if (statefulSets === undefined) return stem.includes('-')
  for (let dash = stem.indexOf('-'); dash > 0; dash = stem.indexOf('-', dash + 1)) {
    if (statefulSets.has(stem.slice(dash + 1))) return true
  }
  return false
}

/** What counts as an orphan for one Project in one namespace. */
export interface OrphanView {
  /** Which objects of a kind do; `none` without looking at any. */
  ofKind(group: string, kind: string): 'none' | ((name: string) => boolean)
}

/** A Project hears of nothing that it could not deploy: neither of other kinds nor of another namespace. */
export function orphanView(rules: OrphanRules, ceiling: Ceiling, namespace: string): OrphanView {
  const ignores: CompiledIgnores = compileIgnores(rules.ignore)
  return {
    ofKind(group, kind) {
      const object = { group, kind, name: '', namespace, namespaced: true }
      if (authoriseObject(ceiling, 'get', object).kind !== 'allow') return 'none'
      const ignored = ignores.ofKind(group, kind)
      return ignored === 'every' ? 'none' : name => !ignored(name)
    },
  }
}
