import { parsePolicy } from './parse-policy.ts'
import type { GrantRow, PolicyRow, RowPlace } from './policy-row.ts'

/** A role that a Project defines for itself, as Argo CD's AppProject has it. */
export interface ProjectRole {
  readonly name: string
  readonly policies?: readonly string[]
  readonly groups?: readonly string[]
}

export interface RoleMistake {
  /** Where, inside the list of roles: `[0, 'policies', 2]`. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

const ROLE_NAME = /^[A-Za-z0-9]([-_A-Za-z0-9]*[A-Za-z0-9])?$/
/** What a role of a Project may be about. */
export const ROLE_RESOURCES: readonly string[] = [
  'applications',
  'applicationsets',
  'repositories',
  'clusters',
  'logs',
  'exec',
]
const ROLE_ACTIONS = ['get', 'create', 'update', 'delete', 'sync', 'override', 'rollback', '*']
/** Argo CD looks for these anywhere in the action, so that `xaction/` passes. */
const PART_ACTION = /(action|update|delete)\//

/** Every mistake in the roles of a project, by Argo CD's rules. */
export function projectRoleMistakes(project: string, roles: readonly ProjectRole[]): RoleMistake[] {
  const mistakes: RoleMistake[] = []
  const names = new Set<string>()
  for (const [index, role] of roles.entries()) {
    const say = (path: readonly (string | number)[], message: string | undefined): void => {
      if (message !== undefined) mistakes.push({ path: [index, ...path], message })
    }
    say(['name'], ROLE_NAME.test(role.name) ? undefined : `"${role.name}" is no name of a role: ${NAME_RULE}`)
    if (names.has(role.name)) say(['name'], `the project has a role "${role.name}" already`)
    names.add(role.name)
    for (const [at, policy] of (role.policies ?? []).entries()) {
      const twice = role.policies!.indexOf(policy) < at
      say(['policies', at], twice ? 'the role has this row already' : projectPolicyMistake(project, role.name, policy))
    }
    for (const [at, group] of (role.groups ?? []).entries()) {
      const twice = role.groups!.indexOf(group) < at
      say(['groups', at], twice ? `the role has group "${group}" already` : groupNameMistake(group))
    }
  }
  return mistakes
}

const NAME_RULE = 'letters, digits, "-" and "_", beginning and ending with a letter or digit'

/** What is wrong with one row of a role; undefined when nothing is. */
export function projectPolicyMistake(project: string, role: string, policy: string): string | undefined {
  const parts = policy.split(',').map(part => part.trim())
  if (parts.length !== 6 || parts[0] !== 'p') {
    return 'a row of a role is "p, subject, resource, action, object, effect"'
  }
  const [, subject, resource, action, object, effect] = parts as [string, string, string, string, string, string]
  if (subject !== `proj:${project}:${role}`) return `the subject must be proj:${project}:${role}, not "${subject}"`
  if (!ROLE_RESOURCES.includes(resource)) {
    return `resource must be one of ${ROLE_RESOURCES.join(', ')}, not "${resource}"`
  }
  if (!isRoleAction(action)) return `"${action}" is no action`
  if (!isObjectOf(project, object)) {
    return `the object must be ${project}/NAME or ${project}/NAMESPACE/NAME, patterns included, not "${object}"`
  }
  return effect === 'allow' || effect === 'deny' ? undefined : `the effect must be allow or deny, not "${effect}"`
}

export function isRoleAction(action: string): boolean {
  return ROLE_ACTIONS.includes(action) || PART_ACTION.test(action)
}

function isObjectOf(project: string, object: string): boolean {
  const [first, ...rest] = object.split('/')
  return first === project && rest.length >= 1 && rest.length <= 2 && rest.every(part => /^[*\w.-]+$/.test(part))
}

/** What is wrong with a group of a role; undefined when nothing is. A comma needs double quotes around the whole name. */
export function groupNameMistake(name: string): string | undefined {
  const quoted = name.length > 1 && name.startsWith('"') && name.endsWith('"')
  const inner = quoted ? name.slice(1, -1) : name
  if (inner.trim() === '') return 'a group has a name'
  if (name.trim() !== name) return 'a group begins and ends with no blank'
  if (/[\n\r\t]/.test(name)) return 'a group is on one line, without tabs'
  if (inner.includes('"')) return 'a group has no quote inside'
  return inner.includes(',') && !quoted ? 'a group with a comma stands in double quotes' : undefined
}

/** What a project adds to the policy while an object of it is asked about. */
export interface ProjectRows {
  readonly rows: readonly PolicyRow[]
  /** False when a row cannot be read; Argo CD then leaves out all of them. */
  readonly readable: boolean
}

/** @param placeOf Place of an entry of the list of roles: `[0, 'policies', 2]`. */
export function projectRows(
  project: string,
  roles: readonly ProjectRole[],
  placeOf: (path: readonly (string | number)[]) => RowPlace,
): ProjectRows {
  const rows: PolicyRow[] = []
  let readable = true
  for (const [index, { name, policies = [], groups = [] }] of roles.entries()) {
    const add = (text: string, path: readonly (string | number)[]): void => {
      const parsed = parsePolicy(text, () => placeOf(path))
      if (parsed.mistakes.length > 0) readable = false
      rows.push(...parsed.rows)
    }
    add(`p, proj:${project}:${name}, projects, get, ${project}, allow`, [index, 'name'])
    for (const [at, policy] of policies.entries()) add(policy, [index, 'policies', at])
    for (const [at, group] of groups.entries()) add(`g, ${group}, proj:${project}:${name}`, [index, 'groups', at])
  }
  return { rows: readable ? rows : [], readable }
}

/** The groups that a project's rows name: who is in one of them sees the project. */
export function isProjectGrant(row: PolicyRow, project: string): row is GrantRow {
  return row.kind === 'grant' && row.role.startsWith(`proj:${project}:`)
}
