import { createCipheriv, createDecipheriv } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'

/*
 * A sealed Bundle: 4 bytes of format, 12 of nonce, the compressed bytes under AES-256-GCM, 16 of tag. The digest is
 * the additional data, so that a file put under another's name does not open.
 */

const FORMAT = Buffer.from('FBN1', 'latin1')
export const NONCE_BYTES = 12
export const KEY_BYTES = 32
const TAG_BYTES = 16
const HEAD_BYTES = FORMAT.byteLength + NONCE_BYTES

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** @param nonce {@link NONCE_BYTES} random bytes, never used twice with one key. */
export async function sealBundle(
  digest: Digest,
  bytes: Uint8Array,
  key: Uint8Array,
  nonce: Uint8Array,
): Promise<Uint8Array> {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData(digest))
  const sealed = [cipher.update(await compress(bytes)), cipher.final()]
  return Buffer.concat([FORMAT, nonce, ...sealed, cipher.getAuthTag()])
}

/**
 * @param maxBytes Of the result: what inflates further is not read.
 * @throws Error saying what is wrong with the file: format, key or bytes.
 */
export async function openBundle(
  digest: Digest,
  sealed: Uint8Array,
  key: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array> {
  const buffer = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (buffer.byteLength < HEAD_BYTES + TAG_BYTES) throw new Error('the file is cut off')
  if (!buffer.subarray(0, FORMAT.byteLength).equals(FORMAT)) throw new Error('the file is no stored Bundle')
  const nonce = buffer.subarray(FORMAT.byteLength, HEAD_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(additionalData(digest))
  decipher.setAuthTag(buffer.subarray(-TAG_BYTES))
  const compressed = [decipher.update(buffer.subarray(HEAD_BYTES, -TAG_BYTES)), finish(decipher)]
  const bytes = await decompress(Buffer.concat(compressed), { maxOutputLength: maxBytes })
  if (sha256(bytes) !== digest) throw new Error('the stored bytes have another digest')
  return bytes
}

function finish(decipher: ReturnType<typeof createDecipheriv>): Buffer {
  try {
    return decipher.final()
  } catch (cause) {
    throw new Error('the file was altered, or sealed with another key', { cause })
  }
}

function additionalData(digest: Digest): Buffer {
  return Buffer.concat([FORMAT, Buffer.from(digest)])
}
