import type { Binding, BindingScope } from '@flotilla/core/access/bindings'
import { type Condition, compileCondition } from '@flotilla/core/access/condition'
import { parsePolicy } from '@flotilla/core/access/parse-policy'
import type { AccessSettings, ProjectRoles } from '@flotilla/core/access/policy'
import type { MatchMode, PolicyRow, RowPlace } from '@flotilla/core/access/policy-row'
import { DEFAULT_SCOPES } from '@flotilla/core/access/principal'
import { type ProjectRole, projectRoleMistakes } from '@flotilla/core/access/project-role'
import type { RolePermission } from '@flotilla/core/access/role-catalogue'
import type { Team } from '@flotilla/core/access/teams'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { compareDiagnostics, type Diagnostic, type Position } from '@flotilla/core/model/diagnostic'
import type { Fleet } from '@flotilla/core/model/fleet'
import { placeWithin } from '../declare.ts'
import type { AccessPolicySpec } from '../kinds/access-policy.ts'
import { listOf, member, textOf } from '../kinds/kind.ts'
import { policyProblems } from '../kinds/policy-problems.ts'
import { rolesOf } from '../kinds/project.ts'
import type { TeamSpec } from '../kinds/team.ts'
import type { ConfigFile } from '../load.ts'
import type { Path } from '../problem.ts'
import { type Declaration, readFile } from '../read-file.ts'

/** Who may do what, as documents and texts of rows declare it; compiled by `compilePolicy`. */
export interface AccessReading {
  readonly settings: AccessSettings
  /** The claims that hold groups. */
  readonly scopes: readonly string[]
  /** Everything that is wrong with documents about access; what is wrong with others is `load`'s to say. */
  readonly diagnostics: readonly Diagnostic[]
  /** How many documents and texts say something about access. */
  readonly found: number
}

/**
 * Reads AccessPolicies, `argocd-rbac-cm`, Teams and the roles of Projects from config files, and policies from `.csv`
 * files, with every mistake. Several policies are one: rows and bindings are added, and a setting of a later file wins.
 *
 * @throws Never: every mistake is a diagnostic.
 */
export function readAccess(files: readonly ConfigFile[]): AccessReading {
  const reading = new Reading()
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (file.path.endsWith('.csv')) reading.addCsv(file)
    else reading.addDocuments(file)
  }
  return reading.result()
}

/**
 * Who may do what, as a fleet that is in force declares it.
 *
 * @param lastSeen Projects that left their source and stay in force (decision 19): their roles do, too.
 */
export function accessOfFleet(
  fleet: Fleet,
  lastSeen: Iterable<readonly [name: string, spec: { readonly [field: string]: unknown }]> = [],
): Pick<AccessReading, 'settings' | 'scopes'> {
  const reading = new Reading()
  for (const policy of fleet.accessPolicies ?? []) reading.addPolicy(policy.spec as AccessPolicySpec, placesOf(policy))
  for (const team of fleet.teams ?? []) reading.addTeam(team.name, team.spec as TeamSpec, placesOf(team))
  for (const project of fleet.projects) reading.addRoles(project.name, rolesOf(project.spec), placesOf(project))
  for (const [name, spec] of lastSeen) {
    const at = { file: `Project ${name}, as last seen`, line: 1, column: 1 }
    reading.addRoles(name, rolesOf(spec), { positionOf: () => at, within: () => at })
  }
  return reading.result()
}

/** Where the parts of one document stand. */
interface Places {
  positionOf(path: Path): RowPlace
  within(path: Path, line: number, column: number): RowPlace
}

function placesOf(declared: Fleet['projects'][number] | NonNullable<Fleet['teams']>[number]): Places {
  const from = (position: Position): RowPlace =>
    declared.source === '' ? position : { source: declared.source, ...position }
  return {
    positionOf: path => from(declared.positionOf(path)),
    within: (path, line, column) => from(declared.placeWithin?.(path, { line, column }) ?? declared.positionOf(path)),
  }
}

class Reading {
  readonly #rows: PolicyRow[] = []
  readonly #roles = new Map<string, readonly RolePermission[]>()
  readonly #bindings: Binding[] = []
  readonly #teams: Team[] = []
  readonly #projects: ProjectRoles[] = []
  readonly #diagnostics: Diagnostic[] = []
  #matchMode: MatchMode = 'glob'
  #strictArgo = false
  #defaultRole = ''
  #scopes: readonly string[] = DEFAULT_SCOPES
  #found = 0

