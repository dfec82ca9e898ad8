import { isJsonObject } from '../json/json.ts'
import { listAt, numberIfAny, textAt, valueAt } from '../json/read-json.ts'
import { type KubernetesObject, versionOf } from '../model/kubernetes-object.ts'
import { HEALTH_STATUSES, type Health } from '../model/status.ts'
import { ruleKeyOf } from './find-rule.ts'
import { genericHealth, isCustom } from './generic-health.ts'
import { type HealthOptions, health } from './health-rule.ts'
import { HEALTH_RULES } from './registry.ts'

/** A finished hook that is being deleted is held until its result is read. */
const HOOK_FINALIZERS = ['argocd.argoproj.io/hook-finalizer', 'flotilla.dev/hook-finalizer']
const ARGO_APPLICATION = 'argoproj.io/Application'

/**
 * How a live object does: what somebody's own rule says, else the rule of its kind, else (custom resources only) what
 * its conditions say by convention.
 *
 * An object that is being deleted is Progressing whatever its kind says. A status that speaks of an earlier generation
 * says nothing about this one, so it is Progressing as well (Argo CD's strict reading leaves that to each rule). It
 * takes any JSON, however odd, and never throws.
 *
 * @returns null for kinds without a rule: such objects are neither waited for nor counted.
 *
 * @example
 * assessHealth({ apiVersion: 'v1', kind: 'Service', metadata: {}, spec: { type: 'ClusterIP' } }) // => { status: 'Healthy' }
 */
export function assessHealth(odd: KubernetesObject, options: HealthOptions = {}): Health | null {
  const object = readable(odd)
  const deleted = valueAt(object, 'metadata', 'deletionTimestamp')
  if (
    deleted !== undefined &&
    deleted !== null &&
    !listAt(object, 'metadata', 'finalizers').some(name => HOOK_FINALIZERS.includes(String(name)))
  ) {
    return health('Progressing', 'Pending deletion')
  }
  const stale = options.strictArgo ? undefined : staleHealth(object)
  const key = ruleKeyOf(object)
  const custom = options.custom?.find(key)
  const opinion = stale && !custom?.ignoreGeneration ? undefined : custom?.assess(object)
  return opinion !== undefined ? opinion : shippedHealth(object, key, stale, options)
}

function shippedHealth(
  object: KubernetesObject,
  key: string,
  stale: Health | undefined,
  options: HealthOptions,
): Health | null {
  const rule = HEALTH_RULES.find(key)
  if (!rule) {
    if (options.strictArgo || !isCustom(object)) return null
    return stale ?? (key === ARGO_APPLICATION ? childHealth(object) : genericHealth(object, options))
  }
  if (rule.versions && !rule.versions.includes(versionOf(object.apiVersion))) {
    return health('Unknown', `unsupported ${object.kind} GVK: ${object.apiVersion}, Kind=${object.kind}`)
  }
  return stale ?? rule.assess(object, options)
}

/** An Application among an Application's objects says its own health. Argo CD looks at it by a rule of one's own only. */
function childHealth(object: KubernetesObject): Health {
  const said = textAt(object, 'status', 'health', 'status')
  const status = HEALTH_STATUSES.find(one => one === said)
  return health(status ?? 'Progressing', textAt(object, 'status', 'health', 'message'))
}

/** Where generations are counted, a status older than the spec is not yet about it. A newer one is a restored backup. */
function staleHealth(object: KubernetesObject): Health | undefined {
  const generation = numberIfAny(object, 'metadata', 'generation')
  const observed = numberIfAny(object, 'status', 'observedGeneration')
  if (generation === undefined || observed === undefined || generation <= observed) return undefined
  return health('Progressing', `generation is ${generation}, but latest observed generation is ${observed}`)
}

/** What rules may rely on: the two names are texts and metadata is an object; nearly every object is so already. */
function readable(object: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata } = object
  if (typeof apiVersion === 'string' && typeof kind === 'string' && isJsonObject(metadata)) return object
  return {
    ...object,
    apiVersion: textAt(object, 'apiVersion'),
    kind: textAt(object, 'kind'),
    metadata: isJsonObject(metadata) ? metadata : {},
  }
}
