import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject } from '@flotilla/core/json/json'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Log } from '@flotilla/core/ports/log'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import type { GrantPayload } from '@flotilla/core/protocol/documents'
import type { SettledFrame } from '@flotilla/core/protocol/frames'
import type { DocumentContext } from '@flotilla/core/protocol/signed-document'
import { takeGrant } from '@flotilla/core/protocol/take-document'

const GRANTS = 'grants/'
const SETTLED = 'settled/'
/** Ids of Grants that are over; the hub may repeat one that is on its way. */
const MAX_REMEMBERED = 1000

export type GrantOutcome = 'started' | 'refused' | 'lapsed'
type Settled = SettledFrame['grants'][number]

/** Grants taken and not yet answered, and the answers that the hub has not acknowledged; both outlive a restart. */
export class HeldGrants {
  readonly #state: AgentState
  readonly #log: Log
  readonly #grants = new Map<string, GrantPayload>()
  readonly #settled = new Map<string, Settled>()
  readonly #over = new Set<string>()

  constructor(state: AgentState, log: Log) {
    this.#state = state
    this.#log = log
  }

  /** Reads what is kept. A Grant of an earlier admission is void: only its answer, if there is one, is kept. */
  async load(context: DocumentContext): Promise<void> {
    this.#grants.clear()
    for (const key of await this.#state.list(SETTLED)) {
      const value = parseBoundedJsonBytes((await this.#state.get(key)) ?? new Uint8Array(), 64 * 1024)
      if (!isJsonObject(value)) continue
      const { id, outcome, reason } = value
      if (typeof id !== 'string' || (outcome !== 'started' && outcome !== 'refused' && outcome !== 'lapsed')) continue
      this.#settled.set(id, { id, outcome, ...(typeof reason === 'string' && { reason }) })
    }
    for (const key of await this.#state.list(GRANTS)) {
      const jws = Buffer.from((await this.#state.get(key)) ?? []).toString('utf8')
      const taking = takeGrant(jws, context)
      if (taking.kind === 'taken') {
        this.#grants.set(taking.grant.id, taking.grant)
        continue
      }
      this.#log.warn('a kept Grant no longer holds', { key, code: taking.code })
      const isOfBefore = taking.code === 'OTHER_ADMISSION' || taking.code === 'OTHER_CLUSTER'
      if (isOfBefore) await this.#state.delete(key)
    }
  }

  /** Takes Grants as signed; true when any was new. */
  async take(grants: readonly string[], context: DocumentContext): Promise<boolean> {
    let news = false
    for (const jws of grants) {
      const taking = takeGrant(jws, context)
      if (taking.kind === 'refused') {
        this.#log.warn('a Grant was refused', { code: taking.code, why: taking.message })
        continue
      }
      const { id } = taking.grant
      if (this.#grants.has(id) || this.#settled.has(id) || this.#over.has(id)) continue
      await this.#state.put(GRANTS + id, Buffer.from(jws))
      this.#grants.set(id, taking.grant)
      news = true
    }
    return news
  }

  /** Not yet answered, oldest first. */
  open(): readonly GrantPayload[] {
    return [...this.#grants.values()]
      .filter(grant => !this.#settled.has(grant.id))
      .sort((a, b) => a.iat - b.iat || (a.id < b.id ? -1 : 1))
  }

  /** The first answer to a Grant stands. */
  async settle(id: string, outcome: GrantOutcome, reason: string | undefined): Promise<void> {
    if (this.#settled.has(id) || this.#over.has(id)) return
    const settled: Settled = { id, outcome, ...(reason !== undefined && { reason: reason.slice(0, 4096) }) }
    await this.#state.put(SETTLED + id, Buffer.from(canonicalJson(settled)))
    this.#settled.set(id, settled)
  }

  /** What the hub has not acknowledged. */
  unacknowledged(): readonly Settled[] {
    return [...this.#settled.values()].slice(0, 1000)
  }

  async acknowledged(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (!this.#settled.has(id)) continue
      this.#over.add(id)
      if (this.#over.size > MAX_REMEMBERED) {
        const [oldest] = this.#over
        if (oldest !== undefined) this.#over.delete(oldest)
      }
      // The Grant goes first: an answer without a Grant is repeated, a Grant without an answer would be asked again.
      await this.#state.delete(GRANTS + id)
      await this.#state.delete(SETTLED + id)
      this.#grants.delete(id)
      this.#settled.delete(id)
    }
  }
}
