import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleBundle } from '../store/sample-rows.ts'
import { hiddenDigest } from './hidden-digest.ts'
import { MemoryBundles } from './memory-bundles.ts'
import { sweepBundles } from './sweep-bundles.ts'

const DAY = 24 * 60 * 60_000
const bundle = (name: string) => encodeBundle([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }])

describe('sweepBundles', () => {
  it('removes what is old and named by nobody', async () => {
    let now = 0
    const bundles = new MemoryBundles(() => now)
    const store = new MemoryStore()
    const [named, forgotten, young] = [bundle('named'), bundle('forgotten'), bundle('young')]
    await bundles.put(named.digest, named.bytes)
    await bundles.put(forgotten.digest, forgotten.bytes)
    now = DAY
    await bundles.put(young.digest, young.bytes)
    await store.write(async writer => {
      await writer.putCluster({
        id: 'c',
        name: 'eu-1',
        admission: 1,
        incarnation: 0,
        epoch: 1,
        lastNumber: 1,
        versions: {},
      })
      await writer.putDocument({
        clusterId: 'c',
        key: 'application/a',
        typ: 'offer',
        number: { epoch: 1, n: 1 },
        applicationId: 'a',
        digest: named.digest,
        meaning: 'm',
        jws: 'j',
        issuedAt: 0,
      })
    })
    expect(await sweepBundles(store, bundles, now)).toBe(1)
    expect([
      await bundles.has(named.digest),
      await bundles.has(forgotten.digest),
      await bundles.has(young.digest),
    ]).toEqual([true, false, true])
  })

  it('removes the next time what a crash left behind, and has let go of its row already', async () => {
    const bundles = new MemoryBundles(() => 0)
    const store = new MemoryStore()
    const { digest, bytes } = bundle('old')
    await bundles.put(digest, bytes)
    await store.write(rows => rows.putBundle(sampleBundle({ digest })))
    const broken = new Proxy(bundles, {
      get: (target, name) =>
        name === 'delete' ? () => Promise.reject(new Error('killed')) : Reflect.get(target, name).bind(target),
    })
    await expect(sweepBundles(store, broken, DAY)).rejects.toThrow('killed')
    // Whoever wants it now renders it again.
    expect(await store.read(rows => rows.bundle(digest))).toBeUndefined()
    expect(await sweepBundles(store, bundles, DAY)).toBe(1)
    expect(await bundles.has(digest)).toBe(false)
  })
})

describe('hiddenDigest', () => {
  it('shows equal Bundles as equal, and nothing of the digest', () => {
    const hide = hiddenDigest(new Uint8Array(32).fill(7))
    const { digest } = bundle('a')
    expect(hide(digest)).toBe(hide(digest))
    expect(hide(digest)).not.toContain(digest.slice(7))
    expect(hiddenDigest(new Uint8Array(32))(digest)).not.toBe(hide(digest))
  })
})
