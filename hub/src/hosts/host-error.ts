/** What can be wrong between the hub and a host; listed in docs/diagnostics.md. */
export type HostErrorCode =
  /** No connection, no name, a broken connection. */
  | 'HOST_UNREACHABLE'
  /** No whole answer in time. */
  | 'HOST_TIMEOUT'
  /** The host's certificate is not to be trusted. */
  | 'HOST_CERTIFICATE'
  /** The answer leads to another host, or to no host. */
  | 'HOST_REDIRECT'
  /** The answer is larger than is read. */
  | 'HOST_ANSWER_TOO_LARGE'
  /** The answer is not what the host documents. */
  | 'HOST_ANSWER_INVALID'
  /** 401, 403: the credentials are wrong or may not do this. */
  | 'HOST_REFUSED'
  /** 404 where something was asked for by name. */
  | 'HOST_NOT_FOUND'
  /** Too many requests; the host says when the next is welcome. */
  | 'HOST_RATE_LIMITED'
  /** Any other status. */
  | 'HOST_FAILED'
  /** The document asks what this provider does not have. */
  | 'HOST_UNSUPPORTED'
  /** The document's configuration of the host cannot be used. */
  | 'HOST_CONFIG_INVALID'
  /** A Secret or ConfigMap that the document names is not there. */
  | 'HOST_SECRET_MISSING'
  /** The project may not use that Secret, or not with that host. */
  | 'HOST_SECRET_FORBIDDEN'
  /** This hub asks no services at all. */
  | 'INPUT_UNAVAILABLE'

/**
 * A host did not answer the question. The message tells people what to mend; it never holds a credential, nor what
 * differs from one failure to the next (request ids, times), because it is compared to see whether anything is new.
 */
export class HostError extends Error {
  readonly code: HostErrorCode
  /** Whether asking again later can help. */
  readonly retry: boolean
  readonly status: number | undefined
  /** When the host wants the next request at the earliest, where it says so; milliseconds since 1970. */
  readonly notBefore: number | undefined

  constructor(
    code: HostErrorCode,
    message: string,
    options: {
      readonly retry: boolean
      readonly status?: number
      readonly notBefore?: number
      readonly cause?: unknown
    },
  ) {
    super(message, { cause: options.cause })
    this.name = 'HostError'
    this.code = code
    this.retry = options.retry
    this.status = options.status
    this.notBefore = options.notBefore
  }
}
