import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, stringsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { matchesLabelSelector } from '../store/selectors.ts'
import { type Controller, controllerOf, ownAndOwned, splitKey } from './controller.ts'
import { type ControllerApi, controlledBy } from './controller-api.ts'
import { countPods, isActive, isReady, podFrom } from './pods.ts'

/** ReplicaSets and ReplicationControllers: as many Pods as were asked for. */
export function replicaSetController(api: ControllerApi): Controller {
  return {
    name: 'replicaset',
    keysOf: event => [
      ...ownAndOwned(event, 'apps/replicasets', 'ReplicaSet', ['/pods']).map(key => `ReplicaSet ${key}`),
      ...ownAndOwned(event, '/replicationcontrollers', 'ReplicationController', ['/pods']).map(
        key => `ReplicationController ${key}`,
      ),
    ],
    reconcile(marked) {
      const [kind, key] = marked.split(' ') as [string, string]
      const { namespace, name } = splitKey(key)
      const group = kind === 'ReplicaSet' ? 'apps' : ''
      const set = api.get(group, kind === 'ReplicaSet' ? 'replicasets' : 'replicationcontrollers', namespace, name)
      return set ? reconcileSet(api, group, kind, set) : undefined
    },
  }
}

function reconcileSet(api: ControllerApi, group: string, kind: string, set: KubernetesObject): number | undefined {
  const spec = set['spec'] as JsonObject
  const selector = kind === 'ReplicaSet' ? spec['selector'] : { matchLabels: spec['selector'] ?? {} }
  if (!isTerminating(set)) adoptPods(api, set, pod => matchesLabelSelector(selector, pod.metadata.labels ?? {}))
  const found = api.owned('', 'pods', set).filter(isActive)
  const pods = isTerminating(set) ? found : scale(api, set, found, Number(spec['replicas'] ?? 1))
  const counts = countPods(pods, Number(spec['minReadySeconds'] ?? 0), api.core.clock.now())
  const labels = stringsOf(at(spec, 'template', 'metadata', 'labels'))
  const labelled = pods.filter(pod =>
    Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value),
  )
  api.updateStatus(group, kind, set, {
    replicas: pods.length,
    fullyLabeledReplicas: labelled.length,
    readyReplicas: counts.ready,
    availableReplicas: counts.available,
    observedGeneration: set.metadata.generation ?? 1,
  })
  return counts.againMs
}

/** Takes in Pods that match and that no one controls. */
function adoptPods(api: ControllerApi, set: KubernetesObject, matches: (pod: KubernetesObject) => boolean): void {
  for (const pod of api.list('', 'pods', set.metadata.namespace)) {
    if (controllerOf(pod) || !isActive(pod) || !matches(pod)) continue
    const ownerReferences = [...(pod.metadata.ownerReferences ?? []), controlledBy(set)]
    api.update('', 'Pod', pod, { ...pod, metadata: { ...pod.metadata, ownerReferences } })
  }
}

function scale(
  api: ControllerApi,
  set: KubernetesObject,
  pods: readonly KubernetesObject[],
  wanted: number,
): readonly KubernetesObject[] {
  if (pods.length < wanted) {
    const template = at(set, 'spec', 'template') as JsonObject
    const made: KubernetesObject[] = []
    for (let count = pods.length; count < wanted; count++) {
      made.push(api.create('', 'Pod', podFrom(template, set, { generateName: `${set.metadata.name}-` })))
    }
    return [...pods, ...made]
  }
  // Those that are not ready go first, then the youngest.
  const order = [...pods].sort((a, b) => Number(isReady(a)) - Number(isReady(b)) || newerFirst(a, b))
  for (const pod of order.slice(0, pods.length - wanted)) api.remove('', 'Pod', pod)
  return order.slice(pods.length - wanted)
}

function newerFirst(a: KubernetesObject, b: KubernetesObject): number {
  const left = String(a.metadata.creationTimestamp)
  const right = String(b.metadata.creationTimestamp)
  return left < right ? 1 : left > right ? -1 : 0
}
