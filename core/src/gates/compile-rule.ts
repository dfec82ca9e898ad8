import { RE2JS, RE2JSSyntaxException } from 're2js'
import { canonicalJson, sha256 } from '../json/canonical-json.ts'
import type { Json } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import {
  type CompiledScope,
  compileArgoScope,
  compileScope,
  EVERYTHING,
  inScope,
  type ScopeMistake,
  scopeWithin,
} from './compile-scope.ts'
import { compileFreezeTimes, instantOfPlace, parsePlace, type RuleTiming } from './freeze-times.ts'
import { parseGoDuration } from './go-duration.ts'
import { cronMistakeText, everFires, parseCron } from './parse-cron.ts'
import type {
  CalendarSnapshot,
  FreezeRule,
  GateAction,
  GateExclusion,
  GateTarget,
  InFlight,
  WindowRule,
} from './rules.ts'
import { FREEZE_BLOCKS, WINDOW_BLOCKS } from './rules.ts'
import { TimeZone } from './time-zone.ts'
import { cronIntervals } from './walk-cron.ts'
import { realIntervals } from './wall-intervals.ts'

/** Where in the rule, and what is wrong with it. */
export type RuleMistake = ScopeMistake

/** What a rule does while it is active. A rule that cannot be evaluated is a hard freeze that says so. */
export type RuleEffect =
  | {
      readonly kind: 'window'
      readonly effect: 'allow' | 'deny'
      readonly manualSync: boolean
      readonly syncOverrun: boolean
      /** Windows of one rhythm are judged together, and every rhythm has to be open. */
      readonly rhythm: string
    }
  | {
      readonly kind: 'freeze'
      readonly freeze: 'hard' | 'soft'
      readonly selfHeal: 'pause' | 'continue'
      readonly inFlight: InFlight
      readonly gracePeriodMs: number
      readonly breakGlass: CompiledBreakGlass
      readonly indeterminate: boolean
    }

export interface CompiledBreakGlass {
  readonly allowed: boolean
  readonly approvals: number
  readonly maxDurationMs: number
}

export interface CompiledRule {
  /** Changes with the content. */
  readonly id: string
  readonly name: string
  readonly kind: 'SyncWindow' | 'FreezePeriod'
  readonly level: 'organisation' | 'project' | 'team'
  readonly reason: string
  readonly scope: CompiledScope
  readonly effect: RuleEffect
  readonly blocks: ReadonlySet<GateAction>
  /** `cluster`: that of the Application's cluster. */
  readonly zone: TimeZone | 'cluster'
  readonly timing: RuleTiming
  /** Exempt until then; 'never' is not exempt. By the clocks of the zone that applies. */
  exemptUntil(target: GateTarget, zone: TimeZone): EpochMs
  readonly mistakes: readonly RuleMistake[]
}

/** Of `ticketPattern` nothing is compiled here: it is for the one who requests. */
export const DEFAULT_BREAK_GLASS: CompiledBreakGlass = { allowed: true, approvals: 1, maxDurationMs: 4 * 3_600_000 }
export const DEFAULT_GRACE_MS = 15 * 60_000
export const LONGEST_WINDOW_MS = 3660 * 86_400_000

export function compileWindow(rule: WindowRule): CompiledRule {
  const mistakes: RuleMistake[] = []
  const timing = windowTiming(rule, mistakes)
  const zone = readZone(rule.timeZone, mistakes)
  const scope = rule.select.kind === 'argo' ? compileArgoScope(rule.select.scope) : compileScope(rule.select.scope)
  const scoped = readScope(scope, rule.within, rule.select.kind === 'argo' ? [] : ['scope'], mistakes)
  const common = {
    id: idOf(rule.name, rule as unknown as Json),
    name: rule.name,
    kind: 'SyncWindow' as const,
    level: rule.level,
    scope: scoped,
    exemptUntil: compileExclusions(rule.exclude ?? [], mistakes),
    blocks: new Set(rule.blocks ?? WINDOW_BLOCKS),
    zone: zone ?? TimeZone.utc,
  }
  if (mistakes.length > 0 || timing === undefined) return indeterminate(common, mistakes)
  const effect: RuleEffect = {
    kind: 'window',
    effect: rule.kind as 'allow' | 'deny',
    manualSync: rule.manualSync === true,
    syncOverrun: rule.syncOverrun === true,
    rhythm: rule.rhythm ?? '',
  }
  return { ...common, mistakes, effect, timing, reason: rule.description ?? windowText(rule) }
}

