import type { CompiledPolicy } from './policy.ts'
import type { Principal } from './principal.ts'
import { ROLE_RESOURCES } from './project-role.ts'
import { namesOf, subjectsOf } from './reach-rows.ts'
import { isWatched, watchingTeam } from './teams.ts'

/** How much of a project's Applications somebody sees; of `some`, each has to be asked about. */
export type ProjectSight = 'all' | 'some' | 'none'

/**
 * What `authorise` answers about `get` on every Application of a project, without asking about each: lists of ten
 * thousand are filtered by their projects first.
 *
 * Never `all` or `none` where any single answer could be another one; whatever is not certain is `some`.
 *
 * @param project Undefined: about projects that nothing speaks of.
 */
export function projectSight(policy: CompiledPolicy, principal: Principal, project: string): ProjectSight {
  if (policy.everythingAllowed) return 'all'
  if (principal.kind === 'agent') return 'none'
  if (policy.reading.strictArgo || project === '' || project.includes('/')) return 'some'
  if (principal.kind === 'team') {
    const team = policy.teams.named(principal.team)
    if (team === undefined) return 'none'
    return team.owns(project) || team.watches(project) ? 'some' : 'none'
  }
  if (principal.kind === 'project-token' && principal.project !== project) return 'none'
  const teams = policy.teams.teamsOf(principal)
  if (!policy.bindings.isEmpty && policy.bindings.concerns(namesOf(principal, teams))) return 'some'
  const rows = subjectsOf(policy, principal, policy.projectGraph(project), project, teams)
  const watched = watchingTeam(teams, 'get', { resource: 'applications', project, name: '' }) !== undefined
  let sight: ProjectSight = watched ? 'all' : 'none'
  for (const one of rows) {
    const { allowed, denied } = one.below('applications', 'get', project)
    if (denied) return 'some'
    if (sight !== 'all' && allowed !== 'none') sight = allowed
  }
  return sight
}

/** Whether what somebody sees may change by time alone: conditions may look at it. */
export function isSightTimely(policy: CompiledPolicy, principal: Principal): boolean {
  if (policy.bindings.isEmpty) return false
  if (principal.kind === 'team') return true
  return policy.bindings.hasConditions(namesOf(principal, policy.teams.teamsOf(principal)))
}

/** Whether somebody sees every Application of every project there is or may be. */
export function seesEverything(policy: CompiledPolicy, principal: Principal): boolean {
  if (policy.everythingAllowed) return true
  if (principal.kind !== 'person' && principal.kind !== 'subject') return false
  if (projectSight(policy, principal, ANY_PROJECT) !== 'all') return false
  const rows = subjectsOf(policy, principal, undefined, undefined, [])
  if (rows.some(one => one.deniesAnything('applications', 'get'))) return false
  return policy.projectsWithRoles.every(project => projectSight(policy, principal, project) === 'all')
}

/** Whether some row or binding gives a right on anything at all of a resource; of Projects' own roles it is presumed. */
export function mayEver(policy: CompiledPolicy, principal: Principal, action: string, resource: string): boolean {
  if (policy.everythingAllowed) return true
  if (principal.kind === 'agent' || principal.kind === 'project-token' || principal.kind === 'team') return true
  const teams = policy.teams.teamsOf(principal)
  if (!policy.bindings.isEmpty && policy.bindings.concerns(namesOf(principal, teams))) return true
  if (action === 'get' && teams.length > 0 && isWatched(resource)) return true
  if (policy.projectsWithRoles.length > 0 && ROLE_RESOURCES.includes(resource)) return true
  return subjectsOf(policy, principal, undefined, undefined, []).some(one => one.allowsAnything(resource, action))
}

/** Whether some row or binding may keep something of a resource from somebody. */
export function mayBeDenied(policy: CompiledPolicy, principal: Principal, resource: string): boolean {
  if (policy.everythingAllowed) return false
  if (principal.kind !== 'person' && principal.kind !== 'subject') return true
  const teams = policy.teams.teamsOf(principal)
  if (!policy.bindings.isEmpty && policy.bindings.denies(namesOf(principal, teams))) return true
  return subjectsOf(policy, principal, undefined, undefined, []).some(one => one.deniesAnything(resource, 'get'))
}

/** A project that no row names: what is seen of it is seen of every project of which no row and no team speaks. */
const ANY_PROJECT = '\u{10FFFF}'
