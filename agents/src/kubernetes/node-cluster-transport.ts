import http from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { createSecureContext } from 'node:tls'
import type { Clock } from '@flotilla/core/ports/clock'
import {
  type ClusterRequest,
  type ClusterResponse,
  type ClusterTransport,
  ClusterUnreachable,
} from '@flotilla/core/ports/cluster-transport'
import { type ClusterAccess, type ClusterConnection, openKubeConfig } from './kube-config.ts'
import { readResponse } from './read-response.ts'

/** Credentials are asked for again after this: tokens in files and of plugins change while we run. */
const CREDENTIALS_FOR_MS = 15_000
/** A server that refuses our token gets a fresh one at most this often. */
const SHORTEST_REOPEN_MS = 5_000
const CONNECT_TIMEOUT_MS = 15_000
const MOST_SOCKETS = 64
/** Connections that a burst of work needed are let go: each one holds the buffers of its encryption. */
const IDLE_SOCKET_MS = 10_000

/**
 * HTTPS to one API server over kept connections, as the user of a kubeconfig or of the Pod.
 *
 * @throws Error when the kubeconfig cannot be read.
 */
export function createNodeClusterTransport(access: ClusterAccess, clock: Clock): ClusterTransport {
  return new NodeClusterTransport(access, clock)
}

class NodeClusterTransport implements ClusterTransport {
  readonly #access: ClusterAccess
  readonly #clock: Clock
  #connection: ClusterConnection
  #openedAtMs: number
  #credentials: { readonly options: RequestOptions; readonly atMs: number } | undefined
  #agents = new Map<string, http.Agent>()
  /** The pool that these very credentials use: asked for at every request, so it is not looked up by content. */
  readonly #agentOf = new WeakMap<RequestOptions, http.Agent>()

  constructor(access: ClusterAccess, clock: Clock) {
    this.#access = access
    this.#clock = clock
    this.#connection = openKubeConfig(access)
    this.#openedAtMs = clock.monotonicMs()
  }

  async request(request: ClusterRequest): Promise<ClusterResponse> {
    const response = await this.#send(request)
    if (response.status !== 401 || !this.#reopen()) return response
    for await (const _chunk of response.body) {
      // Read to its end, so that the connection can be used again.
    }
    return this.#send(request)
  }

  async close(): Promise<void> {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  /** Reads the kubeconfig anew, so that plugins forget a token that the server no longer takes. */
  #reopen(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#openedAtMs < SHORTEST_REOPEN_MS) return false
    this.#openedAtMs = nowMs
    this.#connection = openKubeConfig(this.#access)
    this.#credentials = undefined
    return true
  }

  async #send(request: ClusterRequest): Promise<ClusterResponse> {
    const credentials = await this.#currentCredentials()
    const { server } = this.#connection
    const module = server.protocol === 'http:' ? http : https
    const prefix = server.pathname.replace(/\/$/, '')
    const options: RequestOptions = {
      ...credentials,
      agent: credentials.agent ?? this.#agentFor(server.protocol, credentials),
      method: request.method,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      path: prefix + request.path,
      headers: {
        'user-agent': 'flotilla-agent',
        ...credentials.headers,
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }),
      },
    }
    return new Promise<ClusterResponse>((resolve, reject) => {
      const fail = (error: Error) => reject(unreachable(server, error))
      if (request.signal?.aborted) return fail(abortError(request.signal))
      const outgoing = module.request(options)
      const abort = () => outgoing.destroy(abortError(request.signal!))
      request.signal?.addEventListener('abort', abort, { once: true })
      outgoing.once('close', () => request.signal?.removeEventListener('abort', abort))
      // Until the head is here; afterwards a watch may be silent for minutes.
      outgoing.setTimeout(0)
      outgoing.once('socket', socket => {
        if (!socket.connecting) return
        socket.setTimeout(CONNECT_TIMEOUT_MS, () => outgoing.destroy(new Error('connecting took too long')))
        socket.once(server.protocol === 'http:' ? 'connect' : 'secureConnect', () => socket.setTimeout(0))
      })
      outgoing.on('error', fail)
      outgoing.once('response', response => {
        resolve({
          status: response.statusCode ?? 0,
          headers: flatten(response.headers),
          body: readResponse(response, error => unreachable(server, error)),
        })
      })
      // As a string, so that head and body leave in one piece.
      outgoing.end(request.body ?? '', 'utf8')
    })
  }

  async #currentCredentials(): Promise<RequestOptions> {
    const nowMs = this.#clock.monotonicMs()
    if (this.#credentials && nowMs - this.#credentials.atMs < CREDENTIALS_FOR_MS) return this.#credentials.options
    try {
      const options = await this.#connection.credentials()
      this.#credentials = { options, atMs: nowMs }
      return options
    } catch (error) {
      throw unreachable(
        this.#connection.server,
        new Error(`credentials: ${(error as Error).message}`, { cause: error }),
      )
    }
  }

  #agentFor(protocol: string, credentials: RequestOptions): http.Agent {
    const known = this.#agentOf.get(credentials)
    if (known) return known
    const agent = this.#agent(protocol, credentials)
    this.#agentOf.set(credentials, agent)
    return agent
  }

  /** One pool a set of certificates: client-node makes one a request, which costs a TLS handshake each time. */
  #agent(
    protocol: string,
    { ca, cert, key, servername, rejectUnauthorized, passphrase, pfx }: RequestOptions,
  ): http.Agent {
    const tls = { ca, cert, key, servername, rejectUnauthorized, passphrase, pfx }
    const { host } = this.#connection.server
    const name = JSON.stringify([host, protocol, String(ca), String(cert), String(key), servername, rejectUnauthorized])
    const known = this.#agents.get(name)
    if (known) return known
    const pool = { keepAlive: true, maxSockets: MOST_SOCKETS, scheduling: 'lifo' as const, timeout: IDLE_SOCKET_MS }
    const agent = protocol === 'http:' ? new http.Agent(pool) : new https.Agent({ ...pool, ...trusting(tls) })
    // All its requests go to one server as one user: Node would put certificates and keys together to tell that, each time.
    agent.getName = () => host
    // Certificates that were replaced are not used again.
    for (const old of this.#agents.values()) old.destroy()
    this.#agents = new Map([[name, agent]])
    return agent
  }
}

function unreachable(server: URL, error: Error): ClusterUnreachable {
  return new ClusterUnreachable(`${server.host}: ${error.message}`, { cause: error })
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the request was given up')
}

function flatten(headers: http.IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}

/** Certificates read once, not at each connection, which would keep them each for itself. */
function trusting(tls: RequestOptions): https.AgentOptions {
  const { servername, rejectUnauthorized, ...secrets } = definedOnly(tls)
  return { secureContext: createSecureContext(secrets), ...definedOnly({ servername, rejectUnauthorized }) }
}

function definedOnly<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
