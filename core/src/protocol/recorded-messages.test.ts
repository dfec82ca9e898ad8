import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import type * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../json/canonical-json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { parseJson } from '../json/parse-json.ts'
import { assertionClaims, readAssertion } from './assertion.ts'
import { enrolmentRequest, readEnrolment } from './enrolment.ts'
import {
  agentFrame,
  decodeAgentFrame,
  decodeDocumentsAnswer,
  decodeHubFrame,
  decodePollAnswer,
  documentsAnswer,
  encodeFrame,
  hubFrame,
  pollAnswer,
} from './frames.ts'
import { signJws } from './jws.ts'
import { decodeProofPage, proofPage } from './proofs.ts'
import { decodeReportBatch, decodeReportsAnswer, entrySchema, reportsAnswer } from './report-batch.ts'
import { SAMPLE_CLUSTER, sampleContext, sampleKey } from './samples.ts'
import { decodePulse, pulse, readDocument, SCHEMAS } from './signed-document.ts'
import { arbitraryOf } from './testing/arbitrary-of-schema.ts'
import { PROTOCOL_VERSIONS } from './versions.ts'

/**
 * Messages as they stood on the wire in each version of the protocol, and what they mean. Every later program has to
 * read them alike: agents of that version are out there. `UPDATE_FIXTURES=1` adds what this version does not have yet,
 * and never changes a message that is recorded.
 */
interface Recorded {
  /** Which reader takes it, and which of its kinds it is. */
  readonly reader: string
  readonly kind: string
  readonly message: string
  readonly meaning: Json
}

const key = sampleKey()
const context = sampleContext(key)
const END_OF_TIME = 8_640_000_000_000_000

type Reading = { readonly kind: string; readonly value?: unknown }
const valueOfReading = (reading: Reading): unknown => ('value' in reading ? reading.value : reading)

const READERS: Record<string, (message: string) => unknown> = {
  agentFrame: text => valueOfReading(decodeAgentFrame(text)),
  hubFrame: text => valueOfReading(decodeHubFrame(text)),
  pollAnswer: text => valueOfReading(decodePollAnswer(Buffer.from(text))),
  documentsAnswer: text => valueOfReading(decodeDocumentsAnswer(Buffer.from(text))),
  reports: text => valueOfReading(decodeReportBatch(Buffer.from(text), END_OF_TIME)),
  reportsAnswer: text => valueOfReading(decodeReportsAnswer(Buffer.from(text))),
  proofs: text => valueOfReading(decodeProofPage(Buffer.from(text))),
  document: text => {
    const read = readDocument(text, context)
    return read.kind === 'read' ? read.document : read
  },
  pulse: text => valueOfReading(decodePulse(parseJson(text) as JsonObject)),
  assertion: text => {
    const read = readAssertion(text)
    return read.kind === 'read' ? read.claims : read
  },
  enrolment: text => readEnrolment(text),
}

/** Two values of each kind of message, made from its schema; what stands in them is chance, always the same. */
function newMessages(): readonly Omit<Recorded, 'meaning'>[] {
  const json = (value: unknown): string => canonicalJson(value as Json)
  const made = <S extends v.GenericSchema>(reader: string, kind: string, schema: S, write: (value: never) => string) =>
    fc
      .sample(arbitraryOf(schema), { seed: 1, numRuns: 2 })
      .map(value => ({ reader, kind, message: write(value as never) }))
  const frames = { agentFrame, hubFrame }
  return [
    ...Object.entries(frames).flatMap(([reader, { options }]) =>
      options.flatMap(option => made(reader, option.entries.kind.literal, option, encodeFrame)),
    ),
    ...Object.entries(SCHEMAS).flatMap(([typ, schema]) =>
      made('document', typ, schema, (value: object) =>
        signJws(typ, { ...value, must: ['iat'], cluster: SAMPLE_CLUSTER, adm: context.adm }, key),
      ),
    ),
    ...made('pollAnswer', 'pollAnswer', pollAnswer, json),
    ...made('documentsAnswer', 'documentsAnswer', documentsAnswer, json),
    ...made('reports', 'reports', entrySchema, (entry: object) => json({ entries: [entry] })),
    ...made('reportsAnswer', 'reportsAnswer', reportsAnswer, json),
    ...made('proofs', 'proofs', proofPage, json),
    ...made('pulse', 'pulse', pulse, json),
    ...made('assertion', 'assertion', assertionClaims, (claims: object) => {
      return `Flotilla-Agent ${signJws('assertion', claims, key)}`
    }),
    ...made('enrolment', 'enrolment', enrolmentRequest, (request: object) =>
      signJws('enrolment', { ...request, key: key.publicKey }, key),
    ),
  ]
}

function fileOf(version: number): URL {
  return new URL(`./fixtures/version-${version}.json`, import.meta.url)
}

function recorded(version: number): readonly Recorded[] {
  const file = fileOf(version)
  return existsSync(file) ? (parseJson(readFileSync(file, 'utf8')) as unknown as Recorded[]) : []
}

function nameOf({ reader, kind }: Pick<Recorded, 'reader' | 'kind'>): string {
  return `${reader} ${kind}`
}

if (process.env['UPDATE_FIXTURES']) {
  const before = recorded(PROTOCOL_VERSIONS.max)
  const known = new Set(before.map(nameOf))
  const added = newMessages()
    .filter(message => !known.has(nameOf(message)))
    .map(message => ({ ...message, meaning: READERS[message.reader]!(message.message) as Json }))
  const lines = [...before, ...added].map(row => `  ${canonicalJson(row as unknown as Json)}`)
  writeFileSync(fileOf(PROTOCOL_VERSIONS.max), `[\n${lines.join(',\n')}\n]\n`)
}

const versions = Array.from({ length: PROTOCOL_VERSIONS.max }, (_, index) => index + 1)

describe.each(versions)('messages of protocol version %i', version => {
  test.each([...Map.groupBy(recorded(version), nameOf)])('%s means what it meant', (_, rows) => {
    for (const { reader, message, meaning } of rows) {
      const today = READERS[reader]?.(message)
      expect(parseJson(canonicalJson(today as Json))).toEqual(meaning)
    }
  })
})

test('of this version every kind of message is recorded; UPDATE_FIXTURES=1 adds a new one', () => {
  const known = new Set(recorded(PROTOCOL_VERSIONS.max).map(nameOf))
  expect([...new Set(newMessages().map(nameOf))].filter(name => !known.has(name))).toEqual([])
})
