import type { JsonObject } from '../json/json.ts'
import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import type { SyncOptions } from '../protocol/documents.ts'
import {
  intendSync,
  type Observation,
  type Prediction,
  planSync,
  type SyncIntent,
  type SyncRequest,
} from './plan-sync.ts'
import type { SyncPlan } from './sync-plan.ts'
import { FIELD_MANAGER, withTracking } from './tracking.ts'

/** Values for tests of the planner. */
export const APPLICATION = { id: 'app-1', name: 'shop' }

export const OPTIONS: SyncOptions = {
  createNamespace: false,
  prune: true,
  selfHeal: true,
  allowEmpty: false,
  pruneLast: false,
  prunePropagation: 'foreground',
  applyOutOfSyncOnly: false,
  failOnSharedResource: false,
  respectIgnoreDifferences: true,
  validate: true,
  replace: false,
  adopt: 'IfUnowned',
}

const CLUSTER_KINDS = [
  'Namespace',
  'ClusterRole',
  'CustomResourceDefinition',
  'ValidatingWebhookConfiguration',
  'APIService',
]
const NAMESPACED_KINDS = [
  'ConfigMap',
  'PersistentVolumeClaim',
  'Secret',
  'Service',
  'Deployment',
  'Job',
  'Ingress',
  'Pod',
]

export const KINDS = {
  lookup: (_group: string, kind: string) =>
    CLUSTER_KINDS.includes(kind)
      ? { namespaced: false }
      : NAMESPACED_KINDS.includes(kind)
        ? { namespaced: true }
        : undefined,
}

export function request(desired: readonly KubernetesObject[], changes: Partial<SyncRequest> = {}): SyncRequest {
  return {
    application: APPLICATION,
    digest: 'sha256:00',
    desired,
    namespace: 'shop',
    options: OPTIONS,
    ceiling: {
      clusterKindsAllowed: [{ group: '*', kind: '*' }],
      clusterKindsDenied: [],
      namespacedKindsDenied: [],
      namespaces: ['*'],
    },
    kinds: KINDS,
    ignoreDifferences: [],
    ...changes,
  }
}

const GROUPS: { readonly [kind: string]: string } = {
  Deployment: 'apps/v1',
  Job: 'batch/v1',
  Ingress: 'networking.k8s.io/v1',
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
  ValidatingWebhookConfiguration: 'admissionregistration.k8s.io/v1',
  APIService: 'apiregistration.k8s.io/v1',
}

export function object(
  kind: string,
  name: string,
  annotations: { readonly [key: string]: string } = {},
  rest: JsonObject = {},
): KubernetesObject {
  const metadata = Object.keys(annotations).length > 0 ? { name, annotations } : { name }
  return { apiVersion: GROUPS[kind] ?? 'v1', kind, metadata, ...rest }
}

/** What an object of ours looks like in the cluster. */
export function ours(source: KubernetesObject, applicationId = APPLICATION.id): KubernetesObject {
  const namespaced = KINDS.lookup('', source.kind)?.namespaced ?? true
  const namespace = namespaced ? { namespace: source.metadata.namespace ?? 'shop' } : {}
  const { namespace: _, ...metadata } = source.metadata
  const placed = { ...source, metadata: { ...metadata, ...namespace, uid: `uid-${metadata.name}` } }
  const tracked = withTracking(placed, applicationId)
  const managedFields = [{ manager: FIELD_MANAGER, operation: 'Apply', apiVersion: source.apiVersion, fieldsV1: {} }]
  return { ...tracked, metadata: { ...tracked.metadata, managedFields } }
}

export function observation(
  live: readonly KubernetesObject[],
  changes: {
    readonly inventory?: readonly ObjectKey[]
    readonly predictions?: { readonly [key: string]: Prediction }
  } = {},
): Observation {
  const entries = live.map(item => [objectKeyText(keyOf(item)), item] as const)
  return {
    live: new Map(entries),
    predictions: new Map<string, Prediction>([
      ...entries.map(([name]) => [name, { kind: 'same' }] as const),
      ...Object.entries(changes.predictions ?? {}),
    ]),
    inventory: changes.inventory ?? live.map(keyOf),
  }
}

export function plan(
  desired: readonly KubernetesObject[],
  observed: Observation,
  changes: Partial<SyncRequest> = {},
  confirmed = false,
): SyncPlan {
  return planSync(intend(desired, changes), observed, { confirmed })
}

export function intend(desired: readonly KubernetesObject[], changes: Partial<SyncRequest> = {}): SyncIntent {
  return intendSync(request(desired, changes))
}

/** `create Sync/0 ConfigMap shop/a`: what tests compare. */
export function lines(planned: SyncPlan): readonly string[] {
  return planned.actions.map(action => {
    const code = action.kind === 'hold' || action.kind === 'skip' ? ` ${action.code}` : ''
    const hoisted = action.hoistedFrom === undefined ? '' : ` from ${action.hoistedFrom}`
    return `${action.kind} ${action.phase}/${action.wave}${hoisted} ${objectKeyText(action.key)}${code}`
  })
}
