import type { Digest } from '../json/canonical-json.ts'
import { listAt, textAt } from '../json/read-json.ts'
import { groupOf, type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import { kindPermitted, namespacePermitted } from '../project/permit.ts'
import type { Ceiling, SyncOptions } from '../protocol/documents.ts'
import { type ObjectOptions, readObjectOptions } from './object-options.ts'
import type { PlanProblem } from './sync-plan.ts'
import { withTracking } from './tracking.ts'

/** What the planner has to know of the cluster's kinds. */
export interface KindScopes {
  /** Undefined: the cluster does not serve the kind (yet). */
  lookup(group: string, kind: string): { readonly namespaced: boolean } | undefined
}

/** What is to be applied, as the Offer says it. */
export interface PlanRequest {
  readonly application: { readonly id: string; readonly name: string }
  readonly digest: Digest
  /** Objects of the Bundle. */
  readonly desired: readonly KubernetesObject[]
  /** Where namespaced objects without a namespace go. */
  readonly namespace: string
  readonly options: SyncOptions
  readonly ceiling: Ceiling
  readonly kinds: KindScopes
}

/** A desired object made ready for this cluster: namespace set or removed, our marks on it. */
export interface Target {
  readonly key: ObjectKey
  readonly object: KubernetesObject
  readonly options: ObjectOptions
  /** The destination's namespace: made when missing, never tracked, never pruned. */
  readonly destinationNamespace: boolean
}

export interface PreparedTargets {
  readonly targets: readonly Target[]
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
  for (const object of request.desired) {
    const target = prepare(object, request, defined, problems)
    if (!target) continue
    const name = objectKeyText(target.key)
    if (targets.has(name)) {
      problems.push(warning('REPEATED_OBJECT', target.key, 'stands twice in the manifests; the last one is taken'))
    }
    targets.set(name, target)
  }
  const namespace = destinationNamespace(request, targets)
  return { targets: namespace ? [namespace, ...targets.values()] : [...targets.values()], problems }
}

function prepare(
  object: KubernetesObject,
  request: PlanRequest,
  defined: ReadonlyMap<string, { readonly namespaced: boolean }>,
  problems: PlanProblem[],
): Target | undefined {
  const { kind } = object
  const group = groupOf(object.apiVersion)
  const { options, problems: optionProblems } = readObjectOptions(object)
  const asWritten = keyOf(object)
  for (const problem of optionProblems) problems.push({ ...problem, key: asWritten })
  const refuse = (code: PlanProblem['code'], message: string, key = asWritten) => {
    problems.push({ severity: 'error', code, key, message })
    return undefined
  }
  if (options.hook !== undefined) {
    return refuse('UNSUPPORTED_HOOK', `is a hook (${options.hook}), and hooks are not built yet`)
  }
  if (!object.metadata.name) return refuse('NAME_MISSING', 'has no metadata.name')
  const scope = request.kinds.lookup(group, kind) ?? defined.get(`${group}/${kind}`)
  if (!scope) {
    const name = group === '' ? kind : `${group}/${kind}`
    return refuse('KIND_UNKNOWN', `the cluster serves no ${name}, and no definition of it is among the manifests`)
  }
  const namespace = scope.namespaced ? object.metadata.namespace || request.namespace : ''
  if (scope.namespaced && namespace === '') {
    return refuse('NAMESPACE_MISSING', 'has no namespace, and neither has the destination')
  }
  const key: ObjectKey = { group, kind, namespace, name: object.metadata.name }
  const forbidden = permissionProblem(request.ceiling, key, scope.namespaced)
  if (forbidden !== undefined) return refuse('NOT_PERMITTED', forbidden, key)
  const placed = withNamespace(object, namespace)
  return { key, object: withTracking(placed, request.application.id), options, destinationNamespace: false }
}

/** Why the Project does not let an object be; undefined when it does. */
export function permissionProblem(ceiling: Ceiling, key: ObjectKey, namespaced: boolean): string | undefined {
  const name = key.group === '' ? key.kind : `${key.group}/${key.kind}`
  if (!kindPermitted(ceiling, key.group, key.kind, namespaced, key.name)) return `the Project does not permit ${name}`
  if (namespaced && !namespacePermitted(ceiling, key.namespace)) {
    return `the Project does not permit namespace "${key.namespace}"`
  }
  return undefined
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
  if (!options.createNamespace || namespace === '') return undefined
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
