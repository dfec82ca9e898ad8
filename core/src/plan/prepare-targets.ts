import { authoriseObject, type ObjectAction, refusalText } from '../access/authorise-object.ts'
import type { Digest } from '../json/canonical-json.ts'
import { listAt, textAt } from '../json/read-json.ts'
import { groupOf, type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import { namespacePermitted } from '../project/permit.ts'
import type { Ceiling, SyncOptions } from '../protocol/documents.ts'
import { lastOfEachKey } from './last-of-each-key.ts'
import { type ObjectOptions, readObjectOptions } from './object-options.ts'
import { HOOK_FINALIZER, type Hook } from './read-hook.ts'
import { withSecretData } from './secret-data.ts'
import type { PlanProblem } from './sync-plan.ts'
import { APPLICATION_LABEL, withTracking } from './tracking.ts'

/** What the planner has to know of the cluster's kinds. */
export interface KindScopes {
  /** Undefined: the cluster does not serve the kind (yet). */
  lookup(group: string, kind: string): { readonly namespaced: boolean } | undefined
}

/** What is to be applied, as the Offer says it. */
export interface PlanRequest {
  readonly application: { readonly id: string; readonly name: string }
  /** Ids that the Application had here under a hub whose keys are lost. */
  readonly formerIds?: readonly string[]
  readonly digest: Digest
  /** Objects of the Bundle. */
  readonly desired: readonly KubernetesObject[]
  /** Where namespaced objects without a namespace go. */
  readonly namespace: string
  readonly options: SyncOptions
  readonly ceiling: Ceiling
  readonly kinds: KindScopes
  /** The apply set that its objects are members of. */
  readonly applySet?: string
}

/** A desired object made ready for this cluster: namespace set or removed, our marks on it. */
export interface Target {
  readonly key: ObjectKey
  readonly object: KubernetesObject
  readonly options: ObjectOptions
  /** The destination's namespace: made when missing, never tracked, never pruned. */
  readonly destinationNamespace: boolean
}

/** A hook made ready for this cluster. Its name is not known yet where it is to be generated. */
export interface HookTarget {
  /** The name may be empty: see `generateName` of the object. */
  readonly key: ObjectKey
  readonly object: KubernetesObject
  readonly options: ObjectOptions
  readonly hook: Hook
}

export interface PreparedTargets {
  readonly targets: readonly Target[]
  readonly hooks: readonly HookTarget[]
  /** Identities of hooks, those without a phase included: never pruned, even where they were once applied as objects. */
  readonly hookKeys: readonly ObjectKey[]
  readonly problems: readonly PlanProblem[]
}

/**
 * Turns a Bundle's objects into what this cluster is to hold. Every mistake is found here and none is thrown, so that
 * people see all of them at once. The order of the input never matters, except that the last of two equal objects wins.
 */
export function prepareTargets(request: PlanRequest): PreparedTargets {
  const problems: PlanProblem[] = []
  const defined = definedKinds(request.desired)
  const targets = new Map<string, Target>()
  const hooks = new Map<string, HookTarget>()
  const hookKeys: ObjectKey[] = []
  for (const object of request.desired) {
    const placed = prepare(object, request, defined, problems)
    if (!placed) continue
    const { key, options } = placed
    const { hook } = options
    const known: ReadonlyMap<string, unknown> = hook ? hooks : targets
    const name = hook
      ? `${objectKeyText(key)}${key.name === '' ? placed.object.metadata.generateName : ''}`
      : objectKeyText(key)
    if (known.has(name)) {
      problems.push(warning('REPEATED_OBJECT', key, 'stands twice in the manifests; the last one is taken'))
    }
    if (!hook) {
      const object = withTracking(placed.object, request.application.id, request.applySet)
      targets.set(name, { key, object, options, destinationNamespace: false })
      continue
    }
    if (key.name !== '') hookKeys.push(key)
    if (hook.phases.length > 0) hooks.set(name, { key, object: withHookMarks(placed.object, request), options, hook })
  }
  const namespace = destinationNamespace(request, targets)
  return {
    targets: namespace ? [namespace, ...targets.values()] : [...targets.values()],
    hooks: [...hooks.values()],
    hookKeys,
    problems,
  }
}

/** Our label, so that the watch sees it, and the finalizer; never the tracking annotation: a hook is nobody's to prune. */
function withHookMarks(object: KubernetesObject, { application }: PlanRequest): KubernetesObject {
  const { metadata } = object
  const finalizers = [...(metadata.finalizers ?? []).filter(name => name !== HOOK_FINALIZER), HOOK_FINALIZER]
  const labels = { ...metadata.labels, [APPLICATION_LABEL]: application.id }
  return { ...object, metadata: { ...metadata, labels, finalizers } }
}

function prepare(
  object: KubernetesObject,
  request: PlanRequest,
  defined: ReadonlyMap<string, { readonly namespaced: boolean }>,
  problems: PlanProblem[],
): Pick<Target, 'key' | 'object' | 'options'> | undefined {
  const { kind } = object
  const group = groupOf(object.apiVersion)
  const { options, problems: optionProblems } = readObjectOptions(object)
  const asWritten = keyOf(object)
  for (const problem of optionProblems) problems.push({ ...problem, key: asWritten })
  const refuse = (code: PlanProblem['code'], message: string, key = asWritten) => {
    problems.push({ severity: 'error', code, key, message })
    return undefined
  }
  const { name = '' } = object.metadata
  if (name === '' && !(options.hook && object.metadata.generateName)) {
    return refuse('NAME_MISSING', options.hook ? 'has no metadata.name and no generateName' : 'has no metadata.name')
  }
  const scope = request.kinds.lookup(group, kind) ?? defined.get(`${group}/${kind}`)
  if (options.hook?.phases.length === 0) {
    // A hook that never runs asks nothing of the cluster: its kind need not be served.
    const namespace = scope?.namespaced === false ? '' : object.metadata.namespace || request.namespace
    return { key: { ...asWritten, namespace }, object, options }
  }
  if (!scope) {
    const served = group === '' ? kind : `${group}/${kind}`
    return refuse('KIND_UNKNOWN', `the cluster serves no ${served}, and no definition of it is among the manifests`)
  }
  const namespace = scope.namespaced ? object.metadata.namespace || request.namespace : ''
  if (scope.namespaced && namespace === '') {
    return refuse('NAMESPACE_MISSING', 'has no namespace, and neither has the destination')
  }
  const key: ObjectKey = { group, kind, namespace, name }
  const forbidden = permissionProblem(request.ceiling, 'apply', key, scope.namespaced)
  if (forbidden !== undefined) return refuse('NOT_PERMITTED', forbidden, key)
  const { object: unique, dropped } = lastOfEachKey(object)
  for (const path of dropped) {
    problems.push(warning('REPEATED_KEY', key, `${path} stands twice, which no apply takes; the last one is sent`))
  }
  return { key, object: withNamespace(withSecretData(unique), namespace), options }
}

/** Why the Project does not let an object be; undefined when it does. */
export function permissionProblem(
  ceiling: Ceiling,
  action: ObjectAction,
  key: ObjectKey,
  namespaced: boolean,
): string | undefined {
  const object = { ...key, namespaced }
  const answer = authoriseObject(ceiling, action, object)
  return answer.kind === 'allow' ? undefined : refusalText('the Project', object, answer.lacks)
}

/** Kinds that definitions among the manifests will make known. */
function definedKinds(desired: readonly KubernetesObject[]): ReadonlyMap<string, { readonly namespaced: boolean }> {
  const kinds = new Map<string, { readonly namespaced: boolean }>()
  for (const object of desired) {
    if (object.kind !== 'CustomResourceDefinition' || groupOf(object.apiVersion) !== 'apiextensions.k8s.io') continue
    const spec = object['spec']
    const served = listAt(spec, 'versions').length > 0
    const kind = `${textAt(spec, 'group')}/${textAt(spec, 'names', 'kind')}`
    if (served) kinds.set(kind, { namespaced: textAt(spec, 'scope') === 'Namespaced' })
  }
  return kinds
}

function withNamespace(object: KubernetesObject, namespace: string): KubernetesObject {
  const { namespace: _, ...rest } = object.metadata
  const metadata = namespace === '' ? rest : { ...rest, namespace }
  // A status in a manifest is never ours to set, and clusters refuse or ignore it.
  const { status: _status, ...others } = object
  return { ...others, apiVersion: object.apiVersion, kind: object.kind, metadata }
}

function destinationNamespace(request: PlanRequest, targets: ReadonlyMap<string, Target>): Target | undefined {
  const { options, namespace } = request
  if (!options.createNamespace || namespace === '' || !namespacePermitted(request.ceiling, namespace)) return undefined
  const key: ObjectKey = { group: '', kind: 'Namespace', namespace: '', name: namespace }
  if (targets.has(objectKeyText(key))) return undefined
  const labels = options.namespaceLabels ? { labels: options.namespaceLabels } : {}
  const annotations = options.namespaceAnnotations ? { annotations: options.namespaceAnnotations } : {}
  const metadata = { name: namespace, ...labels, ...annotations }
  return {
    key,
    object: { apiVersion: 'v1', kind: 'Namespace', metadata },
    options: { wave: 0, prune: 'no', deletion: 'no' },
    destinationNamespace: true,
  }
}

function warning(code: PlanProblem['code'], key: ObjectKey, message: string): PlanProblem {
  return { severity: 'warning', code, key, message }
}
