import { describe, expect, it } from 'vitest'
import { canonicalJson, sha256 } from '../json/canonical-json.ts'
import type { Json } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { BundleError, DEFAULT_BUNDLE_LIMITS, decodeBundle } from './decode-bundle.ts'
import { encodeBundle } from './encode-bundle.ts'

const configMap = (name: string, data: Json = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
})

const bytesOf = (text: string) => new TextEncoder().encode(text)

function errorOf(bytes: Uint8Array, limits = DEFAULT_BUNDLE_LIMITS, digest = sha256(bytes)): BundleError {
  try {
    decodeBundle(bytes, digest, limits)
  } catch (error) {
    if (error instanceof BundleError) return error
    throw error
  }
  throw new Error('decoded without an error')
}

describe('encodeBundle', () => {
  it('gives the same bytes for the same objects in any order, with keys in any order', () => {
    const first = encodeBundle([configMap('a', { x: 1, y: 2 }), configMap('b')])
    const second = encodeBundle([configMap('b'), configMap('a', { y: 2, x: 1 })])
    expect(second).toEqual(first)
  })

  it('orders by group, kind, namespace and name', () => {
    const objects: KubernetesObject[] = [
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'z' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } },
    ]
    const { bytes, digest } = encodeBundle(objects)
    expect(
      decodeBundle(bytes, digest).objects.map(o => `${o.kind} ${o.metadata.namespace ?? ''}/${o.metadata.name}`),
    ).toEqual(['ConfigMap /b', 'ConfigMap /c', 'ConfigMap z/a', 'Service /a', 'Deployment /a'])
  })

  it('says whether there is a Secret, how many objects, and which images', () => {
    const bundle = encodeBundle([
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } },
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'c' },
        spec: {
          jobTemplate: {
            spec: {
              template: {
                spec: { initContainers: [{ image: 'b:2' }], containers: [{ image: 'a:1' }, { image: 'b:2' }] },
              },
            },
          },
        },
      },
    ])
    expect(bundle).toMatchObject({ holdsSecrets: true, objectCount: 2, images: ['a:1', 'b:2'] })
    expect(encodeBundle([{ apiVersion: 'example.com/v1', kind: 'Secret', metadata: { name: 's' } }]).holdsSecrets).toBe(
      false,
    )
  })

  it('keeps every digit of a large integer', () => {
    const { bytes, digest } = encodeBundle([configMap('a', { id: 12345678901234567890n })])
    expect(decodeBundle(bytes, digest).objects[0]?.['data']).toEqual({ id: 12345678901234567890n })
  })
})

describe('decodeBundle refuses', () => {
  const good = encodeBundle([configMap('a')])
  const bundle = (value: Json) => bytesOf(canonicalJson(value))
  const withNumber = (text: string) =>
    bytesOf(
      `{"format":1,"objects":[{"apiVersion":"v1","kind":"Number","metadata":{"name":"a"},"spec":{"list":[0,${text}]}}]}`,
    )
  const cases: Record<string, { bytes: Uint8Array; code: string; limits?: typeof DEFAULT_BUNDLE_LIMITS }> = {
    'more bytes than the limit, before hashing them': {
      bytes: good.bytes,
      code: 'BUNDLE_TOO_LARGE',
      limits: { ...DEFAULT_BUNDLE_LIMITS, maxBytes: 10 },
    },
    'text that is not JSON': { bytes: bytesOf('{"format":1,'), code: 'BUNDLE_MALFORMED' },
    'a number that is too large': { bytes: withNumber('1e400'), code: 'BUNDLE_MALFORMED' },
    'a number that is too small': { bytes: withNumber(`-${'9'.repeat(400)}.5`), code: 'BUNDLE_MALFORMED' },
    'bytes that are not UTF-8': { bytes: new Uint8Array([0x22, 0xff, 0x22]), code: 'BUNDLE_MALFORMED' },
    'a list instead of an object': { bytes: bundle([]), code: 'BUNDLE_MALFORMED' },
    'a missing format': { bytes: bundle({ objects: [] }), code: 'BUNDLE_MALFORMED' },
    'a format of the future': { bytes: bundle({ format: 2, objects: [] }), code: 'BUNDLE_FORMAT_UNKNOWN' },
    'objects that are no list': { bytes: bundle({ format: 1, objects: {} }), code: 'BUNDLE_MALFORMED' },
    'an object without a name': {
      bytes: bundle({ format: 1, objects: [{ apiVersion: 'v1', kind: 'Pod', metadata: {} }] }),
      code: 'BUNDLE_OBJECT_INVALID',
    },
    'a list among the objects': {
      bytes: bundle({ format: 1, objects: [{ apiVersion: 'v1', kind: 'List', items: [] }] }),
      code: 'BUNDLE_OBJECT_INVALID',
    },
    'more objects than the limit': {
      bytes: encodeBundle([configMap('a'), configMap('b')]).bytes,
      code: 'BUNDLE_TOO_MANY_OBJECTS',
      limits: { ...DEFAULT_BUNDLE_LIMITS, maxObjects: 1 },
    },
    'a million nested lists, without a stack overflow': {
      bytes: bytesOf(`{"format":1,"objects":${'['.repeat(1_000_000)}`),
      code: 'BUNDLE_TOO_DEEP',
    },
  }
  for (const [name, { bytes, code, limits }] of Object.entries(cases)) {
    it(name, () => expect(errorOf(bytes, limits).code).toBe(code))
  }

  it('bytes with another digest, before parsing them', () => {
    const error = errorOf(bytesOf('not json'), DEFAULT_BUNDLE_LIMITS, good.digest)
    expect(error).toMatchObject({ code: 'BUNDLE_DIGEST_MISMATCH', subject: good.digest, retry: true })
  })

  it('brackets inside strings do not count as nesting', () => {
    const { bytes, digest } = encodeBundle([configMap('a', { text: '[{"\\['.repeat(1000) })])
    expect(decodeBundle(bytes, digest).objects).toHaveLength(1)
  })
})
