import type { ApplicationRow, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ClusterCalendars } from '../gates/cluster-calendars.ts'
import type { OpenGrants } from './open-grants.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** What one look at some Applications gathers while its transaction is open. */
export interface Round {
  readonly clusterIds: Set<string>
  readonly changed: string[]
  readonly lookAgain: Map<string, EpochMs>
  readonly again: string[]
  /** What to take over in memory once the transaction stands. */
  readonly put: ApplicationRow[]
  readonly removed: string[]
  /** Other rules than those in memory are in force, or about to be. */
  rulesOutdated?: boolean
}

export function newRound(): Round {
  return { clusterIds: new Set(), changed: [], lookAgain: new Map(), again: [], put: [], removed: [] }
}

/** What the steps of a look work with. */
export interface Workbench {
  readonly writer: StoreWriter
  readonly grants: OpenGrants
  readonly world: World
  readonly services: LoopServices
  readonly round: Round
  readonly calendars: ClusterCalendars
}
