import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalJson, type Json } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { decodeBundle } from './decode-bundle.ts'
import { encodeBundle } from './encode-bundle.ts'

const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
)
const { value: anyValue } = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')), tie('value'), { maxKeys: 4 }),
  ),
}))
const objects: fc.Arbitrary<KubernetesObject[]> = fc.array(
  fc.record({
    apiVersion: fc.constantFrom('v1', 'apps/v1', 'example.com/v1'),
    kind: fc.constantFrom('ConfigMap', 'Secret', 'Widget'),
    metadata: fc.record({ name: fc.constantFrom('a', 'b', 'c') }),
    spec: anyValue,
  }),
  { maxLength: 8 },
)

describe('a Bundle', () => {
  it('does not depend on the order of its objects', () => {
    fc.assert(
      fc.property(
        objects.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(encodeBundle(shuffled)).toEqual(encodeBundle(list))
        },
      ),
    )
  })

  it('decodes to the objects it was made of, and encodes again to the same digest', () => {
    fc.assert(
      fc.property(objects, list => {
        const encoded = encodeBundle(list)
        const decoded = decodeBundle(encoded.bytes, encoded.digest)
        expect(encodeBundle(decoded.objects).digest).toBe(encoded.digest)
        expect(list.every(object => decoded.objects.some(other => equalJson(object, other)))).toBe(true)
      }),
    )
  })

  it('with any one byte changed is refused', () => {
    fc.assert(
      fc.property(objects, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, at, flip) => {
        const { bytes, digest } = encodeBundle(list)
        const altered = Uint8Array.from(bytes)
        const index = at % altered.length
        altered[index] = (altered[index] ?? 0) ^ flip
        expect(() => decodeBundle(altered, digest)).toThrow(/BUNDLE_DIGEST_MISMATCH/)
      }),
    )
  })
})
