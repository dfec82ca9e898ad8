import { tokenSubject } from './decide.ts'
import type { CompiledPolicy, ProjectGraph } from './policy.ts'
import { isNobody, type Principal } from './principal.ts'
import type { SubjectRows } from './subject-rows.ts'
import type { CompiledTeam } from './teams.ts'

/**
 * Every row that somebody reaches, by all of his names at once: what people believe a deny does needs all of them.
 *
 * Names that only a policy may give (`role:…`, `proj:…`, and `admin`, which is the local user's) count for nothing when
 * an identity provider calls a group so.
 */
export function subjectsOf(
  policy: CompiledPolicy,
  principal: Exclude<Principal, { kind: 'agent' | 'team' }>,
  own: ProjectGraph | undefined,
  project: string | undefined,
  teams: readonly CompiledTeam[],
): readonly SubjectRows[] {
  const graph = own?.graph ?? policy.graph
  const rows: SubjectRows[] = []
  if (policy.defaultRole !== '') rows.push(...graph.reach(policy.defaultRole))
  if (principal.kind === 'project-token') return [...rows, ...graph.reach(tokenSubject(principal))]
  const { subject } = principal
  if (principal.kind === 'subject') return isNobody(subject) ? rows : [...rows, ...graph.reach(subject)]
  if (!isNobody(subject) && !isReserved(subject)) rows.push(...graph.reach(subject))
  for (const group of principal.groups) {
    if (isNobody(group) || isReserved(group)) continue
    const found = group === 'admin' ? graph.reach(group, grant => grant.builtIn !== true) : graph.reach(group)
    rows.push(...found)
  }
  if (project !== undefined && own !== undefined) {
    for (const team of teams) if (team.owns(project)) for (const role of own.roles) rows.push(...graph.reach(role))
  }
  return rows
}

function isReserved(name: string): boolean {
  return name.startsWith('role:') || name.startsWith('proj:')
}

/** Somebody's names, as bindings are found by them. */
export function namesOf(principal: Principal, teams: readonly CompiledTeam[]): readonly string[] {
  if (principal.kind !== 'person') return []
  const { subject, groups } = principal
  return [
    ...(isNobody(subject) ? [] : [`user:${subject}`]),
    ...groups.filter(group => !isNobody(group)).map(group => `group:${group}`),
    ...teams.map(({ team }) => `team:${team.name}`),
  ]
}
