import type { Digest } from '../json/canonical-json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/**
 * What a write was answered with, so that the same request sent again is answered the same and not done twice. A row
 * without an answer is a request that was begun: who finds one of an earlier run of the hub does not know how it ended.
 */
export interface KeptAnswerRow {
  /** Who asked: nobody else ever gets the answer. */
  readonly principal: string
  /** The `Idempotency-Key` as it was sent. */
  readonly key: string
  /** Of method, path, query and body: the same key on another request is a mistake. */
  readonly request: Digest
  readonly requestId: string
  readonly answer?: {
    readonly status: number
    readonly headers: { readonly [name: string]: string }
    /** Absent where it held a secret that is shown once. */
    readonly body?: string
  }
  /** Of which run of the hub it is. */
  readonly run: string
  readonly expiresAt: EpochMs
}
