import { createCipheriv, createDecipheriv } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
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

const compressElsewhere = promisify(zstdCompress)
const decompressElsewhere = promisify(zstdDecompress)
/** Most Bundles are this small: handing them to another thread costs several times the work itself. */
const SMALL_BYTES = 32 * 1024

/** @param nonce {@link NONCE_BYTES} random bytes, never used twice with one key. */
export async function sealBundle(
  digest: Digest,
  bytes: Uint8Array,
  key: Uint8Array,
  nonce: Uint8Array,
): Promise<Uint8Array> {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData(digest))
  const sealed = [cipher.update(await compressed(bytes)), cipher.final()]
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
  const opened = Buffer.concat([decipher.update(buffer.subarray(HEAD_BYTES, -TAG_BYTES)), finish(decipher)])
  const bytes = await inflated(opened, maxBytes)
  if (sha256(bytes) !== digest) throw new Error('the stored bytes have another digest')
  return bytes
}

async function compressed(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes.byteLength <= SMALL_BYTES ? zstdCompressSync(bytes) : await compressElsewhere(bytes)
}

async function inflated(bytes: Uint8Array, maxOutputLength: number): Promise<Uint8Array> {
  const small = bytes.byteLength <= SMALL_BYTES / 4
  return small ? zstdDecompressSync(bytes, { maxOutputLength }) : await decompressElsewhere(bytes, { maxOutputLength })
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
