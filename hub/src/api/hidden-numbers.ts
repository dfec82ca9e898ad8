import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'

/**
 * Numbers of what is kept in one order for everybody, as text that says nothing: the numbers themselves would tell how
 * much happens that one may not see.
 */
export class HiddenNumbers {
  readonly #key: Buffer

  /** @param secret Whoever has it reads the numbers; with another one they are none. */
  constructor(secret: string) {
    this.#key = createHash('sha256').update(secret).digest().subarray(0, 16)
  }

  /** @param number A whole one, 0 or more. */
  hide(number: number): string {
    const block = Buffer.alloc(16)
    block.writeBigUInt64BE(BigInt(number), 8)
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    return Buffer.concat([cipher.update(block), cipher.final()]).toString('base64url')
  }

  /** The number again; undefined for what was hidden with another secret, or never. */
  find(text: string): number | undefined {
    if (!/^[A-Za-z0-9_-]{22}$/.test(text)) return undefined
    const decipher = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    const block = Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()])
    if (block.readBigUInt64BE(0) !== 0n) return undefined
    const number = Number(block.readBigUInt64BE(8))
    return Number.isSafeInteger(number) ? number : undefined
  }
}
