import type { Log } from '@flotilla/core/ports/log'
import { signJws } from '@flotilla/core/protocol/jws'
import { sampleCalendar, sampleContext, sampleKey, sampleOffer } from '@flotilla/core/protocol/samples'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { HeldDocuments } from './held-documents.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const key = sampleKey()
const context = sampleContext(key)
const offer = signJws('offer', sampleOffer(2), key)
const calendar = signJws('calendar', sampleCalendar(3), key)

describe('a calendar that is pushed while an answer is being taken', () => {
  test.each([
    ['before it', [[calendar], [offer]]],
    ['after it', [[offer], [calendar]]],
  ])('takes nothing away: %s', async (_, takings) => {
    const documents = new HeldDocuments(new MemoryState(), log)
    const news = await Promise.all(takings.map(each => documents.take(each, context)))
    expect(news).toEqual([true, true])
    expect([documents.calendar()?.number, documents.application('app-1')?.number]).toEqual([
      { epoch: 1, n: 3 },
      { epoch: 1, n: 2 },
    ])
  })
})

describe('an Application that the hub has given another id', () => {
  const application = (id: string) => ({ id, name: 'shop', project: 'shop' })
  const successor = signJws('offer', sampleOffer(4, { application: application('app-2') }), key)

  test.each([
    ['the old one is disowned first', ['disown', 'take']],
    ['the new one is offered first', ['take', 'disown']],
  ] as const)('is held under that alone, for good, also where %s', async (_, order) => {
    const state = new MemoryState()
    const documents = new HeldDocuments(state, log)
    await documents.load(context)
    await documents.take([offer], context)
    for (const step of order) {
      if (step === 'take') await documents.take([successor], context)
      else await documents.leaveOut(['app-1'])
    }
    expect([...documents.applications().keys()]).toEqual(['app-2'])
    expect(documents.unclaimed()).toEqual([])
    const restarted = new HeldDocuments(state, log)
    await restarted.load(context)
    expect([...restarted.applications().keys()]).toEqual(['app-2'])
    expect(await restarted.take([offer], context), 'the old document again').toBe(false)
  })
})
