import * as v from 'valibot'
import type { AdmissionPayload } from './documents.ts'
import { importPublicKey, keyThumbprint, type PublicKeys, type SigningKey } from './ed25519.ts'
import { readJws, signatureHolds, signJws, verifyJws } from './jws.ts'
import { decode, epochMs, id, jws, publicKey, textMap } from './schema.ts'
import { decodeAdmission } from './signed-document.ts'

/** Of the JWS that an agent returns with: an admission carries the hub's whole chain of keys. */
export const MAX_RETURN_BYTES = 256 * 1024
const TYP = 'return'

export const returnRequest = v.object({
  aud: id,
  /** The admission that the hub once gave, as signed. */
  admission: jws,
  /** The agent's public key, by which the request is signed and for which the admission is. */
  key: publicKey,
  uid: id,
  versions: textMap(20),
  iat: epochMs,
})

/**
 * What an agent says that its hub does not know any more: here is my admission, which you signed (protocol.md 5.7). It
 * proves that the hub once knew this key for that cluster, and lets nobody in: an operator has to approve it.
 */
export type ReturnRequest = v.InferOutput<typeof returnRequest>

export function makeReturn(request: Omit<ReturnRequest, 'key'>, key: SigningKey): string {
  return signJws(TYP, { ...request, key: key.publicKey }, key)
}

export type ReturnReading =
  | { readonly kind: 'read'; readonly request: ReturnRequest; readonly admission: AdmissionPayload }
  | { readonly kind: 'refused'; readonly message: string }

/** Checks the agent's signature over the whole, and the hub's own over the admission in it. Never throws. */
export function readReturn(
  text: string,
  expected: { readonly hubId: string; readonly keys: PublicKeys },
): ReturnReading {
  const read = readJws(text, MAX_RETURN_BYTES)
  if (read.kind === 'refused' || read.typ !== TYP) return refused('it is no return')
  const decoded = decode(returnRequest, read.payload)
  if (decoded.kind === 'refused') return refused(decoded.message)
  const request = decoded.value
  const key = importPublicKey(request.key)
  if (!key || read.kid !== keyThumbprint(request.key) || !signatureHolds(read, key))
    return refused('it is not signed by the key that it names')
  const verified = verifyJws(request.admission, {
    typ: 'admission',
    key: kid => expected.keys.get(kid),
    maxBytes: MAX_RETURN_BYTES,
  })
  if (verified.kind === 'refused') return refused(verified.message)
  const admission = decodeAdmission(verified.payload)
  if (admission.kind === 'refused') return refused(admission.message)
  const { hubId, agentKey } = admission.value
  if (request.aud !== expected.hubId || hubId !== expected.hubId) return refused('it is another hub’s')
  if (agentKey !== request.key) return refused('its admission is another key’s')
  return { kind: 'read', request, admission: admission.value }
}

function refused(message: string): ReturnReading {
  return { kind: 'refused', message }
}
