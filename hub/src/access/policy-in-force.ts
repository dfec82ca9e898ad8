import type { AccessReading } from '@flotilla/config/access/read-access'
import { type AccessSettings, type CompiledPolicy, compilePolicy } from '@flotilla/core/access/policy'
import { DEFAULT_SCOPES, type Principal } from '@flotilla/core/access/principal'
import { PrincipalSight } from './principal-sight.ts'

/** So many principals' sights are remembered at once; whoever is not among them costs a little more. */
const MOST_SIGHTS = 1_000

/** A version of the policy, made ready for questions. It never changes: a new policy is a new one of these. */
export class PolicyInForce {
  readonly policy: CompiledPolicy
  readonly settings: AccessSettings
  /** The claims that hold groups. */
  readonly scopes: readonly string[]
  /** `policy-7`: what an entry of the audit log was decided by. It rises with every change of meaning. */
  readonly version: string
  readonly #sights = new Map<string, PrincipalSight>()
  /** The same by the principal itself, which a caller who asks again still has. */
  readonly #lastSights = new WeakMap<Principal, PrincipalSight>()

  constructor(reading: Pick<AccessReading, 'settings' | 'scopes'>, version: string) {
    this.settings = reading.settings
    this.scopes = reading.scopes
    this.policy = compilePolicy(reading.settings)
    this.version = version
  }

  /** What the principal sees of Applications, worked out once for as long as this policy is in force. */
  sightOf(principal: Principal): PrincipalSight {
    const last = this.#lastSights.get(principal)
    if (last !== undefined) return last
    const key = JSON.stringify(principal)
    if (this.#sights.size >= MOST_SIGHTS) this.#sights.clear()
    const sight = this.#sights.get(key) ?? new PrincipalSight(this.policy, principal, key)
    this.#sights.set(key, sight)
    this.#lastSights.set(principal, sight)
    return sight
  }
}

/** The built-in roles and nothing else: what a hub has whose config declares no policy. */
export const NO_POLICY: Pick<AccessReading, 'settings' | 'scopes'> = {
  settings: { rows: [] },
  scopes: DEFAULT_SCOPES,
}
