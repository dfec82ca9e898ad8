import { listAt, numberAt, numberIfAny, textAt, valueAt } from '../../json/read-json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import { HEALTH_STATUSES, type Health, type HealthStatus } from '../../model/status.ts'
import { conditionsOf } from '../conditions.ts'
import { plainText } from '../data-rule.ts'
import { type HealthRule, health } from '../health-rule.ts'

const FAILURES = ['RolloutAborted', 'ProgressDeadlineExceeded']

/** Argo Rollouts: the controller's own phase where it writes one, else (before 1.0) what conditions and counts say. */
export const rolloutHealth: HealthRule = object => {
  if (!specObserved(object) || !workloadObserved(object)) {
    return health('Progressing', 'Waiting for rollout spec update to be observed')
  }
  const phase = textAt(object, 'status', 'phase')
  if (phase !== '') return health(statusOfPhase(phase), textAt(object, 'status', 'message'))
  return failed(object) ?? paused(object) ?? counted(object) ?? traffic(object)
}

function statusOfPhase(phase: string): HealthStatus {
  if (phase === 'Paused') return 'Suspended'
  return HEALTH_STATUSES.find(status => status === phase) ?? 'Unknown'
}

/** The generation is written as a text; one that is no number or is ahead comes from before 0.10 and says nothing. */
function specObserved(object: KubernetesObject): boolean {
  if (valueAt(object, 'status') === undefined) return false
  const observed = Number(plainText(valueAt(object, 'status', 'observedGeneration')) || Number.NaN)
  return !(observed < numberAt(object, 'metadata', 'generation'))
}

function workloadObserved(object: KubernetesObject): boolean {
  if (valueAt(object, 'spec', 'workloadRef') === undefined) return true
  const wanted = textAt(object, 'metadata', 'annotations', 'rollout.argoproj.io/workload-generation')
  const observed = plainText(valueAt(object, 'status', 'workloadObservedGeneration'))
  return wanted === observed
}

function failed(object: KubernetesObject): Health | undefined {
  for (const { type, reason, message } of conditionsOf(object)) {
    if (type === 'InvalidSpec') return health('Degraded', message)
    if (type === 'Progressing' && FAILURES.includes(reason)) return health('Degraded', message)
  }
  return undefined
}

function paused(object: KubernetesObject): Health | undefined {
  const stopped = listAt(object, 'status', 'pauseConditions').length > 0 || valueAt(object, 'spec', 'paused') === true
  return stopped ? health('Suspended', 'Rollout is paused') : undefined
}

function counted(object: KubernetesObject): Health | undefined {
  if (textAt(object, 'status', 'currentPodHash') === '') {
    return health('Progressing', 'Waiting for rollout to finish: status has not been reconciled.')
  }
  const updated = numberAt(object, 'status', 'updatedReplicas')
  if (updated < (numberIfAny(object, 'spec', 'replicas') ?? 1)) {
    return health('Progressing', 'Waiting for roll out to finish: More replicas need to be updated')
  }
  if (numberAt(object, 'status', 'availableReplicas') < updated) {
    return health('Progressing', 'Waiting for roll out to finish: updated replicas are still becoming available')
  }
  return undefined
}

function traffic(object: KubernetesObject): Health {
  const hash = textAt(object, 'status', 'currentPodHash')
  if (valueAt(object, 'spec', 'strategy', 'blueGreen') !== undefined) {
    const active = textAt(object, 'status', 'blueGreen', 'activeSelector')
    if (active === '' || active !== hash) {
      return health('Progressing', 'active service cutover pending')
    }
    const stable = stableOf(object)
    if (stable !== '' && stable !== hash) {
      return health('Progressing', 'waiting for analysis to complete')
    }
    return health('Healthy')
  }
  if (valueAt(object, 'spec', 'strategy', 'canary') === undefined) return health('Healthy')
  if (numberAt(object, 'status', 'replicas') > numberAt(object, 'status', 'updatedReplicas')) {
    return health('Progressing', 'Waiting for roll out to finish: old replicas are pending termination')
  }
  const stable = stableOf(object)
  if (stable === '' || stable !== hash) {
    return health('Progressing', 'Waiting for rollout to finish steps')
  }
  return health('Healthy')
}

function stableOf(object: KubernetesObject): string {
  return textAt(object, 'status', 'stableRS') || textAt(object, 'status', 'canary', 'stableRS')
}
