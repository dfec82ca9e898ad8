import type { EpochMs } from '../time/epoch-ms.ts'
import { DAY_MS } from './civil-time.ts'
import type { RuleEffect } from './compile-rule.ts'
import type { CompiledRules } from './compile-rules.ts'
import { compose, type FreezeState, type Verdict, type WindowState } from './compose.ts'
import { nextChangeOf } from './next-change.ts'
import { type CompiledOverride, concerns, mayCover, mayCoverWindows } from './override.ts'
import { type Closing, firstChange, firstEdge, type GroupMember, type RuleGroup } from './rule-group.ts'
import type { GateAction, GateTarget, GateTrigger } from './rules.ts'
import { type WindowNow, type WindowVerdict, windowVerdict } from './window-verdict.ts'

export interface GateQuestion {
  readonly trigger: GateTrigger
  /** `sync` when absent. */
  readonly action?: GateAction
  /** Of an operation that is running: when it started. */
  readonly operationStart?: EpochMs
  /** Digest of what is to be synced. */
  readonly bundle?: string
  /** Digest of the last operation that succeeded; `selfHeal: continue` heals to it alone. */
  readonly syncedBundle?: string
  /** Whether the asker may do it at all; true when absent. */
  readonly permitted?: boolean
}

export type BlockerCode = 'FREEZE_HARD' | 'FREEZE_SOFT' | 'WINDOW_DENY' | 'WINDOW_NOT_OPEN' | 'INDETERMINATE'

export interface Blocker {
  /** `FreezePeriod/year-end`. */
  readonly rule: string
  /** With a digest of the content. */
  readonly ruleId: string
  readonly kind: 'SyncWindow' | 'FreezePeriod'
  readonly code: BlockerCode
  readonly reason: string
  /** When this rule lets go by itself; undefined when not within 400 days. */
  readonly opensAt: EpochMs | undefined
}

export interface GateLayer {
  readonly name: 'permission' | 'freeze' | 'window'
  readonly allowed: boolean
  /** Everything that holds, also what an override opens. */
  readonly blockers: readonly Blocker[]
}

export interface GateDecision {
  readonly allowed: boolean
  readonly layers: readonly GateLayer[]
  /** A soft freeze is passed by hand: somebody has to say why. */
  readonly reasonRequired: boolean
  /** The overrides that this uses, and for what. */
  readonly override?: { readonly names: readonly string[]; readonly used: readonly ('freeze' | 'window')[] }
  /** When `allowed` differs; undefined when not within 400 days. */
  readonly nextChange: EpochMs | undefined
  readonly evaluatedAt: EpochMs
}

/**
 * Whether an Application may start (or go on with) something at `now`, and everything that holds it. When that ends is
 * worked out once it is looked at: a scheduler that asks for thousands wants the answer alone.
 */
export function decide(rules: CompiledRules, target: GateTarget, now: EpochMs, question: GateQuestion): GateDecision {
  const action = question.action ?? 'sync'
  const group = rules.groupOf(target, action)
  const closing = closingOf(rules, target, question)
  const answer = () => decideGroup(group, closing, now, question)
  // What one override opens is of one Application; everything else is of all whom the same rules concern.
  if (closing.overrides.length > 0) return answer()
  const key = `decide ${question.trigger} ${closing.healing} ${question.permitted ?? true} ${question.operationStart ?? ''}`
  const known = group.answers.get(key) as GateDecision | undefined
  if (known?.evaluatedAt === now) return known
  const made = answer()
  if (group.answers.size > 1000) group.answers.clear()
  group.answers.set(key, made)
  return made
}

/** The first instant after `now` at which the answer for an automated or a manual start differs. */
export function nextChange(
  rules: CompiledRules,
  target: GateTarget,
  now: EpochMs,
  action: GateAction = 'sync',
): EpochMs | undefined {
  const group = rules.groupOf(target, action)
  const of = (trigger: GateTrigger): EpochMs => {
    const closing = closingOf(rules, target, { trigger, action })
    return changeOf(group, closing, now) ?? Number.POSITIVE_INFINITY
  }
  const first = Math.min(of('automated'), of('manual'))
  return Number.isFinite(first) ? first : undefined
}

