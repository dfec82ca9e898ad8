import { describe, expect, test } from 'vitest'
import { storeConformance } from './store.conformance.ts'
import { openTestStore } from './test-store.ts'

storeConformance('openSqliteStore', { open: openTestStore })

describe('writes that wait for each other', () => {
  test('each sees what those before it wrote, and one that fails takes back its own rows alone', async () => {
    const store = await openTestStore()
    try {
      const seen: unknown[] = []
      const outcomes = await Promise.allSettled(
        Array.from({ length: 200 }, (_, index) =>
          store.write(async rows => {
            seen.push((await rows.setting('last'))?.['index'])
            await rows.putSetting('last', { index })
            await rows.putSetting(`own-${index}`, { index })
            if (index % 3 === 1) throw new Error(`no ${index}`)
            return index
          }),
        ),
      )
      const failed = (index: number) => index % 3 === 1
      expect(outcomes).toEqual(
        outcomes.map((_, index) =>
          failed(index)
            ? { status: 'rejected', reason: new Error(`no ${index}`) }
            : { status: 'fulfilled', value: index },
        ),
      )
      expect(seen).toEqual(
        seen.map((_, index) => (index === 0 ? undefined : failed(index - 1) ? index - 2 : index - 1)),
      )
      const kept = await store.read(rows =>
        Promise.all(outcomes.map(async (_, index) => (await rows.setting(`own-${index}`)) !== undefined)),
      )
      expect(kept).toEqual(outcomes.map((_, index) => !failed(index)))
      expect(store.counters.transactions).toBe(outcomes.filter(({ status }) => status === 'fulfilled').length)
    } finally {
      await store.close()
    }
  })

  test('what was asked for before the store closes is written', async () => {
    const store = await openTestStore()
    const writes = Array.from({ length: 100 }, (_, index) => store.write(rows => rows.putSetting(`k-${index}`, {})))
    const closed = store.close()
    await Promise.all([...writes, closed])
    await expect(store.write(rows => rows.putSetting('late', {}))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})
