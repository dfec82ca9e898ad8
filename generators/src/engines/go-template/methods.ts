import { GoInteger, GoTime, type GoValue } from './go-value.ts'
import { durationText, timeText, wallClock } from './printing/time-text.ts'

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const DAY_MS = 86_400_000

type TimeMethod = (time: GoTime) => GoValue

/** Methods without parameters that templates call on times (`now.Year`); a month and a weekday are their names. */
const TIME_METHODS: { readonly [name: string]: TimeMethod } = {
  Year: time => new GoInteger(wallClock(time).getUTCFullYear()),
  Month: time => MONTHS[wallClock(time).getUTCMonth()]!,
  Day: time => new GoInteger(wallClock(time).getUTCDate()),
  Hour: time => new GoInteger(wallClock(time).getUTCHours()),
  Minute: time => new GoInteger(wallClock(time).getUTCMinutes()),
  Second: time => new GoInteger(wallClock(time).getUTCSeconds()),
  Nanosecond: time => new GoInteger(((time.nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n),
  Weekday: time => WEEKDAYS[wallClock(time).getUTCDay()]!,
  YearDay: time => new GoInteger(dayOfYear(wallClock(time))),
  Unix: time => new GoInteger(floorDivide(time.nanoseconds, 1_000_000_000n), 'int64'),
  UnixMilli: time => new GoInteger(floorDivide(time.nanoseconds, 1_000_000n), 'int64'),
  UnixNano: time => new GoInteger(time.nanoseconds, 'int64'),
  UTC: time => new GoTime(time.nanoseconds, 'UTC'),
  String: timeText,
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
export function methodOf(value: GoValue, name: string): (() => GoValue) | undefined {
  if (value instanceof GoTime && Object.hasOwn(TIME_METHODS, name)) return () => TIME_METHODS[name]!(value)
  if (value instanceof GoInteger && value.type === 'time.Duration' && Object.hasOwn(DURATION_METHODS, name)) {
    return () => DURATION_METHODS[name]!(value.value)
  }
  return undefined
}

function dayOfYear(wall: Date): number {
  return Math.round((wall.setUTCHours(0, 0, 0, 0) - Date.UTC(wall.getUTCFullYear(), 0, 1)) / DAY_MS) + 1
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value < 0n ? -((-value + by - 1n) / by) : value / by
}
