import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BundleError, decodeBundle } from '../bundle/decode-bundle.ts'
import { encodeBundle } from '../bundle/encode-bundle.ts'
import { decodeInventory, encodeInventory, InventoryCorrupt } from '../inventory/encode-inventory.ts'
import { canonicalJson, sha256 } from '../json/canonical-json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { keyChange, MAX_KEY_CHANGE_BYTES, readKeyChange } from './agent-key.ts'
import { assertionClaims, helloClaims, makeHelloProof, readAssertion, readHelloProof } from './assertion.ts'
import { importPublicKey } from './ed25519.ts'
import {
  enrolmentRequest,
  MAX_ENROLMENT_BYTES,
  readAdmission,
  readEnrolment,
  readEnrolmentAnswer,
} from './enrolment.ts'
import {
  agentFrame,
  decodeAgentFrame,
  decodeDocumentsAnswer,
  decodeHubFrame,
  decodePoll,
  decodePollAnswer,
  documentsAnswer,
  encodeFrame,
  hubFrame,
  pollAnswer,
} from './frames.ts'
import { walkHubKeys } from './hub-key-chain.ts'
import { encodeJoinToken, type JoinToken, parseJoinToken } from './join-token.ts'
import { readJws, signJws, verifyJws } from './jws.ts'
import { decodeProofPage, proofPage } from './proofs.ts'
import {
  decodeReportBatch,
  decodeReportsAnswer,
  encodeReportBatch,
  entrySchema,
  fitEntry,
  MAX_REPORT_BYTES,
  reportsAnswer,
} from './report-batch.ts'
import { readReturn, returnRequest } from './return.ts'
import { sampleContext, sampleKey, sampleOffer } from './samples.ts'
import {
  admission,
  decodeAdmission,
  decodeDocument,
  decodeHubKeys,
  decodePulse,
  hubKeys,
  pulse,
  readDocument,
  SCHEMAS,
} from './signed-document.ts'
import { decodeRecord, encodeRecord, streamRecord } from './stream-records.ts'
import { arbitraryOf } from './testing/arbitrary-of-schema.ts'
import { FUZZ_CASES, hostileBytes, hostileJson, hostileText, noise, quickly } from './testing/hostile.ts'
import { parseVersions, versionText } from './versions.ts'

const key = sampleKey()
const publicKey = importPublicKey(key.publicKey)!
const context = sampleContext(key)
const END_OF_TIME = 8_640_000_000_000_000

/** What a reader made of a message: a value, or a refusal in its declared form. */
type Reading = { readonly value: unknown } | { readonly refused: { readonly message?: string } | undefined }

/** A reader of what a stranger sends, and what it takes. */
interface Reader {
  /** Values as they travel. */
  readonly good: fc.Arbitrary<unknown>
  readonly encode: (value: never) => string | Uint8Array
  readonly read: (message: never) => Reading
}

function reader<T>(
  good: fc.Arbitrary<T>,
  encode: (value: T) => string | Uint8Array,
  read: (message: never) => Reading,
): Reader {
  return { good, encode, read }
}

type AnyReading = { readonly kind: string; readonly value?: unknown; readonly message?: string }

const decoded = (reading: AnyReading): Reading => ('value' in reading ? { value: reading.value } : { refused: reading })
const maybe = (value: unknown): Reading => (value === undefined ? { refused: undefined } : { value })
const json = (value: unknown): string => canonicalJson(value as Json)
const bytes = (value: unknown): Uint8Array => Buffer.from(json(value))
const signed =
  (typ: string) =>
  (value: object): string =>
    signJws(typ, value, key)

const joinToken = fc
  .record(
    {
      hub: fc.webUrl(),
      hubId: fc.stringMatching(/^[a-z0-9-]{1,36}$/).filter(id => !id.startsWith('-')),
      kid: fc.constant(key.kid),
      ca: fc.stringMatching(/^[0-9a-f]{64}$/).map((hex): `sha256:${string}` => `sha256:${hex}`),
      id: fc.stringMatching(/^[A-Za-z0-9_-]{1,16}$/),
      expires: fc.nat(),
      secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      name: fc.option(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { nil: undefined }),
    },
    { requiredKeys: ['hub', 'hubId', 'kid', 'id', 'expires', 'secret', 'name'] },
  )
  .map(({ name, ...token }): JoinToken => ({ ...token, ...(name === undefined ? { pending: true } : { name }) }))

