import { equalJson, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Core } from '../api/core.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { labelAsTemplate, TEMPLATE_GENERATION } from './default-kinds.ts'
import { at, childIfAny, childOf, type Draft, itemsOf, textOf } from './drafts.ts'
import { countsGenerations, kindName, wholeIsSpec } from './kind-rules.ts'
import { readStored } from './read-stored.ts'

/** What the server decides when an object is made: status, generation, addresses, a Job's selector. */
export function prepareForCreate(core: Core, type: ResourceType, object: KubernetesObject): KubernetesObject {
  const draft = readStored(type, object)
  const metadata = childOf(draft, 'metadata')
  delete metadata['generation']
  if (countsGenerations(type)) metadata['generation'] = 1
  if (type.hasStatus) resetStatus(type, draft)
  switch (kindName(type)) {
    case '/Namespace':
      childOf(draft, 'spec')['finalizers'] = ['kubernetes']
      break
    case '/Service':
      allocate(core, childOf(draft, 'spec'))
      break
    case 'batch/Job':
      labelJob(draft)
      labelAsTemplate(draft)
      break
    case '/Pod':
      preparePod(draft)
      break
    case '/PersistentVolumeClaim':
      childOf(draft, 'spec')['storageClassName'] ??= defaultStorageClass(core)
      addFinalizer(metadata, 'kubernetes.io/pvc-protection')
      break
    case '/PersistentVolume':
      childOf(draft, 'status')['lastPhaseTransitionTime'] = core.now()
      addFinalizer(metadata, 'kubernetes.io/pv-protection')
      break
    case 'apiextensions.k8s.io/CustomResourceDefinition':
      draft['status'] = {
        conditions: null,
        acceptedNames: { plural: '', kind: '' },
        storedVersions: storageVersions(draft),
      }
      break
  }
  return draft as KubernetesObject
}

/** Carries over what a main-resource update cannot change, and counts a generation when the specification did. */
export function prepareForUpdate(
  core: Core,
  type: ResourceType,
  live: KubernetesObject,
  next: KubernetesObject,
): KubernetesObject {
  let result = next
  if (type.hasStatus) result = withMember(result, 'status', live['status'])
  switch (kindName(type)) {
    case '/Namespace': {
      const finalizers = (live['spec'] as JsonObject | undefined)?.['finalizers']
      result = { ...result, spec: { ...(result['spec'] as JsonObject | undefined), finalizers } }
      break
    }
    case '/Service': {
      const draft = readStored(type, result)
      keepAddresses(childOf(draft, 'spec'), live['spec'] as JsonObject)
      dropOutsideFields(childOf(draft, 'spec'), live['spec'] as JsonObject)
      allocate(core, childOf(draft, 'spec'))
      result = draft as KubernetesObject
      break
    }
    case 'apps/DaemonSet':
      result = withTemplateGeneration(live, result)
      break
    case '/Pod':
      result = keepAssigned(live, result)
      break
  }
  return withGeneration(type, live, result)
}

/** A status update changes the status and, for built-in kinds, annotations and finalizers. */
export function prepareForStatusUpdate(
  type: ResourceType,
  live: KubernetesObject,
  next: KubernetesObject,
): KubernetesObject {
  const metadata = type.custom
    ? { ...live.metadata, managedFields: next.metadata.managedFields }
    : { ...next.metadata, labels: live.metadata.labels }
  return { ...live, metadata: { ...metadata, generation: live.metadata.generation }, status: next['status'] }
}

export function withMember(object: KubernetesObject, key: string, value: Json | undefined): KubernetesObject {
  if (equalJson(object[key], value)) return object
  const { [key]: _, ...rest } = object
  return (value === undefined ? rest : { ...rest, [key]: value }) as KubernetesObject
}

