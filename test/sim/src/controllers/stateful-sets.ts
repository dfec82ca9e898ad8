import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, itemsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { type Controller, ownAndOwned, splitKey } from './controller.ts'
import { type ControllerApi, controlledBy } from './controller-api.ts'
import { availability, countPods, isReady, podFrom } from './pods.ts'
import { currentRevision, forgetRevisions, hashOf, REVISION_LABEL } from './revisions.ts'

/** StatefulSets: Pods by ordinal, each with its claims, one after the other unless told otherwise. */
export function statefulSetController(api: ControllerApi): Controller {
  return {
    name: 'statefulset',
    keysOf: event => ownAndOwned(event, 'apps/statefulsets', 'StatefulSet', ['/pods']),
    reconcile(key) {
      const { namespace, name } = splitKey(key)
      const set = api.get('apps', 'statefulsets', namespace, name)
      return set ? reconcileSet(api, set) : undefined
    },
  }
}

function ordinalOf(pod: KubernetesObject): number {
  return Number((pod.metadata.name ?? '').replace(/^.*-/, ''))
}

function podsOf(api: ControllerApi, set: KubernetesObject): readonly KubernetesObject[] {
  return [...api.owned('', 'pods', set)].sort((a, b) => ordinalOf(a) - ordinalOf(b))
}

function isFinished(pod: KubernetesObject): boolean {
  const phase = at(pod, 'status', 'phase')
  return phase === 'Failed' || phase === 'Succeeded'
}

function reconcileSet(api: ControllerApi, set: KubernetesObject): number | undefined {
  const revision = currentRevision(api, set)
  if (!isTerminating(set)) advance(api, set, hashOf(revision))
  return writeStatus(api, set, revision)
}

/** One step towards what is wanted: in order, a Pod at a time; in parallel, all at once. */
function advance(api: ControllerApi, set: KubernetesObject, hash: string): void {
  const spec = set['spec'] as JsonObject
  const wanted = Number(spec['replicas'])
  const inOrder = spec['podManagementPolicy'] !== 'Parallel'
  const first = Number(at(spec, 'ordinals', 'start') ?? 0)
  const pods = podsOf(api, set)
  const byOrdinal = new Map(pods.map(pod => [ordinalOf(pod), pod] as const))
  for (let ordinal = first; ordinal < first + wanted; ordinal++) {
    const pod = byOrdinal.get(ordinal)
    if (pod && isFinished(pod) && !isTerminating(pod)) {
      api.remove('', 'Pod', pod)
      if (inOrder) return
    } else if (!pod) {
      makePod(api, set, ordinal, revisionFor(set, ordinal, hash))
      if (inOrder) return
    } else if (inOrder && (isTerminating(pod) || !isReady(pod))) return
  }
  const extra = pods.filter(pod => ordinalOf(pod) >= first + wanted && !isTerminating(pod)).reverse()
  if (extra.length > 0) {
    for (const pod of inOrder ? extra.slice(0, 1) : extra) api.remove('', 'Pod', pod)
    return
  }
  if (pods.length === wanted && at(spec, 'updateStrategy', 'type') !== 'OnDelete') replaceOne(api, set, pods, hash)
}

