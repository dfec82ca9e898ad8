import { nearest } from '../text/nearest.ts'
import { daysInMonth } from './civil-time.ts'

/**
 * A schedule of five fields: minute, hour, day of the month, month, day of the week. Lists, ranges, steps, names of
 * months and days; `?` is `*`; `N/step` goes on to the highest; days of the week are 0 (Sunday) to 6. No seconds, no
 * words such as `@daily`, no `L`, `W` or `#`.
 */
export interface Cron {
  /** Ascending. */
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  /** By day of the month, from index 1. */
  readonly daysOfMonth: readonly boolean[]
  /** By month, from index 1. */
  readonly months: readonly boolean[]
  readonly weekdays: readonly boolean[]
  /** Neither of the two is restricted, or one: a day must match both. Otherwise either is enough. */
  readonly bothDays: boolean
  readonly text: string
}

export interface CronMistake {
  readonly message: string
  /** Where in the text, in characters from 0. */
  readonly position: number
}

export type CronReading =
  | { readonly kind: 'cron'; readonly cron: Cron }
  | { readonly kind: 'mistake'; readonly mistake: CronMistake }

interface Field {
  readonly what: string
  readonly lowest: number
  readonly highest: number
  /** From the lowest on. */
  readonly names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const FIELDS: readonly [Field, Field, Field, Field, Field] = [
  { what: 'minute', lowest: 0, highest: 59 },
  { what: 'hour', lowest: 0, highest: 23 },
  { what: 'day of the month', lowest: 1, highest: 31 },
  { what: 'month', lowest: 1, highest: 12, names: MONTHS },
  { what: 'day of the week', lowest: 0, highest: 6, names: WEEKDAYS },
]

/** More than anybody writes; what is longer is not looked at. */
const LONGEST = 1000

class Mistake extends Error {
  readonly position: number
  constructor(message: string, position: number) {
    super(message)
    this.position = position
  }
}

export function parseCron(text: string): CronReading {
  try {
    return { kind: 'cron', cron: read(text) }
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    return { kind: 'mistake', mistake: { message: error.message, position: error.position } }
  }
}

/** `"61 * * * *", character 1: 61 is no minute: 0 to 59`. */
export function cronMistakeText(text: string, { message, position }: CronMistake): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return `schedule "${shown}", character ${position + 1}: ${message}`
}

function read(text: string): Cron {
  if (text.length > LONGEST) throw new Mistake(`is longer than ${LONGEST} characters`, LONGEST)
  const words = [...text.matchAll(/\S+/g)].map(found => ({ text: found[0], at: found.index }))
  const first = words[0]
  if (first?.text.startsWith('@')) {
    throw new Mistake(`"${first.text}" is no schedule here: write five fields, such as "0 0 * * *"`, first.at)
  }
  if (first !== undefined && /^(?:CRON_)?TZ=/.test(first.text)) {
    throw new Mistake('a time zone belongs into the field timeZone, not into the schedule', first.at)
  }
  if (words.length !== 5) {
    const message = `has ${words.length} fields; it takes five: minute, hour, day of the month, month, day of the week`
    throw new Mistake(message, words[5]?.at ?? text.length)
  }
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, index) => readField(words[index]!, field)) as [
    FieldValues,
    FieldValues,
    FieldValues,
    FieldValues,
    FieldValues,
  ]
  return {
    minutes: numbersOf(minutes),
    hours: numbersOf(hours),
    daysOfMonth: days.values,
    months: months.values,
    weekdays: weekdays.values,
    bothDays: days.any || weekdays.any,
    text,
  }
}

interface FieldValues {
  /** By value. */
  readonly values: readonly boolean[]
  /** `*` stands in it, with no step above 1: then the field restricts nothing in the rule of the two days. */
  readonly any: boolean
}

interface Word {
  readonly text: string
  readonly at: number
}

function readField(word: Word, field: Field): FieldValues {
  const values = Array.from({ length: field.highest + 1 }, () => false)
  let any = false
  let at = word.at
  for (const item of word.text.split(',')) {
    const { from, to, step, star } = readItem({ text: item, at }, field)
    for (let value = from; value <= to; value += step) values[value] = true
    if (star && step === 1) any = true
    at += item.length + 1
  }
  return { values, any }
}

function readItem({ text, at }: Word, field: Field) {
  if (text === '') throw new Mistake(`an item of the ${field.what} is empty`, at)
  const [range, stepText, more] = text.split('/')
  if (more !== undefined) throw new Mistake(`"${text}" has more than one step`, at)
  const step = stepText === undefined ? 1 : readStep({ text: stepText, at: at + range!.length + 1 })
  if (range === '*' || range === '?') return { from: field.lowest, to: field.highest, step, star: true }
  const [low, high, third] = range!.split('-')
  if (third !== undefined) throw new Mistake(`"${range}" has more than one "-"`, at)
  const from = readValue({ text: low!, at }, field)
  const highAt = at + low!.length + 1
  const last = stepText === undefined ? from : field.highest
  const to = high === undefined ? last : readValue({ text: high, at: highAt }, field)
  if (to < from) throw new Mistake(`"${range}" ends before it begins`, at)
  return { from, to, step, star: false }
}

function readStep({ text, at }: Word): number {
  if (!/^\d{1,4}$/.test(text)) throw new Mistake(`"${text}" is no step: a whole number`, at)
  if (Number(text) === 0) throw new Mistake('a step of 0 goes nowhere', at)
  return Number(text)
}

function readValue({ text, at }: Word, { what, lowest, highest, names }: Field): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  if (named >= 0) return named + lowest
  const range = `${lowest} to ${highest}${names === undefined ? '' : `, or ${names[0]} to ${names.at(-1)}`}`
  if (!/^\d{1,4}$/.test(text)) {
    const meant = names === undefined ? undefined : nearest(text.toLowerCase(), names)
    throw new Mistake(`"${text}" is no ${what}: ${meant === undefined ? range : `did you mean "${meant}"?`}`, at)
  }
  const value = Number(text)
  if (value === 7 && highest === 6) throw new Mistake('7 is no day of the week: Sunday is 0 or sun', at)
  if (value < lowest || value > highest) throw new Mistake(`${value} is no ${what}: ${range}`, at)
  return value
}

function numbersOf({ values }: FieldValues): readonly number[] {
  return values.flatMap((set, value) => (set ? [value] : []))
}

/** Whether there is any day that it names: `0 0 30 2 *` has none. */
export function everFires({ daysOfMonth, months, weekdays, bothDays }: Cron): boolean {
  if (!bothDays) return true
  if (!weekdays.includes(true)) return false
  // A leap year: the 29th of February exists, and falls on every day of the week in time.
  return months.some(
    (set, month) => set && daysOfMonth.some((day, number) => day && number <= daysInMonth(2024, month)),
  )
}