/** `deny 0 22 * * * for 8h, Europe/Berlin`. */
export function windowText({ kind, schedule, duration, timeZone = 'UTC' }: WindowRule): string {
  return `${kind} ${schedule} for ${duration}, ${timeZone === 'cluster' ? 'time of the cluster' : timeZone}`
}

function windowTiming(rule: WindowRule, mistakes: RuleMistake[]): RuleTiming | undefined {
  const { kind, schedule, duration } = rule
  const known = kind === 'allow' || kind === 'deny'
  if (!known) mistakes.push({ path: ['kind'], message: `"${kind}" is neither allow nor deny` })
  const cron = parseCron(schedule)
  if (cron.kind === 'mistake') mistakes.push({ path: ['schedule'], message: cronMistakeText(schedule, cron.mistake) })
  else if (!everFires(cron.cron)) {
    mistakes.push({ path: ['schedule'], message: `schedule "${schedule}" names a day that never comes` })
  }
  const durationMs = parseGoDuration(duration)
  if (durationMs === undefined) {
    mistakes.push({ path: ['duration'], message: `cannot parse duration "${duration}": write it as 8h, 1h30m or 45m` })
  } else if (durationMs <= 0 || durationMs > LONGEST_WINDOW_MS) {
    mistakes.push({ path: ['duration'], message: `duration "${duration}" is not between nothing and ten years` })
  }
  if (cron.kind === 'mistake' || durationMs === undefined || !known) return undefined
  const wall = cronIntervals(cron.cron, durationMs)
  const folding = kind === 'deny' ? 'closes' : 'opens'
  return (zone, from, to) => realIntervals(zone, wall, folding, from, to)
}

export function compileFreeze(
  rule: FreezeRule,
  calendars: ReadonlyMap<string, CalendarSnapshot> | undefined,
): CompiledRule {
  const mistakes: RuleMistake[] = []
  if (rule.unreadable !== undefined) mistakes.push({ path: [], message: rule.unreadable })
  const scope = readScope(compileScope(rule.scope), rule.within, ['scope'], mistakes)
  const zone = readZone(rule.timeZone, mistakes)
  const times = compileFreezeTimes(rule.when, calendars)
  mistakes.push(...times.mistakes.map(({ path, message }) => ({ path: ['when', ...path], message })))
  const grace = rule.gracePeriod === undefined ? DEFAULT_GRACE_MS : parseGoDuration(rule.gracePeriod)
  if (grace === undefined || grace < 0) {
    mistakes.push({ path: ['gracePeriod'], message: `"${rule.gracePeriod}" is no duration such as 15m` })
  }
  const breakGlass = readBreakGlass(rule, mistakes)
  const common = {
    id: idOf(rule.name, { ...rule, ...snapshotsOf(rule, calendars) } as unknown as Json),
    name: rule.name,
    kind: 'FreezePeriod' as const,
    level: rule.level,
    scope,
    exemptUntil: compileExclusions(rule.exemptable === false ? [] : (rule.exclude ?? []), mistakes),
    blocks: new Set(rule.blocks ?? FREEZE_BLOCKS),
    zone: zone ?? TimeZone.utc,
  }
  if (mistakes.length > 0) return indeterminate(common, mistakes)
  const effect: RuleEffect = {
    kind: 'freeze',
    freeze: rule.freeze,
    selfHeal: rule.selfHeal ?? 'pause',
    inFlight: rule.inFlight ?? 'finish',
    gracePeriodMs: grace!,
    breakGlass,
    indeterminate: false,
  }
  return { ...common, mistakes, effect, timing: times.timing, reason: rule.reason }
}

function readBreakGlass({ breakGlass = {} }: FreezeRule, mistakes: RuleMistake[]): CompiledBreakGlass {
  const { allowed = true, approvals = DEFAULT_BREAK_GLASS.approvals, maxDuration } = breakGlass
  const maxDurationMs = maxDuration === undefined ? DEFAULT_BREAK_GLASS.maxDurationMs : parseGoDuration(maxDuration)
  if (maxDurationMs === undefined || maxDurationMs <= 0) {
    mistakes.push({ path: ['breakGlass', 'maxDuration'], message: `"${maxDuration}" is no duration such as 4h` })
  }
  if (breakGlass.ticketPattern !== undefined && !isPattern(breakGlass.ticketPattern)) {
    const message = `"${breakGlass.ticketPattern}" is no regular expression (RE2)`
    mistakes.push({ path: ['breakGlass', 'ticketPattern'], message })
  }
  return { allowed, approvals, maxDurationMs: maxDurationMs ?? 0 }
}

