import type { OverrideWish } from '../gates/override-request.ts'
import type { Digest } from '../json/canonical-json.ts'
import type { JsonObject } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** A FreezePeriod or SyncWindow that was made through the API; those of config sources are not rows. */
export interface MadeGateRow {
  /** UUIDv7: a name may be used again once its gate has ended. */
  readonly id: string
  readonly kind: 'FreezePeriod' | 'SyncWindow'
  readonly name: string
  /** As a config repository would have it: apiVersion, kind, metadata, spec. */
  readonly document: JsonObject
  /** 1, 2, 3 …: an edit names the one that it was made from. */
  readonly revision: number
  readonly madeBy: string
  readonly madeAt: EpochMs
  readonly changedBy?: string
  readonly changedAt?: EpochMs
  /** No longer in force since then, whatever its document says. */
  readonly ended?: { readonly by: string; readonly at: EpochMs; readonly reason: string }
}

/** What somebody wants to do to a gate that holds now, so that it holds less: it needs the approvals of an override. */
export interface GateEdit {
  /** Absent for a freeze. */
  readonly kind?: 'SyncWindow'
  /** Id of the gate, whatever its kind. */
  readonly freeze: string
  readonly name: string
  /** That it was asked for; another one by then, and it is not done. */
  readonly revision: number
  /** What it would be then; absent: it would have ended. */
  readonly document?: JsonObject
}

/** Break-glass as it was asked for, and what became of it. Times and people are kept; nothing is ever taken out. */
export interface OverrideRow extends OverrideWish {
  /** UUIDv7. */
  readonly id: string
  readonly requestedBy: string
  readonly requestedAt: EpochMs
  /** Who has made the token that asked: not the second person. */
  readonly requesterMadeBy?: string
  /** Subjects behind it, whatever they are called: none of them is the second person. */
  readonly requesterSubjects?: readonly string[]
  /** Approvals that the strictest of the rules it covers asks for. */
  readonly approvalsNeeded: number
  /** The rules that would have blocked when it was asked for. */
  readonly rules: readonly OverriddenRule[]
  readonly approvals: readonly OverrideApproval[]
  /** Every use, also of those that `uses` does not list any more. */
  readonly useCount: number
  /** The latest. */
  readonly uses: readonly OverrideUse[]
  readonly revoked?: { readonly by: string; readonly at: EpochMs; readonly reason: string }
  /** Since when it is known to be over: the review is due. */
  readonly endedAt?: EpochMs
  /** Closes the review. */
  readonly review?: { readonly by: string; readonly at: EpochMs; readonly comment: string }
  /** It is for an edit of a gate and opens none. */
  readonly edit?: GateEdit
}

/** Who has agreed, and by what a third person is known not to be this one. */
export interface OverrideApproval {
  readonly by: string
  readonly at: EpochMs
  readonly madeBy?: string
  readonly subjects?: readonly string[]
  readonly comment?: string
}

export interface OverriddenRule {
  /** `FreezePeriod/year-end`. */
  readonly name: string
  readonly id: string
  readonly kind: 'SyncWindow' | 'FreezePeriod'
  readonly owner?: string
}

export interface OverrideUse {
  /** Of the Grant. */
  readonly operation: string
  readonly application: string
  readonly at: EpochMs
  readonly by: string
}

/** An imported iCalendar as it was last fetched. A failed refresh changes nothing of it but `error`. */
export interface CalendarRow {
  readonly name: string
  /** URL, or `source/file` in a config source; passwords are left out. */
  readonly source: string
  /** Absent while it has never been loaded. */
  readonly snapshot?: {
    readonly text: string
    readonly hash: Digest
    readonly fetchedAt: EpochMs
    readonly events: number
    /** For the next question: If-None-Match. */
    readonly etag?: string
  }
  readonly checkedAt: EpochMs
  readonly error?: { readonly message: string; readonly since: EpochMs }
}
