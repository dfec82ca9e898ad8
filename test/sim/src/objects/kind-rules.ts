import type { ResourceType } from '../resources/resource-type.ts'

/** Kinds whose metadata.generation counts changes of what is asked for, besides all custom resources. */
const GENERATION = new Set([
  '/Pod',
  '/PodTemplate',
  '/ReplicationController',
  'apps/Deployment',
  'apps/ReplicaSet',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'batch/Job',
  'batch/CronJob',
  'networking.k8s.io/Ingress',
  'networking.k8s.io/IngressClass',
  'networking.k8s.io/NetworkPolicy',
  'discovery.k8s.io/EndpointSlice',
  'policy/PodDisruptionBudget',
  'scheduling.k8s.io/PriorityClass',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'apiextensions.k8s.io/CustomResourceDefinition',
])

/** Kinds that a PUT creates when they are not there. */
const CREATED_BY_UPDATE = new Set([
  '/Service',
  '/Endpoints',
  '/Event',
  'events.k8s.io/Event',
  '/LimitRange',
  'coordination.k8s.io/Lease',
  'node.k8s.io/RuntimeClass',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
])

/** Kinds that a PUT replaces only when it names the resourceVersion, besides all custom resources. */
const CONDITIONAL = new Set([
  'policy/PodDisruptionBudget',
  'storage.k8s.io/CSIDriver',
  'coordination.k8s.io/Lease',
  'node.k8s.io/RuntimeClass',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apiregistration.k8s.io/APIService',
])

/** Kinds whose dependents stay when the request does not say. */
const ORPHANS_BY_DEFAULT = new Set(['batch/Job', '/ReplicationController'])

/** Kinds whose deletion is answered with the object as it was, not with a Status. */
const SHOWN_WHEN_DELETED = new Set([
  '/Pod',
  '/PodTemplate',
  '/Service',
  '/ServiceAccount',
  '/Namespace',
  '/PersistentVolume',
  '/PersistentVolumeClaim',
  '/ResourceQuota',
  'storage.k8s.io/StorageClass',
  'storage.k8s.io/CSIDriver',
])

/** Kinds whose specification stands beside the metadata. */
const WHOLE_IS_SPEC = new Set([
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'discovery.k8s.io/EndpointSlice',
  'scheduling.k8s.io/PriorityClass',
])

export function kindName(type: Pick<ResourceType, 'group' | 'kind'>): string {
  return `${type.group}/${type.kind}`
}

export function countsGenerations(type: ResourceType): boolean {
  return type.custom !== undefined || GENERATION.has(kindName(type))
}

export function createdByUpdate(type: ResourceType): boolean {
  return CREATED_BY_UPDATE.has(kindName(type))
}

export function replacedUnconditionally(type: ResourceType): boolean {
  return type.custom === undefined && !CONDITIONAL.has(kindName(type))
}

export function orphansByDefault(type: ResourceType): boolean {
  return ORPHANS_BY_DEFAULT.has(kindName(type))
}

export function shownWhenDeleted(type: ResourceType): boolean {
  return SHOWN_WHEN_DELETED.has(kindName(type))
}

export function wholeIsSpec(type: ResourceType): boolean {
  return WHOLE_IS_SPEC.has(kindName(type)) || (type.custom !== undefined && !type.hasStatus)
}
