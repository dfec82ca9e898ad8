import * as v from 'valibot'
import { canonicalJson, type Digest, sha256 } from '../json/canonical-json.ts'
import type { JsonObject } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { parseBoundedJson } from './bounded-json.ts'
import { fromBase64url } from './jws.ts'
import { base64url, decode, digest, epochMs, id, publicKey, shortText } from './schema.ts'

export const JOIN_TOKEN_PREFIX = 'flj1.'
const MAX_TOKEN_LENGTH = 8192

const schema = v.object({
  /** URL of the hub. */
  hub: v.pipe(v.string(), v.maxLength(2048), v.regex(/^https?:\/\//, 'an http or https URL')),
  hubId: id,
  /** Thumbprint of the hub's signing key: the admission has to be signed by it. */
  kid: publicKey,
  /** SHA-256 of the certificate to accept; only where the hub uses its own CA. */
  ca: v.exactOptional(digest),
  /** Id of the token at the hub. */
  id: base64url,
  /** The Cluster it admits, for a bound token. */
  name: v.exactOptional(shortText),
  /** A token for many, each of which waits for approval. */
  pending: v.exactOptional(v.literal(true)),
  expires: epochMs,
})

/** What a join token says openly (protocol.md 2). */
export interface JoinTokenContent {
  readonly hub: string
  readonly hubId: string
  readonly kid: string
  readonly ca?: Digest
  readonly id: string
  readonly name?: string
  readonly pending?: true
  readonly expires: EpochMs
}

export interface JoinToken extends JoinTokenContent {
  /** 32 random bytes. The hub keeps only {@link joinSecretHash} of them. */
  readonly secret: Uint8Array
}

/** `flj1.` + base64url of the content + `.` + base64url of the secret: one word to paste. */
export function encodeJoinToken(token: JoinToken): string {
  const { secret, ...content } = token
  const open = Buffer.from(canonicalJson(content as unknown as JsonObject)).toString('base64url')
  return `${JOIN_TOKEN_PREFIX}${open}.${Buffer.from(secret).toString('base64url')}`
}

/** Reads a pasted token; surrounding white space is forgiven, nothing else. Never throws, never repeats the secret. */
export function parseJoinToken(
  pasted: string,
): { readonly kind: 'token'; readonly token: JoinToken } | { readonly kind: 'refused'; readonly message: string } {
  const text = pasted.trim()
  if (text.length > MAX_TOKEN_LENGTH || !text.startsWith(JOIN_TOKEN_PREFIX)) {
    return { kind: 'refused', message: `a join token begins with "${JOIN_TOKEN_PREFIX}"` }
  }
  const [contentPart, secretPart, ...rest] = text.slice(JOIN_TOKEN_PREFIX.length).split('.')
  const open = fromBase64url(contentPart ?? '')
  const secret = fromBase64url(secretPart ?? '')
  if (!open || secret?.length !== 32 || rest.length > 0) {
    return { kind: 'refused', message: 'the join token is cut off or was changed on its way' }
  }
  const decoded = decode(schema, parseBoundedJson(Buffer.from(open).toString('utf8'), MAX_TOKEN_LENGTH))
  if (decoded.kind === 'refused') return { kind: 'refused', message: `in the join token, ${decoded.message}` }
  if ((decoded.value.name === undefined) === (decoded.value.pending === undefined)) {
    return { kind: 'refused', message: 'a join token is either for one name or pending' }
  }
  return { kind: 'token', token: { ...decoded.value, secret } }
}

/** What the hub stores instead of the secret. 256 random bits need no salt and no slow hash. */
export function joinSecretHash(secret: Uint8Array): Digest {
  return sha256(secret)
}
