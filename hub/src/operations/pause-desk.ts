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
import type { Asker, DeskAnswer } from './operation-desk.ts'

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
export type PauseActs = Pick<PauseDesk, 'pause' | 'resume'>

export type PauseAnswer = Extract<DeskAnswer, { kind: 'refused' }> | { readonly kind: 'done' }

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
  async pause(name: string, { by, reason, until }: PauseWish): Promise<PauseAnswer> {
    const { store, clock, random, keys } = this.#services
    const row = await store.read(rows => rows.applicationByName(name))
    if (!row) return unknown(name)
    if (row.state !== 'active') return refused('HELD', `${name} is ${row.state}`)
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
      await auditIntervention(writer, row, this.#services.clock.now(), 'application.pause', { by, reason }, detail)
    })
  }

  /** What Git wants begins by itself again, where that is automated and gates are open. */
  async resume(name: string, asker: Asker): Promise<PauseAnswer> {
    const { store, clock } = this.#services
    const row = await store.read(rows => rows.applicationByName(name))
    if (!row) return unknown(name)
    const pause = pauseInForce(row, clock.now())
    if (!pause) return refused('IDLE', `${name} is not paused`)
    return await this.#set(row, undefined, async writer => {
      await auditIntervention(writer, row, this.#services.clock.now(), 'application.unpause', asker, {
        pause: pause.id,
      })
    })
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

function refused(code: 'UNKNOWN' | 'HELD' | 'IDLE', message: string): PauseAnswer {
  return { kind: 'refused', code, message }
}

function unknown(name: string): PauseAnswer {
  return refused('UNKNOWN', `there is no Application "${name}"`)
}
