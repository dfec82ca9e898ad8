import { RE2JS, RE2JSSyntaxException } from 're2js'
import type { Digest } from '../json/canonical-json.ts'
import type { OverriddenRule } from '../ports/gate-rows.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { CompiledRule } from './compile-rule.ts'
import type { CompiledRules } from './compile-rules.ts'
import { compileScope, inScope } from './compile-scope.ts'
import { complement, union } from './intervals.ts'
import { isAllow } from './rule-group.ts'
import type { FreezeRule, GateAction, GateRules, GateScope, GateTarget } from './rules.ts'

/** Break-glass as somebody asks for it. */
export interface OverrideWish {
  readonly scope: GateScope
  readonly covers: readonly ('freeze' | 'window')[]
  readonly actions: readonly GateAction[]
  readonly from: EpochMs
  readonly until: EpochMs
  /** Digest: this content only. */
  readonly bundle?: Digest
  readonly maxUses?: number
  readonly includeAutomated?: boolean
  readonly reason: string
}

export interface OverrideMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint?: string
}

export type OverrideJudgement =
  | {
      readonly kind: 'sound'
      /** Every Application that it is for, as they are now. */
      readonly targets: readonly GateTarget[]
      /** What would have blocked. */
      readonly rules: readonly OverriddenRule[]
      /** As the strictest of them asks for; one at least. */
      readonly approvalsNeeded: number
    }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly OverrideMistake[] }

/** An override opens in an emergency; what is to be open for longer is an exemption, or another rule. */
export const LONGEST_OVERRIDE_MS = 7 * 86_400_000
/** Where nothing that it covers says less. */
const HOUR_MS = 3_600_000

/**
 * Whether break-glass may be asked for so, and what it takes. Everything that is wrong is told.
 *
 * @param written The rules as documents have them: ticket patterns and owners are not compiled.
 * @param targets Every Application that there is.
 */
export function judgeOverride(
  wish: OverrideWish,
  rules: CompiledRules,
  written: GateRules,
  targets: readonly GateTarget[],
  now: EpochMs,
): OverrideJudgement {
  const mistakes: OverrideMistake[] = [...plainMistakes(wish, now)]
  const scope = compileScope(wish.scope)
  if (scope.kind === 'mistakes') {
    mistakes.push(...scope.mistakes.map(({ path, message }) => ({ path: ['scope', ...path], message })))
    return { kind: 'mistakes', mistakes }
  }
  const concerned = targets.filter(target => inScope(scope.scope, target))
  if (concerned.length === 0) {
    const hint = 'flotilla app list shows the Applications that there are'
    mistakes.push({ path: ['scope'], message: 'names no Application that there is', hint })
  }
  if (mistakes.length > 0) return { kind: 'mistakes', mistakes }
  const held = heldBy(wish, rules, concerned)
  const freezes = new Map(written.freezes.map(freeze => [freeze.name, freeze]))
  for (const rule of held) mistakes.push(...mistakesOfRule(wish, rule, freezes.get(rule.name)))
  if (mistakes.length > 0) return { kind: 'mistakes', mistakes }
  const owners = new Map([...written.freezes, ...written.windows].map(({ name, owner }) => [name, owner]))
  return {
    kind: 'sound',
    targets: concerned,
    rules: held.map(({ name, id, kind }) => {
      const owner = owners.get(name)
      return { name, id, kind, ...(owner !== undefined && { owner }) }
    }),
    approvalsNeeded: Math.max(
      1,
      ...held.map(({ effect }) => (effect.kind === 'freeze' ? effect.breakGlass.approvals : 1)),
    ),
  }
}

