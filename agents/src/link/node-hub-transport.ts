import http, { type Agent, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { promisify } from 'node:util'
import { constants, createGunzip, createZstdDecompress, gzip } from 'node:zlib'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import {
  HubRefused,
  type HubRequest,
  type HubResponse,
  type HubStreamRequest,
  type HubStreamResponse,
  type HubTransport,
  HubUnreachable,
  type MessageSocket,
} from '@flotilla/core/ports/hub-transport'
import { MAX_DOCUMENTS_BYTES, MAX_FRAME_BYTES } from '@flotilla/core/protocol/frames'
import { SUBPROTOCOL } from '@flotilla/core/protocol/versions'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { WebSocket } from 'ws'
import { fetchPinnedCa } from './pinned-ca.ts'
import { type Environment, proxyFor } from './proxy-settings.ts'
import { streamRequest } from './stream-request.ts'

export interface NodeHubTransportOptions {
  /** The hub's URL. */
  readonly url: string
  /** Certificates (PEM) that may sign the hub's; default: the system's. */
  readonly caPem?: string
  /** SHA-256 of the one certificate that may sign the hub's: a join token's `ca`. */
  readonly caPin?: Digest
  /** Where `HTTPS_PROXY` and the like are looked up. */
  readonly environment: Environment
  readonly clock: Clock
  /** Of one answer, inflated. Default: 72 MiB for a Bundle, its limit and some; for all else what a page may have. */
  readonly maxResponseBytes?: number
}

const CONNECT_TIMEOUT_MS = 15_000
const IDLE_TIMEOUT_MS = 30_000
/** A whole request: a Bundle over a slow line takes its time, a hub that trickles does not get more. */
const REQUEST_TIMEOUT_MS = 5 * 60_000
const MAX_BUNDLE_RESPONSE_BYTES = 72 * 1024 * 1024
/** A compressed answer may ask for this much memory to be inflated with (2^23), and for no more. */
const ZSTD_WINDOW_LOG_MAX = 23
/** What may arrive before anybody listens: the hub's nonce, and nothing else before our hello. */
const MAX_EARLY_MESSAGES = 16
/** With more than this waiting, a goodbye would wait as well: the connection is cut. */
const CUT_FROM_BYTES = 64 * 1024
/** How long a goodbye is waited for: a hub that cannot be reached does not say it, and is dialled again sooner. */
const GOODBYE = { closeTimeout: 2_000 }
const COMPRESS_FROM_BYTES = 2048

const gzipAsync = promisify(gzip)

/**
 * The way to a hub over the network: kept connections for requests, a WebSocket beside them; through a proxy where
 * the environment names one, and trusting the system's certificates, given ones, or a pinned one.
 */
export function createNodeHubTransport(options: NodeHubTransportOptions): HubTransport {
  return new NodeHubTransport(options)
}

class NodeHubTransport implements HubTransport {
  readonly #options: NodeHubTransportOptions
  readonly #url: URL
  readonly #agent: Agent
  readonly #streaming: Agent
  readonly #sockets = new Set<WebSocket>()
  #ca: Promise<string | undefined> | undefined
  #closed = false

  constructor(options: NodeHubTransportOptions) {
    this.#options = options
    this.#url = new URL(options.url)
    const proxy = proxyFor(this.#url, options.environment)
    const secure = this.#url.protocol === 'https:'
    const open = (settings: http.AgentOptions): Agent =>
      proxy ? new HttpsProxyAgent(proxy, settings) : secure ? new https.Agent(settings) : new http.Agent(settings)
    this.#agent = open({ keepAlive: true, maxSockets: 4, maxFreeSockets: 1, timeout: IDLE_TIMEOUT_MS })
    this.#streaming = open({ keepAlive: false, maxSockets: 16 })
  }

  async request(request: HubRequest): Promise<HubResponse> {
    const ca = await this.#trusted()
    const { body } = request
    const compress = body !== undefined && body.length >= COMPRESS_FROM_BYTES
    const sent = compress ? await gzipAsync(body) : body
    const headers = {
      ...request.headers,
      'accept-encoding': 'zstd, gzip',
      ...(sent && { 'content-length': String(sent.length) }),
      ...(compress && { 'content-encoding': 'gzip' }),
    }
    const response = await this.#send(request, headers, sent, ca)
    const bytes = await this.#readBody(response, request.path)
    return { status: response.statusCode ?? 0, headers: headersOf(response), body: bytes }
  }

  async stream(request: HubStreamRequest): Promise<HubStreamResponse> {
    const ca = await this.#trusted()
    if (this.#closed) throw new HubUnreachable('this transport is closed')
    // Connections of their own: one that lasts an hour is not to stand before requests that take a moment.
    const place = { url: this.#at(request.path), agent: this.#streaming, ...(ca !== undefined && { ca }) }
    try {
      const response = await streamRequest(request, place)
      return { status: response.statusCode ?? 0, headers: headersOf(response), body: bytesOf(response) }
    } catch (cause) {
      throw unreachable(cause)
    }
  }

  async connect(path: string, headers: Readonly<Record<string, string>>): Promise<MessageSocket> {
    const ca = await this.#trusted()
    this.#dropKept()
    const url = this.#at(path)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    return await new Promise((resolve, reject) => {
      const webSocket = new WebSocket(url, [SUBPROTOCOL], {
        agent: this.#agent,
        headers,
        handshakeTimeout: CONNECT_TIMEOUT_MS,
        maxPayload: MAX_FRAME_BYTES,
        perMessageDeflate: false,
        followRedirects: false,
        ...GOODBYE,
        ...(ca !== undefined && { ca }),
      })
      this.#sockets.add(webSocket)
      // Listening begins with the socket, so that no frame is lost before the caller listens.
      const socket = new WebMessageSocket(webSocket)
      webSocket.on('close', () => {
        this.#sockets.delete(webSocket)
        reject(new HubUnreachable('the hub hung up without an answer'))
      })
      webSocket.on('open', () => resolve(socket))
      webSocket.on('unexpected-response', (request, response) => {
        const status = response.statusCode ?? 0
        reject(new HubRefused(status, headersOf(response), `the hub answered a connect with ${status}`))
        request.destroy()
      })
      webSocket.on('error', cause => reject(unreachable(cause)))
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const webSocket of this.#sockets) webSocket.terminate()
    this.#agent.destroy()
    this.#streaming.destroy()
  }

  /** Whoever dials has lost a connection, and what was kept beside it may be as dead without a sign of it. */
  #dropKept(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }

  #send(
    request: HubRequest,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
    ca: string | undefined,
  ): Promise<IncomingMessage> {
    const { request: start } = this.#url.protocol === 'https:' ? https : http
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new HubUnreachable('this transport is closed'))
      const sending = start(this.#at(request.path), {
        method: request.method,
        headers,
        agent: this.#agent,
        ...(ca !== undefined && { ca }),
        ...(request.signal && { signal: request.signal }),
      })
      const limit = this.#options.clock.setTimer(REQUEST_TIMEOUT_MS, () =>
        sending.destroy(new Error('the request took too long')),
      )
      sending.setTimeout(IDLE_TIMEOUT_MS, () => sending.destroy(new Error('the hub does not answer')))
      let again = false
      sending.on('error', cause => {
        again = request.method === 'GET' && sending.reusedSocket && isReset(cause)
        if (again) this.#send(request, headers, body, ca).then(resolve, reject)
        else reject(unreachable(cause))
      })
      sending.on('response', resolve)
      sending.on('close', () => {
        limit.cancel()
        // After an upgrade that nobody asked for there is neither an answer nor an error.
        if (!again) reject(new HubUnreachable('the hub hung up without an answer'))
      })
      sending.end(body)
    })
  }

  /** Reads and inflates, counting: what is too large or cannot be inflated is as good as no answer. */
  async #readBody(response: IncomingMessage, path: string): Promise<Uint8Array> {
    const usual = path.startsWith('/agent/v1/bundles/') ? MAX_BUNDLE_RESPONSE_BYTES : MAX_DOCUMENTS_BYTES
    const maxBytes = this.#options.maxResponseBytes ?? usual
    const chunks: Uint8Array[] = []
    let bytes = 0
    try {
      for await (const chunk of inflated(response)) {
        bytes += chunk.length
        if (bytes > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`)
        chunks.push(chunk)
      }
    } catch (cause) {
      response.destroy()
      throw unreachable(cause)
    }
    return Buffer.concat(chunks)
  }

  async #trusted(): Promise<string | undefined> {
    const { caPem, caPin } = this.#options
    if (caPin === undefined || this.#url.protocol !== 'https:') return caPem
    this.#ca ??= fetchPinnedCa(this.#url, caPin, this.#agent).catch((error: unknown) => {
      this.#ca = undefined
      throw error
    })
    return await this.#ca
  }

  #at(path: string): URL {
    const base = this.#url.pathname.replace(/\/$/, '')
    return new URL(`${this.#url.origin}${base}${path}`)
  }
}

/** As it comes; whoever stops reading ends the connection. */
async function* bytesOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array
  } catch (cause) {
    throw unreachable(cause)
  } finally {
    response.destroy()
  }
}

