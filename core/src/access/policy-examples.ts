import { type AccessObject, objectText } from './object.ts'
import type { AccessSettings } from './policy.ts'
import type { MatchMode, PermissionRow } from './policy-row.ts'
import type { Principal } from './principal.ts'
import { PATH_RESOURCES, RESOURCE_ACTIONS } from './vocabulary.ts'

/** Somebody a policy speaks of, or whom a list of users names. */
export interface PolicySubject {
  /** `ana`, `role:dev`, `group sso:shop-devs`. */
  readonly label: string
  readonly principal: Principal
}

/** What a policy is asked about when all that it gives is to be seen: one example of everything that it can tell apart. */
export interface PolicyExamples {
  /** By resource. */
  readonly objects: ReadonlyMap<string, readonly AccessObject[]>
  /** By resource, those of parts of an Application among them. */
  readonly actions: ReadonlyMap<string, readonly string[]>
  /** Objects that rows speak of and that were too many to ask about. */
  readonly leftOut: number
}

/** A project, and a thing, that no row names: what is given there is given everywhere. */
export const ANYWHERE = 'any-other'
const MOST_OBJECTS = 300
/** What stands for each wildcard of a pattern. */
const FILLED = 'x'

/** Everybody whom rows, bindings or Teams name, each once. */
export function subjectsOfPolicy(...policies: readonly AccessSettings[]): readonly PolicySubject[] {
  const found = new Map<string, Principal>()
  const add = (label: string, principal: Principal): void => {
    if (!found.has(label)) found.set(label, principal)
  }
  const user = (name: string): void => add(name, { kind: 'person', subject: name, groups: [] })
  const group = (name: string): void => add(`group ${name}`, { kind: 'person', subject: '', groups: [name] })
  for (const { rows, bindings = [], teams = [], projects = [] } of policies) {
    for (const row of rows) {
      const names = row.kind === 'grant' ? [row.member, row.role] : [row.subject]
      // Whether a name of a row is a user's or a group's, only a sign-in tells: it is asked about as it stands.
      for (const name of names) if (name.trim() !== '') add(name, { kind: 'subject', subject: name })
    }
    for (const binding of bindings) {
      for (const name of binding.users) user(name)
      for (const name of binding.groups) group(name)
    }
    for (const team of teams) {
      for (const name of team.users) user(name)
      for (const name of team.groups) group(name)
    }
    for (const { project, roles } of projects) {
      for (const role of roles) {
        add(`proj:${project}:${role.name}`, { kind: 'project-token', project, role: role.name })
        for (const name of role.groups ?? []) group(name)
      }
    }
  }
  add('somebody else', { kind: 'person', subject: '', groups: [] })
  return [...found].map(([label, principal]) => ({ label, principal }))
}

/** Objects and actions that the patterns of these policies match, and some that none of them names. */
export function examplesOfPolicy(...policies: readonly AccessSettings[]): PolicyExamples {
  const objects = new Map<string, Map<string, AccessObject>>()
  const actions = new Map([...RESOURCE_ACTIONS].map(([resource, known]) => [resource, new Set(known)]))
  actions.get('applications')!.delete('action')
  let leftOut = 0
  const add = (object: AccessObject): void => {
    const known = objects.get(object.resource) ?? new Map<string, AccessObject>()
    objects.set(object.resource, known)
    const key = JSON.stringify([objectText(object), object.cluster, object.environment, object.labels])
    if (known.has(key)) return
    if (known.size >= MOST_OBJECTS) leftOut++
    else known.set(key, object)
  }
  const resources = [...RESOURCE_ACTIONS.keys()]
  for (const resource of resources) add(objectOf(resource, `${ANYWHERE}/${ANYWHERE}`))
  for (const action of ['action/apps/Deployment/restart', 'update/apps/Deployment/x/x', 'delete/apps/Deployment/x/x']) {
    actions.get('applications')!.add(action)
  }
  for (const { rows, matchMode, projects = [], bindings = [], teams = [] } of policies) {
    for (const row of rows) if (row.kind === 'permission') addRow(row, matchMode)
    for (const { project, roles } of projects) {
      for (const resource of resources) add(objectOf(resource, `${project}/${FILLED}`))
      for (const { policies: texts = [] } of roles) {
        for (const text of texts) {
          const [, , resource = '', action = '', object = ''] = text.split(',').map(part => part.trim())
          addRow({ resource, action, object })
        }
      }
    }
    for (const { scope } of bindings) {
      for (const project of scope.projects ?? [ANYWHERE]) {
        for (const resource of resources) {
          const object = objectOf(resource, `${exampleOf(project)}/${exampleOf(scope.applications?.[0] ?? FILLED)}`)
          add({
            ...object,
            ...(scope.clusters?.[0] !== undefined && { cluster: exampleOf(scope.clusters[0]) }),
            ...(scope.environments?.[0] !== undefined && { environment: exampleOf(scope.environments[0]) }),
            ...(scope.labels !== undefined && { labels: scope.labels }),
          })
        }
      }
    }
    for (const { owns, watches } of teams) {
      for (const project of [...owns, ...watches]) {
        for (const resource of resources) add(objectOf(resource, `${exampleOf(project)}/${FILLED}`))
      }
    }
  }
  return {
    objects: new Map([...objects].map(([resource, known]) => [resource, [...known.values()]])),
    actions: new Map([...actions].map(([resource, known]) => [resource, [...known]])),
    leftOut,
  }

  function addRow(row: Pick<PermissionRow, 'resource' | 'action' | 'object'>, mode: MatchMode = 'glob'): void {
    const { resource, action, object } = row
    const meant = /^[\w-]+$/.test(resource) ? [resource] : resources
    for (const each of meant) {
      const known = actions.get(each)
      if (known === undefined) continue
      add(objectOf(each, exampleOf(object, mode)))
      if (each === 'applications' && /^(?:action|update|delete)\//.test(action)) known.add(exampleOf(action, mode))
    }
  }
}

/** A text that a pattern matches, and hardly another one does. */
export function exampleOf(pattern: string, mode: MatchMode = 'glob'): string {
  if (mode === 'regex') return exampleOf(pattern.replace(/^\^|\$$/g, '').replace(/\.[*+]/g, '*'))
  return pattern
    .replace(/^!/, '')
    .replace(
      /\\(.)|\{([^,{}]*)[^{}]*\}|\[([\^!])?(.)[^\]]*\]|\*+|\?/g,
      (_, escaped?: string, first?: string, negated?: string, one?: string) =>
        escaped ?? first ?? (negated === undefined ? one : undefined) ?? FILLED,
    )
}

function objectOf(resource: string, text: string): AccessObject {
  if (!PATH_RESOURCES.has(resource)) {
    // Of `PROJECT/NAME` the project alone is a project.
    return { resource, name: resource === 'projects' ? text.split('/')[0]! : text }
  }
  const [project = '', ...rest] = text.split('/')
  if (rest.length === 0) return { resource, project, name: FILLED }
  const [namespace, ...name] = rest.length === 1 ? [undefined, ...rest] : rest
  return { resource, project, ...(namespace !== undefined && { namespace }), name: name.join('/') }
}