function* plainMistakes(wish: OverrideWish, now: EpochMs): Iterable<OverrideMistake> {
  const { from, until, covers, actions, maxUses, reason } = wish
  if (covers.length === 0) yield { path: ['covers'], message: 'is empty: name freeze, window or both' }
  if (actions.length === 0) yield { path: ['actions'], message: 'is empty: name what is to be done' }
  if (reason.trim() === '') yield { path: ['reason'], message: 'must not be empty: whoever approves reads it' }
  if (maxUses !== undefined && maxUses < 1) yield { path: ['maxUses'], message: 'is at least 1' }
  if (from < now) yield { path: ['from'], message: 'is past: an override is not for what has been done already' }
  if (until <= from) yield { path: ['until'], message: 'is not after its beginning' }
  else if (until - from > LONGEST_OVERRIDE_MS) {
    yield { path: ['until'], message: 'is more than seven days after its beginning: change the rule instead' }
  }
}

function mistakesOfRule(wish: OverrideWish, rule: CompiledRule, written: FreezeRule | undefined): OverrideMistake[] {
  const { effect } = rule
  if (effect.kind !== 'freeze') return []
  const { breakGlass } = effect
  if (!breakGlass.allowed) {
    return [{ path: ['covers'], message: `${rule.name} allows no break-glass: ${rule.reason}` }]
  }
  const found: OverrideMistake[] = []
  if (wish.until - wish.from > breakGlass.maxDurationMs) {
    const longest = `${rule.name} can be overridden for at most ${hours(breakGlass.maxDurationMs)}`
    found.push({ path: ['until'], message: longest })
  }
  const pattern = written?.breakGlass?.ticketPattern
  if (pattern !== undefined && !namesTicket(pattern, wish.reason)) {
    found.push({
      path: ['reason'],
      message: `${rule.name} wants a ticket in the reason: a word that matches ${pattern}`,
    })
  }
  return found
}

function hours(durationMs: number): string {
  const whole = durationMs / HOUR_MS
  return Number.isInteger(whole) ? `${whole}h` : `${Math.round(durationMs / 60_000)}m`
}

/**
 * Whether a reason names a ticket: some word of it matches, or all of it. A pattern that is none wants nothing that
 * anybody could write; its rule cannot be evaluated and says so.
 */
export function namesTicket(pattern: string, reason: string): boolean {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return true
    throw error
  }
  const words = reason.split(/\s+/).flatMap(word => [word, word.replaceAll(/^[([{"']+|[\])}"'.,:;!]+$/g, '')])
  return [...words, reason.trim()].some(text => text !== '' && compiled.matcher(text).find())
}

/** The rules that would block, within its time, something that it is for and of a kind that it covers. */
function heldBy(wish: OverrideWish, rules: CompiledRules, targets: readonly GateTarget[]): readonly CompiledRule[] {
  const groups = new Set(targets.flatMap(target => wish.actions.map(action => rules.groupOf(target, action))))
  const automated = wish.includeAutomated === true
  const held = new Set<CompiledRule>()
  for (const group of groups) {
    const active = (member: (typeof group.members)[number]) => group.activeOf(member, wish.from, wish.until)
    if (wish.covers.includes('freeze')) {
      for (const member of group.members) {
        const { effect } = member.rule
        if (effect.kind !== 'freeze' || (effect.freeze === 'soft' && !automated)) continue
        if (active(member).length > 0) held.add(member.rule)
      }
    }
    if (!wish.covers.includes('window')) continue
    const lets = ({ rule: { effect } }: (typeof group.members)[number]) =>
      effect.kind === 'window' && effect.manualSync && !automated
    for (const rhythm of group.rhythms) {
      const denies = rhythm.filter(({ rule }) => !isAllow(rule))
      for (const member of denies) if (!lets(member) && active(member).length > 0) held.add(member.rule)
      const allows = rhythm.filter(({ rule }) => isAllow(rule))
      const closed = complement(union(allows.map(active)), wish.from, wish.until)
      if (allows.length > 0 && closed.length > 0 && !allows.every(lets)) for (const { rule } of allows) held.add(rule)
    }
  }
  return [...held]
}
