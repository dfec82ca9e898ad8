import { equalJson, type Json } from '../json/json.ts'
import { type CompiledRule, compileWindow } from './compile-rule.ts'
import { subtract } from './intervals.ts'
import type { FreezeEditContext } from './override-edit.ts'
import { HORIZON_MS } from './rule-group.ts'
import { WINDOW_BLOCKS, type WindowRule } from './rules.ts'
import type { TimeZone } from './time-zone.ts'

/** What edits of windows are judged by. */
export type WindowEditContext = Pick<FreezeEditContext, 'now' | 'zones'>

/** Whether the window holds anybody at this instant, in some zone: a deny that is active, an allow that is not. */
export function isWindowClosing(rule: WindowRule, context: WindowEditContext): boolean {
  const compiled = compileWindow(rule)
  const { effect } = compiled
  if (effect.kind !== 'window') return true
  const { now } = context
  return zonesOf([compiled], context).some(zone => {
    const active = compiled.timing(zone, now, now + 1).length > 0
    return effect.effect === 'deny' ? active : !active
  })
}

/**
 * In what the second window closes less than the first from now on, in words; nothing when it closes at least as much.
 * What cannot be compared counts as less: an edit must not be the way around the approval that a closed window takes.
 *
 * @param next Undefined: it is gone.
 */
export function windowLoosenings(
  before: WindowRule,
  next: WindowRule | undefined,
  context: WindowEditContext,
): readonly string[] {
  if (next === undefined) return ['it would be gone']
  const [old, now] = [compileWindow(before), compileWindow(next)]
  if (old.effect.kind !== 'window') return ['it cannot be read, and closes its scope for as long']
  const found: string[] = []
  const say = (less: boolean, what: string): void => {
    if (less) found.push(what)
  }
  say(before.kind !== next.kind, `it is a window of kind ${next.kind}`)
  if (before.kind === next.kind) say(closesLess(old, now, context), 'it closes for less time')
  say(!sameJson(before.select, next.select), 'its scope is another one')
  say(!sameJson(before.exclude ?? [], next.exclude ?? []), 'its exemptions are others')
  const blocks = new Set(next.blocks ?? WINDOW_BLOCKS)
  say(
    (before.blocks ?? WINDOW_BLOCKS).some(action => !blocks.has(action)),
    'it blocks fewer actions',
  )
  say(before.manualSync !== true && next.manualSync === true, 'it lets manual syncs pass')
  say(before.syncOverrun !== true && next.syncOverrun === true, 'running operations may go on for longer')
  say(before.owner !== next.owner, 'it has another owner')
  return found
}

function closesLess(old: CompiledRule, next: CompiledRule, context: WindowEditContext): boolean {
  const to = context.now + HORIZON_MS
  return zonesOf([old, next], context).some(zone => {
    const of = (rule: CompiledRule) => rule.timing(rule.zone === 'cluster' ? zone : rule.zone, context.now, to)
    const isDeny = old.effect.kind === 'window' && old.effect.effect === 'deny'
    return (isDeny ? subtract(of(old), of(next)) : subtract(of(next), of(old))).length > 0
  })
}

function zonesOf(rules: readonly CompiledRule[], { zones }: WindowEditContext): readonly TimeZone[] {
  return [...new Set(rules.flatMap(({ zone }) => (zone === 'cluster' ? zones : [zone])))]
}

function sameJson(a: unknown, b: unknown): boolean {
  return equalJson(a as Json, b as Json)
}
