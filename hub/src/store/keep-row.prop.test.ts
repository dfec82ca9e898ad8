import { type Json, jsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRow, encodeRow } from './encode-row.ts'
import { keepRow } from './keep-row.ts'

const key = fc.constantFrom('a', 'b', 'B', '1', '10', '9', '__proto__', 'constructor')
const json = fc.letrec<{ value: Json; row: object }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, true, -0, 1.5, 1e21, 2 ** 53, 7n, -12345678901234567890n, ''),
    fc.integer({ min: 0, max: 3 }),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('row') as fc.Arbitrary<Json>,
  ),
  row: fc.array(fc.tuple(key, fc.option(tie('value'), { nil: undefined })), { maxLength: 4 }).map(jsonObject),
}))

test('a row is kept as if it had been written as text and read again, whatever was there before', () => {
  fc.assert(
    fc.property(json.row, json.row, (row, other) => {
      const read = decodeRow<object>(encodeRow(row))
      for (const before of [undefined, keepRow(other, undefined)]) {
        const kept = keepRow(row, before)
        expect(kept).toEqual(read)
        expect(orderOf(kept)).toEqual(orderOf(read))
        expect(kept === before).toBe(before !== undefined && encodeRow(before) === encodeRow(row))
      }
    }),
    { numRuns: 1_000 },
  )
})

test('what is the same as before is that very part, and nobody can change what is kept', () => {
  const before = keepRow({ name: 'a', document: { spec: [1, { deep: true }] }, n: 1 }, undefined)
  const kept = keepRow({ ...structuredClone(before), n: 2 }, before)
  expect(kept.document).toBe(before.document)
  expect(keepRow(structuredClone(kept), kept)).toBe(kept)
  expect(() => Object.assign(kept, { n: 3 })).toThrow(TypeError)
  expect(() => Object.assign(kept.document.spec[1]!, { deep: false })).toThrow(TypeError)
})

test('what no text can say is refused', () => {
  expect(() => keepRow({ n: Number.NaN }, undefined)).toThrow(TypeError)
})

function orderOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Array.isArray(value)
    ? value.map(orderOf)
    : Object.entries(value).map(([name, member]) => [name, orderOf(member)])
}