function inflated(response: IncomingMessage): AsyncIterable<Uint8Array> {
  const encoding = response.headers['content-encoding']
  switch (encoding) {
    case undefined:
    case 'identity':
      return response
    case 'gzip':
    case 'zstd': {
      const inflate =
        encoding === 'gzip'
          ? createGunzip()
          : createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } })
      response.on('error', error => inflate.destroy(error))
      response.on('aborted', () => inflate.destroy(new Error('the answer broke off')))
      return response.pipe(inflate)
    }
    default:
      throw new Error('the answer is encoded in a way that was not asked for')
  }
}

function headersOf(response: IncomingMessage): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

/** The hub had closed the kept connection when the question came: it has not heard it, and reading again harms nobody. */
function isReset(cause: Error): boolean {
  const code = 'code' in cause ? cause.code : undefined
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function unreachable(cause: unknown): HubUnreachable {
  if (cause instanceof HubUnreachable) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new HubUnreachable(`the hub cannot be reached: ${why}`, { cause })
}

class WebMessageSocket implements MessageSocket {
  readonly #webSocket: WebSocket
  readonly #messageListeners: ((text: string) => void)[] = []
  readonly #closeListeners: ((reason: { readonly code: number; readonly reason: string }) => void)[] = []
  readonly #early: string[] = []
  #closed: { readonly code: number; readonly reason: string } | undefined

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) return webSocket.close(1003, 'text only')
      const text = data.toString()
      if (this.#messageListeners.length === 0 && this.#early.push(text) > MAX_EARLY_MESSAGES) webSocket.terminate()
      for (const listener of this.#messageListeners) listener(text)
    })
    webSocket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() }
      for (const listener of this.#closeListeners) listener(this.#closed)
    })
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount
  }

  send(text: string): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(text)
  }

  onMessage(listener: (text: string) => void): void {
    this.#messageListeners.push(listener)
    for (const text of this.#early.splice(0)) listener(text)
  }

  onClose(listener: (reason: { readonly code: number; readonly reason: string }) => void): void {
    this.#closeListeners.push(listener)
    if (this.#closed) listener(this.#closed)
  }

  close(code?: number, reason?: string): void {
    // A hub that does not read, or is not listened to, cannot answer a goodbye.
    const deaf = this.#webSocket.bufferedAmount > CUT_FROM_BYTES || this.#webSocket.isPaused
    if (deaf) this.#webSocket.terminate()
    else this.#webSocket.close(code, reason)
  }

  reading(wanted: boolean): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return
    if (wanted) this.#webSocket.resume()
    else this.#webSocket.pause()
  }
}
