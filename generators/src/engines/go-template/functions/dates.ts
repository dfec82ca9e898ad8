import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoInteger, GoTime, type GoValue } from '../go-value.ts'
import { durationText } from '../printing/duration-text.ts'
import { formatTime, unixSeconds } from '../time/format-time.ts'
import { parseDuration } from '../time/parse-duration.ts'
import { parseTime, TimeParseError } from '../time/parse-time.ts'
import { isZone } from '../time/zone.ts'
import { parseInteger, wrap64 } from './convert.ts'
import { define, type FunctionGroup, textArgument, timeArgument } from './define.ts'
import { currentTime } from './surroundings.ts'

const SECOND = 1_000_000_000n
/** What a clock shows that was never set: 0001-01-01 00:00:00 UTC. */
const ZERO_TIME = new GoTime(-62_135_596_800n * SECOND, 'UTC')
const HTML_LAYOUT = '2006-01-02'

const inZone = define(
  'string any string',
  ([layout, date, zone], scope) => format(textArgument(layout), date, textArgument(zone), scope),
  { repeatable: false },
)
const modify = define('string time', ([change, date]) => moved(textArgument(change), timeArgument(date)).time)
const mustModify = define('string time', ([change, date]) => {
  const { time, problem } = moved(textArgument(change), timeArgument(date))
  if (problem !== undefined) throw new GoFunctionError(problem)
  return time
})

/**
 * Times, written by Go's layouts. A date that is neither a time nor a whole number (a text, a number of a file) counts
 * as now, as in sprig; so those functions are not repeatable.
 */
export const DATES: FunctionGroup = {
  now: define('', (_args, scope) => currentTime(scope), { repeatable: false }),
  date: define('string any', ([layout, date], scope) => format(textArgument(layout), date, 'Local', scope), {
    repeatable: false,
  }),
  dateInZone: inZone,
  date_in_zone: inZone,
  htmlDate: define('any', ([date], scope) => format(HTML_LAYOUT, date, 'Local', scope), { repeatable: false }),
  htmlDateInZone: define('any string', ([date, zone], scope) => format(HTML_LAYOUT, date, textArgument(zone), scope), {
    repeatable: false,
  }),
  dateModify: modify,
  date_modify: modify,
  mustDateModify: mustModify,
  must_date_modify: mustModify,
  toDate: define('string string', ([layout, text], scope) => {
    const time = parse(textArgument(layout), textArgument(text), scope)
    return typeof time === 'string' ? ZERO_TIME : time
  }),
  mustToDate: define('string string', ([layout, text], scope) => {
    const time = parse(textArgument(layout), textArgument(text), scope)
    if (typeof time === 'string') throw new GoFunctionError(time)
    return time
  }),
  unixEpoch: define('time', ([date]) => unixSeconds(timeArgument(date)).toString()),
  ago: define(
    'any',
    ([date], scope) => {
      const now = currentTime(scope)
      const since = wrap64(now.nanoseconds - (instantOf(date, false) ?? now).nanoseconds)
      return durationText(toSeconds(since))
    },
    { repeatable: false },
  ),
  duration: define('any', ([seconds]) => durationText(wrap64(wholeSeconds(seconds) * SECOND))),
  durationRound: define('any', ([duration], scope) => roundedDuration(durationOf(duration, scope)), {
    repeatable: false,
  }),
}

/** A time, or seconds since 1970; undefined for everything else. */
function instantOf(date: GoValue, narrow: boolean): GoTime | undefined {
  if (date instanceof GoTime) return date
  const whole = date instanceof GoInteger && (['int', 'int64'].includes(date.type) || (narrow && date.type === 'int32'))
  return whole ? new GoTime(date.value * SECOND, 'UTC') : undefined
}

function format(layout: string, date: GoValue, zone: string, scope: FunctionScope): string {
  scope.spend(4 * layout.length + zone.length)
  const time = instantOf(date, true) ?? currentTime(scope)
  return formatTime(new GoTime(time.nanoseconds, isZone(zone) && zone !== '' ? zone : 'UTC'), layout)
}

function parse(layout: string, text: string, scope: FunctionScope): GoTime | string {
  scope.spend(layout.length + text.length)
  try {
    return parseTime(layout, text)
  } catch (error) {
    if (error instanceof TimeParseError) return error.message
    throw error
  }
}

function moved(change: string, date: GoTime): { readonly time: GoTime; readonly problem?: string } {
  const duration = parseDuration(change)
  if (typeof duration === 'string') return { time: date, problem: duration }
  return { time: new GoTime(date.nanoseconds + duration, date.zone) }
}

/** To whole seconds, halves away from zero. */
function toSeconds(nanoseconds: bigint): bigint {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const rounded = ((size + SECOND / 2n) / SECOND) * SECOND
  return nanoseconds < 0n ? -rounded : rounded
}

function wholeSeconds(value: GoValue): bigint {
  if (typeof value === 'string') return parseInteger(value, 10).value
  return value instanceof GoInteger && value.type === 'int64' ? value.value : 0n
}

function durationOf(value: GoValue, scope: FunctionScope): bigint {
  if (typeof value === 'string') {
    const duration = parseDuration(value)
    return typeof duration === 'string' ? 0n : duration
  }
  if (value instanceof GoTime) return wrap64(currentTime(scope).nanoseconds - value.nanoseconds)
  return value instanceof GoInteger && value.type === 'int64' ? value.value : 0n
}

const HOUR = 3600n * SECOND
const ROUND_UNITS: readonly (readonly [size: bigint, name: string])[] = [
  [HOUR * 24n * 365n, 'y'],
  [HOUR * 24n * 30n, 'mo'],
  [HOUR * 24n, 'd'],
  [HOUR, 'h'],
  [60n * SECOND, 'm'],
  [SECOND, 's'],
]

/** The largest unit that fits more than once, without a sign. */
function roundedDuration(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const unit = ROUND_UNITS.find(([unitSize]) => size > unitSize)
  return unit === undefined ? '0s' : `${size / unit[0]}${unit[1]}`
}
