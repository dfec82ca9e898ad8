/** The store refused or failed: whether trying again may help, and what it was about. */
export class StoreError extends Error {
  readonly code: 'STORE_FULL' | 'STORE_CORRUPT' | 'STORE_NEWER' | 'STORE_LOCKED' | 'STORE_UNAVAILABLE'
  readonly subject: string
  readonly retry: boolean
  constructor(
    code: StoreError['code'],
    subject: string,
    message: string,
    options: { retry: boolean; cause?: unknown },
  ) {
    super(`${subject}: ${message} (${code})`, { cause: options.cause })
    this.name = 'StoreError'
    this.code = code
    this.subject = subject
    this.retry = options.retry
  }
}
