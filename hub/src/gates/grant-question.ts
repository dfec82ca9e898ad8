import { closuresFor } from '@flotilla/core/gates/calendar'
import type { GateQuestion } from '@flotilla/core/gates/decide'
import { passesFor } from '@flotilla/core/gates/passes'
import type { ApplicationRow, OverrideRow } from '@flotilla/core/ports/store'
import type { GrantPayload, GrantTrigger } from '@flotilla/core/protocol/documents'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Gates } from './gates.ts'

/** What the evaluator is asked for a Grant of this trigger. What a removal is, the hub does by itself. */
export function questionOf(trigger: GrantTrigger, bundle: string | undefined): GateQuestion {
  const asked = { ...(bundle !== undefined && { bundle }) }
  if (trigger === 'delete') return { trigger: 'automated', action: 'delete-app', ...asked }
  return { trigger: trigger === 'automated' ? 'automated' : 'manual', action: 'sync', ...asked }
}

/**
 * Whether an override that this Grant has used is still good for it: the last use of one is not taken back by having been
 * used. What has become closed besides is not its affair.
 */
export function isUseOf(
  overrides: readonly OverrideRow[],
  gates: Gates,
  row: ApplicationRow,
  grant: GrantPayload,
  now: EpochMs,
): boolean {
  const used = overrides.some(({ revoked, until, uses }) => {
    return revoked === undefined && now < until && uses.some(({ operation }) => operation === grant.id)
  })
  if (!used) return false
  const action = grant.trigger === 'delete' ? 'prune' : 'sync'
  return closuresFor(gates.current.rules, gates.target(row), now, now + 1).every(
    ({ rule, triggers, blocks, times }) =>
      times.length === 0 ||
      !triggers.includes(grant.trigger) ||
      !blocks.includes(action) ||
      grant.passes.some(pass => pass.rule === rule && now < pass.until),
  )
}

/**
 * Whether the rules as they are now would give this Grant as it is. One that passes rules which are others now would
 * only wait at the agent: it is given anew.
 */
export function grantStillOpen(gates: Gates, row: ApplicationRow, grant: GrantPayload, now: EpochMs): boolean {
  if (grant.options.dryRun) return true
  const question = questionOf(grant.trigger, row.digest)
  const decision = gates.decide(row, now, question)
  if (!decision.allowed) return false
  if (decision.override === undefined) return true
  const needed = passesFor(gates.current.rules, gates.target(row), now, grant.startBefore, question, decision)
  return needed.every(({ rule }) => grant.passes.some(pass => pass.rule === rule && now < pass.until))
}
