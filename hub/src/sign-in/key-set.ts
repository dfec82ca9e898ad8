import type { Clock } from '@flotilla/core/ports/clock'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { ProviderError } from './provider-error.ts'

/** Keys that were fetched are asked for again after this long, so that one that was withdrawn goes. */
const FRESH_MS = 10 * 60_000
/** While the provider is away they stay good for so long. */
const MOST_AGE_MS = 12 * 60 * 60_000
/** Between two questions for a key that nobody knows: whoever makes up key ids causes no more than that. */
const COOL_DOWN_MS = 10_000

export interface KeySetParts {
  readonly clock: Clock
  /** The provider's keys as it publishes them now. @throws ProviderError */
  fetch(): Promise<JSONWebKeySet>
}

interface Held {
  readonly keys: ReturnType<typeof createLocalJWKSet>
  readonly at: EpochMs
}

/** The provider's signing keys: fetched once, again when they grow old, and when a token names one that is new. */
export class KeySet {
  readonly #parts: KeySetParts
  #held: Held | undefined
  #asking: Promise<Held> | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(parts: KeySetParts) {
    this.#parts = parts
  }

  /** How jose asks for the key of a token. @throws ProviderError where there are none and none can be fetched. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const { clock } = this.#parts
    let held = await this.#fresh()
    try {
      return await held.keys(header, token)
    } catch (error) {
      const isNew = error instanceof errors.JWKSNoMatchingKey
      if (!isNew || clock.monotonicMs() - this.#askedAt < COOL_DOWN_MS) throw error
      held = await this.#ask()
      return await held.keys(header, token)
    }
  }

  async #fresh(): Promise<Held> {
    const held = this.#held
    const now = this.#parts.clock.monotonicMs()
    if (held === undefined) return await this.#ask()
    if (now - held.at < FRESH_MS || now - this.#askedAt < COOL_DOWN_MS) return held
    try {
      return await this.#ask()
    } catch (error) {
      if (!(error instanceof ProviderError) || now - held.at > MOST_AGE_MS) throw error
      return held
    }
  }

  /** One question at a time, however many wait for the answer. */
  async #ask(): Promise<Held> {
    this.#askedAt = this.#parts.clock.monotonicMs()
    this.#asking ??= this.#parts
      .fetch()
      .then(set => {
        this.#held = { keys: createLocalJWKSet(set), at: this.#askedAt }
        return this.#held
      })
      .finally(() => {
        this.#asking = undefined
      })
    return await this.#asking
  }
}
