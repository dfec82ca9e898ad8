/**
 * HTTP to one Kubernetes API server, as the agent sees it. The real one is a keep-alive connection pool with the
 * kubeconfig's identity; the simulated cluster implements it in process.
 */
export interface ClusterTransport {
  /**
   * Resolves once the response's head is there, whatever its status.
   * @throws ClusterUnreachable when no response came: refused, reset, timed out.
   */
  request(request: ClusterRequest): Promise<ClusterResponse>
  close(): Promise<void>
}

export interface ClusterRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with query: `/api/v1/namespaces?limit=50`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface ClusterResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Read once; a watch keeps yielding. Ending early releases the connection. Throws ClusterUnreachable when cut. */
  readonly body: AsyncIterable<Uint8Array>
}

export class ClusterUnreachable extends Error {
  readonly code = 'CLUSTER_UNREACHABLE'
  readonly retry = true
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ClusterUnreachable'
  }
}
