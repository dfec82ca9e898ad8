import { sha256 } from '@flotilla/core/json/canonical-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { describe, expect, test } from 'vitest'
import { KEY_BYTES, NONCE_BYTES, openBundle, sealBundle } from './seal-bundle.ts'

const random = seededRandom(3)
const key = random.bytes(KEY_BYTES)
const nonce = random.bytes(NONCE_BYTES)

/** What compresses well, and what does not at all: whoever does the work, the bytes are the same. */
const BUNDLES = {
  'a small one': random.bytes(300),
  'one that is small once it is compressed': new Uint8Array(200_000).fill(97),
  'a large one': random.bytes(200_000),
}

describe.each(Object.entries(BUNDLES))('%s', (_, bytes) => {
  const digest = sha256(bytes)
  const sealed = () => sealBundle(digest, bytes, key, nonce)

  test('opens as it was sealed', async () => {
    expect(Buffer.compare(await openBundle(digest, await sealed(), key, bytes.length + 1), bytes)).toBe(0)
  })

  test('does not open when a byte is another, or under another key or name', async () => {
    const altered = Uint8Array.from(await sealed())
    altered[altered.length - 1]! ^= 1
    await expect(openBundle(digest, altered, key, 1_000_000)).rejects.toThrow('altered')
    await expect(openBundle(digest, await sealed(), random.bytes(KEY_BYTES), 1_000_000)).rejects.toThrow('altered')
    await expect(openBundle(sha256('another'), await sealed(), key, 1_000_000)).rejects.toThrow('altered')
  })

  test('is not inflated further than it may be', async () => {
    await expect(openBundle(digest, await sealed(), key, bytes.length - 1)).rejects.toThrow()
  })
})
