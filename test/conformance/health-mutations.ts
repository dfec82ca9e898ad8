import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'

/**
 * What must hold for every object of the cases, whatever its rule is and whoever wrote it: ours, not Argo CD's, so in
 * the reading that is not strict.
 *
 * @returns the sentences that do not hold.
 */
export function brokenLaws(
  who: string,
  assess: (object: KubernetesObject) => Health | null,
  object: KubernetesObject,
): readonly string[] {
  const broken: string[] = []
  const { metadata } = object
  const status = object['status']
  if (isObject(status) && typeof status['observedGeneration'] === 'number') {
    const ahead = { ...object, metadata: { ...metadata, generation: status['observedGeneration'] + 1 } }
    if (assess(ahead)?.status === 'Healthy') broken.push('is Healthy although the status is of an earlier generation')
  }
  const deleted = { ...object, metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [] } }
  if (assess(deleted)?.status !== 'Progressing') broken.push('is not Progressing while it is being deleted')
  if (isObject(status) && Array.isArray(status['conditions'])) {
    const conditions: readonly Json[] = status['conditions']
    const reversed = { ...object, status: { ...status, conditions: conditions.toReversed() } }
    const [before, after] = [assess(object)?.status, assess(reversed)?.status]
    if (before !== after) broken.push(`turns from ${before} into ${after} when the conditions are reversed`)
  }
  const { status: _, ...without } = object
  try {
    const said = assess(without as KubernetesObject)
    // A script does not throw out of its sandbox: what goes wrong in it is its answer.
    if (said?.message?.startsWith('Lua: ')) broken.push(`fails where there is no status: ${said.message}`)
  } catch (error) {
    broken.push(`throws where there is no status: ${String(error)}`)
  }
  return broken.map(sentence => `${who} ${sentence}`)
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
