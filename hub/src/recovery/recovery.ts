import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Store } from '@flotilla/core/ports/store'
import type { HubKeys } from '../gateway/hub-keys.ts'
import { HubBehind } from './hub-behind.ts'
import { type Recovered, recoverStore } from './recover-store.ts'
import { type RecoveryList, readRecoveryList } from './recovery-list.ts'
import {
  type BehindReason,
  type Evidence,
  putRecoveryState,
  type RecoveryState,
  readRecoveryState,
  SETTLED,
} from './recovery-state.ts'

export type Acknowledgement =
  | { readonly kind: 'acknowledged' }
  /** The list is another one than the one that was read. */
  | { readonly kind: 'changed' }
  /** Nothing waits to be acknowledged: nothing was recovered, or the hub is behind again. */
  | { readonly kind: 'nothing' }

interface RecoveryParts {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/** What may not be signed while the store is behind: everything that tells an agent to act. */
const ACTS: ReadonlySet<string> = new Set(['offer', 'tombstone', 'grant', 'calendar', 'command'])

/**
 * Whether the hub may trust its own store (protocol.md 5.7), for everyone in the process who has to ask. What is found
 * holds at once, from memory, and is kept in the store: a hub that is restarted is behind still.
 */
export class Recovery {
  readonly #parts: RecoveryParts
  #state: RecoveryState
  readonly #listeners: (() => void)[] = []
  /** That it is behind is not in the store yet: the disk was full, say. Who finds it again has it written. */
  #unsaved = false

  constructor(parts: RecoveryParts, state: RecoveryState = SETTLED) {
    this.#parts = parts
    this.#state = state
  }

  /** @param lostStore The store is new and the hub's keys are not: what they have signed is not remembered. */
  static async load(parts: RecoveryParts, lostStore = false): Promise<Recovery> {
    const recovery = new Recovery(parts, await parts.store.read(rows => readRecoveryState(rows)))
    if (lostStore && recovery.#state.kind === 'settled') await recovery.found('empty')
    else if (recovery.behind) recovery.#complain()
    return recovery
  }

  get state(): RecoveryState {
    return this.#state
  }

  /** Nothing is issued, and nothing that is stored is handed out. */
  get behind(): boolean {
    return this.#state.kind === 'behind'
  }

  /** No automated Grant: nobody has looked at what the recovery left. */
  get unacknowledged(): boolean {
    return this.#state.kind !== 'settled'
  }

  /** Changes whenever everyone has to show again what they hold. */
  get generation(): string {
    const state = this.#state
    return state.kind === 'behind' ? `behind ${state.since}` : `epoch ${state.epoch ?? 0}`
  }

  /** Called after every change of state. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The same keys, which refuse to tell agents to act while the store is behind. */
  guard(keys: HubKeys): HubKeys {
    const sign = (typ: string, payload: object): string => {
      if (this.behind && ACTS.has(typ)) throw new HubBehind()
      return keys.sign(typ, payload)
    }
    return new Proxy(keys, {
      get: (target, name) => {
        if (name === 'sign') return sign
        // What keys keep to themselves is asked of them, not of this stand-in.
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  /** The store is behind: something was shown that it does not have. */
  async found(reason: BehindReason, evidence?: Evidence, provedEpoch?: number): Promise<void> {
    const { clock, store } = this.#parts
    const before = this.#state
    const highest = Math.max(provedEpoch ?? 0, (before.kind === 'behind' && before.provedEpoch) || 0)
    const known = before.kind === 'behind' && highest === (before.provedEpoch ?? 0) && (before.evidence || !evidence)
    const unsaved = this.#unsaved
    if (known && !unsaved) return
    const first = before.kind !== 'behind'
    const state: RecoveryState = {
      kind: 'behind',
      since: first ? clock.now() : before.since,
      reason: first ? reason : before.reason,
      ...((first ? evidence : (before.evidence ?? evidence)) && {
        evidence: first ? evidence! : (before.evidence ?? evidence)!,
      }),
      ...(highest > 0 && { provedEpoch: highest }),
    }
    this.#state = state
    if (first) this.#complain()
    this.#unsaved = false
    try {
      await store.write(async rows => {
        await putRecoveryState(rows, state)
        if (!first && !unsaved) return
        const detail = { reason: state.reason, ...(state.evidence && { evidence: { ...state.evidence } }) }
        await rows.appendAudit({ at: clock.now(), actor: 'hub', action: 'hub.behind', subject: 'hub', detail })
      })
    } catch (error) {
      this.#unsaved = true
      throw error
    }
    if (first || unsaved) this.#changed()
  }

  /** Begins a new epoch; what is stored stays, and every agent is asked to show what it holds. */
  async recover(by: string): Promise<Recovered> {
    const { store, clock, log } = this.#parts
    const { recovered, state } = await store.write(async rows => ({
      recovered: await recoverStore(rows, by, clock.now()),
      state: await readRecoveryState(rows),
    }))
    this.#state = state
    log.warn('the hub was recovered; automated syncs wait until somebody has acknowledged what it knows', {
      by,
      epoch: recovered.epoch,
    })
    this.#changed()
    return recovered
  }

  async list(): Promise<RecoveryList> {
    return await this.#parts.store.read(rows => readRecoveryList(rows))
  }

  /** Lets automated Grants go out again. @param digest Of the list that was looked at. */
  async acknowledge(by: string, digest: string): Promise<Acknowledgement> {
    const { store, clock, log } = this.#parts
    const answer = await store.write(async (rows): Promise<Acknowledgement> => {
      const state = await readRecoveryState(rows)
      if (state.kind !== 'recovered') return { kind: 'nothing' }
      const list = await readRecoveryList(rows)
      if (list.digest !== digest) return { kind: 'changed' }
      await putRecoveryState(rows, { kind: 'settled', epoch: state.epoch })
      await rows.appendAudit({
        at: clock.now(),
        actor: by,
        action: 'hub.acknowledge',
        subject: 'hub',
        detail: {
          epoch: state.epoch,
          digest,
          clusters: list.clusters.length,
          interventions: list.interventions.length,
        },
      })
      return { kind: 'acknowledged' }
    })
    if (answer.kind === 'acknowledged' && this.#state.kind === 'recovered') {
      this.#state = { kind: 'settled', epoch: this.#state.epoch }
      log.info('the recovery was acknowledged', { by })
      this.#changed()
    }
    return answer
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }

  #complain(): void {
    const state = this.#state
    if (state.kind !== 'behind') return
    this.#parts.log.error('STORE_BEHIND: nothing is issued until "flotilla hub recover"', {
      reason: state.reason,
      ...(state.evidence && { ...state.evidence }),
    })
  }
}
