import { BundleError } from '@flotilla/core/bundle/decode-bundle'
import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import { describe, expect, it } from 'vitest'
import { DecodedBundles } from './decoded-bundles.ts'

const bundleOf = (name: string) => encodeBundle([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }])

describe('a Bundle that was decoded', () => {
  it('is the same one for the same bytes, and another for other bytes', () => {
    const decoded = new DecodedBundles()
    const [a, b] = [bundleOf('a'), bundleOf('b')]
    const first = decoded.get(a.bytes, a.digest)
    expect(decoded.get(Uint8Array.from(a.bytes), a.digest)).toBe(first)
    expect(decoded.get(b.bytes, b.digest).objects[0]?.metadata.name).toBe('b')
  })

  it('does not vouch for bytes that were altered since, not even by who gave them', () => {
    const decoded = new DecodedBundles()
    const { bytes, digest } = bundleOf('a')
    const given = Uint8Array.from(bytes)
    decoded.get(given, digest)
    given[given.length - 3]! ^= 1
    expect(() => decoded.get(given, digest)).toThrow(BundleError)
    expect(decoded.get(bytes, digest).objects).toHaveLength(1)
  })

  it('is forgotten when others have taken its room, the one used longest ago first', () => {
    const [a, b, c] = [bundleOf('a'), bundleOf('b'), bundleOf('c')]
    const decoded = new DecodedBundles(a.bytes.length * 2)
    const first = decoded.get(a.bytes, a.digest)
    const second = decoded.get(b.bytes, b.digest)
    expect(decoded.get(a.bytes, a.digest)).toBe(first)
    decoded.get(c.bytes, c.digest)
    expect(decoded.size).toBe(a.bytes.length * 2)
    expect(decoded.get(a.bytes, a.digest)).toBe(first)
    expect(decoded.get(b.bytes, b.digest)).not.toBe(second)
  })
})