const objects: fc.Arbitrary<readonly KubernetesObject[]> = fc.uniqueArray(
  fc.record({
    apiVersion: fc.constantFrom('v1', 'apps/v1', 'acme.example/v1'),
    kind: fc.constantFrom('ConfigMap', 'Deployment', 'Widget'),
    metadata: fc.record({ name: fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/) }),
    data: fc.jsonValue({ maxDepth: 2 }).map(value => JSON.parse(JSON.stringify(value)) as Json),
  }),
  { maxLength: 5, selector: ({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}` },
)

const frames = { agent: arbitraryOf(agentFrame), hub: arbitraryOf(hubFrame) }
const polled = fc.array(frames.agent, { maxLength: 5 })
const entries = fc.array(arbitraryOf(entrySchema), { maxLength: 3 })

const readers: Record<string, Reader> = {
  decodeAgentFrame: reader(frames.agent, encodeFrame, (text: string) => decoded(decodeAgentFrame(text))),
  decodeHubFrame: reader(frames.hub, encodeFrame, (text: string) => decoded(decodeHubFrame(text))),
  decodePoll: reader(
    polled,
    list => bytes({ frames: list }),
    (body: Uint8Array) => decoded(decodePoll(body)),
  ),
  decodePollAnswer: reader(arbitraryOf(pollAnswer), bytes, (body: Uint8Array) => decoded(decodePollAnswer(body))),
  decodeDocumentsAnswer: reader(arbitraryOf(documentsAnswer), bytes, (body: Uint8Array) =>
    decoded(decodeDocumentsAnswer(body)),
  ),
  decodeProofPage: reader(arbitraryOf(proofPage), bytes, (body: Uint8Array) => decoded(decodeProofPage(body))),
  decodeReportBatch: reader(
    entries,
    list => encodeReportBatch(list),
    (body: Uint8Array) => {
      const batch = decodeReportBatch(body, END_OF_TIME)
      return batch.kind === 'decoded' ? { value: batch.value.map(({ entry }) => entry) } : { refused: batch }
    },
  ),
  decodeReportsAnswer: reader(arbitraryOf(reportsAnswer), bytes, (body: Uint8Array) =>
    decoded(decodeReportsAnswer(body)),
  ),
  parseJoinToken: reader(joinToken, encodeJoinToken, (text: string) => {
    const parsed = parseJoinToken(text)
    // Bytes are bytes, whatever kind of array holds them.
    const value = parsed.kind === 'token' && { ...parsed.token, secret: Uint8Array.from(parsed.token.secret) }
    return value ? { value } : { refused: parsed as { readonly message: string } }
  }),
  readAssertion: reader(
    arbitraryOf(assertionClaims),
    claims => `Flotilla-Agent ${signed('assertion')(claims)}`,
    (header: string) => {
      const read = readAssertion(header)
      return read.kind === 'read' ? { value: read.claims } : { refused: { message: read.code } }
    },
  ),
  readHelloProof: reader(
    arbitraryOf(helloClaims),
    proof => makeHelloProof(proof, key),
    (text: string) => maybe(readHelloProof(text, publicKey)),
  ),
  readEnrolment: reader(
    arbitraryOf(enrolmentRequest)
      .map(request => ({ ...request, key: key.publicKey }))
      .filter(request => signed('enrolment')(request).length <= MAX_ENROLMENT_BYTES),
    signed('enrolment'),
    (text: string) => maybe(readEnrolment(text)),
  ),
  readEnrolmentAnswer: reader(fc.record({ admission: fc.string({ minLength: 5 }) }), json, (text: string) =>
    maybe(readEnrolmentAnswer(text)),
  ),
  readKeyChange: reader(
    arbitraryOf(keyChange)
      .map(change => ({ ...change, key: key.publicKey }))
      .filter(change => signed('agent-key')(change).length <= MAX_KEY_CHANGE_BYTES),
    signed('agent-key'),
    (text: string) => maybe(readKeyChange(text)),
  ),
  readReturn: reader(
    fc.tuple(arbitraryOf(returnRequest), arbitraryOf(admission)).map(([request, admitted]) => ({
      ...request,
      aud: 'hub-1',
      key: key.publicKey,
      admission: signed('admission')({ ...admitted, hubId: 'hub-1', agentKey: key.publicKey }),
    })),
    signed('return'),
    (text: string) => {
      const read = readReturn(text, { hubId: 'hub-1', keys: context.keys })
      return read.kind === 'read' ? { value: read.request } : { refused: read }
    },
  ),
  decodeRecord: reader(arbitraryOf(streamRecord), encodeRecord, (text: string) => maybe(decodeRecord(text))),
  parseVersions: reader(
    fc.tuple(fc.nat(999), fc.nat(999)).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
    versionText,
    (text: string) => maybe(parseVersions(text)),
  ),
  readJws: reader(arbitraryOf(SCHEMAS.grant), signed('grant'), (text: string) => {
    const read = readJws(text)
    return read.kind === 'unverified' ? { value: read.payload } : { refused: read }
  }),
  verifyJws: reader(arbitraryOf(SCHEMAS.grant), signed('grant'), (text: string) => {
    const read = verifyJws(text, { typ: ['grant', 'offer'], key: kid => context.keys.get(kid) })
    return read.kind === 'verified' ? { value: read.payload } : { refused: read }
  }),
  decodeBundle: reader(
    objects,
    list => encodeBundle(list).bytes,
    (body: Uint8Array) => {
      try {
        return { value: [...decodeBundle(body, sha256(body)).objects].map(json).sort() }
      } catch (error) {
        if (error instanceof BundleError) return { refused: error }
        throw error
      }
    },
  ),
  decodeInventory: reader(
    fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 5 }).map(names => [...names].sort()),
    names => {
      const list = names.map(name => ({ group: '', kind: 'ConfigMap', namespace: 'shop', name }))
      return json(encodeInventory({ application: { id: 'a', name: 'a' }, entries: list }))
    },
    (text: string) => {
      let stored: JsonObject
      try {
        stored = JSON.parse(text) as JsonObject
      } catch {
        // What an API server answers was parsed before.
        return { refused: undefined }
      }
      try {
        const body = typeof stored === 'object' && stored !== null ? stored : {}
        const read = decodeInventory({ ...body, apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'i' } })
        return { value: read.entries.map(({ name }) => name) }
      } catch (error) {
        if (error instanceof InventoryCorrupt) return { refused: error }
        throw error
      }
    },
  ),
  ...Object.fromEntries(
    Object.entries(SCHEMAS).map(([typ, schema]) => [
      `readDocument of ${typ}`,
      reader(
        (arbitraryOf(schema) as fc.Arbitrary<{ must: readonly string[]; cluster: string; adm: number }>).map(
          payload => ({
            ...payload,
            must: ['iat'],
            cluster: context.cluster,
            adm: context.adm,
          }),
        ),
        signed(typ),
        (text: string) => {
          const read = readDocument(text, context)
          return read.kind === 'read' ? { value: read.document } : { refused: read }
        },
      ),
    ]),
  ),
  decodePulse: reader(arbitraryOf(pulse), json, (text: string) => payloadOf(text, decodePulse)),
  decodeHubKeys: reader(arbitraryOf(hubKeys), json, (text: string) => payloadOf(text, decodeHubKeys)),
  decodeAdmission: reader(arbitraryOf(admission), json, (text: string) => payloadOf(text, decodeAdmission)),
}

function payloadOf(text: string, decode: (payload: JsonObject) => AnyReading): Reading {
  const read = readJws(`${segment({ alg: 'EdDSA', kid: key.kid, typ: 'x' })}.${segment(text)}.${'A'.repeat(86)}`)
  return read.kind === 'unverified' ? decoded(decode(read.payload)) : { refused: read }
}

function segment(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : json(value)).toString('base64url')
}

/** Reads something hostile: it has to be answered, soon, by a value that is no larger than what came or a short refusal. */
function answers({ read }: Reader, message: string | Uint8Array): void {
  const reading = quickly(() => read(message as never))
  if ('refused' in reading) {
    expect((reading.refused?.message ?? '').length).toBeLessThan(1000)
    return
  }
  expect(reading.value).toBeDefined()
  if (sloppyJson(reading.value).length > 8 * message.length + 1000) expect.fail('it became larger than what came')
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

describe.each(Object.entries(readers))('%s', (_name, row) => {
  const sample = row.encode(fc.sample(row.good, 1)[0] as never)
  const binary = sample instanceof Uint8Array
  const isJson = Buffer.from(sample as string)
    .toString()
    .startsWith('{')
  const encoded = row.good.map(value => row.encode(value as never))

  test('gives back what was written', () => {
    fc.assert(
      fc.property(row.good, value => {
        expect(row.read(row.encode(value as never) as never)).toEqual({ value: givenBack(row, value) })
      }),
      { numRuns: FUZZ_CASES / 4 },
    )
  })

  test('answers whatever comes, soon and in its declared form', () => {
    const texts = encoded.map(message => (typeof message === 'string' ? message : Buffer.from(message).toString()))
    const text = fc.oneof(hostileText(texts), hostileJson(row.good).map(sloppyJson), noise)
    const some: fc.Arbitrary<string | Uint8Array> = binary
      ? fc.oneof(
          text.map(each => Buffer.from(each)),
          hostileBytes(encoded as fc.Arbitrary<Uint8Array>),
          fc.uint8Array(),
        )
      : text
    fc.assert(
      fc.property(some, message => answers(row, message)),
      { numRuns: FUZZ_CASES },
    )
  })

  // Of plain JSON that was said above.
  if (isJson && row !== readers['decodeBundle']) return
  test('answers what is well wrapped and badly said', () => {
    fc.assert(
      fc.property(hostileJson(row.good), value => {
        let message: string | Uint8Array
        try {
          message = row.encode(value as never)
        } catch {
          // Not even our own writer takes it.
          return
        }
        answers(row, message)
      }),
      { numRuns: FUZZ_CASES },
    )
  })
})

/** What a reader is to give back, where that is not the value itself. */
function givenBack(row: Reader, value: unknown): unknown {
  return row === readers['decodeBundle'] ? [...(value as readonly unknown[])].map(json).sort() : value
}

/** JSON as a stranger might write it, with what canonical JSON would refuse to write. */
function sloppyJson(value: unknown): string {
  return JSON.stringify(value, plain) ?? 'null'
}

describe('readers of several messages', () => {
  test('readAdmission and walkHubKeys answer whatever comes', () => {
    const link = hostileJson(arbitraryOf(hubKeys)).map(payload => signJws('hub-keys', payload as JsonObject, key))
    const text = fc.oneof(hostileText(fc.constant(signJws('admission', sampleOffer(1), key))), noise)
    fc.assert(
      fc.property(text, fc.array(fc.oneof(link, noise), { maxLength: 4 }), (admissionText, links) => {
        const expected = { kid: key.kid, hubId: 'h', agentKey: 'k' }
        expect(quickly(() => readAdmission(admissionText, expected)).kind).toBe('refused')
        expect(['walked', 'refused']).toContain(quickly(() => walkHubKeys(links, key.kid)).kind)
      }),
      { numRuns: FUZZ_CASES },
    )
  })

  test('what is read of a document contains no field that the schema does not name', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), extra => {
        const read = decodeDocument('offer', { ...(extra as Record<string, Json>), ...sampleOffer(1) } as never)
        expect(read.kind === 'decoded' && read.value).toEqual(sampleOffer(1))
      }),
      { numRuns: FUZZ_CASES },
    )
  })

  test('an entry of any size is cut until a batch can hold it, and can be read', () => {
    const large = fc.tuple(arbitraryOf(entrySchema), fc.nat(3000), fc.string({ maxLength: 200 }))
    fc.assert(
      fc.property(large, ([entry, images, text]) => {
        const fitted = fitEntry({ ...entry, images: Array.from({ length: images }, () => text) })
        const body = encodeReportBatch([fitted])
        expect(body.length).toBeLessThan(MAX_REPORT_BYTES)
        expect(decodeReportBatch(body, END_OF_TIME).kind).toBe('decoded')
      }),
      { numRuns: Math.ceil(FUZZ_CASES / 20) },
    )
  })
})

describe('the largest messages', () => {
  const mebibyte = 1024 * 1024
  const cases: Record<string, string> = {
    'nothing but brackets': '['.repeat(mebibyte),
    'nothing but escapes': `"${'\\u0000'.repeat(mebibyte / 6)}"`,
    'nothing but quotes': '"'.repeat(mebibyte),
    'one number': '1'.repeat(mebibyte),
    'one frame with a million numbers': `{"kind":"settled","grants":[${'0,'.repeat(500_000)}0]}`,
    'a map of many keys': `{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":{}`).join(',')}}`,
    'one key, many times': `{${'"a":1,'.repeat(150_000)}"a":1}`,
    'white space': ' '.repeat(mebibyte - 2),
    dots: '.'.repeat(mebibyte),
    'a long base64url word': `${'A'.repeat(500_000)}.${'A'.repeat(400_000)}.AAAA`,
  }
  for (const [name, message] of Object.entries(cases)) {
    test(`${name}: every reader answers`, () => {
      for (const row of Object.values(readers)) {
        const binary = row.encode(fc.sample(row.good, 1)[0] as never) instanceof Uint8Array
        answers(row, binary ? Buffer.from(message) : message)
      }
    })
  }
})
