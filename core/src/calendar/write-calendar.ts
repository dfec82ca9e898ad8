import type { EpochMs } from '../time/epoch-ms.ts'

/** One thing that a calendar shows. */
export interface CalendarEntry {
  /** Stays the same while it is the same thing: calendars keep it by this. */
  readonly uid: string
  readonly from: EpochMs
  /** Exclusive. */
  readonly until: EpochMs
  readonly summary: string
  readonly description: string
  /** Words that calendars colour by. */
  readonly category: string
}

/**
 * An iCalendar (RFC 5545) of these, in UTC, for people's calendars to subscribe to. Equal entries give equal bytes: a
 * reader that asks with If-None-Match is told so.
 *
 * @example
 * writeCalendar('Gates', []).split('\r\n')[0] // => 'BEGIN:VCALENDAR'
 */
export function writeCalendar(name: string, entries: readonly CalendarEntry[]): string {
  const lines = [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//flotilla.dev//gates//EN', 'CALSCALE:GREGORIAN', 'METHOD:PUBLISH'],
    ...[`X-WR-CALNAME:${escaped(name)}`, 'REFRESH-INTERVAL;VALUE=DURATION:PT1H', 'X-PUBLISHED-TTL:PT1H'],
    ...entries.flatMap(({ uid, from, until, summary, description, category }) => [
      'BEGIN:VEVENT',
      `UID:${escaped(uid)}`,
      // When it was made is not known here, and a time that moves would make every answer a new one.
      `DTSTAMP:${basicTime(from)}`,
      `DTSTART:${basicTime(from)}`,
      `DTEND:${basicTime(until)}`,
      `SUMMARY:${escaped(summary)}`,
      `DESCRIPTION:${escaped(description)}`,
      `CATEGORIES:${escaped(category)}`,
      'TRANSP:TRANSPARENT',
      'END:VEVENT',
    ]),
    'END:VCALENDAR',
  ]
  return `${lines.map(folded).join('\r\n')}\r\n`
}

/** `20261218T170000Z`; parts of a second are dropped, so that an end never lies before its beginning. */
function basicTime(at: EpochMs): string {
  return `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

function escaped(text: string): string {
  return text
    .replaceAll(/[\\;,]/g, character => `\\${character}`)
    .replaceAll(/\r\n|\r|\n/g, '\\n')
    .replaceAll(/\p{Cc}/gu, ' ')
}

const LONGEST_LINE = 75

/** Lines are of at most 75 bytes and go on after a blank; no character is cut. */
function folded(line: string): string {
  if (Buffer.byteLength(line) <= LONGEST_LINE) return line
  const parts: string[] = []
  let part = ''
  let bytes = 0
  for (const character of line) {
    const length = Buffer.byteLength(character)
    if (bytes + length > LONGEST_LINE) {
      parts.push(part)
      part = ' '
      bytes = 1
    }
    part += character
    bytes += length
  }
  return [...parts, part].join('\r\n')
}
