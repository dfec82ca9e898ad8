import * as v from 'valibot'
import { parseBoundedJson } from './bounded-json.ts'
import type { AdmissionPayload } from './documents.ts'
import { importPublicKey, keyThumbprint, type PublicKeys, type SigningKey } from './ed25519.ts'
import { type ChainWalk, walkHubKeys } from './hub-key-chain.ts'
import { fromBase64url, readJws, signatureHolds, signJws, verifyJws } from './jws.ts'
import { base64url, decode, epochMs, id, jws, publicKey, shortText, textMap } from './schema.ts'
import { decodeAdmission } from './signed-document.ts'

/** Of the JWS that an agent enrols with. */
export const MAX_ENROLMENT_BYTES = 32 * 1024
const TYP = 'enrolment'

export const enrolmentRequest = v.object({
  /** The hub id: a request for one hub is worth nothing at another. */
  aud: id,
  /** Join token: its id, and the secret in base64url. */
  token: base64url,
  secret: publicKey,
  /** The agent's new public key, by which the request is signed. */
  key: publicKey,
  /** UID of the namespace `kube-system`: what tells one cluster from another. */
  uid: id,
  versions: textMap(20),
  iat: epochMs,
  /** For a pending token; without effect before the approval. */
  proposed: v.exactOptional(v.object({ name: shortText, labels: textMap(50) })),
})

/** What an agent asks with (protocol.md 2). */
export type EnrolmentRequest = v.InferOutput<typeof enrolmentRequest>

/** Signs an enrolment by the new key itself, which proves that the sender has it. */
export function makeEnrolment(request: Omit<EnrolmentRequest, 'key'>, key: SigningKey): string {
  return signJws(TYP, { ...request, key: key.publicKey }, key)
}

/** Reads an enrolment and checks that it is signed by the key that it brings; undefined otherwise. Never throws. */
export function readEnrolment(text: string): EnrolmentRequest | undefined {
  const read = readJws(text, MAX_ENROLMENT_BYTES)
  if (read.kind === 'refused' || read.typ !== TYP) return undefined
  const decoded = decode(enrolmentRequest, read.payload)
  if (decoded.kind === 'refused') return undefined
  const key = importPublicKey(decoded.value.key)
  if (!key || read.kid !== keyThumbprint(decoded.value.key) || !signatureHolds(read, key)) return undefined
  return decoded.value
}

export function enrolmentSecret(request: EnrolmentRequest): Uint8Array {
  return fromBase64url(request.secret) ?? new Uint8Array()
}

/** The body of a 200: the admission as signed by the token's `kid`. */
export interface EnrolmentAnswer {
  readonly admission: string
}

const answerSchema = v.object({ admission: jws })

export interface Admission {
  readonly payload: AdmissionPayload
  readonly keys: PublicKeys
  readonly newestKid: string
  /** The pinned key: what it is read with again after a restart. */
  readonly kid: string
}

export type AdmissionReading =
  | { readonly kind: 'admitted'; readonly admission: Admission }
  | { readonly kind: 'refused'; readonly message: string }

/** Reads the body of a 200 to an enrolment. */
export function readEnrolmentAnswer(body: string): EnrolmentAnswer | undefined {
  const decoded = decode(answerSchema, parseBoundedJson(body, 2 * 1024 * 1024))
  return decoded.kind === 'decoded' ? decoded.value : undefined
}

/**
 * Believes an admission only if it is signed by the pinned key or one that the hub's chain leads to from it, for our key
 * and from our hub. The chain comes in the admission itself: a token that was made before a rotation is good after it.
 * Never throws.
 */
export function readAdmission(
  text: string,
  expected: { readonly kid: string; readonly hubId: string; readonly agentKey: string; readonly name?: string },
): AdmissionReading {
  const read = readJws(text)
  if (read.kind === 'refused') return refused(read.message)
  const decoded = decodeAdmission(read.payload)
  if (decoded.kind === 'refused') return refused(decoded.message)
  const payload = decoded.value
  const chain: ChainWalk = walkHubKeys(payload.hubKeys, expected.kid)
  if (chain.kind === 'refused') return chain
  const verified = verifyJws(text, {
    typ: 'admission',
    key: kid => chain.keys.get(kid),
  })
  if (verified.kind === 'refused') return refused(verified.message)
  if (payload.hubId !== expected.hubId || chain.hubId !== expected.hubId) return refused('it is another hub’s')
  if (payload.agentKey !== expected.agentKey) return refused('it is for another agent’s key')
  if (expected.name !== undefined && payload.clusterName !== expected.name) return refused('it is for another name')
  return { kind: 'admitted', admission: { payload, keys: chain.keys, newestKid: chain.newest, kid: expected.kid } }
}

function refused(message: string): { readonly kind: 'refused'; readonly message: string } {
  return { kind: 'refused', message }
}
