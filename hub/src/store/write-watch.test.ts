import { StoreError } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { expect, test } from 'vitest'
import { MemoryStore } from './memory-store.ts'
import { WriteWatch } from './write-watch.ts'

const full = new StoreError('STORE_FULL', 'hub.db', 'the disk is full', { retry: true })

test('a refused write is told with when the trouble began, until a write succeeds; reads go on', async () => {
  const clock = new VirtualClock({ startAt: 1_000, settle: async () => undefined })
  const watch = new WriteWatch(clock)
  const store = watch.store(new MemoryStore())
  const refuse = () => store.write(() => Promise.reject(full))
  await expect(refuse()).rejects.toBe(full)
  await clock.advance(5_000)
  await expect(refuse()).rejects.toBe(full)
  expect(watch.troubles).toEqual([{ what: 'store', code: 'STORE_FULL', since: 1_000 }])
  expect(await store.read(rows => rows.setting('x'))).toBeUndefined()
  await store.write(rows => rows.putSetting('x', { a: 1 }))
  expect(watch.troubles).toEqual([])
})

test('a mistake of whoever writes is no trouble of the store', async () => {
  const watch = new WriteWatch(new VirtualClock({ startAt: 0, settle: async () => undefined }))
  const store = watch.store(new MemoryStore())
  await expect(store.write(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  expect(watch.troubles).toEqual([])
})
