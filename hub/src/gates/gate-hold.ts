import type { Blocker, GateDecision } from '@flotilla/core/gates/decide'
import type { Hold, HoldBlocker } from '@flotilla/core/model/hold'
import { isoTime } from '@flotilla/core/time/epoch-ms'

/** More are counted, and all are in the decision that people can ask for. */
const MOST_SHOWN = 20

/** What people read while gates hold something up: everything that does, and when it opens by itself. */
export function gateHold(decision: GateDecision, what = 'the change'): Hold {
  const { nextChange } = decision
  const blockers = holding(decision)
  const shown = blockers.slice(0, 3).map(textOf)
  const more = blockers.length > shown.length ? ` and ${blockers.length - shown.length} more` : ''
  return {
    code: codeOf(blockers),
    reason: `${what} waits for ${shown.join(', ')}${more}`,
    ...(nextChange !== undefined && { nextOpening: nextChange }),
    blockers: blockers.slice(0, MOST_SHOWN).map(shownBlocker),
  }
}

export function isGateHold(hold: Hold | undefined): boolean {
  return hold?.code === 'FROZEN' || hold?.code === 'WINDOW_CLOSED' || hold?.code === 'GATE_INDETERMINATE'
}

/** Whether it ends by itself, at a time or when a clock is right again. */
export function waitsForTime(hold: Hold | undefined): boolean {
  return isGateHold(hold) || hold?.code === 'HUB_CLOCK_SUSPECT'
}

function holding({ layers }: GateDecision): readonly Blocker[] {
  return layers.filter(({ allowed }) => !allowed).flatMap(({ blockers }) => blockers)
}

/** A freeze is the stronger news than a window, and a rule that nobody can read has to be mended. */
function codeOf(blockers: readonly Blocker[]): Hold['code'] {
  if (blockers.some(({ code }) => code === 'INDETERMINATE')) return 'GATE_INDETERMINATE'
  return blockers.some(({ kind }) => kind === 'FreezePeriod') ? 'FROZEN' : 'WINDOW_CLOSED'
}

function textOf({ rule, reason, opensAt }: Blocker): string {
  const until = opensAt === undefined ? '' : ` until ${isoTime(opensAt).slice(0, 16)}Z`
  return `${rule} (${reason})${until}`
}

function shownBlocker({ rule, ruleId, kind, code, reason, opensAt }: Blocker): HoldBlocker {
  return { rule, ruleId, kind, code, reason, ...(opensAt !== undefined && { opensAt }) }
}
