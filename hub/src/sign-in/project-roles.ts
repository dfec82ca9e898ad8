import type { ProjectSpec } from '@flotilla/core/model/fleet'
import type { TokenRole } from './token-proof.ts'

/** Where Projects are, as far as tokens of their roles go. */
export interface KnownProjects {
  readonly fleet: { readonly projects: ReadonlyMap<string, { readonly spec: ProjectSpec }> }
  readonly projectsLastSeen: ReadonlyMap<string, ProjectSpec>
}

/**
 * The roles of a Project that is in force, with the tokens that its document lists for each (`jwtTokens`, in the role or
 * as Argo CD's status keeps them); undefined for a Project that there is not.
 */
export function tokenRolesOf(
  { fleet, projectsLastSeen }: KnownProjects,
  project: string,
): readonly TokenRole[] | undefined {
  const spec: { readonly [field: string]: unknown } | undefined =
    fleet.projects.get(project)?.spec ?? projectsLastSeen.get(project)
  if (spec === undefined) return undefined
  const roles = Array.isArray(spec['roles']) ? (spec['roles'] as readonly unknown[]) : []
  return roles.flatMap(role => {
    if (typeof role !== 'object' || role === null) return []
    const { name, jwtTokens } = role as { readonly name?: unknown; readonly jwtTokens?: unknown }
    if (typeof name !== 'string' || name === '') return []
    return [{ name, jwtTokens: Array.isArray(jwtTokens) ? jwtTokens.flatMap(listed) : [] }]
  })
}

function listed(token: unknown): NonNullable<TokenRole['jwtTokens']> {
  if (typeof token !== 'object' || token === null) return []
  const { id, iat } = token as { readonly id?: unknown; readonly iat?: unknown }
  return [{ iat: typeof iat === 'number' ? iat : 0, ...(typeof id === 'string' && { id }) }]
}
