import { numberIfAny, valueAt } from '../json/read-json.ts'
import { groupOf, type KubernetesObject } from '../model/kubernetes-object.ts'
import type { Health } from '../model/status.ts'
import { type Condition, conditionsOf } from './conditions.ts'
import { type HealthOptions, health } from './health-rule.ts'

/** How long `Ready=False` may last before it is a failure and no longer work in progress. */
export const READY_FALSE_GRACE_MS = 5 * 60_000

/** Kubernetes' own groups: a kind of theirs without a rule has no health, because it has nothing to wait for. */
const OWN_GROUPS = new Set([
  '',
  'apps',
  'autoscaling',
  'batch',
  'extensions',
  'policy',
  ...[
    'admissionregistration',
    'apiextensions',
    'apiregistration',
    'authentication',
    'authorization',
    'certificates',
    'coordination',
    'discovery',
    'events',
    'flowcontrol.apiserver',
    'internal.apiserver',
    'metrics',
    'networking',
    'node',
    'rbac.authorization',
    'resource',
    'scheduling',
    'storage',
    'storagemigration',
  ].map(group => `${group}.k8s.io`),
])

/** Whether the kind comes from a CustomResourceDefinition, as far as its group says. */
export function isCustom(object: KubernetesObject): boolean {
  return !OWN_GROUPS.has(groupOf(object.apiVersion))
}

/**
 * What a custom resource says by the conventions that kstatus reads: `Reconciling` and `Stalled`, then `Ready`. An
 * object that says nothing at all is taken to be done. Argo CD says nothing about such kinds; nor does its Application,
 * which it stopped to assess by itself.
 */
export function genericHealth(object: KubernetesObject, options: HealthOptions): Health {
  const conditions = conditionsOf(object)
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')
  if (stalled) return health('Degraded', textOf(stalled))
  const reconciling = conditions.find(({ type, status }) => type === 'Reconciling' && status === 'True')
  if (reconciling) return health('Progressing', textOf(reconciling))
  const ready = conditions.filter(({ type }) => type === 'Ready')
  const unready = ready.find(({ status }) => status !== 'True')
  if (unready) return health(lastsTooLong(unready, object, options) ? 'Degraded' : 'Progressing', textOf(unready))
  if (ready.length > 0) return health('Healthy', textOf(ready[0]!))
  if (options.awaitsStatus && valueAt(object, 'status') === undefined) {
    return health('Progressing', 'Waiting for the controller to write a status')
  }
  return health('Healthy')
}

function textOf({ reason, message }: Condition): string {
  return message === '' ? reason : message
}

/** Only with a clock, and only when the controller has seen the present generation. */
function lastsTooLong(condition: Condition, object: KubernetesObject, { now }: HealthOptions): boolean {
  if (now === undefined || condition.status !== 'False') return false
  const observed = numberIfAny(object, 'status', 'observedGeneration')
  const generation = numberIfAny(object, 'metadata', 'generation')
  if (observed !== undefined && generation !== undefined && observed < generation) return false
  const since = Date.parse(condition.lastTransitionTime)
  return !Number.isNaN(since) && now - since > READY_FALSE_GRACE_MS
}
