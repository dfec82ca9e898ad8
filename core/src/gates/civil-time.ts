import type { EpochMs } from '../time/epoch-ms.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/**
 * A reading of a wall clock, written as if it were UTC: `2026-03-29 02:30` is the number that this time has in UTC,
 * whatever the zone. Every such reading exists on this line, also one that a zone's clocks skip or show twice.
 */
export type WallMs = number

/** Whole days since 1970-01-01 on the wall line. */
export type DayNumber = number

export interface CivilDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  /** 1 to 31. */
  readonly day: number
}

export function dayNumberOf({ year, month, day }: CivilDate): DayNumber {
  return Math.floor(Date.UTC(year, month - 1, day) / DAY_MS)
}

export function civilDateOf(day: DayNumber): CivilDate {
  const date = new Date(day * DAY_MS)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

export function dayOf(wall: WallMs): DayNumber {
  return Math.floor(wall / DAY_MS)
}

/** 0 is Sunday. */
export function weekdayOf(day: DayNumber): number {
  return (((day + 4) % 7) + 7) % 7
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/

export interface LocalTime {
  readonly wall: WallMs
  /** No time of day was written. */
  readonly date: boolean
}

/** `2026-12-18` or `2026-12-18T18:00[:00]` without a zone; undefined for anything else and for days that do not exist. */
export function parseLocalTime(text: string): LocalTime | undefined {
  const found = LOCAL.exec(text)
  if (found === null) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1).map(part => (part === undefined ? 0 : Number(part)))
  if (month! < 1 || month! > 12 || day! < 1 || day! > daysInMonth(year!, month!)) return undefined
  if (hour! > 23 || minute! > 59 || second! > 59 || year! < 1970) return undefined
  const wall = dayNumberOf({ year: year!, month: month!, day: day! }) * DAY_MS
  return { wall: wall + hour! * HOUR_MS + minute! * MINUTE_MS + second! * 1000, date: found[4] === undefined }
}

/** `2026-12-18T18:00`: a wall reading as people write it. */
export function wallText(wall: WallMs): string {
  return new Date(wall).toISOString().slice(0, 16)
}

/** Instants that documents give: RFC 3339 with a zone. Undefined for anything else. */
export function parseInstant(text: string): EpochMs | undefined {
  const found = /^(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2})?)(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/.exec(text)
  if (found === null) return undefined
  const local = parseLocalTime(found[1]!.replace('t', 'T'))
  if (local === undefined) return undefined
  const zone = found[3]!
  const fraction = Math.floor(Number(found[2] ?? '0') * 1000)
  if (zone === 'Z' || zone === 'z') return local.wall + fraction
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4, 6))
  if (hours > 23 || minutes > 59) return undefined
  const offset = (hours * 60 + minutes) * MINUTE_MS
  return local.wall + fraction - (zone.startsWith('-') ? -offset : offset)
}
