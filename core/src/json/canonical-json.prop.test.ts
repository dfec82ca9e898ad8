import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.ts'
import { equalJson, type Json, jsonObject } from './json.ts'
import { parseJson } from './parse-json.ts'

const key = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom('10', '9', '0', 'a', 'B', '__proto__', 'constructor', 'toJSON', '', '\ud800'),
)
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>(null, true, false, -0, 1.5, 1e21, 12345678901234567890n),
    fc.integer(),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, fc.option(tie('value'), { nil: undefined })), { maxLength: 5 }).map(jsonObject),
  ),
})).value

/** Part by part, as the docstring says it. */
function byTheBook(value: Json): string {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(byTheBook).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${byTheBook(member as Json)}`).join(',')}}`
}

test('whatever the keys are, the text is the one that is written part by part', () => {
  fc.assert(
    fc.property(json, value => {
      expect(canonicalJson(value)).toBe(byTheBook(value))
    }),
    { numRuns: 2_000 },
  )
})

test('reading a text gives the value, and writing that the same text', () => {
  fc.assert(
    fc.property(json, value => {
      const read = parseJson(canonicalJson(value))
      expect(equalJson(read, value)).toBe(true)
      expect(canonicalJson(read)).toBe(canonicalJson(value))
    }),
  )
})

test.each([NaN, Number.POSITIVE_INFINITY])('%s is refused wherever it stands', number => {
  for (const value of [number, [number], { a: number }, { 1: 'first', a: [number] }, [1n, number]]) {
    expect(() => canonicalJson(value)).toThrow(TypeError)
  }
})
