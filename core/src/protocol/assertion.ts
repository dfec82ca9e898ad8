import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { type Digest, sha256 } from '../json/canonical-json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { SigningKey } from './ed25519.ts'
import { readJws, signatureHolds, signJws, type UnverifiedJws, verifyJws } from './jws.ts'
import { count, decode, digest, epochMs, id, nonce as nonceSchema } from './schema.ts'

/** An assertion that says it lives longer is refused. */
export const ASSERTION_LIFE_MS = 60_000
/** How far ahead of the hub's clock an assertion may have been made. */
export const ASSERTION_AHEAD_MS = 30_000
/** What an agent asks for, so that a clock between two readings does not make it too long. */
const ASKED_LIFE_MS = 55_000
const MAX_ASSERTION_BYTES = 8192
const TYP = 'assertion'
const HELLO_TYP = 'hello'
export const ASSERTION_SCHEME = 'Flotilla-Agent'

export const assertionClaims = v.object({
  /** The cluster id. */
  iss: id,
  adm: count,
  /** The hub id. */
  aud: id,
  iat: epochMs,
  exp: epochMs,
  htm: v.picklist(['GET', 'POST']),
  /** Path and query. */
  htu: v.pipe(v.string(), v.maxLength(4096)),
  /** SHA-256 of the body; left out by uploads, which are taken once. */
  bh: v.exactOptional(digest),
  inc: count,
  inst: id,
})

/** What an agent says about itself and its request (protocol.md 3). */
export type AssertionClaims = v.InferOutput<typeof assertionClaims>

export interface AssertionRequest {
  readonly cluster: string
  readonly admission: number
  readonly hubId: string
  /** The hub's time as the agent reckons it. */
  readonly now: EpochMs
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Absent bodies are hashed as empty ones. */
  readonly body?: Uint8Array
  /** The body is a stream: it is sent while it comes to be, so nobody knows its hash. */
  readonly streamed?: true
  readonly inc: number
  readonly inst: string
}

/** The value of the `Authorization` header for one request. */
export function makeAssertion(request: AssertionRequest, key: SigningKey): string {
  const claims: AssertionClaims = {
    iss: request.cluster,
    adm: request.admission,
    aud: request.hubId,
    iat: request.now,
    exp: request.now + ASKED_LIFE_MS,
    htm: request.method,
    htu: request.path,
    ...(request.streamed !== true && { bh: bodyHash(request.body) }),
    inc: request.inc,
    inst: request.inst,
  }
  return `${ASSERTION_SCHEME} ${signJws(TYP, claims, key)}`
}

export function bodyHash(body: Uint8Array | undefined): Digest {
  return sha256(body ?? '')
}

export type AssertionRefusal =
  | 'ABSENT'
  | 'MALFORMED'
  | 'AUDIENCE'
  | 'TIME'
  | 'REQUEST'
  | 'ADMISSION'
  | 'SIGNATURE'
  | 'BODY'

type RefusedAssertion = { readonly kind: 'refused'; readonly code: AssertionRefusal }

/** An assertion taken apart to find whose it is; nothing in it is believed yet. */
export interface ReadAssertion {
  readonly kind: 'read'
  readonly claims: AssertionClaims
  readonly jws: UnverifiedJws
}

/** Reads the `Authorization` header. Never throws. */
export function readAssertion(header: string | undefined): ReadAssertion | RefusedAssertion {
  if (!header?.startsWith(`${ASSERTION_SCHEME} `)) return refused('ABSENT')
  const jws = readJws(header.slice(ASSERTION_SCHEME.length + 1), MAX_ASSERTION_BYTES)
  if (jws.kind === 'refused' || jws.typ !== TYP) return refused('MALFORMED')
  const decoded = decode(assertionClaims, jws.payload)
  return decoded.kind === 'decoded' ? { kind: 'read', claims: decoded.value, jws } : refused('MALFORMED')
}

export interface AssertionExpectation {
  readonly hubId: string
  readonly admission: number
  /** The hub's clock. */
  readonly now: EpochMs
  readonly method: string
  readonly path: string
  /** The cluster's agent key. */
  readonly key: KeyObject
}

/** Checks everything but the body, which has not been read yet; undefined when it holds. */
export function checkAssertion(read: ReadAssertion, expected: AssertionExpectation): RefusedAssertion | undefined {
  const { claims } = read
  if (claims.aud !== expected.hubId) return refused('AUDIENCE')
  if (claims.htm !== expected.method || claims.htu !== expected.path) return refused('REQUEST')
  if (claims.adm !== expected.admission) return refused('ADMISSION')
  const alive = claims.iat <= expected.now + ASSERTION_AHEAD_MS && expected.now < claims.exp
  if (!alive || claims.exp - claims.iat > ASSERTION_LIFE_MS) return refused('TIME')
  return signatureHolds(read.jws, expected.key) ? undefined : refused('SIGNATURE')
}

/** Whether this is the body that was asserted. */
export function checkBody(claims: AssertionClaims, body: Uint8Array | undefined): RefusedAssertion | undefined {
  return claims.bh === bodyHash(body) ? undefined : refused('BODY')
}

export const helloClaims = v.object({ iss: id, adm: count, aud: id, nonce: nonceSchema, inc: count, inst: id })

/** The proof that an agent answers the hub's nonce with: whoever replays a connect cannot make it. */
export type HelloProof = v.InferOutput<typeof helloClaims>

export function makeHelloProof(proof: HelloProof, key: SigningKey): string {
  return signJws(HELLO_TYP, proof, key)
}

/** The proof, if it is this key's; undefined otherwise. */
export function readHelloProof(jws: string, key: KeyObject): HelloProof | undefined {
  const verified = verifyJws(jws, { typ: HELLO_TYP, key: () => key, maxBytes: MAX_ASSERTION_BYTES })
  if (verified.kind === 'refused') return undefined
  const decoded = decode(helloClaims, verified.payload)
  return decoded.kind === 'decoded' ? decoded.value : undefined
}

function refused(code: AssertionRefusal): RefusedAssertion {
  return { kind: 'refused', code }
}
