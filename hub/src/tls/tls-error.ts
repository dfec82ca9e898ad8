/** A certificate that cannot be served: unreadable, not what it should be, or past its time. */
export class TlsError extends Error {
  readonly code: 'CERTIFICATE_UNREADABLE' | 'CERTIFICATE_MALFORMED' | 'CERTIFICATE_KEY_MISMATCH' | 'CERTIFICATE_EXPIRED'
  /** The file. */
  readonly subject: string
  readonly retry = false
  constructor(code: TlsError['code'], subject: string, message: string, options?: { cause?: unknown }) {
    super(`${subject}: ${message} (${code})`, options)
    this.name = 'TlsError'
    this.code = code
    this.subject = subject
  }
}
