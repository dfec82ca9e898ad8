import type { Digest } from '../json/canonical-json.ts'
import type { JsonObject } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/**
 * A person holds an Application to one revision (decision 6): an Intervention, laid over what Git says and shown as
 * such. While it stands nothing starts by itself, and self-heal goes to what was pinned.
 */
export interface Pin {
  readonly id: string
  /** How it came about. */
  readonly origin: 'pin' | 'rollback' | 'sync'
  readonly by: string
  readonly at: EpochMs
  readonly reason: string
  /** Ends by itself then; absent: when somebody ends it. */
  readonly until?: EpochMs
  /** The commit. */
  readonly revision: string
  /** The tag or branch that was asked for, where it was one. */
  readonly asked?: string
  /** The very Bundle; absent: whatever the revision renders to. */
  readonly digest?: Digest
  /** Where it came from then, where that is known; absent: the source of the document. */
  readonly source?: JsonObject
}

/** The pin that holds at that time, if one does. */
export function pinInForce(row: { readonly pin?: Pin }, now: EpochMs): Pin | undefined {
  const { pin } = row
  return pin?.until !== undefined && pin.until <= now ? undefined : pin
}
