import { equalJson, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { type FieldError, forbiddenField, invalid } from '../api/api-error.ts'
import { at } from '../objects/drafts.ts'
import { parseQuantity } from '../objects/quantity.ts'

type Change = (before: KubernetesObject, after: KubernetesObject) => readonly FieldError[]

const RBAC = 'rbac.authorization.k8s.io'
const IMMUTABLE = 'field is immutable'

/** What may not change once it is there, by `group/Kind`. */
export const CHANGE_CHECKS: Readonly<Record<string, Change>> = {
  '/ConfigMap': (before, after) => checkFrozen(before, after, ['data', 'binaryData']),
  '/Secret': (before, after) => [...fixed(before, after, 'type'), ...checkFrozen(before, after, ['data'])],
  '/Service': (before, after) => {
    const [old, next] = [at(before, 'spec', 'clusterIPs'), at(after, 'spec', 'clusterIPs')]
    const leaves = [before, after].some(object => at(object, 'spec', 'type') === 'ExternalName')
    const first = (list: Json | undefined) => (Array.isArray(list) ? (list[0] as Json) : undefined)
    if (leaves || first(old) === undefined || first(old) === first(next)) return []
    return [invalid('spec.clusterIPs[0]', next ?? null, 'may not change once set')]
  },
  '/PersistentVolumeClaim': checkClaim,
  '/Pod': (before, after) => {
    const images = (spec: Json | undefined) => mapContainers(spec, container => ({ ...container, image: '' }))
    const mutable = ['activeDeadlineSeconds', 'terminationGracePeriodSeconds', 'tolerations', 'schedulingGates']
    const bare = (object: KubernetesObject) => without(images(object['spec']), mutable)
    return equalJson(bare(before), bare(after))
      ? []
      : [forbiddenField('spec', 'pod updates may not change fields other than images, tolerations and deadlines')]
  },
  'apps/Deployment': (before, after) => fixed(before, after, 'spec', 'selector'),
  'apps/ReplicaSet': (before, after) => fixed(before, after, 'spec', 'selector'),
  'apps/DaemonSet': (before, after) => fixed(before, after, 'spec', 'selector'),
  'apps/StatefulSet': (before, after) => {
    const mutable = [
      'replicas',
      'ordinals',
      'template',
      'updateStrategy',
      'revisionHistoryLimit',
      'persistentVolumeClaimRetentionPolicy',
      'minReadySeconds',
    ]
    if (equalJson(without(before['spec'], mutable), without(after['spec'], mutable))) return []
    const list = mutable.map(name => `'${name}'`).join(', ')
    return [forbiddenField('spec', `updates to statefulset spec for fields other than ${list} are forbidden`)]
  },
  'batch/Job': (before, after) => {
    const suspended = at(before, 'spec', 'suspend') === true
    const template = suspended ? ['spec', 'template', 'spec'] : ['spec', 'template']
    const old = suspended ? without(at(before, ...template), SCHEDULING) : at(before, ...template)
    const next = suspended ? without(at(after, ...template), SCHEDULING) : at(after, ...template)
    return [
      ...fixed(before, after, 'spec', 'selector'),
      ...fixed(before, after, 'spec', 'completionMode'),
      ...(equalJson(old, next) ? [] : [invalid(template.join('.'), next, IMMUTABLE)]),
    ]
  },
  'storage.k8s.io/StorageClass': (before, after) => [
    ...forbidChange(before, after, 'parameters'),
    ...forbidChange(before, after, 'provisioner'),
    ...fixed(before, after, 'volumeBindingMode'),
    ...fixed(before, after, 'reclaimPolicy'),
  ],
  'scheduling.k8s.io/PriorityClass': (before, after) => forbidChange(before, after, 'value'),
  [`${RBAC}/RoleBinding`]: checkRole,
  [`${RBAC}/ClusterRoleBinding`]: checkRole,
  'apiextensions.k8s.io/CustomResourceDefinition': (before, after) => [
    ...fixed(before, after, 'spec', 'group'),
    ...fixed(before, after, 'spec', 'scope'),
    ...fixed(before, after, 'spec', 'names', 'kind'),
    ...fixed(before, after, 'spec', 'names', 'plural'),
  ],
}

/** What a suspended Job's template may still change. */
const SCHEDULING = ['affinity', 'nodeSelector', 'tolerations', 'schedulingGates']

function fixed(before: KubernetesObject, after: KubernetesObject, ...path: readonly string[]): readonly FieldError[] {
  const next = at(after, ...path)
  return equalJson(at(before, ...path), next) ? [] : [invalid(path.join('.'), next, IMMUTABLE)]
}

function forbidChange(before: KubernetesObject, after: KubernetesObject, key: string): readonly FieldError[] {
  return equalJson(before[key], after[key]) ? [] : [forbiddenField(key, `updates to ${key} are forbidden.`)]
}

function checkRole(before: KubernetesObject, after: KubernetesObject): readonly FieldError[] {
  return equalJson(before['roleRef'], after['roleRef'])
    ? []
    : [invalid('roleRef', after['roleRef'], 'cannot change roleRef')]
}

function checkFrozen(
  before: KubernetesObject,
  after: KubernetesObject,
  fields: readonly string[],
): readonly FieldError[] {
  if (before['immutable'] !== true) return []
  const detail = 'field is immutable when `immutable` is set'
  return [
    ...(after['immutable'] === true ? [] : [forbiddenField('immutable', detail)]),
    ...fields.filter(field => !equalJson(before[field], after[field])).map(field => forbiddenField(field, detail)),
  ]
}

/** A claim's spec stays, but for being bound, and for growing once it is. */
function checkClaim(before: KubernetesObject, after: KubernetesObject): readonly FieldError[] {
  const old = before['spec'] as JsonObject
  const next = after['spec'] as JsonObject
  const bound = at(before, 'status', 'phase') === 'Bound'
  const size = (spec: JsonObject) =>
    parseQuantity(String(at(spec, 'resources', 'requests', 'storage') ?? '0'))?.nano ?? 0n
  const mutable = ['volumeName', 'volumeAttributesClassName', ...(bound ? ['resources'] : [])]
  const same = equalJson(without(old, mutable), without(next, mutable))
  const renamed = old['volumeName'] !== undefined && old['volumeName'] !== next['volumeName']
  if (!same || renamed) {
    return [
      forbiddenField(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ),
    ]
  }
  return size(next) < size(old)
    ? [forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity')]
    : []
}

function without(value: Json | undefined, keys: readonly string[]): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value as JsonObject).filter(([key]) => !keys.includes(key)))
}

function mapContainers(spec: Json | undefined, change: (container: JsonObject) => JsonObject): JsonObject {
  const object = (spec ?? {}) as JsonObject
  const mapped = (key: string) =>
    Array.isArray(object[key]) ? { [key]: (object[key] as readonly JsonObject[]).map(change) } : {}
  return { ...object, ...mapped('containers'), ...mapped('initContainers') }
}
