import { expect, it } from 'vitest'
import type { GateEvent } from '../gate-desk/gate-events.ts'
import { LoggedEvents } from '../gate-desk/logged-events.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { silentLog } from '../store/test-store.ts'
import { keepGateEvent, recordGateEvents } from './record-gate-events.ts'

const event = (subject: string): GateEvent => {
  return { kind: 'freeze.started', subject: `FreezePeriod/${subject}`, at: 1_000, by: 'hub', message: subject }
}

const subjectsOf = async (store: MemoryStore) =>
  (await store.read(rows => rows.activity({ limit: 100 }))).map(({ subject }) => subject.split('/')[1])

it('what gates tell is in the feed in order, and what stands there already is not written again', async () => {
  const store = new MemoryStore()
  const events = new LoggedEvents(silentLog)
  const stop = recordGateEvents(events, store, silentLog)
  events.emit(event('a'))
  events.emit(await store.write(rows => keepGateEvent(rows, event('b'))))
  events.emit(event('c'))
  await stop()
  expect((await subjectsOf(store)).toSorted()).toEqual(['a', 'b', 'c'])
})

it('what a store took nothing of is written when it takes something again', async () => {
  const store = new MemoryStore()
  const write = store.write.bind(store)
  let isFull = true
  store.write = async work => {
    if (isFull) throw new Error('the disk is full')
    return await write(work)
  }
  const events = new LoggedEvents(silentLog)
  const stop = recordGateEvents(events, store, silentLog)
  events.emit(event('a'))
  await new Promise(setImmediate)
  events.emit(event('b'))
  await new Promise(setImmediate)
  expect(await subjectsOf(store)).toEqual([])
  isFull = false
  events.emit(event('c'))
  await stop()
  expect(await subjectsOf(store)).toEqual(['c', 'b', 'a'])
})
