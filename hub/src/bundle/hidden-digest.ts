import { createHmac } from 'node:crypto'
import type { Digest } from '@flotilla/core/json/canonical-json'

/**
 * What people see instead of the digest of a Bundle that holds Secrets (decision 17): equal Bundles look equal, and
 * nobody without the hub's key can try values against it.
 */
export function hiddenDigest(bundleKey: Uint8Array): (digest: Digest) => string {
  return digest => `hmac:${createHmac('sha256', bundleKey).update(digest).digest('hex')}`
}
