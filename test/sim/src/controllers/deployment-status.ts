import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at } from '../objects/drafts.ts'
import { conditionsOf, withCondition } from './controller-api.ts'
import { unavailableOf } from './deployments.ts'

export interface ReplicaSums {
  readonly replicas: number
  readonly updated: number
  readonly ready: number
  readonly available: number
}

export interface StatusAndWait {
  readonly status: JsonObject
  /** When the progress deadline passes, if it still runs. */
  readonly againMs: number | undefined
}

/** What a Deployment says of itself, given the sums of its ReplicaSets. */
export function deploymentStatus(
  deployment: KubernetesObject,
  current: KubernetesObject | undefined,
  sums: ReplicaSums,
  nowMs: number,
): StatusAndWait {
  const spec = deployment['spec'] as JsonObject
  const wanted = Number(spec['replicas'])
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z`
  const isAvailable = sums.available >= wanted - unavailableOf(spec)
  let conditions = withCondition(
    conditionsOf(deployment),
    isAvailable
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
      : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'),
    now,
    true,
  )
  const progress = progressing(deployment, current, sums, nowMs)
  if (progress) conditions = withCondition(conditions, progress.condition, now, true, progress.renewed)
  const { collisionCount } = (deployment['status'] ?? {}) as JsonObject
  return {
    status: {
      observedGeneration: deployment.metadata.generation ?? 1,
      replicas: sums.replicas,
      updatedReplicas: sums.updated,
      readyReplicas: sums.ready,
      availableReplicas: sums.available,
      unavailableReplicas: Math.max(0, sums.replicas - sums.available),
      ...(collisionCount === undefined ? {} : { collisionCount }),
      conditions,
    },
    againMs: progress?.againMs,
  }
}

interface Progress {
  readonly condition: JsonObject
  /** Movement: the deadline counts from now, though reason and message stay. */
  readonly renewed: boolean
  readonly againMs?: number
}

function condition(type: string, status: string, reason: string, message: string): JsonObject {
  return { type, status, reason, message }
}

function progressing(
  deployment: KubernetesObject,
  current: KubernetesObject | undefined,
  sums: ReplicaSums,
  nowMs: number,
): Progress | undefined {
  const spec = deployment['spec'] as JsonObject
  const before = conditionsOf(deployment).find(each => each['type'] === 'Progressing')
  if (spec['paused'] === true) {
    return {
      condition: condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused'),
      renewed: false,
    }
  }
  const wanted = Number(spec['replicas'])
  const name = current?.metadata.name ?? ''
  const complete = sums.updated === wanted && sums.replicas === wanted && sums.available === wanted
  if (complete) {
    const message = `ReplicaSet "${name}" has successfully progressed.`
    return { condition: condition('Progressing', 'True', 'NewReplicaSetAvailable', message), renewed: false }
  }
  const observed = Number(at(deployment, 'status', 'observedGeneration') ?? 0)
  const isNewSpec = observed !== deployment.metadata.generation
  // Once a template has been available, losing Pods is no failure to progress.
  if (before?.['reason'] === 'NewReplicaSetAvailable' && !isNewSpec) return undefined
  const status = (deployment['status'] ?? {}) as JsonObject
  const moved =
    sums.updated > Number(status['updatedReplicas'] ?? 0) ||
    sums.ready > Number(status['readyReplicas'] ?? 0) ||
    sums.available > Number(status['availableReplicas'] ?? 0) ||
    sums.replicas - sums.updated < Number(status['replicas'] ?? 0) - Number(status['updatedReplicas'] ?? 0)
  const message = `ReplicaSet "${name}" is progressing.`
  const running = condition('Progressing', 'True', 'ReplicaSetUpdated', message)
  const deadlineMs = Number(spec['progressDeadlineSeconds'] ?? 600) * 1000
  if (!before || isNewSpec || moved) return { condition: running, renewed: true, againMs: deadlineMs }
  if (before['reason'] === 'ProgressDeadlineExceeded') return undefined
  const left = Date.parse(String(before['lastUpdateTime'])) + deadlineMs - nowMs
  if (left > 0) return { condition: running, renewed: false, againMs: left }
  const late = `ReplicaSet "${name}" has timed out progressing.`
  return { condition: condition('Progressing', 'False', 'ProgressDeadlineExceeded', late), renewed: false }
}
