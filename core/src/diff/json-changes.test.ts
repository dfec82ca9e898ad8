import { expect, test } from 'vitest'
import type { Json } from '../json/json.ts'
import { type FieldChange, jsonChanges } from './json-changes.ts'

const cases: readonly [sentence: string, before: Json, after: Json, changes: readonly FieldChange[]][] = [
  ['equal documents have none', { a: { b: [1] } }, { a: { b: [1] } }, []],
  ['a value that changed', { a: { b: 1 } }, { a: { b: 2 } }, [{ path: 'a.b', before: 1, after: 2 }]],
  ['a field that came', {}, { a: null }, [{ path: 'a', after: null }]],
  ['a field that went', { a: { b: 1 } }, {}, [{ path: 'a', before: { b: 1 } }]],
  ['odd names are quoted', { 'a.b/c': 1 }, { 'a.b/c': 2 }, [{ path: '["a.b/c"]', before: 1, after: 2 }]],
  ['lists of one length, place by place', { a: [1, 2] }, { a: [1, 3] }, [{ path: 'a[1]', before: 2, after: 3 }]],
  ['lists of other lengths, as a whole', { a: [1] }, { a: [1, 2] }, [{ path: 'a', before: [1], after: [1, 2] }]],
  ['names of prototypes are names', {}, JSON.parse('{"__proto__":1}') as Json, [{ path: '__proto__', after: 1 }]],
]
test.each(cases)('%s', (_, before, after, changes) => expect(jsonChanges(before, after)).toEqual(changes))
