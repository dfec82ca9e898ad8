import type { GateDecision, GateQuestion } from '@flotilla/core/gates/decide'
import { type Passes, passesFor } from '@flotilla/core/gates/passes'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { GrantTrigger } from '@flotilla/core/protocol/documents'
import { gateHold, isGateHold } from '../gates/gate-hold.ts'
import { questionOf } from '../gates/grant-question.ts'
import { noteMissed } from '../gates/missed-window.ts'
import type { Workbench } from './round.ts'

export interface JudgedOverrides {
  /** Those that this uses: `Override/<id>`. */
  readonly names: readonly string[]
  /** The rules that are passed with them. */
  readonly rules: readonly string[]
}

export type JudgedStart =
  | {
      readonly kind: 'open'
      /** What the Grant may pass of the cluster's calendar. */
      readonly passes: Passes
      readonly overrides: JudgedOverrides
      /** Whether what it no longer wants may be removed with it. */
      readonly mayPrune: boolean
    }
  | { readonly kind: 'held'; readonly hold: Hold | undefined }

/** Rules that are being made anew are in force a moment later. */
const SOON_MS = 1_000
const DOUBT_MS = 30_000
/** Thousands of Applications open at one instant: they start within this. */
export const BOUNDARY_JITTER_MS = 5_000
/** Further than any calendar reaches. */
const CALENDAR_MS = 15 * 86_400_000

/**
 * Whether the hub may start something by itself now, by the gates: the one evaluator, on the rules that are in force
 * in the very transaction that stores the Grant.
 */
export async function judgeStart(
  row: ApplicationRow,
  trigger: Extract<GrantTrigger, 'automated' | 'delete'>,
  { writer, world, services, round }: Workbench,
): Promise<JudgedStart> {
  const { clock, random } = services
  const { gates } = world
  const now = clock.now()
  const doubt = services.clockDoubt?.()
  if (doubt !== undefined) {
    round.lookAgain.set(row.id, now + DOUBT_MS)
    return { kind: 'held', hold: { code: 'HUB_CLOCK_SUSPECT', reason: doubt } }
  }
  if (!(await gates.areCurrent(writer))) {
    round.rulesOutdated = true
    round.lookAgain.set(row.id, now + SOON_MS)
    return { kind: 'held', hold: row.hold }
  }
  const question = questionOf(trigger, row.digest)
  const decision = gates.decide(row, now, question)
  if (!decision.allowed) {
    if (await noteMissed(row, now, gates, writer, services.log)) services.gateNews?.missed(row)
    const hold = gateHold(decision, trigger === 'delete' ? 'the removal' : 'the change')
    if (hold.nextOpening !== undefined) {
      round.lookAgain.set(row.id, hold.nextOpening + Math.floor(random.fraction() * BOUNDARY_JITTER_MS))
    }
    if (isNews(row.hold, hold)) services.gateNews?.blocked(row, hold)
    return { kind: 'held', hold }
  }
  const since = isGateHold(row.hold) ? row.hold?.nextOpening : undefined
  if (since !== undefined && since <= now) services.gateNews?.opened(row, now - since)
  return {
    kind: 'open',
    passes: passesFor(gates.current.rules, gates.target(row), now, now + CALENDAR_MS, question, decision),
    overrides: overridesOf(decision),
    mayPrune: gates.decide(row, now, { ...question, action: 'prune' } satisfies GateQuestion).allowed,
  }
}

/** Once for each closed interval and set of rules, not at every look. */
function isNews(before: Hold | undefined, after: Hold): boolean {
  if (before?.code !== after.code || before.nextOpening !== after.nextOpening) return true
  const idsOf = ({ blockers = [] }: Hold) => JSON.stringify(blockers.map(({ ruleId }) => ruleId))
  return idsOf(before) !== idsOf(after)
}

function overridesOf({ override, layers }: GateDecision): JudgedOverrides {
  if (override === undefined) return { names: [], rules: [] }
  return { names: override.names, rules: layers.flatMap(({ blockers }) => blockers.map(({ rule }) => rule)) }
}
