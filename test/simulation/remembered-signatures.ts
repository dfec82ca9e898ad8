import crypto, { createPublicKey, type KeyObject } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const { sign, verify } = crypto

/** Far more than are under way at a time. */
const MOST_REMEMBERED = 4_000

/**
 * In this process alone: whoever asks whether a signature holds that was made here, by that key, over those very bytes,
 * is answered from memory, and everything else, one altered byte included, is verified. Signatures are the real ones;
 * hub and agents of a simulation live in one process, and would compute twice what both of them know.
 */
export function rememberSignatures(): void {
  const made = new Set<string>()
  const publicKeys = new WeakMap<KeyObject, string>()
  const publicKeyOf = (key: KeyObject): string => {
    const known = publicKeys.get(key)
    if (known !== undefined) return known
    const text = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' }).x ?? ''
    publicKeys.set(key, text)
    return text
  }
  const line = (data: Buffer, key: KeyObject, signature: Uint8Array): string =>
    `${publicKeyOf(key)} ${Buffer.from(signature).toString('latin1')} ${data.toString('latin1')}`
  crypto.sign = ((algorithm: null, data: Buffer, key: KeyObject): Buffer => {
    const signature = sign(algorithm, data, key)
    if (made.size >= MOST_REMEMBERED) made.clear()
    made.add(line(data, key, signature))
    return signature
  }) as typeof crypto.sign
  crypto.verify = ((algorithm: null, data: Buffer, key: KeyObject, signature: Uint8Array): boolean =>
    made.has(line(data, key, signature)) || verify(algorithm, data, key, signature)) as typeof crypto.verify
  syncBuiltinESMExports()
}
