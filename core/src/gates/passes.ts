import type { GrantPayload } from '../protocol/documents.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { type Closure, closuresFor } from './calendar.ts'
import type { CompiledRules } from './compile-rules.ts'
import { closingOf, type GateDecision, type GateQuestion } from './decide.ts'
import { type CompiledOverride, mayCover, mayCoverWindows } from './override.ts'
import type { GateTarget } from './rules.ts'

export type Passes = GrantPayload['passes']
/** So many fit into a Grant; without the others it waits, which is the careful reading. */
const MOST_PASSES = 500

/**
 * What a Grant may pass of the cluster's calendar: rules that the overrides which the decision used do open, until those
 * end, also where a rule only closes later; and rules that do not block what is asked for, which the calendar, that
 * knows syncs and removals alone, cannot tell from a sync.
 *
 * @param until The end of the calendar.
 */
export function passesFor(
  rules: CompiledRules,
  target: GateTarget,
  now: EpochMs,
  until: EpochMs,
  question: GateQuestion,
  decision: Pick<GateDecision, 'override'>,
): Passes {
  const action = question.action ?? 'sync'
  const names = new Set(decision.override?.names ?? [])
  if (names.size === 0 && (action === 'sync' || action === 'delete-app')) return []
  const overrides = closingOf(rules, target, question).overrides.filter(({ rule }) => names.has(rule.name))
  const passes: Passes[number][] = []
  for (const closure of closuresFor(rules, target, now, until)) {
    const last = closure.times.at(-1)
    if (last === undefined || passes.some(({ rule }) => rule === closure.rule)) continue
    const blocks = closure.members.some(({ rule }) => rule.blocks.has(action))
    const end = blocks ? coveredUntil(closure, overrides, now) : last.to
    if (end !== undefined && end > now) passes.push({ rule: closure.rule, until: end })
  }
  return passes.slice(0, MOST_PASSES)
}

function coveredUntil({ members }: Closure, overrides: readonly CompiledOverride[], now: EpochMs): EpochMs | undefined {
  const [first] = members
  const effect = first?.rule.effect
  if (effect === undefined) return undefined
  const covering = overrides.filter(override => {
    if (now < override.rule.from || now >= override.rule.until) return false
    return effect.kind === 'freeze' ? mayCover(override, effect.breakGlass) : mayCoverWindows(override)
  })
  return covering.length === 0 ? undefined : Math.max(...covering.map(({ rule }) => rule.until))
}
