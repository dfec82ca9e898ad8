/** A day of the calendar that Go uses for all times: the Gregorian one, also before it was invented. */
export interface CalendarDay {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  /** 1 to 366. */
  readonly dayOfYear: number
  /** 0 is Sunday. */
  readonly weekday: number
}

export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
export const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]
/** Days of 400 years, after which the calendar begins again. */
const CYCLE_DAYS = 146_097
/** 1970-01-01, counted from 0000-03-01, where counting is simple: a leap day is the last of its year. */
const EPOCH_FROM_MARCH = 719_468

/** @param days Since 1970-01-01. */
export function calendarDay(days: number): CalendarDay {
  const fromMarch = days + EPOCH_FROM_MARCH
  const cycle = Math.floor(fromMarch / CYCLE_DAYS)
  const inCycle = fromMarch - cycle * CYCLE_DAYS
  const yearOfCycle = Math.floor(
    (inCycle - Math.floor(inCycle / 1460) + Math.floor(inCycle / 36_524) - Math.floor(inCycle / 146_096)) / 365,
  )
  const inYear = inCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100))
  const monthFromMarch = Math.floor((5 * inYear + 2) / 153)
  const day = inYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
  const leap = month > 2 && isLeapYear(year) ? 1 : 0
  const weekday = (((days + 4) % 7) + 7) % 7
  return { year, month, day, dayOfYear: DAYS_BEFORE_MONTH[month - 1]! + leap + day, weekday }
}

/** Days since 1970-01-01. */
export function daysSinceEpoch(year: number, month: number, day: number): number {
  const fromMarch = month <= 2 ? year - 1 : year
  const cycle = Math.floor(fromMarch / 400)
  const yearOfCycle = fromMarch - cycle * 400
  const inYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const inCycle = yearOfCycle * 365 + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100) + inYear
  return cycle * CYCLE_DAYS + inCycle - EPOCH_FROM_MARCH
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

export function daysIn(month: number, year: number): number {
  if (month === 2 && isLeapYear(year)) return 29
  return DAYS_BEFORE_MONTH[month]! - DAYS_BEFORE_MONTH[month - 1]!
}

/** Days of a year that is no leap year before its month. */
export function daysBefore(month: number): number {
  return DAYS_BEFORE_MONTH[month - 1]!
}
