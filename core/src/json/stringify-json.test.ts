import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalJson, type Json } from './json.ts'
import { parseJson } from './parse-json.ts'
import { stringifyJson } from './stringify-json.ts'

describe('stringifyJson', () => {
  it('is read back as it was, big integers too', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 80n }),
    )
    const { tree } = fc.letrec<{ tree: Json }>(tie => ({
      tree: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('tree')), fc.dictionary(fc.string(), tie('tree'))),
    }))
    fc.assert(fc.property(tree, value => equalJson(parseJson(stringifyJson(value)), value)))
  })

  it('leaves out what is undefined', () => {
    expect(stringifyJson({ a: undefined, b: 1 })).toBe('{"b":1}')
  })
})
