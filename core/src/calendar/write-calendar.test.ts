import { describe, expect, it } from 'vitest'
import { parseCalendar } from '../gates/parse-calendar.ts'
import { writeCalendar } from './write-calendar.ts'

const FROM = Date.UTC(2026, 11, 18, 17)
const entry = {
  uid: 'year-end-1@flotilla',
  from: FROM,
  until: FROM + 3_600_000,
  summary: 'Freeze: year-end; all, of it',
  description: 'Closing\nof the \\ year',
  category: 'freeze',
}

describe('the calendar of gates', () => {
  it('is read by what reads calendars', () => {
    const read = parseCalendar(writeCalendar('Gates', [entry, { ...entry, uid: '2', summary: 'x'.repeat(300) }]))
    if (read.kind === 'mistake') throw new Error(read.message)
    expect(read.events).toMatchObject([{ summary: entry.summary, start: FROM }, { summary: 'x'.repeat(300) }])
  })

  it('has lines of at most 75 bytes that end as mail does, and no character is cut', () => {
    const text = writeCalendar('Gates', [{ ...entry, summary: 'ä€😀'.repeat(40) }])
    expect(text.endsWith('END:VCALENDAR\r\n')).toBe(true)
    for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
    expect(text.replaceAll('\r\n ', '')).toContain(`SUMMARY:${'ä€😀'.repeat(40)}\r\n`)
  })

  it('lets nothing of a text become a line of its own', () => {
    const text = writeCalendar('Gates', [{ ...entry, summary: 'a\r\nEND:VEVENT\nATTACH:http://x\u0000' }])
    expect(text.match(/^END:VEVENT\r?$/gm)).toHaveLength(1)
    expect(text).not.toMatch(/^ATTACH/m)
    expect(text).not.toContain('\u0000')
  })
})
