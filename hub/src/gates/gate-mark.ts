import type { CompiledRule } from '@flotilla/core/gates/compile-rule'
import { type Intervals, union } from '@flotilla/core/gates/intervals'
import type { TimeZone } from '@flotilla/core/gates/time-zone'
import type { JsonObject } from '@flotilla/core/json/json'
import type { StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

const TOLD = 'gates.told'
/** What is longer ago is nobody's news any more. */
const LONGEST_BACK_MS = 31 * 86_400_000
/** Of one rule the latest are told: a window of every quarter of an hour has hundreds in a week. */
const MOST_OF_RULE = 20
const MOST = 1_000

/** Up to when beginnings and ends of rules were told, and of which: what came due after it while no hub ran was not. */
export interface GateMark {
  readonly at: EpochMs
  /** Ids of the rules that were followed then. One that has come since has nothing that was missed. */
  readonly rules: readonly string[]
  /** Boundaries to come that people were told of ahead: `id instant`. */
  readonly ahead: readonly string[]
}

export async function readGateMark(rows: StoreReader): Promise<GateMark | undefined> {
  const stored = await rows.setting(TOLD)
  const at = stored?.['at']
  if (typeof at !== 'number') return undefined
  return { at, rules: textsOf(stored?.['rules']), ahead: textsOf(stored?.['ahead']) }
}

export async function putGateMark(rows: StoreWriter, { at, rules, ahead }: GateMark): Promise<void> {
  await rows.putSetting(TOLD, { at, rules: [...rules], ahead: [...ahead] })
}

/** A rule that began or ended while nobody looked. */
export interface MissedBoundary {
  readonly rule: CompiledRule
  readonly at: EpochMs
  readonly active: boolean
  /** Earlier ones of this rule that are not told one by one; on the first that is. */
  readonly before: number
}

/**
 * What came due after the mark and up to now, oldest first, with its true instant.
 *
 * @param zonesOf By whose clocks the rule goes: it is active while it is so by any of them.
 */
export function missedBoundaries(
  rules: readonly CompiledRule[],
  zonesOf: (rule: CompiledRule) => Iterable<TimeZone>,
  mark: GateMark,
  now: EpochMs,
): readonly MissedBoundary[] {
  const known = new Set(mark.rules)
  const from = Math.max(mark.at, now - LONGEST_BACK_MS)
  if (from >= now) return []
  const missed = rules.flatMap((rule): readonly MissedBoundary[] => {
    if (!known.has(rule.id) || (rule.effect.kind === 'freeze' && rule.effect.indeterminate)) return []
    const active = union([...zonesOf(rule)].map((zone): Intervals => rule.timing(zone, from - 1, now + 1)))
    const edges = active.flatMap(each => [
      { rule, at: each.from, active: true },
      { rule, at: each.to, active: false },
    ])
    const due = edges.filter(({ at }) => at > from && at <= now)
    const left = Math.max(0, due.length - MOST_OF_RULE)
    return due.slice(left).map((edge, index) => ({ ...edge, before: index === 0 ? left : 0 }))
  })
  return missed.toSorted((a, b) => a.at - b.at).slice(-MOST)
}

function textsOf(value: JsonObject[string]): readonly string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
}
