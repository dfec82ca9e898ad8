import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, stringsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { type Controller, ownAndOwned, splitKey } from './controller.ts'
import type { ControllerApi } from './controller-api.ts'
import { countPods, isActive, isReady, podFrom, portionOf } from './pods.ts'
import { currentRevision, forgetRevisions, hashOf, REVISION_LABEL } from './revisions.ts'

const NODE_NAME = 'metadata.name'

/** DaemonSets: a Pod on every node that the template's node selector takes. */
export function daemonSetController(api: ControllerApi): Controller {
  return {
    name: 'daemonset',
    keysOf: event =>
      event.storageKey === '/nodes'
        ? api.list('apps', 'daemonsets').map(set => `${set.metadata.namespace}/${set.metadata.name}`)
        : ownAndOwned(event, 'apps/daemonsets', 'DaemonSet', ['/pods']),
    reconcile(key) {
      const { namespace, name } = splitKey(key)
      const set = api.get('apps', 'daemonsets', namespace, name)
      return set ? reconcileSet(api, set) : undefined
    },
  }
}

function nodeOf(pod: KubernetesObject): string {
  const terms = at(
    pod,
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  )
  const field = Array.isArray(terms) ? at(terms[0], 'matchFields') : undefined
  const values = Array.isArray(field) ? at(field[0], 'values') : undefined
  return Array.isArray(values) ? String(values[0]) : String(at(pod, 'spec', 'nodeName') ?? '')
}

function reconcileSet(api: ControllerApi, set: KubernetesObject): number | undefined {
  const revision = currentRevision(api, set)
  const hash = hashOf(revision)
  const selector = stringsOf(at(set, 'spec', 'template', 'spec', 'nodeSelector'))
  const nodes = api
    .list('', 'nodes')
    .filter(node => Object.entries(selector).every(([key, value]) => node.metadata.labels?.[key] === value))
    .map(node => node.metadata.name ?? '')
  if (!isTerminating(set)) {
    placePods(api, set, nodes, hash)
    replaceOld(api, set, nodes.length, hash)
  }
  const pods = api.owned('', 'pods', set).filter(isActive)
  const counts = countPods(pods, Number(at(set, 'spec', 'minReadySeconds') ?? 0), api.core.clock.now())
  const placed = new Set(pods.map(nodeOf).filter(node => nodes.includes(node)))
  api.updateStatus('apps', 'DaemonSet', set, {
    currentNumberScheduled: placed.size,
    numberMisscheduled: pods.filter(pod => !nodes.includes(nodeOf(pod))).length,
    desiredNumberScheduled: nodes.length,
    numberReady: counts.ready,
    observedGeneration: set.metadata.generation ?? 1,
    updatedNumberScheduled: pods.filter(pod => pod.metadata.labels?.[REVISION_LABEL] === hash).length,
    numberAvailable: counts.available,
    numberUnavailable: nodes.length - counts.available,
  })
  forgetRevisions(api, set, new Set([hash, ...pods.map(pod => pod.metadata.labels?.[REVISION_LABEL] ?? '')]))
  return counts.againMs
}

function placePods(api: ControllerApi, set: KubernetesObject, nodes: readonly string[], hash: string): void {
  const all = api.owned('', 'pods', set)
  for (const pod of all) {
    const phase = at(pod, 'status', 'phase')
    const finished = phase === 'Failed' || phase === 'Succeeded'
    if ((finished || !nodes.includes(nodeOf(pod))) && !isTerminating(pod)) api.remove('', 'Pod', pod)
  }
  const taken = new Set(all.filter(isActive).map(nodeOf))
  for (const node of nodes) {
    if (taken.has(node)) continue
    const template = at(set, 'spec', 'template') as JsonObject
    const labels = { [REVISION_LABEL]: hash, 'pod-template-generation': String(set.metadata.generation ?? 1) }
    const pod = podFrom(template, set, { generateName: `${set.metadata.name}-`, labels })
    const terms = [{ matchFields: [{ key: NODE_NAME, operator: 'In', values: [node] }] }]
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
    api.create('', 'Pod', { ...pod, spec: { ...(pod['spec'] as JsonObject), affinity: { nodeAffinity } } })
  }
}

function replaceOld(api: ControllerApi, set: KubernetesObject, nodes: number, hash: string): void {
  if (at(set, 'spec', 'updateStrategy', 'type') === 'OnDelete') return
  const pods = api.owned('', 'pods', set).filter(isActive)
  const allowed = Math.max(
    1,
    portionOf(at(set, 'spec', 'updateStrategy', 'rollingUpdate', 'maxUnavailable'), nodes, true),
  )
  let missing = nodes - pods.filter(isReady).length
  for (const pod of pods) {
    if (pod.metadata.labels?.[REVISION_LABEL] === hash) continue
    if (isReady(pod) && missing >= allowed) continue
    if (isReady(pod)) missing++
    api.remove('', 'Pod', pod)
  }
}
