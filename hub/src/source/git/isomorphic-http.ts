import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { getCACertificates } from 'node:tls'
import type { GitCredentials } from '@flotilla/core/ports/git'
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git'

/** Tokens are given as a password alone; forges then take any user name. Undefined where nothing was given. */
export function basicAuthorization({ username, password }: GitCredentials): string | undefined {
  if (username === undefined && password === undefined) return undefined
  return `Basic ${Buffer.from(`${username ?? 'git'}:${password ?? ''}`).toString('base64')}`
}

export interface HttpClientOptions {
  /** Sent as basic authentication from the first request on, to the repository's own origin alone. */
  readonly authorization?: string
  /** PEM certificates trusted besides the machine's. */
  readonly certificateAuthority?: string
  /** A response with more bytes is cut off. */
  readonly maxResponseBytes: number
  /** No byte for this long ends the request. */
  readonly idleTimeoutMs: number
  readonly signal: AbortSignal
  /** Without it each request has a connection of its own. */
  readonly connections?: KeptConnections
}

/** What several requests of one fetch go over: a handshake costs more than what is asked. */
export class KeptConnections {
  readonly #agents = new Map<string, HttpAgent | HttpsAgent>()

  agentFor(secure: boolean, certificateAuthority: string | undefined): HttpAgent | HttpsAgent {
    const key = `${secure} ${certificateAuthority ?? ''}`
    const agent = this.#agents.get(key) ?? newAgent(secure, certificateAuthority, true)
    this.#agents.set(key, agent)
    return agent
  }

  /** Ends them, requests under way too. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }
}

/** The response passed `maxResponseBytes`. */
export class ResponseTooLarge extends Error {
  readonly limit: number
  constructor(limit: number) {
    super(`the response has more than ${limit} bytes`)
    this.name = 'ResponseTooLarge'
    this.limit = limit
  }
}

const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * The HTTP client that isomorphic-git speaks through. Its own has no limits, no time-out, no further certificates and
 * no way to stop. Bodies are read whole before they are handed on: isomorphic-git collects them anyway, and a
 * connection that breaks is then an error here instead of a stream that never ends there.
 */
export function gitHttpClient(options: HttpClientOptions): HttpClient {
  return { request: request => perform(request, options, new URL(request.url), 0) }
}

async function perform(
  request: GitHttpRequest,
  options: HttpClientOptions,
  url: URL,
  redirects: number,
): Promise<GitHttpResponse> {
  const body = request.body ? await collect(request.body) : undefined
  const sameOrigin = isSameSite(new URL(request.url), url)
  const headers: Record<string, string> = { 'user-agent': 'git/flotilla', ...request.headers }
  if (options.authorization && sameOrigin) headers['authorization'] = options.authorization
  if (body) headers['content-length'] = String(body.byteLength)
  const message = await send(request.method ?? 'GET', url, headers, body, options)
  const status = message.statusCode ?? 0
  if (REDIRECTS.has(status) && message.headers.location) {
    message.destroy()
    if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`)
    const target = new URL(message.headers.location, url)
    // From https to http, or to a scheme that is neither, nobody is followed.
    if (target.protocol !== 'https:' && target.protocol !== url.protocol) {
      throw new Error(`refused a redirect from ${url.protocol} to ${target.protocol}`)
    }
    return perform({ ...request, ...(body ? { body: [body] as never } : {}) }, options, target, redirects + 1)
  }
  const bytes = await readBody(message, options)
  return {
    url: url.href,
    method: request.method ?? 'GET',
    statusCode: status,
    statusMessage: message.statusMessage ?? '',
    headers: Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : (value ?? ''),
      ]),
    ),
    body: once(bytes),
  }
}

/** The same host, or the same host's https in place of its http. */
function isSameSite(from: URL, to: URL): boolean {
  return from.origin === to.origin || (from.hostname === to.hostname && to.protocol === 'https:' && to.port === '')
}

function send(
  method: string,
  url: URL,
  headers: Record<string, string>,
  body: Uint8Array | undefined,
  options: HttpClientOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:'
    const { connections, certificateAuthority } = options
    const agent = connections?.agentFor(secure, certificateAuthority) ?? newAgent(secure, certificateAuthority, false)
    const request = (secure ? httpsRequest : httpRequest)(
      url,
      { method, headers, agent, signal: options.signal },
      resolve,
    )
    request.setTimeout(options.idleTimeoutMs, () => {
      request.destroy(Object.assign(new Error(`no answer for ${options.idleTimeoutMs} ms`), { code: 'ETIMEDOUT' }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

function newAgent(secure: boolean, certificateAuthority: string | undefined, keepAlive: boolean) {
  const proxyEnv = process.env
  if (!secure) return new HttpAgent({ proxyEnv, keepAlive })
  return new HttpsAgent({ proxyEnv, keepAlive, ...(certificateAuthority && { ca: trusted(certificateAuthority) }) })
}

function trusted(certificateAuthority: string): string[] {
  return [...getCACertificates('default'), ...getCACertificates('system'), certificateAuthority]
}

async function readBody(message: IncomingMessage, options: HttpClientOptions): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > options.maxResponseBytes) {
      message.destroy()
      throw new ResponseTooLarge(options.maxResponseBytes)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function collect(body: NonNullable<GitHttpRequest['body']>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* once(bytes: Uint8Array): AsyncIterableIterator<Uint8Array> {
  yield bytes
}
