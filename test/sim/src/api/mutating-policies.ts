import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { mergeValues } from '../fields/merge.ts'
import { at } from '../objects/drafts.ts'
import { newReport } from '../objects/read-object.ts'
import { settleObject } from '../objects/read-stored.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { matchesLabelSelector } from '../store/selectors.ts'
import { internal } from './api-error.ts'
import { NotLiteral, readConfiguration } from './applied-configuration.ts'
import type { Core } from './core.ts'

const GROUP = 'admissionregistration.k8s.io'
const POLICIES = `${GROUP}/mutatingadmissionpolicies`
const BINDINGS = `${GROUP}/mutatingadmissionpolicybindings`

type Operation = 'CREATE' | 'UPDATE'

/**
 * What bound MutatingAdmissionPolicies make of an object that is written, after its fields have found their owners: what
 * is put in is nobody's. Policies lay configurations over it that are written out; one that would have to be computed
 * is told as an error, for whoever trusts the simulation has to know.
 *
 * @throws ApiError 500
 */
export function mutateByPolicies(
  core: Core,
  type: ResourceType,
  operation: Operation,
  object: KubernetesObject,
): KubernetesObject {
  if (type.group === GROUP) return object
  let mutated = object
  for (const binding of core.store.list(BINDINGS)) {
    const policy = core.store.get(POLICIES, '', String(at(binding, 'spec', 'policyName')))
    if (!policy) continue
    const constraints = [at(policy, 'spec', 'matchConstraints'), at(binding, 'spec', 'matchResources')]
    if (constraints[0] === undefined) continue
    if (!constraints.every(each => each === undefined || isMatch(core, each, type, operation, mutated))) continue
    mutated = mutate(type, policy, mutated)
  }
  return mutated
}

function isMatch(
  core: Core,
  constraints: Json,
  type: ResourceType,
  operation: Operation,
  { metadata }: KubernetesObject,
): boolean {
  const names = (rule: Json) => {
    const allows = (field: string, value: string) => {
      const listed = (at(rule, field) ?? []) as readonly string[]
      return listed.includes('*') || listed.includes(value)
    }
    const resourceNames = (at(rule, 'resourceNames') ?? []) as readonly string[]
    const scope = at(rule, 'scope') ?? '*'
    return (
      allows('operations', operation) &&
      allows('apiGroups', type.group) &&
      allows('apiVersions', type.version) &&
      (allows('resources', type.plural) || allows('resources', '*/*')) &&
      (resourceNames.length === 0 || resourceNames.includes(metadata.name ?? '')) &&
      (scope === '*' || (scope === 'Namespaced') === type.namespaced)
    )
  }
  const rules = (field: string) => (at(constraints, field) ?? []) as readonly Json[]
  if (!rules('resourceRules').some(names) || rules('excludeResourceRules').some(names)) return false
  if (!matchesLabelSelector(at(constraints, 'objectSelector'), metadata.labels ?? {})) return false
  const namespace = type.namespaced
    ? core.store.get('/namespaces', '', metadata.namespace ?? '')?.metadata
    : type.group === '' && type.plural === 'namespaces'
      ? metadata
      : undefined
  return namespace === undefined || matchesLabelSelector(at(constraints, 'namespaceSelector'), namespace.labels ?? {})
}

function mutate(type: ResourceType, policy: KubernetesObject, object: KubernetesObject): KubernetesObject {
  const cannot = (what: string) =>
    internal(`the simulated cluster cannot evaluate MutatingAdmissionPolicy ${policy.metadata.name ?? ''}: ${what}`)
  for (const field of ['matchConditions', 'variables', 'paramKind']) {
    const value = at(policy, 'spec', field)
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) throw cannot(field)
  }
  let merged: JsonObject = object
  for (const mutation of (at(policy, 'spec', 'mutations') ?? []) as readonly Json[]) {
    if (at(mutation, 'patchType') !== 'ApplyConfiguration') throw cannot(String(at(mutation, 'patchType')))
    const configuration = configurationOf(String(at(mutation, 'applyConfiguration', 'expression')), cannot)
    merged = mergeValues(type.schema, merged, configuration) as JsonObject
  }
  return settleObject(type, merged, newReport())
}

function configurationOf(expression: string, cannot: (what: string) => Error): JsonObject {
  try {
    return readConfiguration(expression)
  } catch (error) {
    if (error instanceof NotLiteral) throw cannot(error.message)
    throw error
  }
}
