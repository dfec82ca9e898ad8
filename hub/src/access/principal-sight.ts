import { authorise } from '@flotilla/core/access/authorise'
import type { CompiledPolicy } from '@flotilla/core/access/policy'
import type { Principal } from '@flotilla/core/access/principal'
import {
  isSightTimely,
  mayBeDenied,
  type ProjectSight,
  projectSight,
  seesEverything,
} from '@flotilla/core/access/project-sight'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { applicationObject } from './objects.ts'

/**
 * What one principal sees of Applications under one policy: by project where that is certain, else asked about once for
 * each version of each Application. Where conditions may look at the time, nothing is remembered.
 */
export class PrincipalSight {
  /** Names the principal. */
  readonly key: string
  /** Every Application there is or may be. */
  readonly everything: boolean
  /** What is seen may change by time alone. */
  readonly timely: boolean
  readonly #policy: CompiledPolicy
  readonly #principal: Principal
  readonly #projects = new Map<string, ProjectSight>()
  readonly #seen = new WeakMap<ApplicationView, boolean>()

  constructor(policy: CompiledPolicy, principal: Principal, key: string) {
    this.#policy = policy
    this.#principal = principal
    this.key = key
    this.everything = seesEverything(policy, principal)
    this.timely = isSightTimely(policy, principal)
  }

  sees(view: ApplicationView, now: EpochMs): boolean {
    if (this.everything) return true
    const sight = this.#sightOf(view.project)
    if (sight !== 'some') return sight === 'all'
    const known = this.timely ? undefined : this.#seen.get(view)
    if (known !== undefined) return known
    const seen = authorise(this.#policy, this.#principal, 'get', applicationObject(view), { now }).kind === 'allow'
    if (!this.timely) this.#seen.set(view, seen)
    return seen
  }

  /** Whether no row can take `get` of anything of that resource away. */
  deniesNothingOf(resource: string): boolean {
    return !mayBeDenied(this.#policy, this.#principal, resource)
  }

  #sightOf(project: string): ProjectSight {
    const known = this.#projects.get(project)
    if (known !== undefined) return known
    const sight = projectSight(this.#policy, this.#principal, project)
    this.#projects.set(project, sight)
    return sight
  }
}
