import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Digest } from '../json/canonical-json.ts'
import { type BegunOperation, mayGoOn } from './may-go-on.ts'
import { sampleGrant, sampleOffer, sampleTombstone } from './samples.ts'

const digest = fc.constantFrom(...['11', '22', '33'].map((pair): Digest => `sha256:${pair.repeat(32)}`))
const terms = fc.option(digest, { nil: undefined })
const number = fc.record({ epoch: fc.integer({ min: 1, max: 2 }), n: fc.integer({ min: 1, max: 9 }) })

const operation: fc.Arbitrary<BegunOperation> = fc
  .record({ kind: fc.constantFrom('sync' as const, 'removal' as const), digest, terms, prune: fc.boolean() })
  .map(({ terms: own, prune, ...rest }) => ({
    ...rest,
    grant: sampleGrant({ options: { dryRun: false, prune, revision: '' } }),
    ...(own !== undefined && { terms: own }),
  }))

const held = fc.oneof(
  fc.record({ number, digest }).map(offer => sampleOffer(0, offer)),
  fc
    .record({ number, policy: fc.constantFrom('prune' as const, 'detach' as const) })
    .map(tombstone => sampleTombstone(0, tombstone)),
)

describe('an operation that goes on', () => {
  test('is what the held document asks for, and no more than its Grant permitted', () => {
    fc.assert(
      fc.property(operation, held, terms, (begun, document, heldTerms) => {
        if (mayGoOn(begun, document, heldTerms).kind === 'end') return
        expect(document.typ).toBe(begun.kind === 'sync' ? 'offer' : 'tombstone')
        if (document.typ === 'offer') {
          expect(begun.digest).toBe(document.digest)
          if (begun.terms !== undefined) expect(begun.terms).toBe(heldTerms)
        } else if (document.policy === 'prune') expect(begun.grant.options.prune).toBe(true)
      }),
    )
  })

  test('goes on under every document that means the same, whatever its number', () => {
    fc.assert(
      fc.property(operation, held, terms, number, (begun, document, heldTerms, other) => {
        const again = mayGoOn(begun, { ...document, number: other }, heldTerms)
        expect(again.kind).toBe(mayGoOn(begun, document, heldTerms).kind)
      }),
    )
  })
})
