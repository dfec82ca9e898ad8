import { isJsonObject } from '@flotilla/core/json/json'
import { defaultPod, defaultPodSpec, defaultPodTemplate } from './default-pods.ts'
import {
  childIfAny,
  childOf,
  type Draft,
  itemsOf,
  numberOf,
  setDefault,
  setDefaults,
  stringsOf,
  textOf,
} from './drafts.ts'

const RBAC = 'rbac.authorization.k8s.io'

/** What each built-in kind gets when it is read, by `group/Kind`; kinds not listed get nothing. */
const DEFAULTS: Readonly<Record<string, (object: Draft) => void>> = {
  '/Pod': defaultPod,
  '/PodTemplate': object => defaultPodTemplate(object),
  '/Service': defaultService,
  '/Secret': object => {
    setDefault(object, 'type', 'Opaque')
  },
  '/Namespace': object => {
    const labels = childOf(childOf(object, 'metadata'), 'labels')
    const name = textOf(childIfAny(object, 'metadata'), 'name')
    if (name !== undefined) labels['kubernetes.io/metadata.name'] = name
    setDefault(childOf(object, 'status'), 'phase', 'Active')
  },
  '/PersistentVolumeClaim': object => {
    setDefault(childOf(object, 'spec'), 'volumeMode', 'Filesystem')
    setDefault(childOf(object, 'status'), 'phase', 'Pending')
  },
  '/PersistentVolume': object => {
    const hostPath = childIfAny(childIfAny(object, 'spec'), 'hostPath')
    if (hostPath) hostPath['type'] ??= ''
    setDefaults(childOf(object, 'spec'), { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' })
    setDefault(childOf(object, 'status'), 'phase', 'Pending')
  },
  '/ReplicationController': object => {
    const spec = childOf(object, 'spec')
    const labels = childIfAny(childIfAny(childIfAny(spec, 'template'), 'metadata'), 'labels')
    if (labels && spec['selector'] === undefined) spec['selector'] = { ...labels }
    labelAsTemplate(object)
    spec['replicas'] ??= 1
    defaultPodTemplate(spec)
  },
  '/Endpoints': object => {
    for (const subset of itemsOf(object, 'subsets')) {
      for (const port of itemsOf(subset, 'ports')) setDefault(port, 'protocol', 'TCP')
    }
  },
  'apps/Deployment': object => {
    const spec = childOf(object, 'spec')
    setDefaults(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 })
    const strategy = childOf(spec, 'strategy')
    setDefault(strategy, 'type', 'RollingUpdate')
    if (strategy['type'] === 'RollingUpdate') {
      setDefaults(childOf(strategy, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' })
    }
    defaultPodTemplate(spec)
  },
  'apps/ReplicaSet': object => {
    const spec = childOf(object, 'spec')
    spec['replicas'] ??= 1
    defaultPodTemplate(spec)
  },
  'apps/StatefulSet': object => {
    const spec = childOf(object, 'spec')
    setDefaults(spec, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady' })
    const strategy = childOf(spec, 'updateStrategy')
    setDefault(strategy, 'type', 'RollingUpdate')
    if (strategy['type'] === 'RollingUpdate') setDefaults(childOf(strategy, 'rollingUpdate'), { partition: 0 })
    setDefaults(childOf(spec, 'persistentVolumeClaimRetentionPolicy'), { whenDeleted: 'Retain', whenScaled: 'Retain' })
    for (const claim of itemsOf(spec, 'volumeClaimTemplates')) {
      setDefaults(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' })
      setDefault(childOf(claim, 'spec'), 'volumeMode', 'Filesystem')
      setDefault(childOf(claim, 'status'), 'phase', 'Pending')
    }
    defaultPodTemplate(spec)
  },
  'apps/DaemonSet': object => {
    const spec = childOf(object, 'spec')
    childOf(childOf(object, 'metadata'), 'annotations')[TEMPLATE_GENERATION] ??= '1'
    spec['revisionHistoryLimit'] ??= 10
    const strategy = childOf(spec, 'updateStrategy')
    setDefault(strategy, 'type', 'RollingUpdate')
    if (strategy['type'] === 'RollingUpdate') {
      setDefaults(childOf(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 })
    }
    defaultPodTemplate(spec)
  },
  'batch/Job': object => {
    const spec = childOf(object, 'spec')
    if (spec['completions'] === undefined && spec['parallelism'] === undefined) spec['completions'] = 1
    setDefaults(spec, { parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed' })
    spec['suspend'] ??= false
    spec['manualSelector'] ??= false
    labelAsTemplate(object)
    spec['podReplacementPolicy'] ??= spec['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed'
    defaultPodTemplate(spec)
  },
  'batch/CronJob': object => {
    const spec = childOf(object, 'spec')
    setDefaults(spec, { concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 })
    spec['suspend'] ??= false
    const job = childIfAny(childIfAny(spec, 'jobTemplate'), 'spec')
    const template = childIfAny(job, 'template')
    if (template) defaultPodSpec(childOf(template, 'spec'))
  },
  'networking.k8s.io/NetworkPolicy': object => {
    const spec = childOf(object, 'spec')
    for (const rule of [...itemsOf(spec, 'ingress'), ...itemsOf(spec, 'egress')]) {
      for (const port of itemsOf(rule, 'ports')) setDefault(port, 'protocol', 'TCP')
    }
    if (!Array.isArray(spec['policyTypes'])) {
      spec['policyTypes'] = Array.isArray(spec['egress']) ? ['Ingress', 'Egress'] : ['Ingress']
    }
  },
  'networking.k8s.io/IngressClass': object => {
    const parameters = childIfAny(childIfAny(object, 'spec'), 'parameters')
    if (parameters) setDefault(parameters, 'scope', 'Cluster')
  },
  [`${RBAC}/RoleBinding`]: defaultBinding,
  [`${RBAC}/ClusterRoleBinding`]: defaultBinding,
  'autoscaling/HorizontalPodAutoscaler': object => {
    const spec = childOf(object, 'spec')
    spec['minReplicas'] ??= 1
    if (!Array.isArray(spec['metrics'])) {
      const target = { type: 'Utilization', averageUtilization: 80 }
      spec['metrics'] = [{ type: 'Resource', resource: { name: 'cpu', target } }]
    }
  },
  'storage.k8s.io/CSIDriver': object => {
    const spec = childOf(object, 'spec')
    for (const name of ['podInfoOnMount', 'storageCapacity', 'requiresRepublish', 'seLinuxMount']) spec[name] ??= false
    spec['attachRequired'] ??= true
    setDefaults(spec, { fsGroupPolicy: 'ReadWriteOnceWithFSType', volumeLifecycleModes: ['Persistent'] })
  },
  'storage.k8s.io/StorageClass': object => {
    setDefaults(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' })
  },
  'scheduling.k8s.io/PriorityClass': object => {
    setDefault(object, 'preemptionPolicy', 'PreemptLowerPriority')
  },
  'discovery.k8s.io/EndpointSlice': object => {
    for (const port of itemsOf(object, 'ports')) {
      port['name'] ??= ''
      setDefault(port, 'protocol', 'TCP')
    }
  },
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': object => defaultWebhooks(object, false),
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': object => defaultWebhooks(object, true),
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': defaultAdmissionPolicy,
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': defaultAdmissionBinding,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': defaultAdmissionPolicy,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': defaultAdmissionBinding,
  'apiregistration.k8s.io/APIService': object => {
    const service = childIfAny(childIfAny(object, 'spec'), 'service')
    if (service) service['port'] ??= 443
  },
  'apiextensions.k8s.io/CustomResourceDefinition': object => {
    const spec = childOf(object, 'spec')
    const names = childOf(spec, 'names')
    const kind = textOf(names, 'kind') ?? ''
    setDefaults(names, { singular: kind.toLowerCase(), listKind: `${kind}List` })
    setDefault(childOf(spec, 'conversion'), 'strategy', 'None')
  },
}

/** Counts the changes of a DaemonSet's template, for clients of old. */
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

/** Some workloads without labels of their own take those of their template. */
export function labelAsTemplate(object: Draft): void {
  const metadata = childOf(object, 'metadata')
  const labels = childIfAny(childIfAny(childIfAny(childIfAny(object, 'spec'), 'template'), 'metadata'), 'labels')
  const own = childIfAny(metadata, 'labels')
  if (labels && Object.keys(own ?? {}).length === 0) metadata['labels'] = { ...labels }
}

/** Writes a kind's defaults into a freshly read object. */
export function applyDefaults(group: string, kind: string, object: Draft): void {
  DEFAULTS[`${group}/${kind}`]?.(object)
}

function defaultService(object: Draft): void {
  const spec = childOf(object, 'spec')
  setDefaults(spec, { sessionAffinity: 'None', type: 'ClusterIP' })
  const type = spec['type']
  if (spec['sessionAffinity'] === 'ClientIP') {
    setDefault(childOf(childOf(spec, 'sessionAffinityConfig'), 'clientIP'), 'timeoutSeconds', 10800)
  }
  for (const port of itemsOf(spec, 'ports')) {
    setDefault(port, 'protocol', 'TCP')
    if (!port['targetPort']) port['targetPort'] = numberOf(port, 'port') ?? 0
  }
  if (type === 'NodePort' || type === 'LoadBalancer') setDefault(spec, 'externalTrafficPolicy', 'Cluster')
  if (type !== 'ExternalName') setDefault(spec, 'internalTrafficPolicy', 'Cluster')
  if (type === 'LoadBalancer') spec['allocateLoadBalancerNodePorts'] ??= true
}

function defaultBinding(object: Draft): void {
  const reference = childIfAny(object, 'roleRef')
  if (reference) setDefault(reference, 'apiGroup', RBAC)
  for (const subject of itemsOf(object, 'subjects')) {
    if (subject['kind'] === 'User' || subject['kind'] === 'Group') setDefault(subject, 'apiGroup', RBAC)
  }
}

function defaultWebhooks(object: Draft, mutating: boolean): void {
  for (const webhook of itemsOf(object, 'webhooks')) {
    setDefaults(webhook, { failurePolicy: 'Fail', matchPolicy: 'Equivalent', timeoutSeconds: 10 })
    webhook['namespaceSelector'] ??= {}
    webhook['objectSelector'] ??= {}
    if (mutating) setDefault(webhook, 'reinvocationPolicy', 'Never')
    for (const rule of itemsOf(webhook, 'rules')) setDefault(rule, 'scope', '*')
    const service = childIfAny(childIfAny(webhook, 'clientConfig'), 'service')
    if (service) service['port'] ??= 443
  }
}

function defaultAdmissionPolicy(object: Draft): void {
  const spec = childOf(object, 'spec')
  setDefault(spec, 'failurePolicy', 'Fail')
  defaultMatchResources(childIfAny(spec, 'matchConstraints'))
}

function defaultAdmissionBinding(object: Draft): void {
  defaultMatchResources(childIfAny(childIfAny(object, 'spec'), 'matchResources'))
}

function defaultMatchResources(match: Draft | undefined): void {
  if (!match) return
  setDefault(match, 'matchPolicy', 'Equivalent')
  match['namespaceSelector'] ??= {}
  match['objectSelector'] ??= {}
  for (const rule of [...itemsOf(match, 'resourceRules'), ...itemsOf(match, 'excludeResourceRules')]) {
    setDefault(rule, 'scope', '*')
  }
}

/** `stringData` of a Secret is a way to write only: it lands, encoded, in `data`. */
export function foldStringData(secret: Draft): void {
  if (!isJsonObject(secret['stringData'])) return
  const data = childOf(secret, 'data')
  for (const [key, value] of Object.entries(stringsOf(secret['stringData']))) {
    data[key] = Buffer.from(value, 'utf8').toString('base64')
  }
  delete secret['stringData']
}
