export type ProviderErrorCode =
  /** It cannot be reached, or answers as no provider does. */
  | 'PROVIDER_AWAY'
  /** It says no: a code, a refresh token or a client that it does not take. */
  | 'PROVIDER_REFUSED'

/** What became of a question to the identity provider. The message holds nothing that is secret. */
export class ProviderError extends Error {
  readonly code: ProviderErrorCode
  readonly subject: string
  readonly retry: boolean

  constructor(code: ProviderErrorCode, subject: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(`${subject}: ${message} (${code})`, { cause: options.cause })
    this.name = 'ProviderError'
    this.code = code
    this.subject = subject
    this.retry = code === 'PROVIDER_AWAY'
  }
}
