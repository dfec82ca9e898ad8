import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ControlPlane } from '@flotilla/controlplane'
import type { Random } from '@flotilla/core/ports/random'

/** What becomes of a share of the requests while it lasts. */
export type ApiFault =
  | { readonly kind: 'none' }
  /** `429` with Retry-After, `500`, `503`: answered by the proxy, and never asked of the server. */
  | { readonly kind: 'answers'; readonly status: number; readonly share: number }
  /** What the server did is not told: the connection ends instead. */
  | { readonly kind: 'unanswered'; readonly share: number }
  | { readonly kind: 'slow'; readonly ms: number }

/** An apiserver behind something that fails: over HTTP on a loopback address, as an administrator. */
export class ApiProxy {
  readonly url: string
  /** How many requests met a fault. */
  faulted = 0
  fault: ApiFault = { kind: 'none' }
  /** Told of each request before anything is done with it. */
  onRequest: ((method: string, path: string) => void) | undefined
  readonly #server: Server
  readonly #agent: Agent
  readonly #watches = new Set<ServerResponse>()

  private constructor(server: Server, plane: ControlPlane, random: Random) {
    const { port } = server.address() as AddressInfo
    this.url = `http://127.0.0.1:${port}`
    this.#server = server
    this.#agent = new Agent({ ca: plane.certificateAuthority, keepAlive: true })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { fault } = this
      this.onRequest?.(request.method ?? 'GET', request.url ?? '/')
      const meets = 'share' in fault && random.fraction() < fault.share
      if (meets || fault.kind === 'slow') this.faulted++
      if (fault.kind === 'answers' && meets) return refuse(response, fault.status)
      if (fault.kind === 'slow') setTimeout(() => this.#forward(plane, request, response, false), fault.ms)
      else this.#forward(plane, request, response, fault.kind === 'unanswered' && meets)
    })
  }

  static async start(plane: ControlPlane, random: Random): Promise<ApiProxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ApiProxy(server, plane, random)
  }

  /** Ends every watch in the middle. */
  cutWatches(): void {
    for (const response of [...this.#watches]) response.destroy()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#agent.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #forward(plane: ControlPlane, request: IncomingMessage, response: ServerResponse, silent: boolean): void {
    const target = new URL(request.url ?? '/', plane.url)
    const headers = { ...request.headers, host: target.host, authorization: `Bearer ${plane.adminToken}` }
    const upstream = httpsRequest(target, { method: request.method ?? 'GET', headers, agent: this.#agent }, answer => {
      if (silent) {
        answer.resume()
        answer.once('end', () => response.destroy())
        return
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (target.searchParams.get('watch') !== null) {
        this.#watches.add(response)
        response.once('close', () => this.#watches.delete(response))
      }
      answer.pipe(response)
      answer.once('error', () => response.destroy())
      response.once('close', () => answer.destroy())
    })
    // The server is gone: so is this connection.
    upstream.once('error', () => response.destroy())
    request.pipe(upstream)
  }
}

function refuse(response: ServerResponse, code: number): void {
  const reason = code === 429 ? 'TooManyRequests' : 'InternalError'
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message: 'an injected fault' }
  response.writeHead(code, { 'content-type': 'application/json', ...(code === 429 && { 'retry-after': '1' }) })
  response.end(JSON.stringify(status))
}
