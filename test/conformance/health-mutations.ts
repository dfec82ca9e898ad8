import { assessHealth } from '@flotilla/core/health/assess-health'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'

/**
 * What must hold for every object of the cases, whatever its rule is: ours, not Argo CD's, so in the reading that is
 * not strict.
 *
 * @returns the sentences that do not hold.
 */
export function brokenLaws(object: KubernetesObject): string[] {
  const broken: string[] = []
  const { metadata } = object
  const status = object['status']
  if (isObject(status) && typeof status['observedGeneration'] === 'number') {
    const ahead = { ...object, metadata: { ...metadata, generation: status['observedGeneration'] + 1 } }
    if (assessHealth(ahead)?.status === 'Healthy')
      broken.push('Healthy although the status is of an earlier generation')
  }
  const deleted = { ...object, metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [] } }
  if (assessHealth(deleted)?.status !== 'Progressing') broken.push('not Progressing while it is being deleted')
  if (isObject(status) && Array.isArray(status['conditions'])) {
    const conditions: readonly Json[] = status['conditions']
    const reversed = { ...object, status: { ...status, conditions: conditions.toReversed() } }
    const [before, after] = [assessHealth(object)?.status, assessHealth(reversed)?.status]
    if (before !== after) broken.push(`${before} becomes ${after} when the conditions are reversed`)
  }
  const { status: _, ...without } = object
  assessHealth(without as KubernetesObject)
  return broken
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
