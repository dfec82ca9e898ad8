import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import { verifyJws } from '@flotilla/core/protocol/jws'
import { type DocumentContext, decodePulse } from '@flotilla/core/protocol/signed-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { HubClock } from './hub-clock.ts'
import { grownTrust, keepTrust, provedTrust, type Trust } from './hub-trust.ts'

/** Of a pulse: what time it is at the hub, and whether this is the first that is known of it. */
export interface HeardPulse {
  readonly now: EpochMs
  readonly first: boolean
}

/** The hub as this agent knows it: by which keys it speaks, and what time it is there. */
export class KnownHub {
  readonly clock: HubClock
  readonly #state: AgentState
  readonly #log: Log
  #trust: Trust | undefined
  /** The hub has a newer key than we know. */
  #lacksKey = false
  /** By a key that is not known yet: looked at again once it is. */
  #earlyPulse: string | undefined

  constructor({ state, clock, log }: { readonly state: AgentState; readonly clock: Clock; readonly log: Log }) {
    this.#state = state
    this.#log = log
    this.clock = new HubClock(clock, state)
  }

  get trust(): Trust | undefined {
    return this.#trust
  }

  get newestKid(): string {
    return this.#trust?.newestKid ?? ''
  }

  /** Whether its chain has to be walked on. */
  get lacksKey(): boolean {
    return this.#lacksKey
  }

  /** Takes what an admission says. @returns Whether it is another than the one before. */
  take(trust: Trust): boolean {
    const admittedAgain = this.#trust !== undefined && this.#trust.adm !== trust.adm
    this.#trust = trust
    return admittedAgain
  }

  /** The hub names its newest key. One that is known already is of a hub whose hub.key is behind; it finds out by what we say. */
  hearOfKey(kid: string): void {
    if (this.#trust && !this.#trust.keys.has(kid)) this.#lacksKey = true
  }

  /** Walks the chain on by what the hub has answered. @returns A pulse that waited for it; undefined: it does not go on. */
  async grow(chain: Uint8Array): Promise<{ readonly early: string | undefined } | undefined> {
    const trust = this.#trust
    const grown = trust && grownTrust(trust, chain)
    if (!grown) {
      this.#log.warn('the hub’s keys do not go on from the newest one known', { kid: this.newestKid })
      return undefined
    }
    await keepTrust(this.#state, grown)
    this.#trust = grown
    this.#log.info('the hub has another key', { kid: grown.newestKid })
    const early = this.#earlyPulse
    this.#earlyPulse = undefined
    return { early }
  }

  /** Its chain was asked for, whatever came of it. */
  askedForKeys(): void {
    this.#lacksKey = false
  }

  /** Takes a pulse. @returns undefined when it says nothing, or nothing yet. */
  async pulse(jws: string): Promise<HeardPulse | undefined> {
    const trust = this.#trust
    const verified = verifyJws(jws, { typ: 'pulse', key: kid => trust?.accepted.get(kid), maxBytes: 4096 })
    if (verified.kind === 'refused' && verified.code === 'JWS_KEY' && this.#lacksKey) {
      this.#earlyPulse = jws
      return undefined
    }
    const decoded = verified.kind === 'verified' ? decodePulse(verified.payload) : verified
    if (decoded.kind === 'refused' || decoded.value.cluster !== trust?.cluster) {
      this.#log.warn('a pulse was refused', { code: decoded.kind === 'refused' ? decoded.code : 'OTHER_CLUSTER' })
      return undefined
    }
    if (verified.kind === 'verified') await this.#prove(verified.kid)
    const first = this.clock.now() === undefined
    return (await this.clock.heard(decoded.value)) ? { now: decoded.value.now, first } : undefined
  }

  /** By what a document has to hold. */
  context(): DocumentContext {
    const trust = this.#trust
    return { cluster: trust?.cluster ?? '', adm: trust?.adm ?? 0, keys: trust?.accepted ?? new Map() }
  }

  /** The hub signs with this key now: by those before it nothing is taken any more. */
  async #prove(kid: string): Promise<void> {
    const trust = this.#trust
    const proved = trust && provedTrust(trust, kid)
    if (!proved || proved === trust) return
    await keepTrust(this.#state, proved)
    this.#trust = proved
  }
}
