import { expect, test } from 'vitest'
import type { NumberedDocument } from './documents.ts'
import { sampleCalendar, sampleOffer, sampleTombstone } from './samples.ts'
import { lineOf, NOTHING_HELD, outlivedLines } from './take-document.ts'

const offer = (id: string, n: number, name = 'shop') => sampleOffer(n, { application: { id, name, project: 'shop' } })
const tombstone = (id: string, n: number) => sampleTombstone(n, { application: { id, name: 'shop', project: 'shop' } })

test.each<
  [sentence: string, held: readonly NumberedDocument[], unclaimed: readonly string[], ended: readonly string[]]
>([
  [
    'an Offer that the hub disowns ends with a newer one of its name',
    [offer('old', 2), offer('new', 3)],
    ['old'],
    ['old'],
  ],
  ['a Tombstone, too', [tombstone('old', 2), offer('new', 3)], ['old'], ['old']],
  ['what the hub names does not end', [offer('old', 2), offer('new', 3)], [], []],
  ['what another hub’s memory went back behind does not end', [offer('old', 3), offer('new', 2)], ['old'], []],
  ['nothing ends by what the hub disowns as well', [offer('old', 2), offer('new', 3)], ['old', 'new'], []],
  ['nothing ends by another name', [offer('old', 2), offer('new', 3, 'till')], ['old'], []],
  ['nothing ends by a removal', [offer('old', 2), tombstone('new', 3)], ['old'], []],
  ['a calendar has no name', [sampleCalendar(1), offer('new', 3)], ['old'], []],
])('%s', (_, held, unclaimed, ended) => {
  const documents = new Map(held.map(payload => [lineOf(payload), { line: lineOf(payload), jws: '', payload }]))
  const lines = outlivedLines({ ...NOTHING_HELD, documents }, new Set(unclaimed))
  expect(lines).toEqual(ended.map(id => `application/${id}`))
})