function withGeneration(type: ResourceType, live: KubernetesObject, next: KubernetesObject): KubernetesObject {
  const generation = live.metadata.generation
  if (!countsGenerations(type)) return { ...next, metadata: { ...next.metadata, generation } }
  const annotated =
    kindName(type) === 'apps/Deployment' && !equalJson(live.metadata.annotations, next.metadata.annotations)
  const relabelled =
    kindName(type) === 'discovery.k8s.io/EndpointSlice' && !equalJson(live.metadata.labels, next.metadata.labels)
  const changed = annotated || relabelled || !equalJson(specOf(type, live), specOf(type, next))
  return { ...next, metadata: { ...next.metadata, generation: (generation ?? 0) + (changed ? 1 : 0) } }
}

function withTemplateGeneration(live: KubernetesObject, next: KubernetesObject): KubernetesObject {
  const before = Number(live.metadata.annotations?.[TEMPLATE_GENERATION] ?? 1)
  const changed = !equalJson(at(live, 'spec', 'template'), at(next, 'spec', 'template'))
  const annotations = { ...next.metadata.annotations, [TEMPLATE_GENERATION]: String(before + (changed ? 1 : 0)) }
  return { ...next, metadata: { ...next.metadata, annotations } }
}

function specOf(type: ResourceType, object: KubernetesObject): Json | undefined {
  if (!type.custom && !wholeIsSpec(type)) return object['spec']
  const { metadata: _, status: ignored, apiVersion: __, kind: ___, ...rest } = object
  return type.custom && !type.hasStatus && ignored !== undefined ? { ...rest, status: ignored } : rest
}

function resetStatus(type: ResourceType, draft: Draft): void {
  delete draft['status']
  const status = type.schema.fields.get('status')
  if (status?.always) draft['status'] = {}
  const phase = (
    {
      '/Pod': 'Pending',
      '/Namespace': 'Active',
      '/PersistentVolumeClaim': 'Pending',
      '/PersistentVolume': 'Pending',
    } as const
  )[kindName(type) as '/Pod']
  if (phase) draft['status'] = { phase }
  else if (status?.always) draft['status'] = readStored(type, { ...draft, status: {} })['status']
}

/** Gives a Service the addresses and ports it lacks. */
function allocate(core: Core, spec: Draft): void {
  const type = textOf(spec, 'type')
  if (type === 'ExternalName') {
    for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) delete spec[key]
    return
  }
  const address = textOf(spec, 'clusterIP') ?? core.allocateClusterIp()
  spec['clusterIP'] = address
  spec['clusterIPs'] ??= [address]
  spec['ipFamilies'] ??= ['IPv4']
  spec['ipFamilyPolicy'] ??= 'SingleStack'
  for (const port of itemsOf(spec, 'ports')) {
    if (type === 'ClusterIP') delete port['nodePort']
    else port['nodePort'] ??= core.allocateNodePort()
  }
}

function keepAddresses(spec: Draft, live: JsonObject): void {
  if (spec['type'] === 'ExternalName' || live['type'] === 'ExternalName') return
  for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) spec[key] ??= live[key]
  const before = itemsOf(live, 'ports')
  for (const port of itemsOf(spec, 'ports')) {
    const same = before.find(each => each['port'] === port['port'] && each['protocol'] === port['protocol'])
    if (spec['type'] !== 'ClusterIP') port['nodePort'] ??= same?.['nodePort']
  }
}

/** A Service that is no longer reached from outside loses what said how, unless that was changed too. */
function dropOutsideFields(spec: Draft, live: JsonObject): void {
  const isOutside = (type: Json | undefined) => type === 'NodePort' || type === 'LoadBalancer'
  const dropped = !isOutside(spec['type'])
    ? ['externalTrafficPolicy', 'healthCheckNodePort', 'allocateLoadBalancerNodePorts', 'loadBalancerClass']
    : spec['type'] === 'NodePort'
      ? ['allocateLoadBalancerNodePorts', 'loadBalancerClass']
      : []
  if (spec['type'] === live['type']) return
  for (const key of dropped) if (equalJson(spec[key], live[key])) delete spec[key]
}

