import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, itemsOf, stringsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { type Controller, keyOf, splitKey } from './controller.ts'
import type { ControllerApi } from './controller-api.ts'
import { durationMs } from './pods.ts'

/** From scheduled to running, in milliseconds. */
const START_MS = 10
/** From running to finished, for Pods that finish and do not say when. */
const RUN_MS = 10

const PODS = '/pods'

/**
 * Scheduler and kubelets in one. Pods run and are ready at once; those that need not run for ever (`restartPolicy`
 * Never or OnFailure) succeed. Annotations on the Pod steer it, the same as on the real control plane's nodes:
 * `sim/ready: never`, `sim/outcome: fail`, `sim/run-for: 4s`.
 */
export function kubelet(api: ControllerApi): Controller {
  let nextAddress = 2
  // To the millisecond, where the object has whole seconds.
  const startedAt = new Map<string, number>()
  return {
    name: 'kubelet',
    keysOf: event => {
      if (event.storageKey !== PODS) return []
      if (event.kind === 'deleted') startedAt.delete(event.object.metadata.uid ?? '')
      return event.kind === 'deleted' ? [] : [keyOf(event.object)]
    },
    reconcile(key) {
      const { namespace, name } = splitKey(key)
      const pod = api.core.store.get(PODS, namespace, name)
      if (!pod) return undefined
      if (isTerminating(pod)) {
        if (at(pod, 'spec', 'nodeName') !== undefined && Number(pod.metadata['deletionGracePeriodSeconds'] ?? 0) > 0) {
          api.remove('', 'Pod', pod, 0)
        }
        return undefined
      }
      const phase = at(pod, 'status', 'phase')
      if (at(pod, 'spec', 'nodeName') === undefined) return schedule(api, pod)
      if (phase === 'Pending') startedAt.set(pod.metadata.uid ?? '', api.core.clock.now())
      if (phase === 'Pending') return start(api, pod, () => `10.244.${(nextAddress >> 8) & 255}.${nextAddress++ & 255}`)
      return phase === 'Running' ? finish(api, pod, startedAt) : undefined
    },
  }
}

function schedule(api: ControllerApi, pod: KubernetesObject): number | undefined {
  if (at(pod, 'spec', 'schedulerName') !== 'default-scheduler') return undefined
  const node = api.list('', 'nodes').find(each => at(each, 'spec', 'unschedulable') !== true)
  if (!node) return undefined
  const now = api.core.now()
  // Binding is a subresource of its own: it shows in no managedFields, and no generation counts it.
  const bound = api.core.store.put(PODS, {
    ...pod,
    spec: { ...(pod['spec'] as JsonObject), nodeName: node.metadata.name ?? '' },
  })
  const conditions = [{ type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now }]
  api.updateStatus('', 'Pod', bound, { ...(bound['status'] as JsonObject), conditions }, 'kube-scheduler')
  return START_MS
}

function start(api: ControllerApi, pod: KubernetesObject, address: () => string): number | undefined {
  const now = api.core.now()
  const ready = stringsOf(pod.metadata.annotations)['sim/ready'] !== 'never'
  const podIP = address()
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: now,
    ...(holds ? {} : { reason: 'ContainersNotReady', message: 'told never to be ready' }),
  })
  const scheduled = itemsOf(pod['status'] as JsonObject, 'conditions').filter(each => each['type'] === 'PodScheduled')
  api.updateStatus(
    '',
    'Pod',
    pod,
    {
      ...(pod['status'] as JsonObject),
      phase: 'Running',
      hostIP: '10.0.0.1',
      hostIPs: [{ ip: '10.0.0.1' }],
      podIP,
      podIPs: [{ ip: podIP }],
      startTime: now,
      observedGeneration: pod.metadata.generation ?? 1,
      conditions: [
        condition('Initialized', true),
        condition('Ready', ready),
        condition('ContainersReady', ready),
        ...scheduled,
      ],
      containerStatuses: containerStatuses(pod, { running: { startedAt: now } }, ready),
      ...(itemsOf(pod['spec'] as JsonObject, 'initContainers').length > 0
        ? { initContainerStatuses: initStatuses(pod, now) }
        : {}),
    },
    'kubelet',
  )
  return undefined
}

function finish(api: ControllerApi, pod: KubernetesObject, startedAt: Map<string, number>): number | undefined {
  const annotations = stringsOf(pod.metadata.annotations)
  const policy = at(pod, 'spec', 'restartPolicy')
  if (policy === 'Always' || annotations['sim/ready'] === 'never') return undefined
  const runMs = durationMs(annotations['sim/run-for']) ?? RUN_MS
  const started = startedAt.get(pod.metadata.uid ?? '') ?? Date.parse(String(at(pod, 'status', 'startTime')))
  const left = started + runMs - api.core.clock.now()
  if (left > 0) return left
  startedAt.delete(pod.metadata.uid ?? '')
  const fails = annotations['sim/outcome'] === 'fail'
  const now = api.core.now()
  const terminated = {
    exitCode: fails ? 1 : 0,
    reason: fails ? 'Error' : 'Completed',
    startedAt: at(pod, 'status', 'startTime') ?? now,
    finishedAt: now,
  }
  const conditions = itemsOf(pod['status'] as JsonObject, 'conditions').map(each =>
    each['type'] === 'Ready' || each['type'] === 'ContainersReady'
      ? { ...each, status: 'False', reason: fails ? 'PodFailed' : 'PodCompleted', lastTransitionTime: now }
      : each,
  )
  api.updateStatus(
    '',
    'Pod',
    pod,
    {
      ...(pod['status'] as JsonObject),
      phase: fails ? 'Failed' : 'Succeeded',
      conditions,
      containerStatuses: containerStatuses(pod, { terminated }, false),
    },
    'kubelet',
  )
  return undefined
}

function containerStatuses(pod: KubernetesObject, state: JsonObject, ready: boolean): readonly JsonObject[] {
  return itemsOf(pod['spec'] as JsonObject, 'containers').map(container => ({
    name: container['name'],
    image: container['image'],
    imageID: '',
    ready,
    started: 'running' in state,
    restartCount: 0,
    state,
  }))
}

function initStatuses(pod: KubernetesObject, now: string): readonly JsonObject[] {
  return itemsOf(pod['spec'] as JsonObject, 'initContainers').map(container => ({
    name: container['name'],
    image: container['image'],
    imageID: '',
    ready: true,
    restartCount: 0,
    state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now } },
  }))
}
