import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Random } from '@flotilla/core/ports/random'

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Hides texts from whoever has the store or a browser, and notices any change: AES-256-GCM, by a key that follows from
 * one of hub.key. What was sealed for one purpose does not open for another.
 */
export class Sealer {
  readonly #key: Buffer
  readonly #random: Random

  /** @param key 32 bytes that stay out of the store. */
  constructor(key: Uint8Array, random: Random) {
    this.#key = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), 'flotilla sign-in', 32))
    this.#random = random
  }

  seal(purpose: string, text: string): string {
    const iv = Buffer.from(this.#random.bytes(IV_BYTES))
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv)
    cipher.setAAD(Buffer.from(purpose))
    const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), hidden]).toString('base64url')
  }

  /** @returns undefined for what this key has not sealed for that purpose. */
  open(purpose: string, sealed: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES))
    decipher.setAAD(Buffer.from(purpose))
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    try {
      const rest = bytes.subarray(IV_BYTES + TAG_BYTES)
      return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8')
    } catch (error) {
      // The tag does not fit: it was changed, or sealed by another key.
      if (error instanceof Error) return undefined
      throw error
    }
  }
}
