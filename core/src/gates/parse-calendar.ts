import { DAY_MS, type WallMs } from './civil-time.ts'
import { type IsoDuration, parseIsoDuration } from './iso-duration.ts'
import { parseBasicTime, parseRecurrence, type Recurrence } from './recurrence.ts'
import { TimeZone } from './time-zone.ts'

/** One VEVENT, as far as it says when. */
export interface CalendarEvent {
  readonly summary: string
  readonly start: WallMs
  /** Whose clocks show `start`; absent: those of the place that asks (all-day events, and times without a zone). */
  readonly zone?: TimeZone
  /** Exclusive end on the wall line; or how long it lasts. */
  readonly length:
    | { readonly kind: 'until'; readonly wall: WallMs; readonly zone?: TimeZone }
    | { readonly kind: 'for'; readonly duration: IsoDuration }
  readonly recurrence?: Recurrence
  readonly exdates: ReadonlySet<WallMs>
}

export type CalendarReading =
  | { readonly kind: 'calendar'; readonly events: readonly CalendarEvent[] }
  | { readonly kind: 'mistake'; readonly message: string }

export const MAX_CALENDAR_CHARACTERS = 1024 * 1024
export const MAX_CALENDAR_EVENTS = 5_000

interface Property {
  readonly name: string
  readonly parameters: ReadonlyMap<string, string>
  readonly value: string
  readonly line: number
}

class Mistake extends Error {}

/**
 * Reads an iCalendar for its events: DTSTART, DTEND or DURATION, RRULE, EXDATE, SUMMARY; changed and cancelled instances
 * replace those of the series. One event that cannot be read makes the calendar unreadable: half of a freeze calendar
 * is a hole.
 */
export function parseCalendar(text: string): CalendarReading {
  if (text.length > MAX_CALENDAR_CHARACTERS) return { kind: 'mistake', message: 'the calendar has more than 1 MiB' }
  try {
    return { kind: 'calendar', events: eventsOf(propertiesByEvent(text)) }
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    return { kind: 'mistake', message: error.message }
  }
}

function propertiesByEvent(text: string): readonly (readonly Property[])[] {
  const events: Property[][] = []
  const open: string[] = []
  let calendar = false
  for (const { text: line, number } of unfold(text)) {
    const property = readProperty(line, number)
    if (property.name === 'BEGIN') {
      open.push(property.value.toUpperCase())
      calendar ||= open[0] === 'VCALENDAR'
      if (open.length === 2 && open[1] === 'VEVENT') events.push([])
      if (events.length > MAX_CALENDAR_EVENTS) throw new Mistake(`has more than ${MAX_CALENDAR_EVENTS} events`)
      if (open.length > 10) throw new Mistake(`line ${number}: components are nested too deep`)
    } else if (property.name === 'END') {
      if (open.pop() !== property.value.toUpperCase())
        throw new Mistake(`line ${number}: END:${property.value} ends nothing`)
    } else if (open.length === 2 && open[1] === 'VEVENT') events.at(-1)!.push(property)
  }
  if (!calendar || open.length > 0) throw new Mistake('is no complete iCalendar: BEGIN:VCALENDAR to END:VCALENDAR')
  return events
}

function unfold(text: string): readonly { readonly text: string; readonly number: number }[] {
  const lines: { text: string; number: number }[] = []
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const last = lines.at(-1)
    if (/^[ \t]/.test(line) && last !== undefined) last.text += line.slice(1)
    else if (line !== '') lines.push({ text: line, number: index + 1 })
  }
  return lines
}

function readProperty(line: string, number: number): Property {
  const found = /^([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:]*)(?:,(?:"[^"]*"|[^";:]*))*)*):(.*)$/.exec(line)
  if (found === null) throw new Mistake(`line ${number} is no iCalendar: "${line.slice(0, 60)}"`)
  const parameters = new Map<string, string>()
  for (const [, key, value] of found[2]!.matchAll(/;([A-Za-z0-9-]+)=("[^"]*"|[^;]*)/g)) {
    parameters.set(key!.toUpperCase(), value!.replaceAll('"', ''))
  }
  return { name: found[1]!.toUpperCase(), parameters, value: found[3]!, line: number }
}

