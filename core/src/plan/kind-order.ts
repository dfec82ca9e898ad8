import type { ObjectKey } from '../model/kubernetes-object.ts'

/** Kinds that others need come first. By group and kind: a custom resource named Ingress is no Ingress. */
const FIRST: readonly string[] = [
  'Namespace',
  'networking.k8s.io/NetworkPolicy',
  'ResourceQuota',
  'LimitRange',
  'policy/PodSecurityPolicy',
  'policy/PodDisruptionBudget',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'storage.k8s.io/StorageClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
  'Service',
  'apps/DaemonSet',
  'Pod',
  'ReplicationController',
  'apps/ReplicaSet',
  'apps/Deployment',
  'autoscaling/HorizontalPodAutoscaler',
  'apps/StatefulSet',
  'batch/Job',
  'batch/CronJob',
  'networking.k8s.io/IngressClass',
  'networking.k8s.io/Ingress',
]

/** What can refuse or redirect every other write comes last, when the Pods that serve it may be up. */
const LAST: readonly string[] = [
  'apiregistration.k8s.io/APIService',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
]

const RANKS: ReadonlyMap<string, number> = new Map([
  ...FIRST.map((name, index) => [name, index] as const),
  ...LAST.map((name, index) => [name, FIRST.length + 1 + index] as const),
])

/** Place of a kind among those of one wave; every kind that is not listed shares one place before the last ones. */
export function kindRank({ group, kind }: Pick<ObjectKey, 'group' | 'kind'>): number {
  return RANKS.get(group === '' ? kind : `${group}/${kind}`) ?? FIRST.length
}

/** Kinds that others in the same wave must see established before they can be written. */
export function isDefinition({ group, kind }: Pick<ObjectKey, 'group' | 'kind'>): boolean {
  return (
    (group === '' && kind === 'Namespace') || (group === 'apiextensions.k8s.io' && kind === 'CustomResourceDefinition')
  )
}

/** Kind, name, group, namespace: a total order, so that equal names in two namespaces always come alike. */
export function compareInWave(a: ObjectKey, b: ObjectKey): number {
  return (
    kindRank(a) - kindRank(b) ||
    compareText(a.name, b.name) ||
    compareText(a.group, b.group) ||
    compareText(a.kind, b.kind) ||
    compareText(a.namespace, b.namespace)
  )
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