export function closingOf(rules: CompiledRules, target: GateTarget, question: GateQuestion): Closing {
  const automated = question.trigger !== 'manual'
  const healing =
    question.trigger === 'self-heal' && question.bundle !== undefined && question.bundle === question.syncedBundle
  if (rules.overrides.length === 0) return { automated, healing, overrides: [] }
  const asked = { action: question.action ?? 'sync', automated, bundle: question.bundle }
  return { automated, healing, overrides: rules.overrides.filter(override => concerns(override, target, asked)) }
}

function changeOf(group: RuleGroup, closing: Closing, now: EpochMs): EpochMs | undefined {
  if (closing.overrides.length > 0) return firstChange((from, to) => group.closed(closing, from, to), now)
  const key = `change ${closing.automated} ${closing.healing}`
  const known = group.answers.get(key) as { readonly since: EpochMs; readonly at: EpochMs | undefined } | undefined
  // That there is none within 400 days is good for one of them: the walk that found nothing was a long one.
  if (known !== undefined && known.since <= now && now < (known.at ?? known.since + DAY_MS)) return known.at
  const at = nextChangeOf(group, closing, now)
  group.answers.set(key, { since: now, at })
  return at
}

function decideGroup(group: RuleGroup, closing: Closing, now: EpochMs, question: GateQuestion): GateDecision {
  const freezes = group.members.filter(member => {
    const { effect } = member.rule
    if (effect.kind !== 'freeze' || (closing.healing && effect.selfHeal === 'continue')) return false
    return group.isActive(member, now)
  })
  const rhythms = group.rhythms.map(rhythm => rhythm.filter(({ exemptUntil }) => now >= exemptUntil))
  const judged = rhythms.map(each => judgeWindows(group, each, closing.automated, now, question.operationStart))
  const window = strictestOf(judged)
  const open = closing.overrides.filter(({ rule }) => rule.from <= now && now < rule.until)
  const holding = freezes.filter(({ rule: { effect } }) => closing.automated || isHard(effect))
  const covering = coveringOf(open, holding.length > 0 ? holding : freezes)
  const verdict = compose({
    permitted: question.permitted ?? true,
    automated: closing.automated,
    freeze: freezeState(freezes),
    window: window.state,
    freezeCovered: covering.freeze,
    windowCovered: covering.window,
  })
  const change = once(() => changeOf(group, closing, now))
  return {
    allowed: verdict.allowed,
    layers: layersOf(group, verdict, holding, window.blocking, now, question),
    reasonRequired: verdict.reasonRequired,
    ...(verdict.overrideUsed.length > 0
      ? { override: { names: namesOf(covering, verdict.overrideUsed), used: verdict.overrideUsed } }
      : {}),
    get nextChange() {
      return change()
    },
    evaluatedAt: now,
  }
}

function freezeState(freezes: readonly GroupMember[]): FreezeState {
  if (freezes.some(({ rule }) => isHard(rule.effect))) return 'hard'
  return freezes.length > 0 ? 'soft' : 'none'
}

function isHard(effect: RuleEffect): boolean {
  return effect.kind === 'freeze' && effect.freeze === 'hard'
}

interface WindowsJudged {
  readonly state: WindowState
  readonly blocking: readonly GroupMember[]
}

const WINDOW_STATES: readonly WindowState[] = ['open', 'closed, manual allowed', 'closed']

/** Every rhythm has to be open; what holds is all that holds in any of them. */
function strictestOf(rhythms: readonly WindowsJudged[]): WindowsJudged {
  const worst = Math.max(0, ...rhythms.map(({ state }) => WINDOW_STATES.indexOf(state)))
  return { state: WINDOW_STATES[worst]!, blocking: rhythms.flatMap(({ blocking }) => blocking) }
}

