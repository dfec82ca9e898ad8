import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  difference,
  type FieldSet,
  fieldSetOf,
  intersection,
  isEmptySet,
  pathsOf,
  readFieldSet,
  recursiveDifference,
  union,
  writeFieldSet,
} from './field-set.ts'

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'k:{"port":80}', 'k:{"port":443}', 'v:"1"', 'v:2')
const set: fc.Arbitrary<FieldSet> = fc
  .array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 8 })
  .map(paths => fieldSetOf(...paths))

const texts = (value: FieldSet) => pathsOf(value).map(path => path.join(' '))

describe('field sets', () => {
  it('are the same after being written and read', () => {
    fc.assert(
      fc.property(set, value => {
        expect(texts(readFieldSet(writeFieldSet(value)))).toEqual(texts(value))
      }),
    )
  })

  it('behave as sets of their paths', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [left, right] = [texts(a), texts(b)]
        expect(new Set(texts(union(a, b)))).toEqual(new Set([...left, ...right]))
        expect(texts(intersection(a, b))).toEqual(left.filter(path => right.includes(path)))
        expect(texts(difference(a, b))).toEqual(left.filter(path => !right.includes(path)))
      }),
    )
  })

  it('lose whole branches in a recursive difference', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const gone = texts(b)
        const left = texts(a).filter(path => !gone.some(prefix => path === prefix || path.startsWith(`${prefix} `)))
        expect(texts(recursiveDifference(a, b))).toEqual(left)
        expect(isEmptySet(recursiveDifference(a, a))).toBe(true)
      }),
    )
  })

  it('order keys by value, not by text', () => {
    expect(texts(fieldSetOf(['k:{"port":443}'], ['k:{"port":80}'], ['f:z']))).toEqual([
      'f:z',
      'k:{"port":80}',
      'k:{"port":443}',
    ])
  })
})
