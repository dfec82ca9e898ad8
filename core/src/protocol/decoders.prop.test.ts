import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../json/json.ts'
import { readAssertion } from './assertion.ts'
import { readAdmission, readEnrolment, readEnrolmentAnswer } from './enrolment.ts'
import { decodeAgentFrame, decodeDocumentsAnswer, decodeHubFrame, decodePoll, decodePollAnswer } from './frames.ts'
import { walkHubKeys } from './hub-key-chain.ts'
import { parseJoinToken } from './join-token.ts'
import { readJws, signJws, verifyJws } from './jws.ts'
import { decodeReportBatch, decodeReportsAnswer } from './report-batch.ts'
import {
  sampleCalendar,
  sampleContext,
  sampleGrant,
  sampleKey,
  sampleOffer,
  sampleReport,
  sampleTombstone,
} from './samples.ts'
import { decodeDocument, readDocument } from './signed-document.ts'
import { parseVersions } from './versions.ts'

const key = sampleKey()
const context = sampleContext(key)
const kinds = (value: { readonly kind: string }): string => value.kind

/** Every reader of what a stranger sends. Each has to answer, whatever comes. */
const textReaders: Record<string, (text: string) => unknown> = {
  readJws: text => kinds(readJws(text)),
  verifyJws: text => kinds(verifyJws(text, { typ: 'offer', key: kid => context.keys.get(kid) })),
  readDocument: text => kinds(readDocument(text, context)),
  decodeAgentFrame: text => kinds(decodeAgentFrame(text)),
  decodeHubFrame: text => kinds(decodeHubFrame(text)),
  parseJoinToken: text => kinds(parseJoinToken(text)),
  readAssertion: text => kinds(readAssertion(`Flotilla-Agent ${text}`)),
  readEnrolment: text => readEnrolment(text),
  readEnrolmentAnswer: text => readEnrolmentAnswer(text),
  readAdmission: text => kinds(readAdmission(text, { kid: key.kid, hubId: 'h', agentKey: 'k' })),
  walkHubKeys: text => kinds(walkHubKeys([text], key.kid)),
  parseVersions: text => parseVersions(text),
}
const byteReaders: Record<string, (bytes: Uint8Array) => unknown> = {
  decodePoll: bytes => kinds(decodePoll(bytes)),
  decodePollAnswer: bytes => kinds(decodePollAnswer(bytes)),
  decodeDocumentsAnswer: bytes => kinds(decodeDocumentsAnswer(bytes)),
  decodeReportBatch: bytes => kinds(decodeReportBatch(bytes, 0)),
  decodeReportsAnswer: bytes => kinds(decodeReportsAnswer(bytes)),
}

const good = [
  ...[sampleOffer(1), sampleTombstone(2), sampleCalendar(3), sampleGrant()].map(payload =>
    signJws(payload.typ, payload, key),
  ),
  JSON.stringify({ kind: 'heartbeat', held: 'x', reported: 'y', nonce: 'n', kid: 'k', unclaimed: [] }),
  JSON.stringify({ entries: [sampleReport()] }),
  'flj1.e30.AAAA',
]

/** Good messages with a few bytes changed, cut or doubled: nearer to what a reader expects than noise. */
const damaged = fc
  .tuple(
    fc.constantFrom(...good),
    fc.array(fc.tuple(fc.nat(), fc.string({ unit: 'binary' })), { maxLength: 4 }),
    fc.nat(),
  )
  .map(([text, edits, cut]) => {
    let result = text
    for (const [at, replacement] of edits) {
      const index = at % (result.length + 1)
      result = result.slice(0, index) + replacement + result.slice(index + 1)
    }
    return cut % 3 === 0 ? result.slice(0, cut % (result.length + 1)) : result
  })

describe('readers of strangers’ messages', () => {
  for (const [name, read] of Object.entries(textReaders)) {
    test(`${name} never throws`, () => {
      fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), damaged), text => void read(text)))
    })
  }
  for (const [name, read] of Object.entries(byteReaders)) {
    test(`${name} never throws`, () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.oneof(fc.json(), damaged).map(text => Buffer.from(text)),
      )
      fc.assert(fc.property(bytes, value => void read(value)))
    })
  }

  test('a signed document with any field replaced is read or refused, and never throws', () => {
    const payload = fc.constantFrom(sampleOffer(1), sampleTombstone(2), sampleCalendar(3), sampleGrant())
    fc.assert(
      fc.property(payload, fc.nat(), fc.jsonValue(), (document, at, value) => {
        const fields = Object.keys(document)
        const changed = { ...document, [fields[at % fields.length] ?? 'typ']: value }
        const read = readDocument(signJws(document.typ, changed, key), context)
        expect(['read', 'refused']).toContain(read.kind)
      }),
    )
  })

  test('what is read of a document contains no field that the schema does not name', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), extra => {
        const decoded = decodeDocument('offer', { ...(extra as Record<string, Json>), ...sampleOffer(1) } as never)
        expect(decoded.kind === 'decoded' && decoded.value).toEqual(sampleOffer(1))
      }),
    )
  })
})
