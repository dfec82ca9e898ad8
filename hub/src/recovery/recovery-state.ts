import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** Where the state is kept among the settings of the store. */
export const RECOVERY_SETTING = 'recovery'

/**
 * Why a hub may not trust its own store.
 *
 * `empty`: it started without a store, with keys that had been used. `restored`: its store was put there from a backup.
 * `proved`: an agent showed a document that the store did not issue. `admitted`: an agent showed an admission that it
 * does not know.
 */
export type BehindReason = 'empty' | 'restored' | 'proved' | 'admitted'

/** What was shown that the store does not have. */
export interface Evidence {
  readonly cluster: string
  readonly clusterName?: string
  /** `3.41` of a document; `admission 2` of an admission. */
  readonly shown: string
  /** What the store came to. */
  readonly known: string
}

/** Where a hub stands with its own memory; kept in the store, as one setting. */
export type RecoveryState =
  /** Nothing is the matter; `epoch` is that of the last recovery, if there was one. */
  | { readonly kind: 'settled'; readonly epoch?: number }
  /** `STORE_BEHIND`: nothing is issued until `hub recover`. */
  | {
      readonly kind: 'behind'
      readonly since: EpochMs
      readonly reason: BehindReason
      readonly evidence?: Evidence
      /** The highest epoch that anyone has proved. */
      readonly provedEpoch?: number
    }
  /** Recovered, and nobody has acknowledged the list: no automated Grant. */
  | { readonly kind: 'recovered'; readonly since: EpochMs; readonly by: string; readonly epoch: number }

export const SETTLED: RecoveryState = { kind: 'settled' }

/**
 * The epoch in which numbers of a Cluster begin that is new now: that of the last recovery, so that what it is told is
 * known to be of after that, whatever backup is restored. While the store is behind any will do: its recovery raises it.
 */
export function epochNow(state: RecoveryState): number {
  return state.kind === 'behind' ? 1 : (state.epoch ?? 1)
}

export async function readRecoveryState(rows: StoreReader): Promise<RecoveryState> {
  return decode(await rows.setting(RECOVERY_SETTING))
}

export async function putRecoveryState(rows: StoreWriter, state: RecoveryState): Promise<void> {
  await rows.putSetting(RECOVERY_SETTING, state as unknown as JsonObject)
}

/** What a store says that was put in its place from a backup. */
export function restoredState(now: EpochMs): JsonObject {
  return { kind: 'behind', since: now, reason: 'restored' }
}

/** Written by this file alone; what cannot be read is taken for the state in which least happens. */
function decode(value: JsonObject | undefined): RecoveryState {
  if (value === undefined) return SETTLED
  const { kind, since, epoch, by } = value
  const at = typeof since === 'number' ? since : 0
  if (kind === 'settled') return { kind, ...(typeof epoch === 'number' && { epoch }) }
  if (kind === 'recovered' && typeof epoch === 'number')
    return { kind, since: at, by: typeof by === 'string' ? by : '', epoch }
  const { reason, evidence, provedEpoch } = value
  return {
    kind: 'behind',
    since: at,
    reason: reason === 'empty' || reason === 'restored' || reason === 'admitted' ? reason : 'proved',
    ...(isJsonObject(evidence) && { evidence: evidence as unknown as Evidence }),
    ...(typeof provedEpoch === 'number' && { provedEpoch }),
  }
}
