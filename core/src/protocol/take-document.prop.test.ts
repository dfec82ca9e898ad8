import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareNumbers, type NumberedDocument } from './documents.ts'
import { signJws } from './jws.ts'
import { sampleCalendar, sampleContext, sampleKey, sampleOffer, sampleTombstone } from './samples.ts'
import { type HeldState, lineOf, NOTHING_HELD, retireLine, takeDocument, withTaken } from './take-document.ts'

const key = sampleKey()
const context = sampleContext(key)

/** Documents as a hub issues them: one number, one content. */
const documents = fc
  .uniqueArray(fc.record({ n: fc.integer({ min: 1, max: 40 }), epoch: fc.integer({ min: 1, max: 2 }) }), {
    selector: ({ epoch, n }) => `${epoch}.${n}`,
    maxLength: 12,
  })
  .chain(numbers =>
    fc.tuple(
      ...numbers.map(number =>
        fc
          .tuple(fc.constantFrom('offer', 'tombstone', 'calendar'), fc.constantFrom('app-1', 'app-2', 'app-3'))
          .map(([typ, id]) => {
            const application = { id, name: id, project: 'p' }
            if (typ === 'offer') return sampleOffer(0, { number, application }) as NumberedDocument
            return typ === 'tombstone' ? sampleTombstone(0, { number, application }) : sampleCalendar(0, { number })
          }),
      ),
    ),
  )

const jwsOf = (document: NumberedDocument): string => signJws(document.typ, document, key)
const takeAll = (state: HeldState, list: readonly NumberedDocument[]): HeldState =>
  list.reduce((held, document) => withTaken(held, takeDocument(held, jwsOf(document), context)), state)
const shown = (state: HeldState): unknown =>
  [...state.documents]
    .map(([line, { payload }]) => [line, payload])
    .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))

describe('taking documents', () => {
  test('depends on the numbers alone, not on the order of arrival', () => {
    fc.assert(
      fc.property(documents, fc.infiniteStream(fc.nat()), (list, chances) => {
        const shuffled = list.map(document => [chances.next().value, document] as const).sort((a, b) => a[0] - b[0])
        const reordered = shuffled.map(([, document]) => document)
        expect(shown(takeAll(NOTHING_HELD, reordered))).toEqual(shown(takeAll(NOTHING_HELD, list)))
      }),
    )
  })

  test('holds of each line the document with the highest number', () => {
    fc.assert(
      fc.property(documents, list => {
        const held = takeAll(NOTHING_HELD, list)
        for (const document of list) {
          const current = held.documents.get(lineOf(document))
          expect(current && compareNumbers(current.payload.number, document.number)).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  test('again changes nothing: what is held is the same, what is older is refused', () => {
    fc.assert(
      fc.property(documents, list => {
        const held = takeAll(NOTHING_HELD, list)
        for (const document of list) {
          const again = takeDocument(held, jwsOf(document), context)
          const current = held.documents.get(lineOf(document))
          expect(again).toMatchObject(
            current?.jws === jwsOf(document) ? { kind: 'same' } : { kind: 'refused', code: 'OLDER' },
          )
        }
      }),
    )
  })

  test('never brings back what ended: after a line is retired only a newer number is taken on it', () => {
    fc.assert(
      fc.property(documents, fc.nat({ max: 3 }), (list, maxRetired) => {
        let held = takeAll(NOTHING_HELD, list)
        for (const line of [...held.documents.keys()]) held = retireLine(held, line, maxRetired)
        expect(held.documents.size).toBe(0)
        for (const document of list) {
          expect(takeDocument(held, jwsOf(document), context)).toMatchObject({ kind: 'refused', code: 'OLDER' })
        }
        expect(held.retired.size).toBeLessThanOrEqual(maxRetired)
      }),
    )
  })
})

describe('a document with a number that is held', () => {
  test('and another content is refused, whoever signed it', () => {
    const held = takeAll(NOTHING_HELD, [sampleOffer(5)])
    const other = jwsOf(sampleTombstone(5))
    expect(takeDocument(held, other, context)).toMatchObject({ kind: 'refused', code: 'NUMBER_REUSED' })
  })

  test('a late Tombstone does not touch an Application that returned', () => {
    const held = takeAll(NOTHING_HELD, [sampleOffer(3), sampleOffer(9)])
    expect(takeDocument(held, jwsOf(sampleTombstone(7)), context)).toMatchObject({ code: 'OLDER' })
  })

  test('a number below what other witnesses prove is refused on an empty line', () => {
    const held: HeldState = { ...NOTHING_HELD, floor: { epoch: 1, n: 10 } }
    expect(takeDocument(held, jwsOf(sampleOffer(10)), context)).toMatchObject({ code: 'OLDER' })
    expect(takeDocument(held, jwsOf(sampleOffer(11)), context)).toMatchObject({ kind: 'taken' })
  })
})