function eventsOf(all: readonly (readonly Property[])[]): readonly CalendarEvent[] {
  // An instance that was moved or cancelled stands beside its series, and is taken out of it.
  const replaced = new Map<string, WallMs[]>()
  for (const properties of all) {
    const id = one(properties, 'RECURRENCE-ID')
    if (id === undefined) continue
    const uid = one(properties, 'UID')?.value ?? ''
    replaced.set(uid, [...(replaced.get(uid) ?? []), readTime(id).wall])
  }
  return all.flatMap(properties => {
    if (one(properties, 'STATUS')?.value.toUpperCase() === 'CANCELLED') return []
    return [readEvent(properties, replaced.get(one(properties, 'UID')?.value ?? '') ?? [])]
  })
}

function readEvent(properties: readonly Property[], replaced: readonly WallMs[]): CalendarEvent {
  const start = one(properties, 'DTSTART')
  if (start === undefined) throw new Mistake(`line ${properties[0]?.line ?? 1}: an event has no DTSTART`)
  const more = properties.find(({ name }) => name === 'RDATE' || name === 'EXRULE')
  if (more !== undefined) throw new Mistake(`line ${more.line}: ${more.name} is not understood`)
  const from = readTime(start)
  const rule = one(properties, 'RRULE')
  const reading = rule === undefined ? undefined : parseRecurrence(rule.value, from.wall)
  if (reading?.kind === 'mistake') throw new Mistake(`line ${rule!.line}: RRULE ${reading.message}`)
  const exdates = properties
    .filter(({ name }) => name === 'EXDATE')
    .flatMap(property => property.value.split(',').map(value => readTime({ ...property, value }).wall))
  const own = one(properties, 'RECURRENCE-ID') !== undefined
  return {
    summary: unescaped(one(properties, 'SUMMARY')?.value ?? ''),
    start: from.wall,
    ...(from.zone && { zone: from.zone }),
    length: lengthOf(properties, from),
    ...(reading && { recurrence: reading.recurrence }),
    exdates: new Set([...exdates, ...(own ? [] : replaced)]),
  }
}

function lengthOf(properties: readonly Property[], from: Time): CalendarEvent['length'] {
  const end = one(properties, 'DTEND')
  if (end !== undefined) {
    const until = readTime(end)
    const apart = (until.zone?.name ?? '') !== (from.zone?.name ?? '')
    if (!apart && until.wall <= from.wall) throw new Mistake(`line ${end.line}: the event ends before it begins`)
    return { kind: 'until', wall: until.wall, ...(until.zone && { zone: until.zone }) }
  }
  const lasts = one(properties, 'DURATION')
  if (lasts !== undefined) {
    const duration = parseIsoDuration(lasts.value)
    if (duration === undefined) throw new Mistake(`line ${lasts.line}: "${lasts.value}" is no duration`)
    return { kind: 'for', duration }
  }
  if (!from.date) throw new Mistake(`line ${properties[0]!.line}: an event has neither DTEND nor DURATION`)
  return { kind: 'until', wall: from.wall + DAY_MS }
}

function one(properties: readonly Property[], name: string): Property | undefined {
  return properties.find(property => property.name === name)
}

interface Time {
  readonly wall: WallMs
  readonly date: boolean
  readonly zone?: TimeZone
}

function readTime({ value, parameters, line, name }: Property): Time {
  const time = parseBasicTime(value)
  if (time === undefined) throw new Mistake(`line ${line}: ${name} "${value.slice(0, 40)}" is no time`)
  if (value.endsWith('Z')) return { ...time, zone: TimeZone.utc }
  const zoneName = parameters.get('TZID')
  if (zoneName === undefined || time.date) return time
  const zone = TimeZone.find(zoneName)
  if (zone === undefined) throw new Mistake(`line ${line}: the time zone "${zoneName}" is not known by its IANA name`)
  return { ...time, zone }
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([\\;,nN])/g, (_, character: string) =>
    character.toLowerCase() === 'n' ? '\n' : character,
  )
}
