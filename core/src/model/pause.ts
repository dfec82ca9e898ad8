import type { EpochMs } from '../time/epoch-ms.ts'

/**
 * A person wants an Application left alone (decision 6): an Intervention, laid over what Git says and shown as such.
 * While it stands nothing starts by itself and nothing is healed; what Git wants is still rendered, offered and
 * compared, and a person may sync by hand.
 */
export interface Pause {
  readonly id: string
  readonly by: string
  readonly at: EpochMs
  readonly reason: string
  /** Ends by itself then; absent: when somebody ends it. */
  readonly until?: EpochMs
}

/** The pause that holds at that time, if one does. */
export function pauseInForce(row: { readonly pause?: Pause }, now: EpochMs): Pause | undefined {
  const { pause } = row
  return pause?.until !== undefined && pause.until <= now ? undefined : pause
}
