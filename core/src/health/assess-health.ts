import { numberIfAny } from '../json/read-json.ts'
import { groupOf, type KubernetesObject, versionOf } from '../model/kubernetes-object.ts'
import type { Health } from '../model/status.ts'
import { type HealthOptions, health } from './health-rule.ts'
import { HEALTH_RULES } from './registry.ts'

const HOOK_FINALIZER = 'argocd.argoproj.io/hook-finalizer'

/**
 * How a live object does, by the built-in rules of its kind.
 *
 * An object that is being deleted is Progressing whatever its kind says. A status that speaks of an earlier generation
 * says nothing about this one, so it is Progressing as well (Argo CD's strict reading leaves that to each rule).
 *
 * @returns null for kinds without a rule: such objects are neither waited for nor counted.
 *
 * @example
 * assessHealth({ apiVersion: 'v1', kind: 'Service', metadata: {}, spec: { type: 'ClusterIP' } }) // => { status: 'Healthy' }
 */
export function assessHealth(object: KubernetesObject, options: HealthOptions = {}): Health | null {
  const { metadata } = object
  if (metadata.deletionTimestamp !== undefined && !metadata.finalizers?.includes(HOOK_FINALIZER)) {
    return health('Progressing', 'Pending deletion')
  }
  const group = groupOf(object.apiVersion)
  const rule = HEALTH_RULES.get(group === '' ? object.kind : `${group}/${object.kind}`)
  if (!rule) return null
  const version = versionOf(object.apiVersion)
  if (rule.versions && !rule.versions.includes(version)) {
    return health('Unknown', `unsupported ${object.kind} GVK: ${object.apiVersion}, Kind=${object.kind}`)
  }
  return (options.strictArgo ? undefined : staleHealth(object)) ?? rule.assess(object, options)
}

/** Where generations are counted, a status older than the spec is not yet about it. A newer one is a restored backup. */
function staleHealth(object: KubernetesObject): Health | undefined {
  const generation = numberIfAny(object, 'metadata', 'generation')
  const observed = numberIfAny(object, 'status', 'observedGeneration')
  if (generation === undefined || observed === undefined || generation <= observed) return undefined
  return health('Progressing', `generation is ${generation}, but latest observed generation is ${observed}`)
}
