import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../json/canonical-json.ts'
import type { JsonObject } from '../json/json.ts'
import { differenceOfLines } from './digest-lines.ts'
import { heldDigest, heldLineOf, hubKeysLine } from './held-digest.ts'
import {
  decodeReportBatch,
  encodeReportBatch,
  fitEntry,
  MAX_REPORT_BYTES,
  MAX_REPORT_ENTRIES,
  reportBatches,
} from './report-batch.ts'
import { reportedLine, reportHash } from './reported-digest.ts'
import { sampleCalendar, sampleOffer, sampleReport, sampleTombstone } from './samples.ts'

const line = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat({ max: 3 })).map(([id, n]) => `${id} 1.${n} x`)
const lines = fc.uniqueArray(line, { selector: text => text.split(' ')[0] })

describe('digests', () => {
  test('do not depend on the order of lines', () => {
    fc.assert(
      fc.property(lines, fc.infiniteStream(fc.nat()), (list, chances) => {
        const shuffled = list.map(text => [chances.next().value, text] as const).sort((a, b) => a[0] - b[0])
        expect(heldDigest(shuffled.map(([, text]) => text))).toBe(heldDigest(list))
      }),
    )
  })

  test('agree exactly when the difference of the lines is empty', () => {
    fc.assert(
      fc.property(lines, lines, (ours, theirs) => {
        const { changed, onlyOurs, onlyTheirs } = differenceOfLines(ours, theirs)
        expect(heldDigest(ours) === heldDigest(theirs)).toBe(changed.length + onlyOurs.length + onlyTheirs.length === 0)
      }),
    )
  })

  test('after what differs was sent, nothing differs', () => {
    fc.assert(
      fc.property(lines, lines, (ours, theirs) => {
        const { changed, onlyOurs, onlyTheirs } = differenceOfLines(ours, theirs)
        const wanted = new Set([...changed, ...onlyOurs])
        const left = new Set(onlyTheirs)
        const idOf = (text: string): string => text.split(' ')[0] ?? ''
        const mended = [
          ...theirs.filter(text => !wanted.has(idOf(text)) && !left.has(idOf(text))),
          ...ours.filter(text => wanted.has(idOf(text))),
        ]
        expect(heldDigest(mended)).toBe(heldDigest(ours))
      }),
    )
  })

  test('see a number, a digest, a kind and a hub key', () => {
    const held = [
      heldLineOf(sampleOffer(3)),
      heldLineOf(sampleTombstone(3)),
      heldLineOf(sampleCalendar(3)),
      hubKeysLine('k'),
    ]
    expect(held).toEqual([
      `app-1 1.3 sha256:${'ab'.repeat(32)}`,
      'app-1 1.3 tombstone',
      'calendar 1.3 -',
      'hub-keys k -',
    ])
    expect(new Set(held.map(text => heldDigest([text]))).size).toBe(4)
  })
})

describe('a report', () => {
  test('has the same hash at both ends, unknown fields and long digits included', () => {
    const entry = { ...sampleReport(), future: { digits: 12345678901234567890n } }
    const decoded = decodeReportBatch(encodeReportBatch([entry]), 1_000_000)
    expect(decoded.kind === 'decoded' && decoded.value[0]?.hash).toBe(reportHash(entry))
    expect(reportedLine({ ...entry, hash: reportHash(entry) })).toMatch(/^app-1 1 1 sha256:[0-9a-f]{64}$/)
  })

  test('is bounded and loses control characters and later times, and keeps its hash', () => {
    const nasty = sampleReport({
      observedAt: 9_999,
      health: { status: 'Degraded', message: 'a\u001b[31mred\u202e\nnext\u0000', since: 9_999 },
    })
    const decoded = decodeReportBatch(encodeReportBatch([nasty]), 5_000)
    expect(decoded).toMatchObject({
      value: [
        {
          hash: reportHash(nasty),
          entry: { observedAt: 5_000, health: { message: 'a [31mred \nnext ', since: 5_000 } },
        },
      ],
    })
  })

  test('batches hold every entry once, in order, within both limits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 40 }),
        fc.nat({ max: 450 }),
        (sizes, more) => {
          const entries = [...sizes, ...Array.from({ length: more }, () => 0)].map((size, index) =>
            sampleReport({ application: `app-${index}`, sync: { status: 'Unknown', message: 'x'.repeat(size) } }),
          )
          const batches = reportBatches(entries)
          expect(batches.flat()).toEqual(entries)
          for (const batch of batches) {
            expect(batch.length).toBeLessThanOrEqual(MAX_REPORT_ENTRIES)
            expect(encodeReportBatch(batch).length).toBeLessThanOrEqual(MAX_REPORT_BYTES)
          }
        },
      ),
      { numRuns: 20 },
    )
  })

  test('that is too long is cut, and says by how much', () => {
    const object = {
      key: { group: '', kind: 'ConfigMap', namespace: 'a', name: 'b' },
      version: 'v1',
      sync: 'OutOfSync' as const,
    }
    const fitted = fitEntry(sampleReport({ objects: Array.from({ length: 30_000 }, () => object), objectsCut: 5 }))
    expect(fitted.objects.length + fitted.objectsCut).toBe(30_005)
    expect(canonicalJson(fitted as unknown as JsonObject).length).toBeLessThanOrEqual(MAX_REPORT_BYTES / 4)
  })

  test('that one entry of a batch cannot be read refuses the batch', () => {
    const body = Buffer.from(JSON.stringify({ entries: [sampleReport(), { application: 'x' }] }))
    expect(decodeReportBatch(body, 0)).toMatchObject({ kind: 'refused' })
  })
})
