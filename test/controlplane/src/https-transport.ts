import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import {
  type ClusterRequest,
  type ClusterResponse,
  type ClusterTransport,
  ClusterUnreachable,
} from '@flotilla/core/ports/cluster-transport'

export interface HttpsTransportOptions {
  /** `https://127.0.0.1:41234` */
  readonly url: string
  /** PEM. */
  readonly certificateAuthority: string
  /** Bearer token; without one the requests are anonymous. A request's own `authorization` header wins. */
  readonly token?: string
  /** How long a response's head may take. 30 s by default. Bodies may take for ever: a watch does. */
  readonly timeoutMs?: number
}

/** A ClusterTransport over node:https with kept-alive connections, for tests against the real control plane. */
export function httpsTransport(options: HttpsTransportOptions): ClusterTransport {
  const base = new URL(options.url)
  const agent = new Agent({ keepAlive: true, ca: options.certificateAuthority, maxSockets: 256 })
  return {
    request: request => send(base, agent, options, request),
    close: async () => agent.destroy(),
  }
}

function send(
  base: URL,
  agent: Agent,
  options: HttpsTransportOptions,
  request: ClusterRequest,
): Promise<ClusterResponse> {
  return new Promise((resolve, reject) => {
    const body = request.body === undefined ? undefined : Buffer.from(request.body)
    const outgoing = httpsRequest({
      agent,
      host: base.hostname,
      port: base.port,
      method: request.method,
      path: request.path,
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        ...request.headers,
      },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    })
    const headTimeoutMs = options.timeoutMs ?? 30_000
    outgoing.setTimeout(headTimeoutMs, () => outgoing.destroy(new Error(`no answer in ${headTimeoutMs} ms`)))
    outgoing.once('error', error => reject(failureOf(error, request)))
    outgoing.once('response', incoming => {
      outgoing.setTimeout(0)
      // A reset while the body is read reaches the reader of the body; it must not be an unhandled error as well.
      outgoing.on('error', () => incoming.destroy())
      resolve({ status: incoming.statusCode ?? 0, headers: flatHeaders(incoming), body: bodyOf(incoming, request) })
    })
    outgoing.end(body)
  })
}

function flatHeaders(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

async function* bodyOf(incoming: IncomingMessage, request: ClusterRequest): AsyncGenerator<Uint8Array, void, void> {
  try {
    for await (const chunk of incoming) yield chunk as Buffer
  } catch (error) {
    throw failureOf(error, request)
  }
}

function failureOf(error: unknown, request: ClusterRequest): unknown {
  if (request.signal?.aborted) return request.signal.reason
  const reason = error instanceof Error ? error.message : String(error)
  return new ClusterUnreachable(`${request.method} ${request.path}: ${reason}`, { cause: error })
}
