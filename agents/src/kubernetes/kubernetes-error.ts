/** What an API server's refusal means to us. */
export type KubernetesErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  /** The object changed meanwhile, or a precondition did not hold. */
  | 'CONFLICT'
  /** Server-side apply without force: another manager owns a field. */
  | 'FIELD_CONFLICT'
  | 'INVALID'
  /** 422 because a field may not change: only deleting and creating again would help. */
  | 'IMMUTABLE_FIELD'
  | 'BAD_REQUEST'
  | 'TOO_LARGE'
  /** The resourceVersion or the continue token is too old. */
  | 'EXPIRED'
  | 'UNSUPPORTED'
  | 'THROTTLED'
  | 'SERVER_ERROR'
  | 'CLUSTER_UNREACHABLE'
  | 'KIND_UNKNOWN'
  | 'RESPONSE_INVALID'

/**
 * An operation on the cluster that failed: `eu-1 apps/Deployment shop/web: apply failed (FORBIDDEN): …`.
 *
 * `retry` says whether the same request may succeed later without anybody changing anything.
 */
export class KubernetesError extends Error {
  readonly code: KubernetesErrorCode
  /** Cluster and object, as people read them. */
  readonly subject: string
  readonly retry: boolean
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  /** The server's own words. */
  readonly detail: string
  /** How long the server asks us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: KubernetesErrorCode,
    subject: string,
    verb: string,
    detail: string,
    options: { retry: boolean; status: number; retryAfterMs?: number; cause?: unknown },
  ) {
    super(`${subject}: ${verb} failed (${code})${detail === '' ? '' : `: ${detail}`}`, { cause: options.cause })
    this.name = 'KubernetesError'
    this.code = code
    this.subject = subject
    this.detail = detail
    this.retry = options.retry
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}

export function isKubernetesError(error: unknown, ...codes: readonly KubernetesErrorCode[]): error is KubernetesError {
  return error instanceof KubernetesError && (codes.length === 0 || codes.includes(error.code))
}
