import { isJsonObject, type JsonObject } from '../json/json.ts'
import { numberIfAny, valueAt } from '../json/read-json.ts'
import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import type { CommandAction } from '../protocol/documents.ts'

/** Written into the pod template by a restart: the command's id, so that the same command twice is one restart. */
export const RESTARTED_ANNOTATION = 'flotilla.dev/restarted'

/** The verbs that change an object by a patch. */
export type PatchingVerb = 'scale' | 'restart' | 'suspend' | 'resume'

export type ObjectActionPlan =
  /** Operations of a JSON patch (RFC 6902); the first asks that it is still the object that was read. */
  | { readonly kind: 'patch'; readonly operations: readonly JsonObject[]; readonly message: string }
  /** It is as the command wants it. */
  | { readonly kind: 'nothing'; readonly message: string }
  | { readonly kind: 'refuse'; readonly message: string }

const SCALABLE: ReadonlySet<string> = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/ReplicaSet',
  '/ReplicationController',
  'argoproj.io/Rollout',
])
const RESTARTABLE: ReadonlySet<string> = new Set(['apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet'])
/** The field that stops a kind from going on. */
const SUSPENDABLE: ReadonlyMap<string, 'suspend' | 'paused'> = new Map([
  ['batch/CronJob', 'suspend'],
  ['batch/Job', 'suspend'],
  ['apps/Deployment', 'paused'],
  ['argoproj.io/Rollout', 'paused'],
  ['kustomize.toolkit.fluxcd.io/Kustomization', 'suspend'],
  ['helm.toolkit.fluxcd.io/HelmRelease', 'suspend'],
])

/** The verbs that a kind has, in the order in which people are shown them. */
export function verbsOf({ group, kind }: Pick<ObjectKey, 'group' | 'kind'>): readonly CommandAction['verb'][] {
  const name = `${group}/${kind}`
  const verbs: CommandAction['verb'][] = []
  if (RESTARTABLE.has(name)) verbs.push('restart')
  if (SCALABLE.has(name)) verbs.push('scale')
  if (SUSPENDABLE.has(name)) verbs.push('suspend', 'resume')
  return [...verbs, 'delete']
}

/**
 * What a command changes in a live object. Pure: applying it to its own result changes nothing more.
 *
 * @param id The command's id.
 */
export function planObjectAction(
  action: Extract<CommandAction, { readonly verb: PatchingVerb }>,
  live: KubernetesObject,
  id: string,
): ObjectActionPlan {
  const key = keyOf(live)
  const name = `${key.group}/${key.kind}`
  switch (action.verb) {
    case 'scale': {
      if (!SCALABLE.has(name)) return refuse(key, 'cannot be scaled')
      const before = numberIfAny(live, 'spec', 'replicas')
      if (before === action.replicas) return { kind: 'nothing', message: `has ${action.replicas} replicas already` }
      const message = `scaled from ${before ?? 'its default'} to ${action.replicas} replicas`
      return patch(live, message, { op: 'add', path: '/spec/replicas', value: action.replicas })
    }
    case 'restart':
      return RESTARTABLE.has(name) ? restart(live, id) : refuse(key, 'cannot be restarted')
    case 'suspend':
    case 'resume': {
      const field = SUSPENDABLE.get(name)
      if (field === undefined) return refuse(key, 'cannot be suspended or resumed')
      const value = action.verb === 'suspend'
      const word = value ? 'suspended' : 'resumed'
      if ((valueAt(live, 'spec', field) ?? false) === value) return { kind: 'nothing', message: `is ${word} already` }
      return patch(live, word, { op: 'add', path: `/spec/${field}`, value })
    }
  }
}

function restart(live: KubernetesObject, id: string): ObjectActionPlan {
  const template = valueAt(live, 'spec', 'template')
  if (!isJsonObject(template)) return refuse(keyOf(live), 'has no pod template')
  const metadata = valueAt(template, 'metadata')
  const annotations = valueAt(metadata, 'annotations')
  if (valueAt(annotations, RESTARTED_ANNOTATION) === id)
    return { kind: 'nothing', message: 'was restarted by this before' }
  const path = '/spec/template/metadata'
  const operation: JsonObject = !isJsonObject(metadata)
    ? { op: 'add', path, value: { annotations: { [RESTARTED_ANNOTATION]: id } } }
    : !isJsonObject(annotations)
      ? { op: 'add', path: `${path}/annotations`, value: { [RESTARTED_ANNOTATION]: id } }
      : { op: 'add', path: `${path}/annotations/${RESTARTED_ANNOTATION.replaceAll('/', '~1')}`, value: id }
  return patch(live, 'restarted', operation)
}

function patch(live: KubernetesObject, message: string, operation: JsonObject): ObjectActionPlan {
  const { uid } = live.metadata
  const same: readonly JsonObject[] = uid === undefined ? [] : [{ op: 'test', path: '/metadata/uid', value: uid }]
  return { kind: 'patch', operations: [...same, operation], message }
}

function refuse(key: ObjectKey, why: string): ObjectActionPlan {
  return { kind: 'refuse', message: `${objectKeyText(key)} ${why}` }
}
