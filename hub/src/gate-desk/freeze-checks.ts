import { compileFreeze } from '@flotilla/core/gates/compile-rule'
import { instantOfPlace, parsePlace } from '@flotilla/core/gates/freeze-times'
import type { FreezeEditContext } from '@flotilla/core/gates/override-edit'
import { HORIZON_MS } from '@flotilla/core/gates/rule-group'
import type { FreezeRule, FreezeTime, GateTarget } from '@flotilla/core/gates/rules'
import { TimeZone } from '@flotilla/core/gates/time-zone'
import { equalJson, type Json } from '@flotilla/core/json/json'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { DeskMistake } from './desk.ts'
import type { RulesNow } from './rule-keeper.ts'

/** What edits are judged by: the time, the calendars and every zone in which the fleet has a cluster. */
export function editContextOf({ written, compiled, targets }: RulesNow, now: EpochMs): FreezeEditContext {
  return {
    now,
    zones: zonesOf(targets, zone => compiled.zoneOf(zone), compiled.defaultZone),
    calendars: new Map((written.calendars ?? []).map(calendar => [calendar.name, calendar])),
  }
}

function zonesOf(
  targets: readonly GateTarget[],
  zoneOf: (target: GateTarget) => TimeZone,
  fallback: TimeZone,
): readonly TimeZone[] {
  const byCluster = new Map<unknown, TimeZone>()
  for (const target of targets) if (!byCluster.has(target.cluster)) byCluster.set(target.cluster, zoneOf(target))
  return [...new Set([fallback, ...byCluster.values()])]
}

/**
 * What is wrong with the times of a freeze that is to be made now: nothing is frozen in the past, and what would never
 * hold, or hold everything because a calendar is not there, is a mistake.
 *
 * @param known Entries that stand already: they may have begun.
 */
export function timeMistakes(
  rule: FreezeRule,
  context: FreezeEditContext,
  known: readonly FreezeTime[] = [],
): readonly DeskMistake[] {
  const { now, zones, calendars } = context
  const compiled = compileFreeze(rule, calendars)
  const mistakes: DeskMistake[] = compiled.mistakes.map(({ path, message }) => ({ path: ['spec', ...path], message }))
  if (mistakes.length > 0) return mistakes
  const own = rule.timeZone === 'cluster' ? zones : [compiled.zone === 'cluster' ? TimeZone.utc : compiled.zone]
  for (const [index, time] of rule.when.entries()) {
    if (!('from' in time) || known.some(old => equalJson(old as Json, time as Json))) continue
    const place = parsePlace(time.from)
    if (place === undefined) continue
    const begins = Math.max(...own.map(zone => instantOfPlace(place, zone, 'first')))
    if (begins >= now) continue
    mistakes.push({
      path: ['spec', 'when', index, 'from'],
      message: `${time.from} is past: nothing is frozen after the fact`,
      hint: 'flotilla freeze now freezes at once',
    })
  }
  if (mistakes.length > 0) return mistakes
  if (own.every(zone => compiled.timing(zone, now, now + HORIZON_MS).length === 0)) {
    const message = 'does not hold at any time of the next 400 days'
    mistakes.push({ path: ['spec', 'when'], message })
  }
  return mistakes
}
