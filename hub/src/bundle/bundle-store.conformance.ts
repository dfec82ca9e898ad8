import { sha256 } from '@flotilla/core/json/canonical-json'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { describe, expect, it } from 'vitest'

export interface MadeStore {
  readonly store: BundleStore
  setTime(now: EpochMs): void
}

/** What every store of Bundles does. */
export function describeBundleStore(name: string, make: () => Promise<MadeStore>): void {
  const bytes = new TextEncoder().encode('{"format":1,"objects":[]}')
  const digest = sha256(bytes)

  describe(name, () => {
    it('gives back what was stored, byte for byte', async () => {
      const { store } = await make()
      const many = [bytes, new Uint8Array(), new Uint8Array(300_000).fill(7), new TextEncoder().encode('ü\0\n')]
      for (const some of many) await store.put(sha256(some), some)
      for (const some of many) {
        expect(Buffer.compare((await store.get(sha256(some)))!, some)).toBe(0)
        expect(await store.has(sha256(some))).toBe(true)
      }
    })

    it('knows nothing of what was not stored', async () => {
      const { store } = await make()
      expect(await store.has(digest)).toBe(false)
      expect(await store.get(digest)).toBeUndefined()
      expect(await store.list()).toEqual([])
      await store.delete(digest)
    })

    it('refuses bytes that have another digest', async () => {
      const { store } = await make()
      await expect(store.put(sha256('other'), bytes)).rejects.toMatchObject({ code: 'BUNDLE_CORRUPT', retry: false })
      expect(await store.list()).toEqual([])
    })

    it('takes the same Bundle twice, and many times at once; the last time counts', async () => {
      const { store, setTime } = await make()
      setTime(1_760_000_000_000)
      await Promise.all([store.put(digest, bytes), store.put(digest, bytes), store.put(digest, bytes)])
      setTime(1_760_000_500_000)
      await store.put(digest, bytes)
      expect(await store.list()).toMatchObject([{ digest, storedAt: 1_760_000_500_000 }])
    })

    it('lists by digest, with a size', async () => {
      const { store } = await make()
      const digests = ['a', 'b', 'c', 'd'].map(text => sha256(text))
      for (const text of ['a', 'b', 'c', 'd']) await store.put(sha256(text), new TextEncoder().encode(text))
      const listed = await store.list()
      expect(listed.map(entry => entry.digest)).toEqual(digests.sort())
      expect(listed.every(entry => entry.size > 0)).toBe(true)
    })

    it('forgets what was deleted, and stores it again', async () => {
      const { store } = await make()
      await store.put(digest, bytes)
      await store.delete(digest)
      expect(await store.get(digest)).toBeUndefined()
      await store.put(digest, bytes)
      expect(await store.has(digest)).toBe(true)
    })

    it('is not changed by what happens to the bytes that were given or got', async () => {
      const { store } = await make()
      const given = Uint8Array.from(bytes)
      await store.put(digest, given)
      given.fill(0)
      ;(await store.get(digest))!.fill(0)
      expect(sha256((await store.get(digest))!)).toBe(digest)
    })
  })
}
