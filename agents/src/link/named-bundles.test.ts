import type { Digest } from '@flotilla/core/json/canonical-json'
import { SAMPLE_DIGEST, sampleOffer, sampleReport, sampleTombstone } from '@flotilla/core/protocol/samples'
import { describe, expect, test } from 'vitest'
import { namedBundles } from './named-bundles.ts'
import { Outbox } from './outbox.ts'

const digest = (fill: string): Digest => `sha256:${fill.repeat(64)}`
const [RUNNING, LAST, BEFORE] = [digest('1'), digest('2'), digest('3')]

function outboxOf(reported = true): Outbox {
  const outbox = new Outbox()
  if (reported) outbox.put([sampleReport({ held: SAMPLE_DIGEST, lastSucceeded: LAST })])
  return outbox
}

describe('the Bundles that are kept', () => {
  test('are those of the Offer, of what has not ended, and of the last success', () => {
    const named = namedBundles([sampleOffer(1)], outboxOf(), new Set([RUNNING]))
    expect([...(named ?? [])].sort()).toEqual([RUNNING, LAST, SAMPLE_DIGEST].sort())
    expect(named?.has(BEFORE)).toBe(false)
  })

  test('of an Application that is being removed: those of its operations', () => {
    expect(namedBundles([sampleTombstone(2)], outboxOf(), new Set([RUNNING]))?.has(RUNNING)).toBe(true)
  })

  test('are not known before the records were read, nor before every Application was looked at', () => {
    expect(namedBundles([sampleOffer(1)], outboxOf(), undefined)).toBeUndefined()
    expect(namedBundles([sampleOffer(1)], outboxOf(false), new Set())).toBeUndefined()
    expect(namedBundles([], outboxOf(false), new Set())).toEqual(new Set())
  })
})
