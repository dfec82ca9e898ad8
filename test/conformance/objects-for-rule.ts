import {
  CONDITIONS,
  type ConditionTest,
  type DataRule,
  type Message,
  type Path,
  PLACEHOLDER,
  type Test,
  type Value,
  type Values,
} from '@flotilla/core/health/data/data-rule'
import type { Json } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import fc from 'fast-check'

/** Objects that have what a rule asks about now and then, so that random ones reach more than its last line. */
export function objectsFor(rule: DataRule): fc.Arbitrary<KubernetesObject> {
  const asked = new Asked()
  asked.values(rule.values, [])
  for (const [when, , message] of rule.lines) {
    asked.test(when, [])
    asked.message(message, [])
  }
  asked.message(rule.otherwise[1], [])
  const condition = conditionFor(asked.conditions.map(({ test }) => test))
  const spots = [
    ...asked.fields.map(({ at, values }) => ({ at, value: fc.constantFrom(...values) })),
    ...asked.conditions.map(({ at }) => ({ at, value: fc.array(condition, { maxLength: 3 }) as fc.Arbitrary<Json> })),
  ].toSorted((a, b) => b.at.length - a.at.length)
  return fc.gen().map(pick => {
    const metadata = {
      name: pick(fc.constantFrom, 'web', 'a.b'),
      ...pick(fc.constantFrom, {}, { generation: 1 }, { generation: 2 }),
    }
    const object: Draft = { apiVersion: 'example.com/v1', kind: pick(fc.constantFrom, 'Thing', 'Provider'), metadata }
    const some = () => pick(fc.integer, { min: 0, max: 3 })
    for (const { at, value } of spots) {
      if (some() > 0) put(object, at, () => pick(() => value), some)
    }
    return object as unknown as KubernetesObject
  })
}

/** What a rule asks about: `*` in a path is each entry of a list. */
class Asked {
  readonly fields: { readonly at: Path; readonly values: readonly Json[] }[] = []
  readonly conditions: { readonly at: Path; readonly test: ConditionTest }[] = []
  readonly #values = new Map<string, readonly Path[]>()

  /** @param entry Where the entry is that `entry` stands for. */
  values(values: Values | undefined, entry: Path): void {
    for (const [name, value] of Object.entries(values ?? {})) {
      this.#value(value, entry)
      this.#values.set(
        name,
        placesOf(value).flatMap(path => this.#resolve(path, entry)),
      )
    }
  }

