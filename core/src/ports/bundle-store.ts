import type { Digest } from '../json/canonical-json.ts'

/** Bundles by digest, encrypted at rest where they are files. What is there is never changed. */
export interface BundleStore {
  has(digest: Digest): Promise<boolean>
  /** Checks that the bytes have that digest; storing again is a success. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>
  /** The bytes, checked against the digest. @throws BundleStoreError `BUNDLE_CORRUPT` */
  get(digest: Digest): Promise<Uint8Array | undefined>
  /** Every digest with the time it was last stored, for sweeping. */
  list(): Promise<readonly { readonly digest: Digest; readonly storedAt: number; readonly size: number }[]>
  delete(digest: Digest): Promise<void>
}

export class BundleStoreError extends Error {
  readonly code: 'BUNDLE_CORRUPT' | 'BUNDLE_STORE_FULL' | 'BUNDLE_STORE_UNAVAILABLE'
  readonly subject: string
  readonly retry: boolean
  constructor(
    code: BundleStoreError['code'],
    subject: string,
    message: string,
    options: { retry: boolean; cause?: unknown },
  ) {
    super(`${subject}: ${message} (${code})`, { cause: options.cause })
    this.name = 'BundleStoreError'
    this.code = code
    this.subject = subject
    this.retry = options.retry
  }
}
