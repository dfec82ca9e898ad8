import { type Binding, BindingIndex } from './bindings.ts'
import { BUILTIN_ROWS } from './builtin-policy.ts'
import type { MatchMode, PolicyRow, RowPlace } from './policy-row.ts'
import { type ProjectRole, projectRoleMistakes, projectRows } from './project-role.ts'
import type { RolePermission } from './role-catalogue.ts'
import { RoleGraph, type RowLayer, rowLayer } from './row-layer.ts'
import type { RowReading } from './subject-rows.ts'
import { type Team, TeamIndex } from './teams.ts'

/** The roles of one Project, with the place of each for explanations. */
export interface ProjectRoles {
  readonly project: string
  readonly roles: readonly ProjectRole[]
  placeOf(path: readonly (string | number)[]): RowPlace
}

/** Everything that decides who may do what. */
export interface AccessSettings {
  readonly rows: readonly PolicyRow[]
  /** Replaces the rows that come with the product; for policies that are to stand alone. */
  readonly builtInRows?: readonly PolicyRow[]
  /** What everybody has who is known to the hub; none by default. */
  readonly defaultRole?: string
  readonly matchMode?: MatchMode
  /** Argo CD's meaning to the letter, its traps included. */
  readonly strictArgo?: boolean
  readonly projects?: readonly ProjectRoles[]
  readonly roles?: ReadonlyMap<string, readonly RolePermission[]>
  readonly bindings?: readonly Binding[]
  readonly teams?: readonly Team[]
  /** Everybody may do everything: Argo CD's switch for a control plane that only one person can reach. */
  readonly everythingAllowed?: boolean
}

/** A policy made ready for questions. It never changes: a new version of the policy is a new one of these. */
export interface CompiledPolicy {
  readonly reading: RowReading
  readonly defaultRole: string
  readonly everythingAllowed: boolean
  readonly graph: RoleGraph
  readonly bindings: BindingIndex
  readonly teams: TeamIndex
  /** Projects that have roles. */
  readonly projectsWithRoles: readonly string[]
  /** The policy as it is while an object of this project is asked about; undefined for a project without roles. */
  projectGraph(project: string): ProjectGraph | undefined
}

export interface ProjectGraph {
  readonly graph: RoleGraph
  readonly roles: readonly string[]
  /** The project's rows cannot be trusted: nothing but reading is allowed in it until they are mended. */
  readonly broken: boolean
}

/** @throws Never: rows that mean nothing give nothing; `lintPolicy` names them. */
export function compilePolicy(settings: AccessSettings): CompiledPolicy {
  const reading: RowReading = {
    matchMode: settings.matchMode ?? 'glob',
    strictArgo: settings.strictArgo ?? false,
  }
  const base = rowLayer([...(settings.builtInRows ?? BUILTIN_ROWS), ...settings.rows], reading)
  const projects = new Map((settings.projects ?? []).map(one => [one.project, one]))
  const compiled = new Map<string, ProjectGraph>()
  return {
    reading,
    defaultRole: settings.defaultRole ?? '',
    everythingAllowed: settings.everythingAllowed ?? false,
    graph: new RoleGraph([base]),
    bindings: new BindingIndex(settings.bindings ?? [], settings.roles ?? new Map()),
    teams: new TeamIndex(settings.teams ?? []),
    projectsWithRoles: [...projects.keys()],
    projectGraph: project => {
      const known = compiled.get(project)
      if (known !== undefined) return known
      const roles = projects.get(project)
      if (roles === undefined) return undefined
      const made = compileProject(base, roles, reading)
      compiled.set(project, made)
      return made
    },
  }
}

function compileProject(base: RowLayer, { project, roles, placeOf }: ProjectRoles, reading: RowReading): ProjectGraph {
  const { rows, readable } = projectRows(project, roles, placeOf)
  const broken = !reading.strictArgo && (!readable || projectRoleMistakes(project, roles).length > 0)
  const layer = rowLayer(broken ? [] : rows, reading)
  return { graph: new RoleGraph([base, layer]), roles: roles.map(role => `proj:${project}:${role.name}`), broken }
}
