import { BundleError, decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import { canonicalJson, type Digest } from '@flotilla/core/json/canonical-json'
import { isJsonObject } from '@flotilla/core/json/json'
import type { Bundle } from '@flotilla/core/model/bundle'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import { DecodedBundles } from './decoded-bundles.ts'

const PREFIX = 'bundles/'
const UNNAMED = 'bundles-unnamed'
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 5 * 60_000
/** A Bundle goes when nothing has named it for so long. */
const SWEEP_AFTER_MS = 24 * 60 * 60 * 1000

export interface BundleKeepOptions {
  readonly state: AgentState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Asks the hub for a path; undefined while it cannot be asked. */
  readonly ask: (path: string) => Promise<HubResponse | undefined>
  /** The size that a held Offer states for a digest. */
  readonly offeredSize: (digest: Digest) => number | undefined
  /** A Bundle that could not be had may now be asked for again. */
  readonly mayAskAgain: () => void
}

/**
 * Bundles: kept by digest, fetched once, and never believed without their digest (protocol.md 6). What is altered, cut
 * off or too large is not handed out but fetched again, ever more rarely.
 */
export class BundleKeep {
  readonly #options: BundleKeepOptions
  readonly #decoded = new DecodedBundles()
  readonly #fetching = new Map<Digest, Promise<Bundle | undefined>>()
  readonly #refused = new Map<
    Digest,
    { readonly failures: number; readonly notBefore: number; readonly timer: Timer }
  >()

  constructor(options: BundleKeepOptions) {
    this.#options = options
  }

  async get(digest: Digest): Promise<Bundle | undefined> {
    const kept = await this.#kept(digest)
    if (kept) return kept
    const running = this.#fetching.get(digest)
    if (running) return await running
    const fetching = this.#fetch(digest).finally(() => this.#fetching.delete(digest))
    this.#fetching.set(digest, fetching)
    return await fetching
  }

  /** The hub can be asked again: what failed because it was away need not wait any longer. */
  reconnected(): void {
    for (const { timer } of this.#refused.values()) timer.cancel()
    this.#refused.clear()
  }

  stop(): void {
    this.reconnected()
  }

  /** Deletes what nothing has named for a day. `named` must hold everything that still matters. */
  async sweep(named: ReadonlySet<Digest>): Promise<void> {
    const { state, clock, log } = this.#options
    const before = await this.#unnamed()
    const after = new Map<string, number>()
    const now = clock.now()
    for (const key of await state.list(PREFIX)) {
      if (named.has(digestOf(key))) continue
      const since = Math.min(before.get(key) ?? now, now)
      if (now - since < SWEEP_AFTER_MS) after.set(key, since)
      else {
        await state.delete(key)
        log.debug('a Bundle was swept', { digest: digestOf(key) })
      }
    }
    if (canonicalJson(Object.fromEntries(before)) === canonicalJson(Object.fromEntries(after))) return
    await state.put(UNNAMED, Buffer.from(canonicalJson(Object.fromEntries(after))))
  }

  async #kept(digest: Digest): Promise<Bundle | undefined> {
    const { state, log } = this.#options
    const bytes = await state.get(keyOf(digest))
    if (!bytes) return undefined
    try {
      return this.#decoded.get(bytes, digest)
    } catch (error) {
      if (!(error instanceof BundleError)) throw error
      log.warn('a kept Bundle is not what it was; it is fetched again', { digest, code: error.code })
      await state.delete(keyOf(digest))
      return undefined
    }
  }

  async #fetch(digest: Digest): Promise<Bundle | undefined> {
    const { clock, log, ask, offeredSize, state } = this.#options
    if ((this.#refused.get(digest)?.notBefore ?? 0) > clock.monotonicMs()) return undefined
    const response = await ask(`/agent/v1/bundles/${digest}`)
    if (!response) return undefined
    if (response.status !== 200) {
      log.warn('the hub did not give a Bundle', { digest, status: response.status })
      return this.#later(digest)
    }
    const size = offeredSize(digest)
    if (size !== undefined && size !== response.body.length) {
      log.warn('a Bundle does not have the size that was offered', { digest, size, actual: response.body.length })
      return this.#later(digest)
    }
    try {
      const bundle = decodeBundle(response.body, digest)
      await state.put(keyOf(digest), response.body)
      this.#refused.get(digest)?.timer.cancel()
      this.#refused.delete(digest)
      return bundle
    } catch (error) {
      if (!(error instanceof BundleError)) throw error
      log.warn('a Bundle was refused', { digest, code: error.code })
      return this.#later(digest)
    }
  }

  #later(digest: Digest): undefined {
    const { clock, random, mayAskAgain } = this.#options
    const failures = (this.#refused.get(digest)?.failures ?? 0) + 1
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 16))
    const delayMs = Math.ceil(longest * (0.5 + 0.5 * random.fraction()))
    this.#refused.get(digest)?.timer.cancel()
    const timer = clock.setTimer(delayMs, mayAskAgain)
    this.#refused.set(digest, { failures, notBefore: clock.monotonicMs() + delayMs, timer })
    return undefined
  }

  async #unnamed(): Promise<ReadonlyMap<string, number>> {
    const bytes = await this.#options.state.get(UNNAMED)
    const value = bytes && parseBoundedJsonBytes(bytes, 4 * 1024 * 1024)
    if (!isJsonObject(value)) return new Map()
    return new Map(Object.entries(value).flatMap(([key, since]) => (typeof since === 'number' ? [[key, since]] : [])))
  }
}

function keyOf(digest: Digest): string {
  return PREFIX + digest.slice('sha256:'.length)
}

function digestOf(key: string): Digest {
  return `sha256:${key.slice(PREFIX.length)}`
}
