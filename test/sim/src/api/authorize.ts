import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { Denial } from '../faults.ts'
import { at, itemsOf } from '../objects/drafts.ts'
import { matchesLabelSelector } from '../store/selectors.ts'
import type { Core } from './core.ts'
import type { User } from './request.ts'

/** What someone wants to do. */
export interface Attempt {
  readonly verb: string
  readonly group: string
  /** With its subresource: `deployments/scale`. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

const RBAC = 'rbac.authorization.k8s.io'

/**
 * RBAC as the cluster's own Roles and bindings say it; `system:masters` may do everything. The switch of the faults
 * comes first and refuses anyone.
 */
export function isAllowed(core: Core, denied: readonly Denial[], user: User, attempt: Attempt): boolean {
  if (denied.some(denial => isDenied(denial, attempt))) return false
  if (user.groups.includes('system:masters')) return true
  for (const binding of core.store.list(`${RBAC}/clusterrolebindings`)) {
    if (bindsUser(binding, user) && roleAllows(core, at(binding, 'roleRef'), '', attempt)) return true
  }
  if (attempt.namespace === '') return false
  for (const binding of core.store.list(`${RBAC}/rolebindings`, attempt.namespace)) {
    if (bindsUser(binding, user) && roleAllows(core, at(binding, 'roleRef'), attempt.namespace, attempt)) return true
  }
  return false
}

function isDenied(denial: Denial, attempt: Attempt): boolean {
  const named = (list: readonly string[], value: string) => list.includes('*') || list.includes(value)
  return (
    named(denial.verbs, attempt.verb) &&
    named([denial.group], attempt.group) &&
    named([denial.resource], attempt.resource) &&
    (denial.namespace === undefined || denial.namespace === attempt.namespace)
  )
}

function bindsUser(binding: JsonObject, user: User): boolean {
  const namespace = String(at(binding, 'metadata', 'namespace') ?? '')
  return itemsOf(binding, 'subjects').some(subject => {
    const name = String(subject['name'])
    switch (subject['kind']) {
      case 'User':
        return name === user.name
      case 'Group':
        return user.groups.includes(name)
      default:
        return user.name === `system:serviceaccount:${String(subject['namespace'] ?? namespace)}:${name}`
    }
  })
}

function roleAllows(core: Core, reference: Json | undefined, namespace: string, attempt: Attempt): boolean {
  const name = String(at(reference, 'name'))
  const role =
    at(reference, 'kind') === 'ClusterRole'
      ? core.store.get(`${RBAC}/clusterroles`, '', name)
      : core.store.get(`${RBAC}/roles`, namespace, name)
  if (!role) return false
  return rulesOf(core, role).some(rule => ruleAllows(rule, attempt))
}

/** A ClusterRole's own rules, and those of the roles it aggregates. */
export function rulesOf(core: Core, role: JsonObject): readonly JsonObject[] {
  const selectors = itemsOf(at(role, 'aggregationRule') as JsonObject | undefined, 'clusterRoleSelectors')
  const aggregated = core.store
    .list(`${RBAC}/clusterroles`)
    .filter(
      other =>
        other !== role && selectors.some(selector => matchesLabelSelector(selector, other.metadata.labels ?? {})),
    )
  return [...itemsOf(role, 'rules'), ...aggregated.flatMap(other => itemsOf(other, 'rules'))]
}

function ruleAllows(rule: JsonObject, attempt: Attempt): boolean {
  const holds = (key: string, value: string) => {
    const list = rule[key]
    return Array.isArray(list) && ((list as readonly Json[]).includes('*') || (list as readonly Json[]).includes(value))
  }
  const subresource = attempt.resource.includes('/') ? attempt.resource.slice(attempt.resource.indexOf('/')) : undefined
  const resource =
    holds('resources', attempt.resource) || (subresource !== undefined && holds('resources', `*${subresource}`))
  const names = rule['resourceNames']
  const named = !Array.isArray(names) || names.length === 0 || (names as readonly Json[]).includes(attempt.name)
  return holds('verbs', attempt.verb) && holds('apiGroups', attempt.group) && resource && named
}
