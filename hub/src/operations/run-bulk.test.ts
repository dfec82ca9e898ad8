import { seededRandom } from '@flotilla/core/ports/create-random'
import type { BulkOperationItem, Store } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { beforeEach, expect, test, vi } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication } from '../store/sample-rows.ts'
import { silentLog } from '../store/test-store.ts'
import { type BulkAct, endInterruptedBulks, readBulk, runBulk } from './run-bulk.ts'

const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => Promise.resolve() })
const describeError = () => ({ code: 'INTERNAL', message: 'it went wrong' })
let store: MemoryStore

beforeEach(() => {
  store = new MemoryStore()
})

const names = ['web', 'api', 'db']
const pending = (application: string): BulkOperationItem => {
  return { application, cluster: 'eu-1', status: 'pending', message: '' }
}

/** Does what it is to in a transaction of its own, as the desks do. */
const actor =
  (over: Store, done: string[]): BulkAct =>
  async (name, within) => {
    const decided = { status: 'done', message: '' } as const
    await over.write(async rows => {
      await rows.putApplication(sampleApplication({ id: `id-${name}`, name }))
      await within(rows, decided)
    })
    done.push(name)
    return decided
  }

const run = (act: BulkAct, over: { signal?: AbortSignal; store?: Store } = {}) =>
  runBulk(
    { store, clock, random: seededRandom(1), log: silentLog, ...over },
    { action: 'pause', by: 'ana', reason: 'why', items: names.map(pending) },
    act,
    async () => undefined,
    describeError,
  )

const open = () => store.read(rows => rows.openBulkOperations())
const states = async (id: string) => (await store.read(rows => readBulk(rows, id)))?.items.map(({ status }) => status)

test('its id is there before anything is done, and what became of each as soon as it is done', async () => {
  const seen: unknown[] = []
  const act = actor(store, [])
  const row = await run(async (name, within) => {
    const [begun] = await open()
    seen.push(await states(begun!.id))
    return await act(name, within)
  })
  expect(seen).toEqual([
    ['pending', 'pending', 'pending'],
    ['done', 'pending', 'pending'],
    ['done', 'done', 'pending'],
  ])
  expect([await open(), await states(row.id)]).toEqual([[], ['done', 'done', 'done']])
  expect(await store.read(rows => rows.bulkItems(row.id))).toEqual([])
})

test('one that fails keeps no other from its turn, and says why', async () => {
  const done: string[] = []
  const act = actor(store, done)
  const row = await run(async (name, within) => {
    if (name === 'api') throw new Error('the disk is full')
    return await act(name, within)
  })
  expect(done).toEqual(['web', 'db'])
  expect(row.items.map(({ status, code }) => [status, code])).toEqual([
    ['done', undefined],
    ['failed', 'INTERNAL'],
    ['done', undefined],
  ])
})

test('a hub that ended in the middle: what was done is known, the rest was not begun, and it is over', async () => {
  const done: string[] = []
  const act = actor(store, done)
  let reached!: () => void
  const third = new Promise<void>(resolve => {
    reached = resolve
  })
  void run(async (name, within) => {
    if (name !== 'db') return await act(name, within)
    reached()
    return await new Promise<never>(() => undefined)
  })
  await third
  const [begun] = await open()
  await endInterruptedBulks({ store, clock, log: silentLog })
  expect([done, await states(begun!.id), await open()]).toEqual([['web', 'api'], ['done', 'done', 'interrupted'], []])
  const [last] = await store.read(rows => rows.audit({ limit: 1 }))
  const about = { actor: 'hub', action: 'bulk.interrupt', subject: `Operation/${begun!.id}`, outcome: 'failed' }
  expect(last).toMatchObject({ ...about, detail: { action: 'pause', requestedBy: 'ana', decided: 2, left: 1 } })
  await endInterruptedBulks({ store, clock, log: silentLog })
  expect((await store.read(rows => rows.audit({ limit: 1 })))[0]).toEqual(last)
})

test('a hub that stops comes to no more of them, and says so', async () => {
  const stopping = new AbortController()
  const act = actor(store, [])
  const row = await run(
    async (name, within) => {
      stopping.abort()
      return await act(name, within)
    },
    { signal: stopping.signal },
  )
  expect(await states(row.id)).toEqual(['done', 'interrupted', 'interrupted'])
  expect(row.interrupted).toMatch(/the hub stopped/)
})

test('an end that cannot be written is tried again, and nobody waits for it', async () => {
  const broken: Store = {
    ...{ counters: store.counters, close: () => store.close() },
    ...{ read: work => store.read(work), write: work => write(work) },
  }
  let write: Store['write'] = work => store.write(work)
  const act = actor(store, [])
  const row = await run(
    async (name, within) => {
      if (name === 'db') write = () => Promise.reject(new Error('the disk is full'))
      return await act(name, within)
    },
    { store: broken },
  )
  expect(row.items.map(({ status }) => status)).toEqual(['done', 'done', 'done'])
  expect(await open()).toHaveLength(1)
  write = work => store.write(work)
  await clock.advance(5_000)
  await vi.waitFor(async () => expect(await open()).toEqual([]))
})

test('which Application had the name is known from the beginning', async () => {
  await store.write(rows => rows.putApplication(sampleApplication({ id: 'app-web', name: 'web' })))
  const row = await run(async () => ({ status: 'refused', code: 'OPERATION_HELD', message: 'it is held' }))
  expect(row.items.map(({ applicationId }) => applicationId)).toEqual(['app-web', undefined, undefined])
})
