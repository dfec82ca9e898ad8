import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Digest } from '../json/canonical-json.ts'
import { type BegunOperation, mayGoOn, replacesPaused } from './may-go-on.ts'
import { SAMPLE_DIGEST, sampleGrant, sampleOffer, sampleTombstone } from './samples.ts'

const terms: Digest = `sha256:${'11'.repeat(32)}`
const other: Digest = `sha256:${'22'.repeat(32)}`
const sync: BegunOperation = { kind: 'sync', grant: sampleGrant(), digest: SAMPLE_DIGEST, terms }
const removal = (prune: boolean): BegunOperation => ({
  kind: 'removal',
  grant: sampleGrant({ trigger: 'delete', options: { dryRun: false, prune, revision: '' } }),
  digest: SAMPLE_DIGEST,
})

describe('whether a running operation goes on under what is held', () => {
  const rows = [
    ['the same document', sync, sampleOffer(2), terms, 'go-on'],
    ['a newer one that means the same', sync, sampleOffer(9), terms, 'go-on'],
    ['a newer one of another digest ends it', sync, sampleOffer(9, { digest: other }), terms, 'end'],
    ['a newer one of the same digest with other terms ends it', sync, sampleOffer(9), other, 'end'],
    ['a Tombstone ends a sync', sync, sampleTombstone(9), undefined, 'end'],
    ['an Offer ends a removal', removal(true), sampleOffer(9), terms, 'end'],
    ['a removal goes on under its Tombstone', removal(true), sampleTombstone(2), undefined, 'go-on'],
    [
      'a removal that prunes may become one that detaches',
      removal(true),
      sampleTombstone(9, { policy: 'detach' }),
      undefined,
      'go-on',
    ],
    ['one that detaches does not become one that prunes', removal(false), sampleTombstone(9), undefined, 'end'],
    [
      'a record of old, without terms, goes by its digest',
      { ...sync, terms: undefined } as never,
      sampleOffer(9),
      other,
      'go-on',
    ],
  ] as const
  for (const [sentence, operation, held, heldTerms, expected] of rows) {
    test(sentence, () => expect(mayGoOn(operation, held, heldTerms).kind).toBe(expected))
  }

  test('no sync ever goes on under another digest or other terms, whatever the numbers', () => {
    const digest = fc.constantFrom(SAMPLE_DIGEST, other)
    fc.assert(
      fc.property(fc.nat(), digest, digest, fc.constantFrom(terms, other), (n, wanted, running, heldTerms) => {
        const answer = mayGoOn({ ...sync, digest: running }, sampleOffer(n, { digest: wanted }), heldTerms)
        expect(answer.kind === 'go-on').toBe(wanted === running && heldTerms === terms)
      }),
    )
  })
})

test('only a later Grant of the same Application takes the place of a paused operation', () => {
  const paused = sampleGrant({ id: 'a', iat: 1000 })
  expect(replacesPaused(paused, sampleGrant({ id: 'b', iat: 1000 }))).toBe(true)
  expect(replacesPaused(paused, paused)).toBe(false)
  expect(replacesPaused(paused, sampleGrant({ id: 'b', iat: 999 }))).toBe(false)
  expect(replacesPaused(paused, sampleGrant({ id: 'b', iat: 2000, application: 'app-2' }))).toBe(false)
})