function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text)
    return true
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return false
    throw error
  }
}

/** Closes what it may concern, with the reason: a rule that nobody can read must not be a rule that nobody obeys. */
function indeterminate(
  common: Omit<CompiledRule, 'effect' | 'timing' | 'reason' | 'mistakes'>,
  mistakes: readonly RuleMistake[],
): CompiledRule {
  return {
    ...common,
    mistakes,
    blocks: new Set([...FREEZE_BLOCKS, ...common.blocks]),
    reason: `cannot be evaluated: ${mistakes.map(({ message }) => message).join('; ')}`,
    timing: (_zone, from, to) => [{ from, to }],
    effect: {
      kind: 'freeze',
      freeze: 'hard',
      selfHeal: 'pause',
      inFlight: 'finish',
      gracePeriodMs: DEFAULT_GRACE_MS,
      breakGlass: DEFAULT_BREAK_GLASS,
      indeterminate: true,
    },
  }
}

function readScope(
  reading: ReturnType<typeof compileScope>,
  within: readonly string[] | undefined,
  path: readonly string[],
  mistakes: RuleMistake[],
): CompiledScope {
  if (reading.kind === 'scope') return scopeWithin(within, reading.scope)
  mistakes.push(...reading.mistakes.map(mistake => ({ ...mistake, path: [...path, ...mistake.path] })))
  return scopeWithin(within, EVERYTHING)
}

function readZone(name: string | undefined, mistakes: RuleMistake[]): TimeZone | 'cluster' | undefined {
  if (name === undefined || name === '') return TimeZone.utc
  if (name === 'cluster') return 'cluster'
  const zone = TimeZone.find(name)
  if (zone === undefined) {
    mistakes.push({ path: ['timeZone'], message: `"${name}" is not an IANA time zone such as "Europe/Berlin"` })
  }
  return zone
}

/** Exempt for ever is `Infinity`, not at all is `-Infinity`. A bare date ends when it begins: the careful reading. */
function compileExclusions(exclusions: readonly GateExclusion[], mistakes: RuleMistake[]): CompiledRule['exemptUntil'] {
  const compiled = exclusions.flatMap((exclusion, index) => {
    const scope = compileScope(exclusion)
    const expires = exclusion.expires === undefined ? undefined : parsePlace(exclusion.expires)
    if (scope.kind === 'mistakes') {
      mistakes.push(...scope.mistakes.map(mistake => ({ ...mistake, path: ['exclude', index, ...mistake.path] })))
      return []
    }
    if (exclusion.expires !== undefined && expires === undefined) {
      mistakes.push({ path: ['exclude', index, 'expires'], message: `"${exclusion.expires}" is no date or time` })
      return []
    }
    return [{ scope: scope.scope, expires }]
  })
  if (compiled.length === 0) return () => Number.NEGATIVE_INFINITY
  return (target, zone) => {
    let until = Number.NEGATIVE_INFINITY
    for (const { scope, expires } of compiled) {
      if (!inScope(scope, target)) continue
      until = Math.max(until, expires === undefined ? Number.POSITIVE_INFINITY : instantOfPlace(expires, zone, 'first'))
    }
    return until
  }
}

/** The calendars that a freeze goes by are part of what it says. */
function snapshotsOf({ when }: FreezeRule, calendars: ReadonlyMap<string, CalendarSnapshot> | undefined) {
  const names = when.flatMap(time => ('calendar' in time ? time.calendar : []))
  if (names.length === 0) return {}
  return { snapshots: names.map(name => sha256(calendars?.get(name)?.text ?? '')) }
}

/** Fits into a signed document, whatever the name. */
const LONGEST_NAME = 200

function idOf(name: string, content: Json): string {
  const defined = JSON.parse(JSON.stringify(content)) as Json
  return `${name.slice(0, LONGEST_NAME)}@${sha256(canonicalJson(defined)).slice(-12)}`
}
