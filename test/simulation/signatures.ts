import crypto, { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const { sign, verify } = crypto

/** Far more than are under way at a time. */
const MOST_REMEMBERED = 4_000
/** Of so many lives one is signed as in production; a curve's arithmetic is a tenth of what the others would take. */
const REALLY_SIGNED_EVERY = 8

export interface Signatures {
  /** How the life of this seed is signed from now on; without it, really. */
  readonly ofLife: (seed: number) => void
}

/**
 * Takes the place of Ed25519 in this process alone. In some lives signatures are the real ones, and whoever asks whether
 * one holds that was made here, by that key, over those very bytes, is answered from memory. In the others a signature
 * is a hash of the public key and the bytes: of the same length, the same for the same bytes, and another one when a
 * single bit of either differs. Everything that is neither is verified as ever, so nobody is believed without a
 * signature; only who knows a public key could forge one, and none of those that live here does.
 */
export function signQuickly(): Signatures {
  const made = new Set<string>()
  const publicKeys = new WeakMap<KeyObject, string>()
  let really = true
  const publicKeyOf = (key: KeyObject): string => {
    const known = publicKeys.get(key)
    if (known !== undefined) return known
    const text = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' }).x ?? ''
    publicKeys.set(key, text)
    return text
  }
  const line = (data: Buffer, key: KeyObject, signature: Uint8Array): string =>
    `${publicKeyOf(key)} ${Buffer.from(signature).toString('latin1')} ${data.toString('latin1')}`
  const seal = (data: Buffer, key: KeyObject): Buffer =>
    Buffer.from(hash('sha256', `${publicKeyOf(key)} ${data.toString('latin1')}`, 'hex'), 'latin1')
  crypto.sign = ((algorithm: null, data: Buffer, key: KeyObject): Buffer => {
    if (!really) return seal(data, key)
    const signature = sign(algorithm, data, key)
    if (made.size >= MOST_REMEMBERED) made.clear()
    made.add(line(data, key, signature))
    return signature
  }) as typeof crypto.sign
  crypto.verify = ((algorithm: null, data: Buffer, key: KeyObject, signature: Uint8Array): boolean => {
    const holds = really ? made.has(line(data, key, signature)) : seal(data, key).equals(signature)
    return holds || verify(algorithm, data, key, signature)
  }) as typeof crypto.verify
  syncBuiltinESMExports()
  return {
    ofLife: seed => {
      really = seed % REALLY_SIGNED_EVERY === 0
      made.clear()
    },
  }
}