  addCsv({ path, text }: ConfigFile): void {
    this.#found++
    const placeOf = (line: number, column: number): RowPlace => ({ file: path, line, column })
    this.#rows.push(...parsePolicy(text, placeOf).rows)
    const settings = { matchMode: this.#matchMode, defaultRole: this.#defaultRole }
    for (const problem of policyProblems([{ path: [], text }], settings)) {
      const { code, severity, message, hint, within } = problem
      const { line, column } = within!
      const shown = hint === undefined ? {} : { hint }
      this.#diagnostics.push({ severity, code, file: path, line, column, message, ...shown })
    }
  }

  addDocuments({ path, text }: ConfigFile): void {
    for (const { declares, diagnostics } of readFile(path, text)) {
      if (declares === undefined) continue
      const places: Places = {
        positionOf: path => declares.positionOf(path),
        within: (path, line, column) => placeWithin(declares, path, { line, column }),
      }
      // The reader of each kind has made its spec.
      if (declares.kind === 'AccessPolicy') this.addPolicy(declares.spec as AccessPolicySpec, places)
      else if (declares.kind === 'Team') this.addTeam(declares.name, declares.spec as TeamSpec, places)
      else if (declares.kind === 'Project') this.#addProject(declares, places)
      if (declares.kind !== 'AccessPolicy' && declares.kind !== 'Team') continue
      this.#found++
      this.#diagnostics.push(...diagnostics)
    }
  }

  addPolicy(spec: AccessPolicySpec, places: Places): void {
    for (const { path, text } of spec.texts) {
      this.#rows.push(...parsePolicy(text, (line, column) => laterPlace(() => places.within(path, line, column))).rows)
    }
    if (spec.defaultRole !== '') this.#defaultRole = spec.defaultRole
    if (spec.scopes.length > 0) this.#scopes = spec.scopes
    if (spec.matchMode === 'regex') this.#matchMode = 'regex'
    this.#strictArgo ||= spec.strictArgo
    for (const role of spec.roles) {
      const read = member({ role }, 'role')
      this.#roles.set(textOf(read['name']) ?? '', listOf(read['permissions']).map(permissionOf))
    }
    for (const [index, binding] of spec.bindings.entries()) {
      this.#bindings.push(bindingOf(member({ binding }, 'binding'), places.positionOf(['spec', 'bindings', index])))
    }
  }

  addTeam(name: string, spec: TeamSpec, places: Places): void {
    this.#teams.push({ name, ...spec, place: places.positionOf(['spec']) })
  }

  addRoles(project: string, roles: readonly ProjectRole[], places: Places): void {
    if (roles.length === 0) return
    this.#found++
    this.#projects.push({ project, roles, placeOf: path => places.positionOf(['spec', 'roles', ...path]) })
  }

  #addProject({ name, document, diagnosticOf }: Declaration, places: Places): void {
    const roles = rolesOf(member(document, 'spec'))
    this.addRoles(name, roles, places)
    for (const { path, message } of projectRoleMistakes(name, roles)) {
      const place: Path = ['spec', 'roles', ...path]
      this.#diagnostics.push(diagnosticOf({ code: 'POLICY_ROW_INVALID', severity: 'error', path: place, message }))
    }
  }

  result(): AccessReading {
    return {
      settings: {
        rows: this.#rows,
        defaultRole: this.#defaultRole,
        matchMode: this.#matchMode,
        strictArgo: this.#strictArgo,
        projects: this.#projects,
        roles: this.#roles,
        bindings: this.#bindings,
        teams: this.#teams,
      },
      scopes: this.#scopes,
      diagnostics: this.#diagnostics.sort(compareDiagnostics),
      found: this.#found,
    }
  }
}

/** The place is worked out when somebody asks: most rows are never shown. */
function laterPlace(find: () => RowPlace): RowPlace {
  let known: RowPlace | undefined
  const place = (): RowPlace => {
    known ??= find()
    return known
  }
  return {
    get source() {
      return place().source
    },
    get file() {
      return place().file
    },
    get line() {
      return place().line
    },
    get column() {
      return place().column
    },
  }
}

function permissionOf(value: Json): RolePermission {
  const permission = member({ value }, 'value')
  return { resources: texts(permission['resources']), actions: texts(permission['actions']) }
}

function bindingOf(binding: JsonObject, place: RowPlace): Binding {
  const subjects = member(binding, 'subjects')
  const scope = member(binding, 'scope')
  const role = textOf(binding['role']) ?? ''
  const effect = binding['effect'] === 'deny' ? 'deny' : 'allow'
  const names = ['users', 'groups', 'teams'].flatMap(list => texts(subjects[list]))
  return {
    users: texts(subjects['users']),
    groups: texts(subjects['groups']),
    teams: texts(subjects['teams']),
    role,
    effect,
    scope: scopeOf(scope),
    conditions: texts(binding['conditions']).map(conditionOf),
    text: `${effect} ${role} to ${names.join(', ')}`,
    place,
  }
}

function scopeOf(scope: JsonObject): BindingScope {
  const lists = ['projects', 'applications', 'clusters', 'environments'] as const
  const present = lists.filter(list => scope[list] !== undefined).map(list => [list, texts(scope[list])])
  const labels = Object.entries(member(scope, 'labels')).map(([key, value]) => [key, textOf(value) ?? ''] as const)
  return { ...Object.fromEntries(present), ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }) }
}

/** One that cannot be read always fails, so that no allow comes of it and every deny stays. */
function conditionOf(source: string): Condition {
  const compiled = compileCondition(source)
  if (typeof compiled === 'function') return compiled
  return () => {
    throw new Error(compiled.message)
  }
}

function texts(value: Json | undefined): readonly string[] {
  return listOf(value).filter(one => typeof one === 'string')
}
