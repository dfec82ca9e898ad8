/** Whose certificates are believed. */
export interface HostTrust {
  /** PEM certificates trusted besides the machine's. */
  readonly certificateAuthority?: string
  /** Believes whoever answers: `insecure: true` of a document. */
  readonly insecure: boolean
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  /** By lower-case name. They hold the credentials, and go to this URL's origin alone. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly trust?: HostTrust
  /** For the whole exchange, redirects and body included. */
  readonly timeoutMs: number
  /** A body with more bytes is not read to its end. */
  readonly maxBytes: number
  readonly signal?: AbortSignal
}

export interface HttpReply {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

/** How the hub speaks HTTP to hosts and plugins; tests bring their own. */
export interface HttpClient {
  /**
   * One exchange; every status is an answer. Redirects are followed to the same origin only.
   *
   * @throws HostError `HOST_UNREACHABLE`, `HOST_TIMEOUT`, `HOST_CERTIFICATE`, `HOST_REDIRECT`, `HOST_ANSWER_TOO_LARGE`.
   * @throws The signal's reason when it was aborted.
   */
  send(request: HttpRequest): Promise<HttpReply>
}
