import { type Authorisation, authorise, decide } from '@flotilla/core/access/authorise'
import type { AccessContext } from '@flotilla/core/access/condition'
import type { AccessObject } from '@flotilla/core/access/object'
import type { Principal } from '@flotilla/core/access/principal'
import { mayEver } from '@flotilla/core/access/project-sight'
import type { CompiledTeam } from '@flotilla/core/access/teams'
import type { TokenScope } from '@flotilla/core/ports/sign-in-rows'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { Problem } from '../api/problem.ts'
import { EVERYTHING_VISIBLE, type VisibleSet } from '../api/visible-set.ts'
import { withinScopes } from '../sign-in/token-scope.ts'
import { namedObject } from './objects.ts'
import type { PolicyInForce } from './policy-in-force.ts'

/** Whose rights: what the policy says of the principal, and of each who has made his token, within its scopes. */
export interface Asker {
  readonly principal: Principal
  readonly ceilings?: readonly Principal[]
  readonly scopes?: readonly TokenScope[]
}

/** What sights that change by time are remembered for: streams are looked at anew as often. */
const TIMELY_MS = 30_000

/**
 * The rights of one caller under the policy in force, for the time of one request. Every handler asks here, about the
 * stored object; one that never asks is an error of ours, and nothing is answered (create-api.ts).
 */
export class Rights {
  readonly inForce: PolicyInForce
  readonly #asker: Asker
  readonly #now: EpochMs
  #asked = false
  /** Whether a handler has taken them: of an empty list nothing is asked. */
  handed = false
  #visible: VisibleSet | undefined
  #team: CompiledTeam | undefined

  constructor(inForce: PolicyInForce, asker: Asker, now: EpochMs) {
    this.inForce = inForce
    this.#asker = asker
    this.#now = now
  }

  /** Whether anything was asked. */
  get asked(): boolean {
    return this.#asked || this.handed
  }

  /** The Team whose view this is, where the question is about one. */
  get team(): CompiledTeam | undefined {
    return this.#team
  }

  /**
   * From now on nothing counts but what belongs to a Project that the Team owns or watches, or to no Project.
   *
   * @throws Problem `NOT_FOUND` for a Team that is not there or that he may not see.
   */
  narrowTo(name: string): void {
    const team = this.inForce.policy.teams.named(name)
    if (team === undefined || !this.seesTeam(name)) throw new Problem('NOT_FOUND')
    this.#team = team
    this.#visible = undefined
  }

  /** Its own people see a Team, whoever holds its shared view, and who may see accounts. */
  seesTeam(name: string): boolean {
    const { principal } = this.#asker
    if (principal.kind === 'team') return principal.team === name
    return this.isOfTeam(name) || this.sees(namedObject('accounts', name))
  }

  /** For answers that are nobody's secret from whoever is known: who he is, what he himself has made. */
  needNone(): void {
    this.#asked = true
  }