function judgeWindows(
  group: RuleGroup,
  members: readonly GroupMember[],
  automated: boolean,
  now: EpochMs,
  operationStart: EpochMs | undefined,
): WindowsJudged {
  const at = (time: EpochMs): readonly WindowNow[] =>
    members.flatMap(member => {
      const { effect } = member.rule
      return effect.kind === 'window' ? [{ ...effect, active: group.isActive(member, time) }] : []
    })
  const current = at(now)
  const judge = (manual: boolean): WindowVerdict =>
    windowVerdict(
      current,
      manual,
      operationStart === undefined ? undefined : () => windowVerdict(at(operationStart), manual).allowed,
    )
  const byItself = judge(false)
  const byHand = judge(true)
  const verdict = automated ? byItself : byHand
  const wanted = (window: WindowNow) =>
    verdict.blocking === 'denies' ? window.effect === 'deny' && window.active : window.effect === 'allow'
  return {
    state: byItself.allowed ? 'open' : byHand.allowed ? 'closed, manual allowed' : 'closed',
    blocking: verdict.allowed ? [] : members.filter((_, index) => wanted(current[index]!)),
  }
}

interface Covering {
  /** Every freeze that holds, or without one every soft one. */
  readonly freeze: boolean
  readonly window: boolean
  /** The overrides that do it, for each of the two. */
  readonly by: { readonly freeze: readonly CompiledOverride[]; readonly window: readonly CompiledOverride[] }
}

/** One that would open what is open anyway is not used, and not used up. */
function namesOf({ by }: Covering, used: Verdict['overrideUsed']): readonly string[] {
  return [...new Set(used.flatMap(layer => by[layer].map(({ rule }) => rule.name)))]
}

/** Each freeze needs an override that may cover it; not all of them the same. */
function coveringOf(open: readonly CompiledOverride[], freezes: readonly GroupMember[]): Covering {
  const of = ({ rule: { effect } }: GroupMember) =>
    open.find(override => effect.kind === 'freeze' && mayCover(override, effect.breakGlass))
  const forFreezes = freezes.map(of)
  const forWindows = open.find(mayCoverWindows)
  return {
    freeze: freezes.length > 0 && !forFreezes.includes(undefined),
    window: forWindows !== undefined,
    by: {
      freeze: forFreezes.filter(override => override !== undefined),
      window: forWindows === undefined ? [] : [forWindows],
    },
  }
}

function layersOf(
  group: RuleGroup,
  verdict: Verdict,
  holding: readonly GroupMember[],
  windows: readonly GroupMember[],
  now: EpochMs,
  question: GateQuestion,
): readonly GateLayer[] {
  return [
    ...(question.permitted === undefined
      ? []
      : [{ name: 'permission' as const, allowed: verdict.layers.permission, blockers: [] }]),
    { name: 'freeze', allowed: verdict.layers.freeze, blockers: holding.map(member => blocker(group, member, now)) },
    { name: 'window', allowed: verdict.layers.window, blockers: windows.map(member => blocker(group, member, now)) },
  ]
}

function blocker(group: RuleGroup, member: GroupMember, now: EpochMs): Blocker {
  const { rule } = member
  const opensAt = once(() => firstEdge(group, member, now))
  return {
    rule: rule.name,
    ruleId: rule.id,
    kind: rule.kind,
    code: codeOf(rule.effect),
    reason: rule.reason,
    get opensAt() {
      return opensAt()
    },
  }
}

function codeOf(effect: RuleEffect): BlockerCode {
  if (effect.kind === 'window') return effect.effect === 'deny' ? 'WINDOW_DENY' : 'WINDOW_NOT_OPEN'
  if (effect.indeterminate) return 'INDETERMINATE'
  return effect.freeze === 'hard' ? 'FREEZE_HARD' : 'FREEZE_SOFT'
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