/** As storage gives an object back: it does not tell an empty list at the top (a Role's rules) from none. */
export function asStored(type: ResourceType, object: KubernetesObject): KubernetesObject {
  if (type.custom) return object
  let stored = object
  for (const [key, value] of Object.entries(object)) {
    if (Array.isArray(value) && value.length === 0) stored = { ...stored, [key]: null }
  }
  return stored
}

function labelJob(draft: Draft): void {
  const spec = childOf(draft, 'spec')
  if (spec['manualSelector'] === true) return
  const metadata = childOf(draft, 'metadata')
  const uid = textOf(metadata, 'uid') ?? ''
  const name = textOf(metadata, 'name') ?? ''
  const labels = childOf(childOf(childOf(spec, 'template'), 'metadata'), 'labels')
  Object.assign(labels, {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  })
  spec['selector'] ??= { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } }
}

function preparePod(draft: Draft): void {
  const spec = childOf(draft, 'spec')
  spec['serviceAccountName'] ??= 'default'
  spec['serviceAccount'] ??= spec['serviceAccountName']
  spec['priority'] ??= 0
  spec['preemptionPolicy'] ??= 'PreemptLowerPriority'
  const tolerations = itemsOf(spec, 'tolerations')
  const added = ['not-ready', 'unreachable']
    .map(name => `node.kubernetes.io/${name}`)
    .filter(key => !tolerations.some(each => each['key'] === key))
    .map(key => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }))
  spec['tolerations'] = [...tolerations, ...added]
  const containers = [...itemsOf(spec, 'containers'), ...itemsOf(spec, 'initContainers')]
  childOf(draft, 'status')['qosClass'] = qosClass(containers)
}

function qosClass(containers: readonly Draft[]): string {
  const resources = containers.map(each => childIfAny(each, 'resources'))
  const has = (part: JsonObject | undefined, key: string) => Object.keys(childIfAny(part, key) ?? {}).length > 0
  if (resources.every(each => !has(each, 'limits') && !has(each, 'requests'))) return 'BestEffort'
  const guaranteed = resources.every(
    each =>
      each !== undefined &&
      equalJson(each['limits'], each['requests']) &&
      ['cpu', 'memory'].every(name => childIfAny(each, 'limits')?.[name] !== undefined),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

/** What others assigned stays when a client that does not know it sends the object back. */
function keepAssigned(live: KubernetesObject, next: KubernetesObject): KubernetesObject {
  const before = live['spec'] as JsonObject
  const spec = next['spec'] as JsonObject
  const kept: { [key: string]: Json | undefined } = {}
  for (const key of [
    'nodeName',
    'serviceAccountName',
    'serviceAccount',
    'priority',
    'preemptionPolicy',
    'tolerations',
  ]) {
    if (spec[key] === undefined) kept[key] = before[key]
  }
  return Object.keys(kept).length === 0 ? next : { ...next, spec: { ...spec, ...kept } }
}

function defaultStorageClass(core: Core): string | undefined {
  const isDefault = 'storageclass.kubernetes.io/is-default-class'
  const classes = core.store.list('storage.k8s.io/storageclasses')
  return classes.find(each => each.metadata.annotations?.[isDefault] === 'true')?.metadata.name
}

function addFinalizer(metadata: Draft, finalizer: string): void {
  const finalizers = Array.isArray(metadata['finalizers']) ? (metadata['finalizers'] as readonly Json[]) : []
  if (!finalizers.includes(finalizer)) metadata['finalizers'] = [...finalizers, finalizer]
}

function storageVersions(definition: Draft): readonly string[] {
  return itemsOf(childIfAny(definition, 'spec'), 'versions')
    .filter(version => version['storage'] === true)
    .map(version => String(version['name']))
}

export function isTerminating(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined
}
