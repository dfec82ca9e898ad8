import { type KeyObject, sign, verify } from 'node:crypto'
import { canonicalJson } from '../json/canonical-json.ts'
import { isJsonObject, type Json, type JsonObject } from '../json/json.ts'
import { parseBoundedJson } from './bounded-json.ts'
import type { SigningKey } from './ed25519.ts'

/** Why a JWS is not believed. The text never repeats what it was given. */
export type JwsRefusalCode = 'JWS_MALFORMED' | 'JWS_ALGORITHM' | 'JWS_TYP' | 'JWS_KEY' | 'JWS_SIGNATURE'

export interface JwsRefused {
  readonly kind: 'refused'
  readonly code: JwsRefusalCode
  readonly message: string
}

export interface JwsContent {
  readonly kind: 'verified'
  readonly typ: string
  readonly kid: string
  readonly payload: JsonObject
}

/** A JWS taken apart, its signature not looked at: good for finding the key, and for nothing else. */
export interface UnverifiedJws {
  readonly kind: 'unverified'
  readonly typ: string
  readonly kid: string
  readonly payload: JsonObject
  readonly signingInput: string
  readonly signature: Uint8Array
}

export interface VerifyOptions {
  /** The kinds that are expected here; another kind's signature proves nothing. */
  readonly typ: string | readonly string[]
  readonly key: (kid: string) => KeyObject | undefined
  /** Of the whole text; default 1 MiB. */
  readonly maxBytes?: number
}

/** The longest JWS that any reader here takes. */
export const MAX_JWS_BYTES = 1024 * 1024

const HEADER_BYTES = 1024

/**
 * Signs a payload as a compact JWS (RFC 7515) with EdDSA. Equal payloads under one key give equal bytes, because the
 * JSON is canonical and Ed25519 is deterministic.
 */
export function signJws(typ: string, payload: object, key: SigningKey): string {
  const input = `${headerSegment(key.kid, typ)}.${segment(payload as JsonObject)}`
  return `${input}.${sign(null, Buffer.from(input, 'ascii'), key.privateKey).toString('base64url')}`
}

/**
 * Checks form, algorithm, kind, key and signature, in this order. Never throws, whatever the text.
 *
 * The header may hold `alg`, `kid` and `typ` and nothing else: what we do not read cannot change what we believe.
 * Base64url is read strictly, so one signed content has one text.
 */
export function verifyJws(text: string, options: VerifyOptions): JwsContent | JwsRefused {
  const read = readJws(text, options.maxBytes ?? MAX_JWS_BYTES)
  if (read.kind === 'refused') return read
  const expected = typeof options.typ === 'string' ? options.typ === read.typ : options.typ.includes(read.typ)
  if (!expected) return refused('JWS_TYP', 'it is of another kind than the one expected')
  const key = options.key(read.kid)
  if (!key) return refused('JWS_KEY', 'it is signed by a key that is not known here')
  if (!signatureHolds(read, key)) return refused('JWS_SIGNATURE', 'its signature does not hold')
  return { kind: 'verified', typ: read.typ, kid: read.kid, payload: read.payload }
}

/** Takes a JWS apart without believing it. */
export function readJws(text: string, maxBytes = MAX_JWS_BYTES): UnverifiedJws | JwsRefused {
  if (text.length > maxBytes) return refused('JWS_MALFORMED', `it is longer than ${maxBytes} bytes`)
  const parts = text.split('.', 4)
  if (parts.length !== 3) return refused('JWS_MALFORMED', 'it does not have three parts')
  const [headerPart = '', payloadPart = '', signaturePart = ''] = parts
  const header = headerPart.length > HEADER_BYTES ? undefined : readHeader(headerPart)
  if (!header) return refused('JWS_MALFORMED', 'its header is not a JSON object in base64url')
  const { alg, kid, typ, ...others } = header
  if (alg !== 'EdDSA') return refused('JWS_ALGORITHM', 'its algorithm is not EdDSA')
  if (typeof kid !== 'string' || typeof typ !== 'string' || Object.keys(others).length > 0) {
    return refused('JWS_MALFORMED', 'its header does not hold exactly alg, kid and typ')
  }
  const payload = jsonSegment(payloadPart)
  if (!payload) return refused('JWS_MALFORMED', 'its payload is not a JSON object in base64url')
  const signature = fromBase64url(signaturePart)
  if (signature?.length !== 64) return refused('JWS_MALFORMED', 'its signature does not have 64 bytes')
  return { kind: 'unverified', typ, kid, payload, signingInput: `${headerPart}.${payloadPart}`, signature }
}

/** The admission that a document says it was issued under, 0 where it says nothing of the kind. Proves nothing. */
export function admissionOf(payload: JsonObject): number {
  const adm = payload['adm']
  return typeof adm === 'number' ? adm : 0
}

/** Whether two texts say the same, whoever signed each: a document is signed anew when the hub's key changes. */
export function saysTheSame(a: string, b: string): boolean {
  if (a === b) return true
  const [ours, theirs] = [readJws(a), readJws(b)]
  if (ours.kind === 'refused' || theirs.kind === 'refused' || ours.typ !== theirs.typ) return false
  return a.split('.')[1] === b.split('.')[1]
}

/** Whether the signature is this key's. */
export function signatureHolds(jws: UnverifiedJws, key: KeyObject): boolean {
  try {
    return verify(null, Buffer.from(jws.signingInput, 'ascii'), key, jws.signature)
  } catch {
    return false
  }
}

/**
 * Strict base64url without padding: undefined where another text would decode to the same bytes. What is no base64url
 * is never written that way again either.
 */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** The same few headers stand before every document: as they were read and as they are written. */
const headersRead = new Map<string, JsonObject>()
const headersWritten = new Map<string, string>()
const MOST_HEADERS = 256

function readHeader(part: string): JsonObject | undefined {
  const known = headersRead.get(part)
  if (known) return known
  const header = jsonSegment(part)
  return header && keep(headersRead, part, header)
}

function headerSegment(kid: string, typ: string): string {
  const name = `${typ} ${kid}`
  return headersWritten.get(name) ?? keep(headersWritten, name, segment({ alg: 'EdDSA', kid, typ }))
}

/** Whoever makes up headers only has the others forgotten. */
function keep<T>(known: Map<string, T>, name: string, value: T): T {
  if (known.size >= MOST_HEADERS) known.clear()
  known.set(name, value)
  return value
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function jsonSegment(part: string): JsonObject | undefined {
  const bytes = fromBase64url(part)
  if (!bytes) return undefined
  try {
    const value: Json | undefined = parseBoundedJson(utf8.decode(bytes), MAX_JWS_BYTES)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function segment(value: JsonObject): string {
  return Buffer.from(canonicalJson(value), 'utf8').toString('base64url')
}

function refused(code: JwsRefusalCode, message: string): JwsRefused {
  return { kind: 'refused', code, message }
}
