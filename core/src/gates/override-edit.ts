import { equalJson, type Json } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { type CompiledRule, compileFreeze, DEFAULT_BREAK_GLASS } from './compile-rule.ts'
import { subtract } from './intervals.ts'
import { HORIZON_MS } from './rule-group.ts'
import { type CalendarSnapshot, FREEZE_BLOCKS, type FreezeRule } from './rules.ts'
import type { TimeZone } from './time-zone.ts'

/** What an edit is judged by. */
export interface FreezeEditContext {
  readonly now: EpochMs
  /** Every zone that the clusters of the fleet are in: for freezes in the time of the cluster. */
  readonly zones: readonly TimeZone[]
  readonly calendars: ReadonlyMap<string, CalendarSnapshot>
}

/** Whether the freeze holds anybody at this instant, in some zone. */
export function isFreezeActive(rule: FreezeRule, context: FreezeEditContext): boolean {
  const compiled = compileFreeze(rule, context.calendars)
  return zonesOf([compiled], context).some(zone => compiled.timing(zone, context.now, context.now + 1).length > 0)
}

/**
 * In what the second freeze holds less than the first from now on, in words; nothing when it holds at least as much.
 * What cannot be compared counts as less: an edit of an active freeze must not be the way around break-glass.
 *
 * @param next Undefined: it has ended.
 */
export function loosenings(
  before: FreezeRule,
  next: FreezeRule | undefined,
  context: FreezeEditContext,
): readonly string[] {
  if (next === undefined) return ['it ends earlier']
  const found: string[] = []
  const say = (less: boolean, what: string): void => {
    if (less) found.push(what)
  }
  say(endsEarlier(before, next, context), 'it ends earlier, or leaves out a time')
  say(!sameJson(before.scope, next.scope) && next.scope.all !== true, 'its scope is another one')
  const known = before.exclude ?? []
  say(
    (next.exclude ?? []).some(each => !known.some(old => sameJson({ ...old, reason: '' }, { ...each, reason: '' }))),
    'an exemption is added',
  )
  say(before.freeze === 'hard' && next.freeze === 'soft', 'it becomes soft')
  const blocks = new Set(next.blocks ?? FREEZE_BLOCKS)
  say(
    (before.blocks ?? FREEZE_BLOCKS).some(action => !blocks.has(action)),
    'it blocks fewer actions',
  )
  say((before.selfHeal ?? 'pause') === 'pause' && next.selfHeal === 'continue', 'self-heal goes on under it')
  say(strictness(next) < strictness(before), 'running operations may go on for longer')
  const [old, now] = [compileFreeze(before, context.calendars), compileFreeze(next, context.calendars)]
  say(graceOf(now) > graceOf(old), 'the grace period is longer')
  say(before.owner !== next.owner, 'it has another owner')
  say(before.exemptable === false && next.exemptable !== false, 'it becomes exemptable')
  found.push(...looserBreakGlass(before, next, old, now))
  return found
}

function* looserBreakGlass(
  before: FreezeRule,
  next: FreezeRule,
  old: CompiledRule,
  now: CompiledRule,
): Iterable<string> {
  const a = old.effect.kind === 'freeze' ? old.effect.breakGlass : DEFAULT_BREAK_GLASS
  const b = now.effect.kind === 'freeze' ? now.effect.breakGlass : DEFAULT_BREAK_GLASS
  if (!a.allowed && b.allowed) yield 'it allows break-glass'
  if (b.approvals < a.approvals) yield 'break-glass needs fewer approvals'
  if (b.maxDurationMs > a.maxDurationMs) yield 'break-glass may be longer'
  const pattern = before.breakGlass?.ticketPattern
  if (pattern !== undefined && pattern !== next.breakGlass?.ticketPattern) yield 'break-glass wants another ticket'
}

function endsEarlier(before: FreezeRule, next: FreezeRule, context: FreezeEditContext): boolean {
  const [old, now] = [compileFreeze(before, context.calendars), compileFreeze(next, context.calendars)]
  const to = context.now + HORIZON_MS
  return zonesOf([old, now], context).some(zone => {
    const of = (rule: CompiledRule) => rule.timing(rule.zone === 'cluster' ? zone : rule.zone, context.now, to)
    return subtract(of(old), of(now)).length > 0
  })
}

function zonesOf(rules: readonly CompiledRule[], { zones }: FreezeEditContext): readonly TimeZone[] {
  const own = rules.flatMap(({ zone }) => (zone === 'cluster' ? zones : [zone]))
  return [...new Set(own)]
}

function strictness({ inFlight = 'finish' }: FreezeRule): number {
  return ['finish', 'pauseAtWave', 'terminate'].indexOf(inFlight)
}

function graceOf({ effect }: CompiledRule): number {
  return effect.kind === 'freeze' ? effect.gracePeriodMs : 0
}

function sameJson(a: unknown, b: unknown): boolean {
  return equalJson(a as Json, b as Json)
}
