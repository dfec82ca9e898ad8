import type { GoTime } from '../go-value.ts'

const SECOND = 1_000_000_000n

/** As Go's `Duration.String`: `1h2m3.5s`, `1.5ms`, `0s`. */
export function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  const negative = nanoseconds < 0n
  const size = negative ? -nanoseconds : nanoseconds
  return (negative ? '-' : '') + (size < SECOND ? belowSecond(size) : fromSecond(size))
}

function belowSecond(size: bigint): string {
  if (size < 1000n) return `${size}ns`
  if (size < 1_000_000n) return `${withFraction(size, 1000n, 3)}µs`
  return `${withFraction(size, 1_000_000n, 6)}ms`
}

function fromSecond(size: bigint): string {
  const minutes = size / (60n * SECOND)
  const seconds = `${withFraction(size % (60n * SECOND), SECOND, 9)}s`
  if (minutes === 0n) return seconds
  const hours = minutes / 60n
  return hours === 0n ? `${minutes}m${seconds}` : `${hours}h${minutes % 60n}m${seconds}`
}

function withFraction(size: bigint, unit: bigint, places: number): string {
  const fraction = (size % unit).toString().padStart(places, '0').replace(/0+$/, '')
  return fraction === '' ? `${size / unit}` : `${size / unit}.${fraction}`
}

/** The time in its zone, as a Date whose UTC fields hold it. */
export function wallClock(time: GoTime): Date {
  const milliseconds = Number(floorDivide(time.nanoseconds, 1_000_000n))
  return new Date(milliseconds + zoneAt(milliseconds, time.zone).offsetMinutes * 60_000)
}

/** As Go's `Time.String`: `2026-11-21 18:03:23.5 +0100 CET`. */
export function timeText(time: GoTime): string {
  const seconds = floorDivide(time.nanoseconds, SECOND)
  const nanoseconds = time.nanoseconds - seconds * SECOND
  const { offsetMinutes, abbreviation } = zoneAt(Number(seconds) * 1000, time.zone)
  const wall = new Date(Number(seconds) * 1000 + offsetMinutes * 60_000).toISOString()
  const fraction = nanoseconds === 0n ? '' : `.${nanoseconds.toString().padStart(9, '0').replace(/0+$/, '')}`
  const size = Math.abs(offsetMinutes)
  const offset = `${offsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.trunc(size / 60))}${twoDigits(size % 60)}`
  return `${wall.slice(0, 10)} ${wall.slice(11, 19)}${fraction} ${offset} ${abbreviation === '' ? offset : abbreviation}`
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value < 0n ? -((-value + by - 1n) / by) : value / by
}

function zoneAt(milliseconds: number, zone: string): { readonly offsetMinutes: number; readonly abbreviation: string } {
  if (zone === 'UTC' || zone === 'Local') return { offsetMinutes: 0, abbreviation: 'UTC' }
  const part = (style: 'longOffset' | 'short'): string =>
    new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: style })
      .formatToParts(milliseconds)
      .find(({ type }) => type === 'timeZoneName')!.value
  const offset = /([+-])(\d\d):(\d\d)/.exec(part('longOffset'))
  const minutes = offset === null ? 0 : Number(offset[2]) * 60 + Number(offset[3])
  const short = part('short')
  return {
    offsetMinutes: offset?.[1] === '-' ? -minutes : minutes,
    abbreviation: /^[A-Z]{2,5}$/.test(short) ? short : '',
  }
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0')
}
