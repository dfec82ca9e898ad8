import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../json/json.ts'
import { maskManifest } from './mask-manifest.ts'
import { SecretMarkers } from './mask-secret.ts'

const VALUE = 'hunter2-is-a-secret'
const ENCODED = Buffer.from(VALUE).toString('base64')
const secret = (change: object): Json => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, ...change })

const places: readonly [sentence: string, manifest: Json][] = [
  ['data', secret({ data: { password: ENCODED } })],
  ['stringData', secret({ stringData: { password: VALUE } })],
  ['a List', { apiVersion: 'v1', kind: 'List', items: [secret({ data: { password: ENCODED } })] }],
  [
    'a template of another kind',
    { apiVersion: 'x.io/v1', kind: 'Bag', spec: { objects: [{ o: secret({ data: { p: ENCODED } }) }] } },
  ],
  ['a member that no Secret has', secret({ dta: { password: VALUE } })],
  ['data that is no map', secret({ data: VALUE })],
  ['a value that is no text', secret({ data: { list: [VALUE], map: { a: VALUE, n: 2n ** 60n } } })],
  [
    'the copy that kubectl puts aside',
    secret({ metadata: { name: 's', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': VALUE } } }),
  ],
  [
    'such a copy on another kind',
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { annotations: { 'config.k8s.io/last-applied': VALUE } } },
  ],
  ['a Secret without a version', { kind: 'Secret', data: { password: ENCODED } }],
]
test.each(places)('nothing of a value is left in %s', (_, manifest) => {
  const text = JSON.stringify(maskManifest(manifest, new SecretMarkers()))
  expect(text).toContain('masked-1')
  expect(text).not.toContain(VALUE)
  expect(text).not.toContain(ENCODED)
})

test('what is no value is shown', () => {
  const shown = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    immutable: true,
    metadata: { name: 's', labels: { a: 'b' } },
  }
  expect(maskManifest({ ...shown, data: {} }, new SecretMarkers())).toEqual({ ...shown, data: {} })
})

test('equal values have equal markers, encoded or not; others have others', () => {
  const markers = new SecretMarkers()
  const before = maskManifest(secret({ data: { a: ENCODED, b: 'b3RoZXI=' } }), markers)
  const after = maskManifest(secret({ stringData: { a: VALUE, b: 'changed' } }), markers)
  expect(before).toMatchObject({ data: { a: 'masked-1', b: 'masked-2' } })
  expect(after).toMatchObject({ stringData: { a: 'masked-1', b: 'masked-3' } })
})

test('an object without Secrets and copies is as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      fc.pre(!/Secret|annotations/.test(JSON.stringify(value)))
      expect(maskManifest(value as Json, new SecretMarkers())).toEqual(value)
    }),
  )
})
