import type { Digest } from '@flotilla/core/json/canonical-json'
import type { SyncIntent } from '@flotilla/core/plan/plan-sync'
import type { HookTarget } from '@flotilla/core/plan/prepare-targets'
import type { ObjectResult, OperationReport } from '@flotilla/core/protocol/report'
import type { SyncProgress } from '@flotilla/core/sync/sync-progress'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { Assessor, type HasStatus } from './assessor.ts'
import type { SeenChange } from './drift-watch.ts'
import { ObservedObjects } from './observe.ts'
import { PredictionMemo } from './predict.ts'

export interface HealRun {
  readonly id: string
  readonly digest: Digest
  readonly startedAt: EpochMs
  readonly progress: SyncProgress
  readonly results: readonly ObjectResult[]
}

/** What the agent has in mind about one Application. All of it can be lost: it is read again. */
export class ApplicationState {
  readonly assessor: Assessor
  readonly observed: ObservedObjects
  readonly predictions = new PredictionMemo()
  /** Since when an object of the last success has been missing, in monotonic milliseconds. */
  readonly missingSinceMs = new Map<string, number>()
  /** When everything was last read from the cluster, whatever watches say. */
  wholeLookAtMs = Number.NEGATIVE_INFINITY
  /** Waits for its Bundle: looked at again as soon as anything arrives. */
  lacksBundle = false
  /** Failures in a row to look at it. */
  failures = 0
  /** When it is looked at whatever watches tell, in monotonic milliseconds. */
  lookDueAtMs = Number.NEGATIVE_INFINITY
  /** Nothing waits for a gate: neither a calendar nor the first word of the hub's time can change anything. */
  waitsForNoGate = false
  /** What watches have told since the last look began: versions by key text, undefined for what is gone. */
  readonly #told = new Map<string, string | undefined>()
  /** The last heal, until an operation follows. */
  heal: OperationReport | undefined
  /** The operation that this process has driven last, and the versions that its writes made. */
  driven: { readonly operationId: string; readonly applied: Map<string, string> } | undefined
  /** A heal that waits between two waves. */
  healRun: HealRun | undefined
  /** Hooks of its removal, once they were read. */
  removalHooks: readonly HookTarget[] | undefined
  /** What was settled of a Grant in this process: `id outcome`. */
  readonly settled = new Set<string>()
  /** What was made of the last Offers, by what it was made from: a thousand objects need not be prepared each time. */
  readonly intents = new Map<string, SyncIntent>()
  /** What dry runs were judged by: other rules, and their answers mean something else. */
  judgedBy = ''

  /** @param now Milliseconds since 1970. */
  constructor(now: () => number, hasStatus: HasStatus) {
    this.assessor = new Assessor(now, hasStatus)
    this.observed = new ObservedObjects(live => this.assessor.reads(live))
  }

  told({ name, resourceVersion }: SeenChange): void {
    this.#told.set(name, resourceVersion)
  }

  /** Whether watches have told of anything that is not known here as it is now. */
  takeTold(): 'news' | 'known' {
    const told = [...this.#told]
    this.#told.clear()
    return told.every(([name, version]) => this.#isKnown(name, version)) ? 'known' : 'news'
  }

  #isKnown(name: string, version: string | undefined): boolean {
    const entry = this.observed.get(name)
    return entry !== undefined && !entry.unknown && entry.live?.metadata.resourceVersion === version
  }
}
