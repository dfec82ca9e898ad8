import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** A private key that signs, and the names of its public half. */
export interface SigningKey {
  /** Thumbprint of the public key: whoever knows it has pinned the key. */
  readonly kid: string
  /** Raw Ed25519 public key (32 bytes), base64url. */
  readonly publicKey: string
  readonly privateKey: KeyObject
}

/** Public keys by `kid`. */
export type PublicKeys = ReadonlyMap<string, KeyObject>

/** The fixed beginning of a PKCS #8 document that holds an Ed25519 seed (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const RAW_PUBLIC_KEY = /^[A-Za-z0-9_-]{43}$/

/**
 * The key pair that grows from 32 random bytes: the seed is all that has to be kept.
 *
 * @throws RangeError for a seed of another length.
 */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError(`an Ed25519 seed has 32 bytes, not ${seed.length}`)
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? ''
  return { kid: keyThumbprint(publicKey), publicKey, privateKey }
}

/** SHA-256 of the raw public key, base64url: the `kid` of every key here, so that a name is also a pin. */
export function keyThumbprint(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('base64url')
}

/** Making a key of its text costs half of what verifying with it does, and a hub asks for the same few all day. */
const imported = new Map<string, KeyObject>()
/** More than the agents of a large fleet; anybody may send keys, so there has to be an end. */
const MOST_IMPORTED = 4_096

/** The key of a raw public key (base64url); undefined for text that is none. */
export function importPublicKey(publicKey: string): KeyObject | undefined {
  if (!RAW_PUBLIC_KEY.test(publicKey)) return undefined
  const known = imported.get(publicKey)
  if (known) return known
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
    if (imported.size >= MOST_IMPORTED) imported.clear()
    imported.set(publicKey, key)
    return key
  } catch {
    return undefined
  }
}
