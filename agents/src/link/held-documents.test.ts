import { signJws } from '@flotilla/core/protocol/jws'
import { sampleContext, sampleKey, sampleOffer, sampleTombstone } from '@flotilla/core/protocol/samples'
import { expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { HeldDocuments } from './held-documents.ts'

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const log = { ...quiet, child: () => log }
const context = sampleContext()
const ANOTHER = { ...context, cluster: '01890000-0000-7000-8000-00000000000f' }
const sign = (payload: { readonly typ: string }) => signJws(payload.typ, payload, sampleKey())

test('under another hub, whose keys are others, neither documents nor numbers of the former one count', async () => {
  const state = new MemoryState()
  const before = new HeldDocuments(state, log)
  await before.load(context)
  const epoch = 1_795_000_000
  const gone = { number: { epoch, n: 2 }, application: { id: 'gone', name: 'gone', project: 'p' } }
  await before.take([sign(sampleOffer(0, { number: { epoch, n: 1 } })), sign(sampleTombstone(0, gone))], context)
  await before.retire('gone', gone.number)
  await before.protect({ epoch, n: 900 })
  expect([before.applications().size, before.floor()]).toEqual([1, { epoch, n: 900 }])

  const again = new HeldDocuments(state, log)
  await again.load(context)
  expect([again.applications().size, again.floor()]).toEqual([1, { epoch, n: 900 }])

  const after = new HeldDocuments(state, log)
  await after.load(ANOTHER)
  expect([after.applications().size, after.floor()]).toEqual([0, undefined])
  const first = sampleOffer(1, { cluster: ANOTHER.cluster })
  expect(await after.take([sign(first)], ANOTHER)).toBe(true)
  expect(after.applications().size).toBe(1)
  expect(await state.list('documents/')).toHaveLength(1)
})
