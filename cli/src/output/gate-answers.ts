import { wallText } from '@flotilla/core/gates/civil-time'
import type { GateDecision } from '@flotilla/core/gates/decide'
import type { GateTarget } from '@flotilla/core/gates/rules'
import type { TimeZone } from '@flotilla/core/gates/time-zone'
import type { Json } from '@flotilla/core/json/json'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { SharedTimeline } from '../offline/gates-offline.ts'
import type { Colours } from './colours.ts'
import { printable, table } from './table.ts'

/** The members in the order that the command promises; null is a time that is more than 400 days away, or never. */
export function decisionJson({ allowed, layers, reasonRequired, nextChange, evaluatedAt }: GateDecision): Json {
  return {
    allowed,
    layers: layers.map(layer => ({
      name: layer.name,
      allowed: layer.allowed,
      blockers: layer.blockers.map(({ rule, kind, code, reason, opensAt }) => ({
        rule,
        kind,
        code,
        reason,
        opensAt: timeOrNull(opensAt),
      })),
    })),
    nextChange: timeOrNull(nextChange),
    evaluatedAt: isoTime(evaluatedAt),
    ...(reasonRequired ? { reasonRequired } : {}),
  }
}

function timeOrNull(at: EpochMs | undefined): Json {
  return at === undefined ? null : isoTime(at)
}

interface Asked {
  readonly application: GateTarget
  readonly zone: TimeZone
  readonly trigger: 'auto' | 'manual'
}

/** For people, in one zone, which is named. */
export function decisionText(decision: GateDecision, { application, zone, trigger }: Asked, colours: Colours): string {
  const start = trigger === 'auto' ? 'automated' : 'manual'
  const answer = decision.allowed ? colours.green('open') : colours.red('closed')
  const when = `${localText(decision.evaluatedAt, zone)} (${zone.name})`
  const first = `${printable(application.name)} is ${answer} for ${start} starts at ${when}\n`
  const rows = decision.layers.flatMap(({ name, blockers }) =>
    blockers.map(({ rule, code, reason, opensAt }) => [name, rule, code, timeText(opensAt, zone), reason]),
  )
  const held = rows.length === 0 ? '' : `\n${table(['LAYER', 'RULE', 'CODE', 'UNTIL', 'REASON'], rows, colours)}`
  const reason = decision.reasonRequired ? 'a soft freeze: a reason has to be given\n' : ''
  return `${first}${reason}${held}\nnext change: ${timeText(decision.nextChange, zone)}\n`
}

export interface TimelinesAsked {
  readonly from: EpochMs
  readonly to: EpochMs
  readonly application?: string
}

export function timelinesJson({ from, to, application }: TimelinesAsked, lines: readonly SharedTimeline[]): Json {
  const intervals = (line: SharedTimeline | undefined): Json =>
    (line?.intervals ?? []).map(each => ({
      from: isoTime(each.from),
      to: isoTime(each.to),
      automated: each.automated,
      manual: each.manual,
      rules: each.rules,
    }))
  const range = { from: isoTime(from), to: isoTime(to) }
  if (application !== undefined) return { application, ...range, intervals: intervals(lines[0]) }
  return { ...range, timelines: lines.map(line => ({ applications: line.applications, intervals: intervals(line) })) }
}

export function timelineText(lines: readonly SharedTimeline[], zone: TimeZone, colours: Colours): string {
  return lines
    .map(({ applications, intervals }) => {
      const heading = ['FROM', 'TO', 'AUTOMATED', 'MANUAL', 'HELD BY']
      const rows = intervals.map(({ from, to, automated, manual, rules }) => [
        localText(from, zone),
        localText(to, zone),
        automated,
        manual,
        rules.join(', '),
      ])
      return `${namesText(applications)} (${zone.name})\n${table(heading, rows, colours)}`
    })
    .join('\n')
}

const MOST_NAMES = 10

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map(printable).join(', ')
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown
}

function timeText(at: EpochMs | undefined, zone: TimeZone): string {
  return at === undefined ? 'none within 400 days' : localText(at, zone)
}

/** `2026-12-18 18:00 +01:00`. */
export function localText(at: EpochMs, zone: TimeZone): string {
  const offset = zone.offsetAt(at)
  const minutes = Math.abs(Math.round(offset / 60_000))
  const two = (value: number): string => String(value).padStart(2, '0')
  const sign = offset < 0 ? '-' : '+'
  return `${wallText(at + offset).replace('T', ' ')} ${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