  /** The answer with its reasons; they may be told only to whoever may read the policy. */
  authorise(action: string, object: AccessObject, context: AccessContext = {}): Authorisation {
    this.#asked = true
    const { principal, ceilings = [], scopes = [] } = this.#asker
    const at = { now: this.#now, ...context }
    const { policy } = this.inForce
    let answer = authorise(policy, principal, action, object, at)
    for (const ceiling of ceilings) answer = lower(answer, authorise(policy, ceiling, action, object, at))
    const project = object.resource === 'projects' ? object.name : object.project
    if (this.#team !== undefined && project !== undefined && !isOf(this.#team, project)) {
      return { kind: 'hidden', allowed: false, because: [] }
    }
    if (answer.kind === 'hidden' || scopes.length === 0) return answer
    const within = withinScopes(scopes, { action, ...(project !== undefined && { project }) })
    if (within === 'within') return answer
    const because = [{ row: 'what the token was made for' }]
    const seen =
      within === 'action' &&
      action !== 'get' &&
      withinScopes(scopes, { action: 'get', ...(project !== undefined && { project }) }) === 'within'
    return { kind: seen ? 'forbidden' : 'hidden', allowed: false, because }
  }

  /** Whether anything at all may be done with anything of a resource: who may nothing of it is told so at once. */
  mayEver(action: string, resource: string): boolean {
    this.#asked = true
    const { principal, ceilings = [] } = this.#asker
    return [principal, ...ceilings].every(each => mayEver(this.inForce.policy, each, action, resource))
  }

  /** Whether the caller is one of the Team's people, and so is each who vouches for him. */
  isOfTeam(name: string): boolean {
    this.#asked = true
    const { principal, ceilings = [] } = this.#asker
    const { teams } = this.inForce.policy
    return [principal, ...ceilings].every(each => teams.teamsOf(each).some(({ team }) => team.name === name))
  }

  /** Whether nothing that there may be of a resource is kept from him: rows give all of it, and none takes any away. */
  seesAllOf(resource: string): boolean {
    this.#asked = true
    const { principal, ceilings = [], scopes = [] } = this.#asker
    if (scopes.some(({ projects }) => projects !== undefined)) return false
    const probes = [namedObject(resource, '*'), namedObject(resource, PROBE), namedObject(resource, PROBE, PROBE)]
    return (
      [principal, ...ceilings].every(each => this.inForce.sightOf(each).deniesNothingOf(resource)) &&
      probes.every(object => this.sees(object))
    )
  }

  /** That something of the hub as a whole may not be done: there is nothing about it to hide. */
  refusal(): Problem {
    return new Problem('FORBIDDEN')
  }

  /** Whether it may be done. */
  may(action: string, object: AccessObject, context: AccessContext = {}): boolean {
    return this.authorise(action, object, context).kind === 'allow'
  }

  sees(object: AccessObject): boolean {
    return this.may('get', object)
  }

  /**
   * Lets pass who may do it.
   *
   * @throws Problem `NOT_FOUND` where it must look as if there were no such thing, `FORBIDDEN` where it may be seen.
   */
  require(action: string, object: AccessObject, context: AccessContext = {}): void {
    const { kind } = this.authorise(action, object, context)
    if (kind !== 'allow') throw new Problem(kind === 'hidden' ? 'NOT_FOUND' : 'FORBIDDEN')
  }

  /** The same of something that goes by several names: one of them has to allow it, and none may deny it. */
  requireOneOf(action: string, objects: readonly AccessObject[]): void {
    const kind = this.#ofAll(action, objects)
    if (kind !== 'allow') throw new Problem(kind === 'hidden' ? 'NOT_FOUND' : 'FORBIDDEN')
  }

  mayOneOf(action: string, objects: readonly AccessObject[]): boolean {
    return this.#ofAll(action, objects) === 'allow'
  }

  #ofAll(action: string, objects: readonly AccessObject[]): Authorisation['kind'] {
    const answers = objects.map(object => this.authorise(action, object))
    // A deny has a row, which the answer names; that nothing gives the right has none.
    const denied = objects.some(object => this.#denied('get', object))
    if (denied) return 'hidden'
    if (objects.some(object => this.#denied(action, object))) {
      return answers.some(({ kind }) => kind !== 'hidden') ? 'forbidden' : 'hidden'
    }
    for (const wanted of ['allow', 'forbidden'] as const) if (answers.some(({ kind }) => kind === wanted)) return wanted
    return 'hidden'
  }

  #denied(action: string, object: AccessObject): boolean {
    const { principal, ceilings = [] } = this.#asker
    return [principal, ...ceilings].some(each => {
      const { allowed, because } = decide(this.inForce.policy, each, action, object, { now: this.#now })
      return !allowed && because.length > 0
    })
  }

  /** Which Applications exist for him: lists, counts, pages and streams are made of these. */
  get visible(): VisibleSet {
    this.#asked = true
    this.#visible ??= this.#compileVisible()
    return this.#visible
  }

  #compileVisible(): VisibleSet {
    const { principal, ceilings = [], scopes = [] } = this.#asker
    const sights = [principal, ...ceilings].map(each => this.inForce.sightOf(each))
    const team = this.#team
    const whole = scopes.length === 0 && team === undefined
    if (whole && sights.every(({ everything }) => everything)) return EVERYTHING_VISIBLE
    const now = this.#now
    const timely = sights.some(sight => sight.timely) ? Math.floor(now / TIMELY_MS) : ''
    const projects = new Map<string, boolean>()
    const inScope = (project: string): boolean => {
      let within = projects.get(project)
      within ??= withinScopes(scopes, { action: 'get', project }) === 'within'
      projects.set(project, within)
      return within
    }
    return {
      key: JSON.stringify([this.inForce.version, sights.map(({ key }) => key), scopes, timely, team?.team.name ?? '']),
      sees: (view: ApplicationView) =>
        (team === undefined || isOf(team, view.project)) &&
        (scopes.length === 0 || inScope(view.project)) &&
        sights.every(sight => sight.sees(view, now)),
    }
  }
}

/** Whether a Project is the Team's, to act in or to watch. */
export function isOf(team: CompiledTeam, project: string): boolean {
  return team.owns(project) || team.watches(project)
}

/** No row names it: what is given for it is given for everything. */
const PROBE = '\u{10FFFF}'

/** Nobody may more than any of those who vouch for him. */
function lower(a: Authorisation, b: Authorisation): Authorisation {
  const order: readonly Authorisation['kind'][] = ['hidden', 'forbidden', 'allow']
  return order.indexOf(b.kind) < order.indexOf(a.kind) ? b : a
}
