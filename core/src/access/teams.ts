import { compilePattern, matcherOf } from './compile-pattern.ts'
import type { AccessObject } from './object.ts'
import type { RowPlace } from './policy-row.ts'
import type { Principal } from './principal.ts'

/** People, the projects that they own, and the projects that they may watch. */
export interface Team {
  readonly name: string
  readonly users: readonly string[]
  readonly groups: readonly string[]
  /** Globs over names of projects. */
  readonly owns: readonly string[]
  readonly watches: readonly string[]
  readonly place: RowPlace
}

/** What watching shows. Logs may hold what a team keeps to itself, so they are not among it. */
const WATCHED: ReadonlySet<string> = new Set(['applications', 'applicationsets', 'projects', 'rollouts', 'sources'])

/** Whether watching a project shows things of this kind. */
export function isWatched(resource: string): boolean {
  return WATCHED.has(resource)
}

/** The teams of a fleet, found by their people. */
export class TeamIndex {
  readonly #byMember = new Map<string, CompiledTeam[]>()
  readonly #byName = new Map<string, CompiledTeam>()
  /** Of principals that ask again and again: neither they nor the teams ever change. */
  readonly #known = new WeakMap<Principal, readonly CompiledTeam[]>()

  constructor(teams: readonly Team[]) {
    for (const team of teams) {
      const compiled: CompiledTeam = { team, owns: anyOf(team.owns), watches: anyOf(team.watches) }
      this.#byName.set(team.name, compiled)
      const members = [...team.users.map(name => `user:${name}`), ...team.groups.map(name => `group:${name}`)]
      for (const member of new Set(members)) {
        const list = this.#byMember.get(member)
        if (list === undefined) this.#byMember.set(member, [compiled])
        else list.push(compiled)
      }
    }
  }

  get all(): readonly CompiledTeam[] {
    return [...this.#byName.values()]
  }

  named(name: string): CompiledTeam | undefined {
    return this.#byName.get(name)
  }

  teamsOf(principal: Principal): readonly CompiledTeam[] {
    if (this.#byMember.size === 0 || principal.kind !== 'person') return []
    const known = this.#known.get(principal)
    if (known !== undefined) return known
    const names = [`user:${principal.subject}`, ...principal.groups.map(group => `group:${group}`)]
    const found = [...new Set(names.flatMap(name => this.#byMember.get(name) ?? []))]
    this.#known.set(principal, found)
    return found
  }
}

/** A team with its patterns made ready. */
export interface CompiledTeam {
  readonly team: Team
  readonly owns: (project: string) => boolean
  readonly watches: (project: string) => boolean
}

/** A team that lets its people see the object: it owns or watches the project. */
export function watchingTeam(
  teams: readonly CompiledTeam[],
  action: string,
  object: AccessObject,
): CompiledTeam | undefined {
  const project = object.resource === 'projects' ? object.name : object.project
  if (action !== 'get' || project === undefined || !WATCHED.has(object.resource)) return undefined
  return teams.find(team => team.owns(project) || team.watches(project))
}

function anyOf(patterns: readonly string[]): (project: string) => boolean {
  const matchers = patterns.map(pattern => matcherOf(compilePattern(pattern, 'wide')))
  return project => matchers.some(matches => matches(project))
}
