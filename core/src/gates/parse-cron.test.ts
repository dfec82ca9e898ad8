import { describe, expect, test } from 'vitest'
import { cronMistakeText, everFires, parseCron } from './parse-cron.ts'

function parsed(text: string) {
  const reading = parseCron(text)
  if (reading.kind === 'mistake') throw new Error(cronMistakeText(text, reading.mistake))
  return reading.cron
}

function set(values: readonly boolean[]): number[] {
  return values.flatMap((each, value) => (each ? [value] : []))
}

describe('schedules are read as Argo CD reads them', () => {
  test.each<[string, string, number[]]>([
    ['a number', '7', [7]],
    ['a list', '1,30,15', [1, 15, 30]],
    ['a range', '5-8', [5, 6, 7, 8]],
    ['a step over everything', '*/20', [0, 20, 40]],
    ['a step over a range', '10-30/10', [10, 20, 30]],
    ['a step from a number goes on to the highest', '5/15', [5, 20, 35, 50]],
    ['a question mark is a star', '?/30', [0, 30]],
    ['a step larger than the range gives its beginning', '3-9/60', [3]],
    ['a list of all of them', '0,10-12,50/5', [0, 10, 11, 12, 50, 55]],
  ])('%s: %s', (_, minute, expected) => {
    expect(parsed(`${minute} 0 1 1 0`).minutes).toEqual(expected)
  })

  test('months and days have names, in any case', () => {
    const cron = parsed('0 0 * JAN-mar,Dec Mon-fri')
    expect(set(cron.months)).toEqual([1, 2, 3, 12])
    expect(set(cron.weekdays)).toEqual([1, 2, 3, 4, 5])
  })

  test.each<[string, string, boolean]>([
    ['two restricted days: either is enough', '0 0 13 * 5', false],
    ['a star restricts nothing: both must match', '0 0 * * 5', true],
    ['nor does a question mark', '0 0 13 * ?', true],
    ['nor a star with step 1', '0 0 */1 * 5', true],
    ['a star with a larger step restricts', '0 2 */2 * 1', false],
    ['a star in a list restricts nothing', '0 0 13,* * 5', true],
  ])('%s: %s', (_, text, bothDays) => {
    expect(parsed(text).bothDays).toBe(bothDays)
  })

  test.each<[string, string, number, string]>([
    ['7 is no Sunday', '* * * * 7', 8, '7 is no day of the week: Sunday is 0 or sun'],
    ['beyond the highest', '0 24 * * *', 2, '24 is no hour: 0 to 23'],
    ['below the lowest', '0 0 0 * *', 4, '0 is no day of the month: 1 to 31'],
    ['a range that ends before it begins', '10-5 * * * *', 0, '"10-5" ends before it begins'],
    ['a step of nothing', '*/0 * * * *', 2, 'a step of 0 goes nowhere'],
    ['a step that is no number', '*/x * * * *', 2, '"x" is no step: a whole number'],
    ['two steps', '*/5/5 * * * *', 0, '"*/5/5" has more than one step'],
    ['two ranges', '1-2-3 * * * *', 0, '"1-2-3" has more than one "-"'],
    ['an empty item', '1,,2 * * * *', 2, 'an item of the minute is empty'],
    ['a misspelt name', '0 0 * * mom', 8, '"mom" is no day of the week: did you mean "mon"?'],
    ['words', '  @daily', 2, '"@daily" is no schedule here: write five fields, such as "0 0 * * *"'],
    ['a time zone inside', 'TZ=UTC 0 0 * * *', 0, 'a time zone belongs into the field timeZone, not into the schedule'],
    ['extensions of others', '0 0 L * *', 4, '"L" is no day of the month: 1 to 31'],
    [
      'seconds',
      '0 0 0 * * *',
      10,
      'has 6 fields; it takes five: minute, hour, day of the month, month, day of the week',
    ],
    ['nothing', '', 0, 'has 0 fields; it takes five: minute, hour, day of the month, month, day of the week'],
    ['a fraction', '1.5 * * * *', 0, '"1.5" is no minute: 0 to 59'],
    ['a sign', '-5 * * * *', 0, '"" is no minute: 0 to 59'],
  ])('a mistake has its place and says what: %s', (_, text, position, message) => {
    expect(parseCron(text)).toEqual({ kind: 'mistake', mistake: { position, message } })
  })

  test('a text of any length is answered at once', () => {
    expect(parseCron('*,'.repeat(100_000)).kind).toBe('mistake')
    expect(parseCron(`${'9'.repeat(900)} * * * *`).kind).toBe('mistake')
  })

  test.each<[string, string, boolean]>([
    ['the 30th of February never comes', '0 0 30 2 *', false],
    ['the 31st of three short months neither', '0 0 31 4,6,9 *', false],
    ['the 29th does in leap years', '0 0 29 2 *', true],
    ['with a day of the week beside it, that one comes', '0 0 30 2 1', true],
  ])('%s: %s', (_, text, fires) => {
    expect(everFires(parsed(text))).toBe(fires)
  })
})
