import type { EpochMs } from '../time/epoch-ms.ts'
import type { CompiledRules } from './compile-rules.ts'
import { closingOf, decide, type GateQuestion } from './decide.ts'
import { intervalAt } from './intervals.ts'
import { mayCover } from './override.ts'
import type { GroupMember, RuleGroup } from './rule-group.ts'
import type { GateTarget } from './rules.ts'

/** What becomes of an operation that is running. The later ones are stricter. */
export type RunningVerdict =
  | { readonly kind: 'go-on' }
  /** It may finish, but goes over to `pauseAtWave` then. */
  | { readonly kind: 'finish'; readonly until: EpochMs }
  /** The current wave ends with its health and hooks; no other begins until it is open again. */
  | { readonly kind: 'pauseAtWave' }
  /** It stops between two steps, as Argo CD's do. */
  | { readonly kind: 'pauseNow' }
  | { readonly kind: 'terminate' }

const STRICTNESS = ['go-on', 'finish', 'pauseAtWave', 'pauseNow', 'terminate']

export interface RunningQuestion extends GateQuestion {
  readonly operationStart: EpochMs
  /** Pause between steps, not waves, where a window closes. */
  readonly strictArgo?: boolean
}

/**
 * Whether an operation that was allowed to start goes on at `now`. The strictest of all rules that hold it counts. A freeze
 * that begins lets it finish for its grace period unless it says otherwise; a window lets it finish that has
 * `syncOverrun`; what is no longer covered by an override ends as with a window that closes.
 */
export function judgeRunning(
  rules: CompiledRules,
  target: GateTarget,
  now: EpochMs,
  question: RunningQuestion,
): RunningVerdict {
  const decision = decide(rules, target, now, question)
  if (decision.allowed) return { kind: 'go-on' }
  const group = rules.groupOf(target, question.action ?? 'sync')
  const closing = closingOf(rules, target, question)
  const pause: RunningVerdict = { kind: question.strictArgo === true ? 'pauseNow' : 'pauseAtWave' }
  const verdicts: RunningVerdict[] = []
  for (const member of group.members) {
    const { effect } = member.rule
    if (effect.kind !== 'freeze' || (effect.freeze === 'soft' && !closing.automated)) continue
    if ((closing.healing && effect.selfHeal === 'continue') || !group.isActive(member, now)) continue
    const covering = closing.overrides.filter(override => mayCover(override, effect.breakGlass))
    if (covering.some(({ rule }) => rule.from <= now && now < rule.until)) continue
    // An override that covered it and has ended is as a window that closes.
    verdicts.push(covering.some(({ rule }) => rule.until <= now) ? pause : underFreeze(group, member, now))
  }
  if (decision.layers.some(layer => layer.name === 'window' && !layer.allowed)) verdicts.push(pause)
  return verdicts.reduce(stricter, { kind: 'go-on' })
}

function underFreeze(group: RuleGroup, member: GroupMember, now: EpochMs): RunningVerdict {
  const { effect } = member.rule
  if (effect.kind !== 'freeze' || effect.inFlight === 'pauseAtWave') return { kind: 'pauseAtWave' }
  if (effect.inFlight === 'terminate') return { kind: 'terminate' }
  // Nothing of the grace period is left when the freeze began before all of it.
  const active = group.activeOf(member, now - effect.gracePeriodMs, now + 1)
  const began = intervalAt(active, now)?.from ?? now
  const until = began + effect.gracePeriodMs
  return began > now - effect.gracePeriodMs && now < until ? { kind: 'finish', until } : { kind: 'pauseAtWave' }
}

function stricter(a: RunningVerdict, b: RunningVerdict): RunningVerdict {
  if (a.kind === 'finish' && b.kind === 'finish') return a.until <= b.until ? a : b
  return STRICTNESS.indexOf(a.kind) >= STRICTNESS.indexOf(b.kind) ? a : b
}
