import type { GoTime } from '../go-value.ts'
import { calendarDay, MONTHS, WEEKDAYS } from './calendar.ts'
import { type LayoutPart, layoutParts } from './layout.ts'
import { zoneOffsetAt } from './zone.ts'

const SECOND = 1_000_000_000n
const DAY_SECONDS = 86_400

/** What clocks and calendars of its zone show at an instant. */
export interface Shown {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly dayOfYear: number
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
  readonly offset: number
  readonly abbreviation: string
}

/** An instant in its zone, written as a Go layout says: `2006-01-02T15:04:05Z07:00`. */
export function formatTime(time: GoTime, layout: string): string {
  const shown = shownAt(time)
  return layoutParts(layout)
    .map(part => part.prefix + (part.element === '' ? '' : elementText(part, shown)))
    .join('')
}

/** Whole seconds since 1970. */
export function unixSeconds(time: GoTime): bigint {
  const seconds = time.nanoseconds / SECOND
  return time.nanoseconds % SECOND < 0n ? seconds - 1n : seconds
}

export function shownAt(time: GoTime): Shown {
  const instant = Number(unixSeconds(time))
  const { seconds: offset, abbreviation } = zoneOffsetAt(instant, time.zone)
  const wall = instant + offset
  const days = Math.floor(wall / DAY_SECONDS)
  const ofDay = wall - days * DAY_SECONDS
  return {
    ...calendarDay(days),
    hour: Math.floor(ofDay / 3600),
    minute: Math.floor(ofDay / 60) % 60,
    second: ofDay % 60,
    nanosecond: Number(time.nanoseconds - unixSeconds(time) * SECOND),
    offset,
    abbreviation,
  }
}

function elementText(part: LayoutPart, shown: Shown): string {
  if (part.digits !== undefined) return fractionText(part.element, part.digits, shown.nanosecond)
  if (/^[Z-]/.test(part.element)) return offsetText(part.element, shown.offset)
  return dateText(part.element, shown) ?? clockText(part.element, shown)
}

function dateText(element: string, shown: Shown): string | undefined {
  switch (element) {
    case '2006':
      return padded(shown.year, 4)
    case '06':
      return padded(Math.abs(shown.year) % 100, 2)
    case 'January':
      return MONTHS[shown.month - 1]
    case 'Jan':
      return MONTHS[shown.month - 1]!.slice(0, 3)
    case '1':
      return String(shown.month)
    case '01':
      return padded(shown.month, 2)
    case 'Monday':
      return WEEKDAYS[shown.weekday]
    case 'Mon':
      return WEEKDAYS[shown.weekday]!.slice(0, 3)
    case '2':
      return String(shown.day)
    case '_2':
      return String(shown.day).padStart(2)
    case '02':
      return padded(shown.day, 2)
    case '__2':
      return String(shown.dayOfYear).padStart(3)
    case '002':
      return padded(shown.dayOfYear, 3)
    default:
      return undefined
  }
}

function clockText(element: string, shown: Shown): string {
  switch (element) {
    case '15':
      return padded(shown.hour, 2)
    case '3':
      return String(shown.hour % 12 || 12)
    case '03':
      return padded(shown.hour % 12 || 12, 2)
    case '4':
      return String(shown.minute)
    case '04':
      return padded(shown.minute, 2)
    case '5':
      return String(shown.second)
    case '05':
      return padded(shown.second, 2)
    case 'PM':
      return shown.hour >= 12 ? 'PM' : 'AM'
    case 'pm':
      return shown.hour >= 12 ? 'pm' : 'am'
    default:
      return shown.abbreviation === '' ? offsetText('-0700', shown.offset) : shown.abbreviation
  }
}

function offsetText(element: string, offset: number): string {
  if (element.startsWith('Z') && offset === 0) return 'Z'
  const minutes = Math.trunc(offset / 60)
  const size = Math.abs(minutes)
  const colon = element.includes(':') ? ':' : ''
  const digits = element.replace(/[^\d]/g, '').length
  let text = `${minutes < 0 ? '-' : '+'}${padded(Math.trunc(size / 60), 2)}`
  if (digits > 2) text += colon + padded(size % 60, 2)
  if (digits > 4) text += colon + padded(Math.abs(offset) % 60, 2)
  return text
}

/** `.000` keeps its zeros, `.999` leaves those at the end out. */
function fractionText(element: string, digits: number, nanosecond: number): string {
  const fraction = padded(nanosecond, 9).slice(0, digits).padEnd(digits, '0')
  if (element[1] === '0') return element[0]! + fraction
  const shortened = fraction.replace(/0+$/, '')
  return shortened === '' ? '' : element[0]! + shortened
}

function padded(value: number, width: number): string {
  return (value < 0 ? '-' : '') + Math.abs(value).toString().padStart(width, '0')
}

/** As JSON has times. */
export function rfc3339Text(time: GoTime): string {
  return formatTime(time, '2006-01-02T15:04:05.999999999Z07:00')
}

/** As `%v` prints times. */
export function timeText(time: GoTime): string {
  return formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST')
}