/** From the highest ordinal down to the partition, one Pod at a time, each after the one before is ready. */
function replaceOne(api: ControllerApi, set: KubernetesObject, pods: readonly KubernetesObject[], hash: string): void {
  const partition = Number(at(set, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0)
  for (const pod of [...pods].reverse()) {
    if (ordinalOf(pod) < partition) return
    if (isTerminating(pod)) return
    if (pod.metadata.labels?.[REVISION_LABEL] !== hash) {
      api.remove('', 'Pod', pod)
      return
    }
    if (!isReady(pod)) return
  }
}

/** Below the partition a Pod comes back as it was. */
function revisionFor(set: KubernetesObject, ordinal: number, hash: string): string {
  const partition = Number(at(set, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0)
  const current = String(at(set, 'status', 'currentRevision') ?? '').replace(`${set.metadata.name}-`, '')
  return ordinal < partition && current !== '' ? current : hash
}

function makePod(api: ControllerApi, set: KubernetesObject, ordinal: number, hash: string): void {
  const name = `${set.metadata.name}-${ordinal}`
  const template = at(set, 'spec', 'template') as JsonObject
  const claims = itemsOf(set['spec'] as JsonObject, 'volumeClaimTemplates')
  for (const claim of claims) makeClaim(api, set, claim, name)
  const labels = {
    [REVISION_LABEL]: hash,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
  }
  const pod = podFrom(template, set, { name, generateName: `${set.metadata.name}-`, labels })
  const spec = pod['spec'] as JsonObject
  const volumes = claims.map(claim => ({
    name: String(at(claim, 'metadata', 'name')),
    persistentVolumeClaim: { claimName: `${String(at(claim, 'metadata', 'name'))}-${name}` },
  }))
  const others = itemsOf(spec, 'volumes').filter(volume => !volumes.some(each => each.name === volume['name']))
  const subdomain = at(set, 'spec', 'serviceName')
  api.create('', 'Pod', {
    ...pod,
    spec: {
      ...spec,
      hostname: name,
      ...(typeof subdomain === 'string' ? { subdomain } : {}),
      ...(volumes.length + others.length > 0 ? { volumes: [...volumes, ...others] } : {}),
    },
  })
}

function makeClaim(api: ControllerApi, set: KubernetesObject, template: JsonObject, pod: string): void {
  const namespace = set.metadata.namespace ?? ''
  const name = `${String(at(template, 'metadata', 'name'))}-${pod}`
  if (api.get('', 'persistentvolumeclaims', namespace, name)) return
  const owned = at(set, 'spec', 'persistentVolumeClaimRetentionPolicy', 'whenDeleted') === 'Delete'
  const labels = at(set, 'spec', 'selector', 'matchLabels')
  api.create('', 'PersistentVolumeClaim', {
    metadata: {
      ...(template['metadata'] as JsonObject),
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(owned ? { ownerReferences: [controlledBy(set)] } : {}),
    },
    spec: template['spec'],
  })
}

function writeStatus(api: ControllerApi, set: KubernetesObject, revision: KubernetesObject): number | undefined {
  const spec = set['spec'] as JsonObject
  const pods = podsOf(api, set).filter(pod => !isFinished(pod))
  const hash = hashOf(revision)
  const hasHash = (pod: KubernetesObject, wanted: string) => pod.metadata.labels?.[REVISION_LABEL] === wanted
  const updated = pods.filter(pod => hasHash(pod, hash) && !isTerminating(pod)).length
  const minReadySeconds = Number(spec['minReadySeconds'] ?? 0)
  const counts = countPods(pods, minReadySeconds, api.core.clock.now())
  const before = String(at(set, 'status', 'currentRevision') ?? revision.metadata.name)
  const wanted = Number(spec['replicas'])
  const ready = pods.filter(pod => availability(pod, 0, 0) === 'available').length
  const settled = updated === wanted && pods.length === wanted && ready === wanted
  const current = settled ? (revision.metadata.name ?? '') : before
  const currentHash = current.slice((set.metadata.name ?? '').length + 1)
  const status = {
    observedGeneration: set.metadata.generation ?? 1,
    replicas: pods.length,
    readyReplicas: counts.ready,
    currentReplicas: pods.filter(pod => hasHash(pod, currentHash)).length,
    updatedReplicas: updated,
    currentRevision: current,
    updateRevision: revision.metadata.name ?? '',
    collisionCount: 0,
    availableReplicas: counts.available,
  }
  api.updateStatus('apps', 'StatefulSet', set, status)
  forgetRevisions(
    api,
    set,
    new Set([hash, currentHash, ...pods.map(pod => pod.metadata.labels?.[REVISION_LABEL] ?? '')]),
  )
  return counts.againMs
}
