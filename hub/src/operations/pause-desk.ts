import { uuidV7 } from '@flotilla/core/identity/uuid'
import { type Pause, pauseInForce } from '@flotilla/core/model/pause'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { ApplicationRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { HubKeys } from '../gateway/hub-keys.ts'
import { voidGrant } from '../gateway/void-grant.ts'
import type { Interventions } from '../loop/intervene.ts'
import { HubBehind } from '../recovery/hub-behind.ts'
import { auditIntervention } from './audit-intervention.ts'
import type { Asker, DeskAnswer, Within } from './operation-desk.ts'

export interface PauseWish extends Asker {
  /** Ends by itself then. */
  readonly until?: EpochMs
}

export interface PauseDeskServices {
  readonly store: Store
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  readonly interventions: Pick<Interventions, 'set'>
}

/** What people may ask of it. */
export type PauseActs = Pick<PauseDesk, 'pause' | 'resume' | 'wouldPause' | 'wouldResume'>

type Refused = Extract<DeskAnswer, { kind: 'refused' }>
export type PauseAnswer = Refused | { readonly kind: 'done' }

/**
 * What people want left alone. A pause, the Offer that ends healing and the permissions that it takes back are one
 * transaction: after it, nothing that nobody asked for begins.
 */
export class PauseDesk {
  readonly #services: PauseDeskServices

  constructor(services: PauseDeskServices) {
    this.#services = services
  }

  /** Lets nothing start by itself and heals nothing, until it is resumed. What runs goes on to its end. */
  async pause(name: string, { by, reason, until }: PauseWish, within?: Within<PauseAnswer>): Promise<PauseAnswer> {
    const { clock, random, keys } = this.#services
    const found = await this.#pausable(name)
    if (found.kind === 'refused') return found
    const { row } = found
    const at = Math.floor(clock.now())
    const end = until === undefined ? {} : { until: Math.floor(until) }
    const pause: Pause = { id: uuidV7(at, random.bytes(10)), by, at, reason, ...end }
    return await this.#set(row, pause, async writer => {
      const open = row.clusterId === undefined ? [] : await writer.openGrants(row.clusterId)
      for (const grant of open) {
        if (grant.applicationId !== row.id || grant.payload.trigger !== 'automated') continue
        await voidGrant(writer, keys, clock, grant, `${by} paused it`)
      }
      const detail = { pause: pause.id, ...(until === undefined ? {} : { until: isoTime(until) }) }
      const laid = { before: row.pause, after: pause }
      await auditIntervention(writer, row, clock.now(), 'application.pause', { by, reason }, detail, laid)
      await within?.(writer, { kind: 'done' })
    })
  }

  /** What Git wants begins by itself again, where that is automated and gates are open. */
  async resume(name: string, asker: Asker, within?: Within<PauseAnswer>): Promise<PauseAnswer> {
    const found = await this.#paused(name)
    if (found.kind === 'refused') return found
    const { row, pause } = found
    return await this.#set(row, undefined, async writer => {
      const laid = { before: pause }
      const at = this.#services.clock.now()
      await auditIntervention(writer, row, at, 'application.unpause', asker, { pause: pause.id }, laid)
      await within?.(writer, { kind: 'done' })
    })
  }

  /** What {@link pause} would answer now; nothing is stored. */
  async wouldPause(name: string): Promise<PauseAnswer> {
    const found = await this.#pausable(name)
    return found.kind === 'refused' ? found : { kind: 'done' }
  }

  /** What {@link resume} would answer now; nothing is stored. */
  async wouldResume(name: string): Promise<PauseAnswer> {
    const found = await this.#paused(name)
    return found.kind === 'refused' ? found : { kind: 'done' }
  }

  async #pausable(name: string): Promise<Refused | { readonly kind: 'found'; readonly row: ApplicationRow }> {
    const row = await this.#services.store.read(rows => rows.applicationByName(name))
    if (!row) return unknown(name)
    return row.state === 'active' ? { kind: 'found', row } : refused('HELD', `${name} is ${row.state}`)
  }

  async #paused(
    name: string,
  ): Promise<Refused | { readonly kind: 'found'; readonly row: ApplicationRow; readonly pause: Pause }> {
    const { store, clock } = this.#services
    const row = await store.read(rows => rows.applicationByName(name))
    if (!row) return unknown(name)
    const pause = pauseInForce(row, clock.now())
    return pause ? { kind: 'found', row, pause } : refused('IDLE', `${name} is not paused`)
  }

  async #set(
    row: ApplicationRow,
    pause: Pause | undefined,
    work: (writer: StoreWriter) => Promise<void>,
  ): Promise<PauseAnswer> {
    try {
      const lay = ({ pause: _, ...free }: ApplicationRow): ApplicationRow => (pause ? { ...free, pause } : free)
      await this.#services.interventions.set(row.id, lay, work)
      return { kind: 'done' }
    } catch (error) {
      if (error instanceof HubBehind) return refused('HELD', error.message)
      throw error
    }
  }
}

function refused(code: 'UNKNOWN' | 'HELD' | 'IDLE', message: string): Refused {
  return { kind: 'refused', code, message }
}

function unknown(name: string): Refused {
  return refused('UNKNOWN', `there is no Application "${name}"`)
}
