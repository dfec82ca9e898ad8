import { define, textArgument, timeArgument, wholeArgument } from './functions/define.ts'
import type { GoFunction } from './go-function.ts'
import { GoInteger, GoStruct, GoTime, type GoValue } from './go-value.ts'
import { durationText } from './printing/duration-text.ts'
import { daysSinceEpoch, MONTHS, WEEKDAYS } from './time/calendar.ts'
import { formatTime, shownAt, timeText, unixSeconds } from './time/format-time.ts'

const DAY_SECONDS = 86_400
const SECOND = 1_000_000_000n

/** Methods that templates call on times (`now.Year`); a month and a weekday are their names. */
const TIME_METHODS: { readonly [name: string]: (time: GoTime) => GoFunction } = {
  Year: time => plain(() => new GoInteger(shownAt(time).year)),
  Month: time => plain(() => MONTHS[shownAt(time).month - 1]!),
  Day: time => plain(() => new GoInteger(shownAt(time).day)),
  Hour: time => plain(() => new GoInteger(shownAt(time).hour)),
  Minute: time => plain(() => new GoInteger(shownAt(time).minute)),
  Second: time => plain(() => new GoInteger(shownAt(time).second)),
  Nanosecond: time => plain(() => new GoInteger(shownAt(time).nanosecond)),
  Weekday: time => plain(() => WEEKDAYS[shownAt(time).weekday]!),
  YearDay: time => plain(() => new GoInteger(shownAt(time).dayOfYear)),
  Unix: time => plain(() => new GoInteger(unixSeconds(time), 'int64')),
  UnixMilli: time => plain(() => new GoInteger(floorDivide(time.nanoseconds, 1_000_000n), 'int64')),
  UnixNano: time => plain(() => new GoInteger(time.nanoseconds, 'int64')),
  UTC: time => plain(() => new GoTime(time.nanoseconds, 'UTC')),
  String: time => plain(() => timeText(time)),
  Format: time =>
    define('string', ([layout], scope) => {
      scope.spend(4 * textArgument(layout).length)
      return formatTime(time, textArgument(layout))
    }),
  AddDate: time =>
    define('int int int', ([years, months, days]) =>
      dateAdded(time, wholeArgument(years), wholeArgument(months), wholeArgument(days)),
    ),
  Before: time => define('time', ([other]) => time.nanoseconds < timeArgument(other).nanoseconds),
  After: time => define('time', ([other]) => time.nanoseconds > timeArgument(other).nanoseconds),
  Equal: time => define('time', ([other]) => time.nanoseconds === timeArgument(other).nanoseconds),
  Sub: time =>
    define('time', ([other]) => new GoInteger(time.nanoseconds - timeArgument(other).nanoseconds, 'time.Duration')),
}

/** Of a `time.Duration`. */
const DURATION_METHODS: { readonly [name: string]: (nanoseconds: bigint) => GoValue } = {
  Hours: nanoseconds => Number(nanoseconds) / 3.6e12,
  Minutes: nanoseconds => Number(nanoseconds) / 6e10,
  Seconds: nanoseconds => Number(nanoseconds) / 1e9,
  Milliseconds: nanoseconds => new GoInteger(nanoseconds / 1_000_000n, 'int64'),
  Nanoseconds: nanoseconds => new GoInteger(nanoseconds, 'int64'),
  String: durationText,
}

/** A method of a value that is no map; undefined when it has none of that name. */
export function methodOf(value: GoValue, name: string): GoFunction | undefined {
  if (value instanceof GoStruct) return value.methods.get(name)
  if (value instanceof GoTime && Object.hasOwn(TIME_METHODS, name)) return TIME_METHODS[name]!(value)
  if (value instanceof GoInteger && value.type === 'time.Duration' && Object.hasOwn(DURATION_METHODS, name)) {
    return plain(() => DURATION_METHODS[name]!(value.value))
  }
  return undefined
}

function plain(call: () => GoValue): GoFunction {
  return { parameters: [], call }
}

/** A month that is too short goes on into the next one: 31 January and a month is 3 March. */
function dateAdded(time: GoTime, years: number, months: number, days: number): GoTime {
  const shown = shownAt(time)
  const month = shown.month - 1 + months
  const year = shown.year + years + Math.floor(month / 12)
  const to = daysSinceEpoch(year, month - 12 * Math.floor(month / 12) + 1, 1) + shown.day - 1 + days
  const from = daysSinceEpoch(shown.year, shown.month, shown.day)
  return new GoTime(time.nanoseconds + BigInt((to - from) * DAY_SECONDS) * SECOND, time.zone)
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value < 0n ? -((-value + by - 1n) / by) : value / by
}
