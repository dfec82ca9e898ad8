import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareNumbers, type DocumentNumber } from './documents.ts'
import { signJws } from './jws.ts'
import { floorAfterLoss, mustReissue } from './reissue.ts'
import { sampleContext, sampleKey, sampleOffer } from './samples.ts'
import { type HeldState, highestNumber, NOTHING_HELD, takeDocument, withTaken } from './take-document.ts'

const key = sampleKey()
const context = sampleContext(key)
const offerOf = (id: string, number: DocumentNumber): string =>
  signJws('offer', sampleOffer(0, { number, application: { id, name: id, project: 'p' } }), key)
const numbers = fc.record({ epoch: fc.integer({ min: 1, max: 2 }), n: fc.integer({ min: 1, max: 30 }) })

describe('an agent that lost its folder', () => {
  test('takes none of what was sent before, and all of it when it is issued again', () => {
    const history = fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c'), number: numbers }), {
      minLength: 1,
      maxLength: 15,
    })
    fc.assert(
      fc.property(history, sent => {
        const noted = sent.map(({ number }) => number).reduce((a, b) => (compareNumbers(a, b) > 0 ? a : b))
        const floor = floorAfterLoss(noted, undefined)
        let held: HeldState = { ...NOTHING_HELD, ...(floor && { floor }) }
        for (const { id, number } of sent) {
          expect(takeDocument(held, offerOf(id, number), context)).toMatchObject({ kind: 'refused', code: 'OLDER' })
        }
        let given = noted
        for (const { id, number } of sent) {
          if (mustReissue(number, noted, given) !== 'yes') continue
          given = { epoch: given.epoch, n: given.n + 1 }
          const taking = takeDocument(held, offerOf(id, given), context)
          expect(taking.kind).toBe('taken')
          held = withTaken(held, taking)
        }
        expect([...held.documents.keys()].length).toBe(new Set(sent.map(({ id }) => id)).size)
      }),
    )
  })

  test('an intact folder has no floor: what is still on its way to another line is taken', () => {
    fc.assert(
      fc.property(numbers, numbers, (first, second) => {
        fc.pre(compareNumbers(first, second) > 0)
        const held = withTaken(NOTHING_HELD, takeDocument(NOTHING_HELD, offerOf('a', first), context))
        expect(floorAfterLoss(first, highestNumber(held))).toBeUndefined()
        expect(takeDocument(held, offerOf('b', second), context).kind).toBe('taken')
      }),
    )
  })

  test('a hub never answers an agent that has come further than it with a number that would be refused', () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, (number, floor, given) => {
        fc.pre(compareNumbers(number, given) <= 0)
        const verdict = mustReissue(number, floor, given)
        const next = { epoch: given.epoch, n: given.n + 1 }
        if (verdict === 'yes') expect(compareNumbers(next, floor)).toBeGreaterThan(0)
        if (verdict === 'no') expect(compareNumbers(number, floor)).toBeGreaterThan(0)
      }),
    )
  })
})
