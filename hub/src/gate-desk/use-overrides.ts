import { overrideName, recordUse } from '@flotilla/core/gates/override-steps'
import type { OverrideRow, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** What is started under an override. */
export interface StartUnderOverride {
  /** Id of the Grant: one use however often it is told. */
  readonly operation: string
  readonly application: string
  readonly at: EpochMs
  /** Who starts it; `hub` by itself. */
  readonly by: string
  /** The rules that are passed with it. */
  readonly rules: readonly string[]
  readonly policyVersion?: string
}

/**
 * Counts one use of each of these overrides, in the transaction that stores the Grant: `gone` when one of them opens
 * nothing any more, say because another Grant has just used it up. Then nothing was written and the Grant must not be
 * given.
 *
 * @param names As decisions name them: `Override/<id>`.
 */
export async function useOverrides(
  rows: StoreWriter,
  names: readonly string[],
  start: StartUnderOverride,
): Promise<'used' | 'gone'> {
  const { operation, application, at, by } = start
  const stored = await rows.overrides()
  const changed: OverrideRow[] = []
  for (const name of names) {
    const row = stored.find(({ id }) => overrideName(id) === name)
    const step = row === undefined ? undefined : recordUse(row, { operation, application, at, by })
    if (step === undefined || step.kind === 'refused') return 'gone'
    if (step.kind === 'done') changed.push(step.row)
  }
  for (const row of changed) {
    await rows.putOverride(row)
    await rows.appendAudit({
      ...{ at, actor: by, action: 'override.use', subject: overrideName(row.id) },
      detail: {
        ...{ operation, application, rules: [...start.rules], uses: row.useCount, reason: row.reason },
        approvals: row.approvals.map(each => each.by),
      },
      ...(start.policyVersion !== undefined && { policyVersion: start.policyVersion }),
    })
  }
  return 'used'
}
