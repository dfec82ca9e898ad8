import type { ReportEntry } from '@flotilla/core/protocol/report'
import type { ReportsAnswer } from '@flotilla/core/protocol/report-batch'
import { describe, expect, test } from 'vitest'
import { Outbox } from './outbox.ts'

const NOTHING: ReportsAnswer = { taken: [], known: [], ignored: [] }

function entry(n: number, gone = false): ReportEntry {
  return {
    application: 'app',
    inc: 1,
    n,
    gone,
    sync: { status: 'Synced' },
    health: { status: 'Healthy', since: 0 },
    objects: [],
    objectsCut: 0,
    objectCount: 0,
    images: [],
    observedAt: 0,
  }
}

describe('an answered report', () => {
  const cases: readonly [sentence: string, gone: boolean, answer: keyof ReportsAnswer, ended: number, lines: number][] =
    [
      ['that was taken is what both sides agree on', false, 'taken', 0, 1],
      ['that the hub had already is agreed on too', false, 'known', 0, 1],
      ['about what is not ours at the hub is not agreed on', false, 'ignored', 0, 0],
      ['of an end that was taken ends the document', true, 'taken', 1, 0],
      ['of an end that the hub had already ends it too', true, 'known', 1, 0],
      ['of an end that the hub has forgotten, as its first answer was lost, ends it too', true, 'ignored', 1, 0],
    ]
  test.each(cases)('%s', (_sentence, gone, answer, ended, lines) => {
    const outbox = new Outbox()
    outbox.put([entry(1, gone)])
    const [batch = []] = outbox.batches()
    const outcome = outbox.answered(batch, { ...NOTHING, [answer]: ['app'] })
    expect(outcome).toMatchObject({ unanswered: 0, ended: batch.slice(0, ended) })
    expect(outbox.lines()).toHaveLength(lines)
    // An end is said until all that it asks for is done.
    expect(outbox.empty).toBe(!gone)
    for (const one of outcome.ended) outbox.drop(one)
    expect(outbox.empty).toBe(true)
  })

  test('that was left out of the answer goes again', () => {
    const outbox = new Outbox()
    outbox.put([entry(1)])
    const [batch = []] = outbox.batches()
    expect(outbox.answered(batch, NOTHING)).toEqual({ ended: [], unanswered: 1 })
    expect(outbox.batches()).toEqual([batch])
  })

  test('goes again under the numbers of the incarnation that speaks now, whatever was said of it before', () => {
    const outbox = new Outbox()
    outbox.put([entry(1)])
    const [batch = []] = outbox.batches()
    outbox.answered(batch, { ...NOTHING, known: ['app'] })
    outbox.renumber(() => ({ inc: 3, n: 7 }))
    expect(outbox.batches()).toEqual([[{ ...entry(7), inc: 3 }]])
    expect(outbox.lines()).toEqual([])
  })

  test('that was ignored goes again once the hub has issued something, unless it does not name it at all', () => {
    const outbox = new Outbox()
    outbox.put([entry(1)])
    const [batch = []] = outbox.batches()
    outbox.answered(batch, { ...NOTHING, ignored: ['app'] })
    outbox.resendIgnored(new Set(['app']))
    expect(outbox.empty).toBe(true)
    outbox.resendIgnored(new Set())
    expect(outbox.batches()).toEqual([batch])
    outbox.answered(batch, { ...NOTHING, taken: ['app'] })
    outbox.resendIgnored(new Set())
    expect(outbox.empty).toBe(true)
  })

  test('does not take away a newer one that waits', () => {
    const outbox = new Outbox()
    outbox.put([entry(1, true)])
    const [batch = []] = outbox.batches()
    outbox.put([entry(2)])
    outbox.answered(batch, { ...NOTHING, taken: ['app'] })
    expect(outbox.batches()).toEqual([[entry(2)]])
  })
})
