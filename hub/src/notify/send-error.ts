export type SendCode =
  | 'NOTIFY_REFUSED'
  | 'NOTIFY_UNAVAILABLE'
  | 'NOTIFY_UNREACHABLE'
  | 'NOTIFY_TIMEOUT'
  | 'NOTIFY_ADDRESS_REFUSED'
  | 'NOTIFY_SECRET'
  | 'NOTIFY_TARGET_GONE'

/** A message was not taken. Its words go into the store and to people: they hold nothing secret. */
export class SendError extends Error {
  readonly code: SendCode
  /** The target, without its address' path: that of a chat is a credential. */
  readonly subject: string
  readonly retry: boolean
  /** What the target asked for. */
  readonly retryAfterMs?: number

  constructor(
    code: SendCode,
    subject: string,
    message: string,
    options: { readonly retry: boolean; readonly retryAfterMs?: number; readonly cause?: unknown },
  ) {
    super(`${subject}: ${message}`, { cause: options.cause })
    this.name = 'SendError'
    this.code = code
    this.subject = subject
    this.retry = options.retry
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
  }
}
