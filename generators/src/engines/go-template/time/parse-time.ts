import { GoTime } from '../go-value.ts'
import { daysBefore, daysIn, daysSinceEpoch, isLeapYear, MONTHS, WEEKDAYS } from './calendar.ts'
import { type LayoutPart, layoutParts } from './layout.ts'
import { quoteGo } from './parse-duration.ts'
import { fixedZone } from './zone.ts'

/** A text that is no time of the layout, in Go's words. */
export class TimeParseError extends Error {
  override readonly name = 'TimeParseError'
}

interface Read {
  year: number
  month: number
  day: number
  dayOfYear: number
  hour: number
  minute: number
  second: number
  nanosecond: number
  half: 'am' | 'pm' | undefined
  utc: boolean
  offset: number | undefined
  zoneName: string
}

/**
 * Reads a time as a Go layout says; what the layout does not have is 1 January of year 0, midnight, UTC.
 *
 * @throws TimeParseError
 */
export function parseTime(layout: string, text: string): GoTime {
  const reader = new TimeReader(layout, text)
  const parts = layoutParts(layout)
  for (const [index, part] of parts.entries()) reader.part(part, parts[index + 1])
  return reader.time()
}

class TimeReader {
  readonly #layout: string
  readonly #text: string
  #rest: string
  readonly #read: Read = {
    year: 0,
    month: -1,
    day: -1,
    dayOfYear: -1,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    half: undefined,
    utc: false,
    offset: undefined,
    zoneName: '',
  }

  constructor(layout: string, text: string) {
    this.#layout = layout
    this.#text = text
    this.#rest = text
  }

  part(part: LayoutPart, next: LayoutPart | undefined): void {
    this.#skip(part.prefix)
    if (part.element === '') {
      if (this.#rest !== '') throw this.#refused(`: extra text: ${quoteGo(this.#rest)}`)
      return
    }
    const before = this.#rest
    const problem = this.#element(part, next)
    if (problem === 'bad') throw this.#mismatch(before, part.element)
    if (problem !== undefined) throw this.#refused(`: ${problem} out of range`)
  }

  /** White space in the layout stands for any amount of it. */
  #skip(prefix: string): void {
    for (let at = 0; at < prefix.length; ) {
      if (prefix[at] === ' ') {
        if (this.#rest !== '' && !this.#rest.startsWith(' ')) throw this.#mismatch(this.#rest, prefix)
        while (prefix[at] === ' ') at++
        this.#rest = this.#rest.replace(/^ +/, '')
      } else {
        if (this.#rest[0] !== prefix[at]) throw this.#mismatch(this.#rest, prefix)
        this.#rest = this.#rest.slice(1)
        at++
      }
    }
  }

  /** `bad`, or the name of what is out of range. */
  #element(part: LayoutPart, next: LayoutPart | undefined): string | undefined {
    if (part.digits !== undefined) return this.#fraction(part)
    if (/^[Z-]/.test(part.element)) return this.#offset(part.element)
    if (part.element === 'MST') return this.#zoneName()
    return this.#datePart(part.element) ?? this.#clockPart(part.element, next)
  }

  #datePart(element: string): string | undefined {
    const read = this.#read
    switch (element) {
      case '06': {
        const year = this.#take(/^\d\d/)
        if (year === undefined) return 'bad'
        read.year = Number(year) + (Number(year) >= 69 ? 1900 : 2000)
        return undefined
      }
      case '2006': {
        const year = this.#take(/^\d{4}/)
        if (year === undefined) return 'bad'
        read.year = Number(year)
        return undefined
      }
      case 'Jan':
      case 'January': {
        const month = this.#name(element === 'Jan' ? MONTHS.map(name => name.slice(0, 3)) : MONTHS)
        read.month = month + 1
        return month < 0 ? 'bad' : undefined
      }
      case 'Mon':
      case 'Monday':
        return this.#name(element === 'Mon' ? WEEKDAYS.map(name => name.slice(0, 3)) : WEEKDAYS) < 0 ? 'bad' : undefined
      case '1':
      case '01':
        return this.#number(element, value => {
          read.month = value
          return value < 1 || value > 12 ? 'month' : undefined
        })
      case '2':
      case '_2':
      case '02':
        if (element === '_2') this.#take(/^ /)
        return this.#number(element, value => {
          read.day = value
          return undefined
        })
      case '__2':
      case '002': {
        if (element === '__2') this.#take(/^ {1,2}/)
        const day = this.#take(element === '002' ? /^\d{3}/ : /^\d{1,3}/)
        read.dayOfYear = Number(day)
        return day === undefined ? 'bad' : undefined
      }
      default:
        return undefined
    }
  }

  #clockPart(element: string, next: LayoutPart | undefined): string | undefined {
    const read = this.#read
    switch (element) {
      case '15':
        return this.#number(
          element,
          value => {
            read.hour = value
            return value >= 24 ? 'hour' : undefined
          },
          false,
        )
      case '3':
      case '03':
        return this.#number(element, value => {
          read.hour = value
          return value > 12 ? 'hour' : undefined
        })
      case '4':
      case '04':
        return this.#number(element, value => {
          read.minute = value
          return value >= 60 ? 'minute' : undefined
        })
      case '5':
      case '05':
        return this.#number(element, value => {
          read.second = value
          if (value >= 60) return 'second'
          // A fraction may follow seconds although the layout has none.
          if (next?.digits === undefined) this.#anyFraction()
          return undefined
        })
      case 'PM':
      case 'pm': {
        const half = this.#take(element === 'PM' ? /^[AP]M/ : /^[ap]m/)
        if (half === undefined) return 'bad'
        read.half = half.toLowerCase() === 'pm' ? 'pm' : 'am'
        return undefined
      }
      default:
        return undefined
    }
  }

  #take(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.#rest)?.[0]
    if (found !== undefined) this.#rest = this.#rest.slice(found.length)
    return found
  }

  #number(element: string, accept: (value: number) => string | undefined, fixed = element.startsWith('0')) {
    const digits = this.#take(fixed ? /^\d\d/ : /^\d\d?/)
    return digits === undefined ? 'bad' : accept(Number(digits))
  }

  /** In any case. */
  #name(names: readonly string[]): number {
    const index = names.findIndex(name => this.#rest.slice(0, name.length).toLowerCase() === name.toLowerCase())
    if (index >= 0) this.#rest = this.#rest.slice(names[index]!.length)
    return index
  }

  #anyFraction(): void {
    const fraction = this.#take(/^[.,]\d+/)
    if (fraction !== undefined) this.#read.nanosecond = nanoseconds(fraction)
  }

  #fraction(part: LayoutPart): string | undefined {
    if (part.element[1] === '9') {
      this.#anyFraction()
      return undefined
    }
    const fraction = this.#rest.slice(0, part.element.length)
    if (!/^[.,]\d+$/.test(fraction) || fraction.length < part.element.length) return 'bad'
    this.#rest = this.#rest.slice(fraction.length)
    this.#read.nanosecond = nanoseconds(fraction)
    return undefined
  }

  #offset(element: string): string | undefined {
    if (element.startsWith('Z') && this.#take(/^Z/) !== undefined) {
      this.#read.utc = true
      return undefined
    }
    const pattern = element.slice(1).replace(/\d\d/g, '(\\d\\d)')
    const match = new RegExp(`^([+-])${pattern}`).exec(this.#rest)
    if (match === null) return 'bad'
    this.#rest = this.#rest.slice(match[0].length)
    const [hours, minutes, seconds] = [Number(match[2]), Number(match[3] ?? 0), Number(match[4] ?? 0)]
    const size = (hours * 60 + minutes) * 60 + seconds
    this.#read.offset = match[1] === '-' ? -size : size
    if (seconds > 60) return 'time zone offset second'
    if (minutes > 60) return 'time zone offset minute'
    return hours > 24 ? 'time zone offset hour' : undefined
  }

  #zoneName(): string | undefined {
    if (this.#take(/^UTC/) !== undefined) {
      this.#read.utc = true
      return undefined
    }
    const name =
      this.#take(/^(?:ChST|MeST|GMT(?:[+-](?:2[0-3]|1\d|0*\d)(?!\d))?|[+-](?:2[0-3]|1\d|0*\d)(?!\d))/) ??
      this.#letters()
    if (name === undefined) return 'bad'
    this.#read.zoneName = name
    return undefined
  }

  /** Three capitals; four or five when they end in T. */
  #letters(): string | undefined {
    const capitals = /^[A-Z]{0,6}/.exec(this.#rest)![0]
    const good =
      capitals.length === 3 || (capitals.length === 4 && /T$|^WITA$/.test(capitals)) || /^[A-Z]{4}T$/.test(capitals)
    if (good) this.#rest = this.#rest.slice(capitals.length)
    return good ? capitals : undefined
  }

  time(): GoTime {
    const read = this.#read
    if (read.half === 'pm' && read.hour < 12) read.hour += 12
    else if (read.half === 'am' && read.hour === 12) read.hour = 0
    const { month, day } = this.#day()
    const days = daysSinceEpoch(read.year, month, day)
    const wall = days * 86_400 + read.hour * 3600 + read.minute * 60 + read.second
    const { zone, offset } = this.#zone()
    return new GoTime(BigInt(wall - offset) * 1_000_000_000n + BigInt(read.nanosecond), zone)
  }

  #day(): { readonly month: number; readonly day: number } {
    const { year, dayOfYear } = this.#read
    if (dayOfYear < 0) {
      const month = this.#read.month < 0 ? 1 : this.#read.month
      const day = this.#read.day < 0 ? 1 : this.#read.day
      if (day < 1 || day > daysIn(month, year)) throw this.#refused(': day out of range')
      return { month, day }
    }
    if (dayOfYear < 1 || dayOfYear > (isLeapYear(year) ? 366 : 365)) throw this.#refused(': day-of-year out of range')
    let month = 12
    const before = (m: number): number => daysBefore(m) + (m > 2 && isLeapYear(year) ? 1 : 0)
    while (before(month) >= dayOfYear) month--
    const day = dayOfYear - before(month)
    if (this.#read.month >= 0 && this.#read.month !== month) throw this.#refused(': day-of-year does not match month')
    if (this.#read.day >= 0 && this.#read.day !== day) throw this.#refused(': day-of-year does not match day')
    return { month, day }
  }

  #zone(): { readonly zone: string; readonly offset: number } {
    const { utc, offset, zoneName } = this.#read
    if (utc || (offset === undefined && zoneName === '')) return { zone: 'UTC', offset: 0 }
    if (offset !== undefined) {
      if (offset === 0 && zoneName === '') return { zone: 'UTC', offset }
      return { zone: fixedZone(zoneName, offset), offset }
    }
    // A name alone says no offset: Go reads the time as one of UTC, and shows `GMT+3` three hours later.
    const named = /^GMT([+-]\d+)$/.exec(zoneName)
    return { zone: fixedZone(zoneName, named === null ? 0 : Number(named[1]) * 3600), offset: 0 }
  }

  #mismatch(rest: string, element: string): TimeParseError {
    return new TimeParseError(
      `parsing time ${quoteGo(this.#text)} as ${quoteGo(this.#layout)}: cannot parse ${quoteGo(rest)} as ${quoteGo(element)}`,
    )
  }

  #refused(why: string): TimeParseError {
    return new TimeParseError(`parsing time ${quoteGo(this.#text)}${why}`)
  }
}

function nanoseconds(fraction: string): number {
  return Number(fraction.slice(1, 10).padEnd(9, '0'))
}
