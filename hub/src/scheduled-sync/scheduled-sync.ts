import type { JsonObject } from '@flotilla/core/json/json'
import type { Identity, StoreReader, StoreWriter, TokenScope } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

export type ScheduledState = 'waiting' | 'started' | 'expired' | 'cancelled' | 'failed'

/** A sync by hand that somebody wants later: from a time on, as soon as every gate is open, and not after another. */
export interface ScheduledSync {
  readonly id: string
  readonly application: string
  readonly notBefore: EpochMs
  readonly expires: EpochMs
  readonly prune: boolean
  readonly reason: string
  readonly by: string
  /** The token that asked: what it may not do any more is not done. */
  readonly tokenId: string
  /** Of people who signed in: who they are, and what their tokens are narrowed to. */
  readonly makers?: readonly Identity[]
  readonly scopes?: readonly TokenScope[]
  readonly madeAt: EpochMs
  readonly state: ScheduledState
  /** What it waits for, or why it ended. */
  readonly message: string
  /** Of the Grant, to be followed. */
  readonly operation?: string
  readonly endedAt?: EpochMs
}

/** Wait at most; beyond, people have to cancel something first. */
export const MOST_WAITING = 500
const MOST_ENDED = 200
const KEY = 'syncs.scheduled'

export async function scheduledSyncs(rows: StoreReader): Promise<readonly ScheduledSync[]> {
  const items = (await rows.setting(KEY))?.['items']
  return Array.isArray(items) ? (items as unknown as readonly ScheduledSync[]) : []
}

/** Those that ended are kept for a while, the latest ones. */
export async function putScheduledSync(writer: StoreWriter, sync: ScheduledSync): Promise<void> {
  const others = (await scheduledSyncs(writer)).filter(({ id }) => id !== sync.id)
  const all = [...others, sync].sort((a, b) => a.madeAt - b.madeAt || (a.id < b.id ? -1 : 1))
  const ended = all.filter(({ state }) => state !== 'waiting')
  const dropped = new Set(ended.slice(0, Math.max(0, ended.length - MOST_ENDED)))
  const items = all.filter(each => !dropped.has(each)) as unknown as readonly JsonObject[]
  await writer.putSetting(KEY, { items })
}
