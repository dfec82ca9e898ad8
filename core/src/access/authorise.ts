import { authoriseObject, type ObjectAction } from './authorise-object.ts'
import type { AccessContext } from './condition.ts'
import { allowingRow, decideStrict, denyingRow, isTooLong, NOTHING, reasonOf, type Verdict } from './decide.ts'
import { type AccessObject, objectText } from './object.ts'
import type { CompiledPolicy } from './policy.ts'
import { isNobody, type Principal } from './principal.ts'
import { namesOf, subjectsOf } from './reach-rows.ts'
import { watchingTeam } from './teams.ts'
import { RESOURCE_ACTIONS } from './vocabulary.ts'

/**
 * `hidden`: it must look as if there were no such thing. `forbidden`: it may be seen, so the refusal may be told. The
 * rows in `because` are for explanations and the audit log; with `hidden`, nothing of them may reach who asked.
 */
export type Authorisation = Verdict & { readonly kind: 'allow' | 'hidden' | 'forbidden' }

/**
 * The one answer to "who may do what": for the API, the scheduler, permits, hints of user interfaces, and the agent for
 * its own slice.
 *
 * Whoever may not `get` a thing is told nothing about it, whatever else some row gives: acting needs seeing. Creating is
 * the one action without a thing to see.
 *
 * @param object The stored object, never what a request says about it. A move is two questions, about the old place and
 *   the new one.
 * @throws Never.
 */
export function authorise(
  policy: CompiledPolicy,
  principal: Principal,
  action: string,
  object: AccessObject,
  context: AccessContext = {},
): Authorisation {
  if (object.resource === OBJECTS && principal.kind === 'agent')
    return authoriseAgent(principal.cluster, action, object, context)
  const verdict = decide(policy, principal, action, object, context)
  const seen = seenAs(action, object)
  if (seen === undefined) return { kind: verdict.allowed ? 'allow' : 'hidden', ...verdict }
  if (verdict.allowed && action === 'create' && object.resource !== 'exec') return { kind: 'allow', ...verdict }
  const visible = decide(policy, principal, 'get', seen, context)
  if (!visible.allowed) return { kind: 'hidden', allowed: false, because: visible.because }
  return { kind: verdict.allowed ? 'allow' : 'forbidden', ...verdict }
}

/** What has to be seen before this may be acted upon; undefined when the question is itself about seeing. */
function seenAs(action: string, object: AccessObject): AccessObject | undefined {
  if (object.resource === 'logs' || object.resource === 'exec') return { ...object, resource: 'applications' }
  if (action === 'get') return undefined
  return RESOURCE_ACTIONS.get(object.resource)?.includes('get') === true ? object : undefined
}

/** Whether some row gives exactly this right, without the rule that acting needs seeing. */
export function decide(
  policy: CompiledPolicy,
  principal: Principal,
  action: string,
  object: AccessObject,
  context: AccessContext = {},
): Verdict {
  if (policy.everythingAllowed) return { allowed: true, because: [{ row: 'everything is allowed' }] }
  if (principal.kind === 'agent') return decideAgent(principal.cluster, action, object)
  if (principal.kind === 'team') return decideTeam(policy, principal.team, action, object, context)
  const text = objectText(object)
  if (policy.reading.strictArgo) return decideStrict(policy, principal, object.resource, action, text)
  if (isTooLong(object.resource, action, text)) return NOTHING
  const { project } = object.resource === 'projects' ? { project: object.name } : object
  if (principal.kind === 'project-token' && principal.project !== project) return NOTHING
  const own = project === undefined ? undefined : policy.projectGraph(project)
  if (own?.broken === true && action !== 'get') {
    return { allowed: false, because: [{ row: `roles of project "${project}" have mistakes: reading only` }] }
  }
  const teams = policy.teams.teamsOf(principal)
  const rows = subjectsOf(policy, principal, own, project, teams)
  const names = policy.bindings.isEmpty ? [] : namesOf(principal, teams)
  const asked = [principal, action, object, context] as const

  const denied = denyingRow(rows, object.resource, action, text) ?? policy.bindings.find(names, 'deny', asked)
  if (denied !== undefined) return { allowed: false, because: [reasonOf(denied)] }
  const allowed = allowingRow(rows, object.resource, action, text) ?? policy.bindings.find(names, 'allow', asked)
  if (allowed !== undefined) return { allowed: true, because: [reasonOf(allowed)] }
  const watching = watchingTeam(teams, action, object)
  if (watching === undefined) return NOTHING
  const { name, place } = watching.team
  return { allowed: true, because: [{ row: `Team ${name} sees project ${project}`, place }] }
}

/**
 * What a team's shared view shows: what watching shows to its people, less what is taken from the whole team, be it by
 * name, by the default role, or from one of its groups. No row adds to it.
 */
function decideTeam(
  policy: CompiledPolicy,
  name: string,
  action: string,
  object: AccessObject,
  context: AccessContext,
): Verdict {
  const compiled = policy.teams.named(name)
  if (compiled === undefined || watchingTeam([compiled], action, object) === undefined) return NOTHING
  const { project } = object.resource === 'projects' ? { project: object.name } : object
  const text = objectText(object)
  if (isTooLong(object.resource, action, text)) return NOTHING
  const { team } = compiled
  const own = project === undefined ? undefined : policy.projectGraph(project)
  const groups: Principal = { kind: 'person', subject: '', groups: team.groups }
  const rows = subjectsOf(policy, groups, own, undefined, [])
  const names = [`team:${name}`, ...team.groups.map(group => `group:${group}`)]
  const denied =
    denyingRow(rows, object.resource, action, text) ??
    policy.bindings.find(names, 'deny', [{ kind: 'team', team: name }, action, object, context])
  if (denied !== undefined) return { allowed: false, because: [reasonOf(denied)] }
  return { allowed: true, because: [{ row: `Team ${name} sees project ${project}`, place: team.place }] }
}

/** Of Kubernetes, one by one: no row names them, for what an Application may hold is for its Project to say. */
const OBJECTS = 'objects'
const OBJECT_ACTIONS: ReadonlySet<string> = new Set<ObjectAction>(['get', 'apply', 'prune', 'act'])

/** The slice of an agent: what the ceiling of an Offer for its cluster permits, asked as the agent asks it. */
function authoriseAgent(
  cluster: string,
  action: string,
  { cluster: where, inCluster }: AccessObject,
  { ceiling }: AccessContext,
): Authorisation {
  const hidden: Authorisation = { kind: 'hidden', ...NOTHING }
  if (isNobody(cluster) || where !== cluster || inCluster === undefined || ceiling === undefined) return hidden
  if (!OBJECT_ACTIONS.has(action)) return hidden
  const { kind } = authoriseObject(ceiling, action as ObjectAction, inCluster)
  const because = [{ row: `the ceiling of an Offer for cluster ${cluster}` }]
  return { kind, allowed: kind === 'allow', because }
}

/** An agent reads what is meant for its cluster, and tells how its cluster is. Another cluster does not exist for it. */
function decideAgent(cluster: string, action: string, object: AccessObject): Verdict {
  if (isNobody(cluster) || object.cluster !== cluster) return NOTHING
  const may =
    (object.resource === 'bundles' && action === 'get') || (object.resource === 'agents' && action === 'report')
  return may ? { allowed: true, because: [{ row: `the agent of cluster ${cluster}` }] } : NOTHING
}