  test(test: Test, entry: Path): void {
    if (test.kind === 'condition') {
      for (const at of this.#resolve(test.at ?? CONDITIONS, entry)) this.conditions.push({ at, test })
    } else if (test.kind === 'some') {
      for (const at of this.#resolve(test.of, entry)) this.test(test.where, [...at, '*'])
    } else if (test.kind === 'all' || test.kind === 'any') {
      for (const one of test.of) this.test(one, entry)
    } else if (test.kind === 'not') {
      this.test(test.test, entry)
    } else {
      this.#field(test.at, valuesFor(test), entry)
      if (test.kind === 'same') this.#field(test.to, WORDS, entry)
      if (test.kind === 'earlier') this.#field(test.than, TIMES, entry)
      if (test.kind === 'compare' && typeof test.to !== 'number') this.#field(test.to, NUMBERS, entry)
    }
  }

  message(message: Message | undefined, entry: Path): void {
    const pieces = (message ?? '').split(PLACEHOLDER).filter((_, index) => index % 2 === 1)
    for (const name of pieces.flatMap(piece => piece.split('|'))) {
      if (/^([A-Z']|index$|name$|kind$|condition)/.test(name)) continue
      if (name.startsWith('entry') && entry.length === 0) continue
      this.#field(name.split('.'), ['all is "well" \\ \n', 'a', '', 7], entry)
    }
  }

  #value(value: Value, entry: Path): void {
    if (value.kind === 'choose') {
      for (const [when, text] of value.lines) {
        this.test(when, entry)
        this.message(text, entry)
      }
    } else if (value.kind === 'texts') {
      for (const text of value.of) this.message(text, entry)
    } else if (value.kind === 'count' || value.kind === 'find' || value.kind === 'join') {
      for (const at of this.#resolve(value.of, entry)) this.#listed(value, [...at, '*'])
    } else {
      for (const { at, values } of fieldsOf(value)) this.#field(at, values, entry)
    }
  }

  #listed(value: Extract<Value, { readonly kind: 'count' | 'find' | 'join' }>, entry: Path): void {
    if (value.where) this.test(value.where, entry)
    if (value.kind !== 'join') return
    this.values(value.values, entry)
    if (value.through) this.test(value.through, entry)
    this.message(value.each, entry)
  }

  #field(path: Path, values: readonly Json[], entry: Path): void {
    for (const at of this.#resolve(path, entry)) this.fields.push({ at, values })
  }

  #resolve([first = '', ...rest]: Path, entry: Path): readonly Path[] {
    if (first === 'entry') return [[...entry, ...rest]]
    if (!first.startsWith('$')) return [[first, ...rest]]
    return (this.#values.get(first.slice(1)) ?? []).map(place => [...place, ...rest])
  }
}

type Single = Exclude<Value, { readonly kind: 'choose' | 'texts' | 'count' | 'find' | 'join' }>

function fieldsOf(value: Single): readonly { readonly at: Path; readonly values: readonly Json[] }[] {
  switch (value.kind) {
    case 'first':
      return value.of.map(at => ({ at, values: [...WORDS, ...NUMBERS] }))
    case 'sum':
      return [{ at: value.of, values: NUMBERS }]
    case 'difference':
      return [value.at, ...(typeof value.minus === 'number' ? [] : [value.minus])].map(at => ({ at, values: NUMBERS }))
    case 'part': {
      const { at, separator } = value
      return [{ at, values: [`1${separator}2`, `0${separator}0`, `${separator}x`, 'a'] }]
    }
    case 'start':
      return [{ at: value.at, values: WORDS }]
  }
}

/** Where that stands which a value is taken from. */
function placesOf(value: Value): readonly Path[] {
  if (value.kind === 'find') return [[...value.of, '*']]
  return value.kind === 'first' ? value.of : []
}

const NUMBERS: readonly Json[] = [0, 1, 2, 3, '2', 'no number']
const WORDS: readonly Json[] = ['abcdefghij', 'abc', '', 1]
const TIMES: readonly Json[] = ['2026-01-01T11:50:00Z', '2026-01-01T11:55:00Z', '2025-01-01T00:00:00Z', '', 'noon']

function valuesFor(
  test: Exclude<Test, { readonly kind: 'condition' | 'some' | 'all' | 'any' | 'not' }>,
): readonly Json[] {
  switch (test.kind) {
    case 'equals':
      return [...test.oneOf, ...test.oneOf, 'other', 0, false]
    case 'present':
    case 'filled':
      return ['x', '', 1, true, ['a', 'b'], [], {}, { a: 'b' }]
    case 'starts':
      return [test.prefix, `${test.prefix} and more`, '', 7]
    case 'compare':
      return typeof test.to === 'number' ? [...NUMBERS, test.to, test.to + 1] : NUMBERS
    case 'number':
      return NUMBERS
    case 'same':
      return WORDS
    case 'earlier':
    case 'recent':
      return TIMES
    case 'stale':
      return [1, 2, '1', '2']
  }
}

function conditionFor(tests: readonly ConditionTest[]): fc.Arbitrary<unknown> {
  const words = (pick: (test: ConditionTest) => readonly (readonly string[] | undefined)[], ...more: string[]) =>
    fc.constantFrom(...new Set([...tests.flatMap(test => pick(test).flatMap(list => list ?? [])), ...more]))
  return fc.record(
    {
      type: words(({ types, notTypes }) => [types, notTypes], 'Ready', 'Other'),
      status: words(({ statuses, notStatuses }) => [statuses, notStatuses], 'True', 'False', 'Unknown'),
      reason: words(({ reasons, notReasons }) => [reasons, notReasons], 'Because'),
      message: words(({ messages }) => [messages], 'all is "well" \\ é\n', ''),
      severity: words(({ severities, notSeverities }) => [severities, notSeverities], 'Info'),
      observedGeneration: fc.constantFrom(1, 2),
    },
    { requiredKeys: ['type', 'status'] },
  )
}

type Draft = { [key: string]: unknown }

/** Nothing where something of another shape stands in the way. */
function put(object: Draft, path: Path, value: () => Json, howMany: () => number): void {
  const [first = '', next, ...rest] = path
  if (next === undefined) {
    if (!Object.hasOwn(object, first)) object[first] = value()
  } else if (next !== '*') {
    const inner = object[first] ?? {}
    if (typeof inner !== 'object' || Array.isArray(inner)) return
    object[first] = inner
    put(inner as Draft, [next, ...rest], value, howMany)
  } else {
    const list = object[first] ?? Array.from({ length: howMany() }, () => (rest.length === 0 ? value() : {}))
    if (!Array.isArray(list)) return
    object[first] = list
    if (rest.length === 0) return
    for (const entry of list as unknown[]) {
      if (typeof entry === 'object' && entry !== null && howMany() > 0) put(entry as Draft, rest, value, howMany)
    }
  }
}
