import { compilePattern, matcherOf } from './compile-pattern.ts'
import type { AccessContext, Condition } from './condition.ts'
import type { AccessObject } from './object.ts'
import type { RowPlace } from './policy-row.ts'
import type { Principal } from './principal.ts'
import { BUILTIN_ROLES, type RolePermission, roleRows } from './role-catalogue.ts'
import { SubjectRows } from './subject-rows.ts'

/** On which objects a binding counts: each list that is there has to match. Patterns are globs. */
export interface BindingScope {
  readonly projects?: readonly string[]
  readonly applications?: readonly string[]
  readonly clusters?: readonly string[]
  readonly environments?: readonly string[]
  readonly labels?: { readonly [key: string]: string }
}

/** A role for people, as an AccessPolicy declares it. */
export interface Binding {
  readonly users: readonly string[]
  /** Groups of the identity provider. */
  readonly groups: readonly string[]
  /** Names of Teams. */
  readonly teams: readonly string[]
  readonly role: string
  readonly effect: 'allow' | 'deny'
  readonly scope: BindingScope
  /** All have to hold. One that fails does not hold for an allow, and holds for a deny. */
  readonly conditions: readonly Condition[]
  /** One line, for explanations. */
  readonly text: string
  readonly place: RowPlace
}

/** Finds the bindings of somebody's names: `user:ana`, `group:sso:shop`, `team:shop`. */
export class BindingIndex {
  readonly #bySubject = new Map<string, CompiledBinding[]>()

  /** @param roles Roles of the policy itself, which win over the built-in ones of their name. */
  constructor(bindings: readonly Binding[], roles: ReadonlyMap<string, readonly RolePermission[]>) {
    const compiledRoles = new Map<string, SubjectRows>()
    for (const binding of bindings) {
      const permissions = roles.get(binding.role) ?? BUILTIN_ROLES.get(binding.role) ?? []
      const rows =
        compiledRoles.get(binding.role) ??
        new SubjectRows(roleRows(binding.role, permissions), { matchMode: 'glob', strictArgo: false })
      compiledRoles.set(binding.role, rows)
      const compiled = { binding, rows, inScope: compileScope(binding.scope) }
      const names = [
        ...binding.users.map(name => `user:${name}`),
        ...binding.groups.map(name => `group:${name}`),
        ...binding.teams.map(name => `team:${name}`),
      ]
      for (const name of names) {
        const list = this.#bySubject.get(name)
        if (list === undefined) this.#bySubject.set(name, [compiled])
        else list.push(compiled)
      }
    }
  }

  get isEmpty(): boolean {
    return this.#bySubject.size === 0
  }

  /** Whether any binding is for one of these names. */
  concerns(names: readonly string[]): boolean {
    return names.some(name => this.#bySubject.has(name))
  }

  /** Whether any binding takes something from one of these names. */
  denies(names: readonly string[]): boolean {
    return names.some(name => this.#bySubject.get(name)?.some(({ binding }) => binding.effect === 'deny') === true)
  }

  /** Whether what bindings of these names give may change without anything else being different: they have conditions. */
  hasConditions(names: readonly string[]): boolean {
    return names.some(name => this.#bySubject.get(name)?.some(({ binding }) => binding.conditions.length > 0) === true)
  }

  find(
    names: readonly string[],
    effect: 'allow' | 'deny',
    [principal, action, object, context]: readonly [Principal, string, AccessObject, AccessContext],
  ): Binding | undefined {
    for (const name of names) {
      for (const { binding, rows, inScope } of this.#bySubject.get(name) ?? []) {
        if (binding.effect !== effect || !inScope(object)) continue
        if (rows.allowing(object.resource, action, object.name) === undefined) continue
        if (binding.conditions.every(one => holds(one, effect, [principal, action, object, context]))) return binding
      }
    }
    return undefined
  }
}

interface CompiledBinding {
  readonly binding: Binding
  readonly rows: SubjectRows
  readonly inScope: (object: AccessObject) => boolean
}

function holds(
  condition: Condition,
  effect: 'allow' | 'deny',
  asked: readonly [Principal, string, AccessObject, AccessContext],
): boolean {
  try {
    return condition(...asked)
  } catch {
    return effect === 'deny' // a label that is not there: nobody may gain by what cannot be told
  }
}

function compileScope(scope: BindingScope): (object: AccessObject) => boolean {
  const tests: ((object: AccessObject) => boolean)[] = []
  const list = (patterns: readonly string[] | undefined, read: (object: AccessObject) => string | undefined): void => {
    if (patterns === undefined) return
    const texts = new Set(patterns)
    const matchers = patterns.map(pattern => matcherOf(compilePattern(pattern, 'wide')))
    tests.push(object => {
      const value = read(object)
      return value !== undefined && (texts.has(value) || matchers.some(matches => matches(value)))
    })
  }
  list(scope.projects, projectOf)
  list(scope.applications, object => (APPLICATIONS.has(object.resource) ? object.name : undefined))
  list(scope.clusters, object => object.cluster)
  list(scope.environments, object => object.environment)
  const { labels } = scope
  if (labels !== undefined) {
    tests.push(object => Object.entries(labels).every(([key, value]) => object.labels?.[key] === value))
  }
  return object => tests.every(test => test(object))
}

const APPLICATIONS: ReadonlySet<string> = new Set(['applications', 'logs', 'exec'])

function projectOf({ resource, project, name }: AccessObject): string | undefined {
  return resource === 'projects' ? (project ?? name) : project
}
