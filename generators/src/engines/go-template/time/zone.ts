import { ZONE_ABBREVIATIONS } from './zone-abbreviations.ts'

/** What the clocks of a zone show at an instant. */
export interface ZoneOffset {
  /** Seconds east of UTC. */
  readonly seconds: number
  /** `CET`, `-03`; empty for an offset without a name. */
  readonly abbreviation: string
}

/** Zones that have a name without a slash in the database; Intl knows more that Go does not. */
const SHORT_NAMES = new Set(
  (
    'CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran ' +
    'Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK ' +
    'Singapore Turkey UCT UTC Universal W-SU WET Zulu'
  ).split(' '),
)
const formats = new Map<string, Intl.DateTimeFormat | null>()

/** Whether a name is one of the IANA database (Go's `time.LoadLocation`); `Local` is UTC, as in a container. */
export function isZone(name: string): boolean {
  return name === '' || name === 'UTC' || name === 'Local' || formatOf(name) !== null
}

function formatOf(name: string): Intl.DateTimeFormat | null {
  const known = formats.get(name)
  if (known !== undefined) return known
  const format = /^[A-Z][A-Za-z]*\/[\w/+-]+$/.test(name) || SHORT_NAMES.has(name) ? makeFormat(name) : null
  // Only what is a zone is remembered: there are a few hundred of them, and no end of other texts.
  if (format !== null) formats.set(name, format)
  return format
}

function makeFormat(timeZone: string): Intl.DateTimeFormat | null {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    const resolved = format.resolvedOptions().timeZone
    // Intl reads names in any case, Go only as they are written.
    return resolved !== timeZone && resolved.toLowerCase() === timeZone.toLowerCase() ? null : format
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** A zone of one offset that has no entry in the database: `+02:00`, or `CEST` for what a text named so. */
export function fixedZone(abbreviation: string, seconds: number): string {
  return `${abbreviation}@${seconds}`
}

const LAST_INSTANT_MS = 8.64e15

/** @param seconds Since 1970, UTC. */
export function zoneOffsetAt(seconds: number, zone: string): ZoneOffset {
  const fixed = /^([^@]*)@(-?\d+)$/.exec(zone)
  if (fixed !== null) return { seconds: Number(fixed[2]), abbreviation: fixed[1]! }
  const format = zone === '' || zone === 'UTC' || zone === 'Local' ? null : formatOf(zone)
  if (format === null) return { seconds: 0, abbreviation: 'UTC' }
  const instant = Math.max(-LAST_INSTANT_MS, Math.min(LAST_INSTANT_MS, seconds * 1000))
  const text = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')!.value
  const offset = offsetOf(text)
  return { seconds: offset, abbreviation: ZONE_ABBREVIATIONS.get(zone)?.get(offset) ?? offsetName(offset) }
}

function offsetOf(text: string): number {
  const match = /([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text)
  if (match === null) return 0
  const size = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0)
  return match[1] === '-' ? -size : size
}

/** Zones without a name of their own are called by their offset: `+03`, `+0545`; before there were any, by LMT. */
function offsetName(seconds: number): string {
  if (seconds % 900 !== 0) return 'LMT'
  const minutes = Math.trunc(Math.abs(seconds) / 60)
  const part = (value: number): string => value.toString().padStart(2, '0')
  const rest = minutes % 60 === 0 ? '' : part(minutes % 60)
  return `${seconds < 0 ? '-' : '+'}${part(Math.trunc(minutes / 60))}${rest}`
}
