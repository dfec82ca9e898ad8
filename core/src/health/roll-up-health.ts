import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import { HEALTH_STATUSES, type Health, type HealthStatus } from '../model/status.ts'

/** One top-level object of an Application, as the roll-up sees it. */
export interface AssessedObject {
  readonly key: ObjectKey
  readonly live: boolean
  /** Null: its kind has no rule. */
  readonly health: Health | null
  /** Hooks and objects that ask to be left out do not count. */
  readonly counted: boolean
  /**
   * It is not there, and has been missing for longer than a sync may take. Argo CD never counts a missing object,
   * which hides a deleted Deployment behind OutOfSync.
   */
  readonly missingTooLong?: boolean
}

const NAMED_CAUSES = 3

/**
 * An Application's health: the worst of its counted objects, beginning at Healthy. Objects but not one of them live
 * is at least Missing; no objects at all is Healthy. The message names up to three of the worst.
 */
export function rollUpHealth(objects: readonly AssessedObject[]): Health {
  const counted = objects.filter(object => object.counted && !isUnsureChild(object))
  let worst: HealthStatus = 'Healthy'
  let causes: ObjectKey[] = []
  const consider = (status: HealthStatus, key: ObjectKey) => {
    const difference = HEALTH_STATUSES.indexOf(status) - HEALTH_STATUSES.indexOf(worst)
    if (difference < 0 || status === 'Healthy') return
    if (difference > 0) causes = []
    worst = status
    causes.push(key)
  }
  const noneLive = counted.length > 0 && !counted.some(object => object.live)
  for (const { key, live, health, missingTooLong = false } of counted) {
    if (live && health) consider(health.status, key)
    if (!live && (missingTooLong || noneLive)) consider('Missing', key)
  }
  return causes.length === 0 ? { status: worst } : { status: worst, message: causedBy(causes) }
}

/** A child Application that is Missing or Unknown says that nobody has looked yet, not that something is wrong. */
function isUnsureChild({ key, live, health }: AssessedObject): boolean {
  if (key.group !== 'argoproj.io' || key.kind !== 'Application') return false
  return live && (health?.status === 'Missing' || health?.status === 'Unknown')
}

/** How many are in each state, best first: for a fleet, where one word hides two Degraded among a hundred. */
export function countHealth(all: Iterable<HealthStatus>): Partial<Record<HealthStatus, number>> {
  const counts = new Map<HealthStatus, number>()
  for (const status of all) counts.set(status, (counts.get(status) ?? 0) + 1)
  return Object.fromEntries(HEALTH_STATUSES.flatMap(one => (counts.has(one) ? [[one, counts.get(one)]] : [])))
}

/** Whether a desired or live object counts for its Application's health. */
export function countsForHealth(object: KubernetesObject): boolean {
  const annotations = object.metadata.annotations ?? {}
  return (
    annotations['argocd.argoproj.io/ignore-healthcheck'] !== 'true' &&
    !('argocd.argoproj.io/hook' in annotations) &&
    !('flotilla.dev/hook' in annotations)
  )
}

function causedBy(causes: readonly ObjectKey[]): string {
  const named = causes.slice(0, NAMED_CAUSES).map(({ group, kind, namespace, name }) => {
    return `${group}/${kind}:${namespace}/${name}`
  })
  const more = causes.length - named.length
  return `Caused by ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
