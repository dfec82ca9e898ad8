import { createHash } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import { createGunzip } from 'node:zlib'
import type { Clock } from '@flotilla/core/ports/clock'
import { HostError } from './host-error.ts'
import type { HostTrust, HttpClient, HttpReply, HttpRequest } from './http-client.ts'

export interface NodeHttpClientOptions {
  readonly clock: Clock
  /** The way out, for requests to hosts; absent: as the environment's `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` say. */
  readonly proxy?: string
  /** Hosts that are reached without it, with commas between. */
  readonly noProxy?: string
  /** The process's variables, read where `proxy` is absent. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** PEM certificates trusted besides the machine's, for every host. */
  readonly certificateAuthority?: string
}

const MOST_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const MOST_HEADER_BYTES = 64 * 1024
/** Sockets kept open to one host. */
const MOST_SOCKETS = 8
/** Different trusts (certificates) whose sockets are kept. */
const MOST_AGENTS = 32

/** {@link HttpClient} on Node's sockets: proxies, own certificates, limits on time and size, and no way to another host. */
export class NodeHttpClient implements HttpClient {
  readonly #options: NodeHttpClientOptions
  readonly #agents = new Map<string, HttpAgent | HttpsAgent>()

  constructor(options: NodeHttpClientOptions) {
    this.#options = options
  }

  async send(request: HttpRequest): Promise<HttpReply> {
    const { clock } = this.#options
    const ending = new AbortController()
    const late = new HostError('HOST_TIMEOUT', `${request.url.host} did not answer in ${request.timeoutMs} ms`, {
      retry: true,
    })
    const timer = clock.setTimer(request.timeoutMs, () => ending.abort(late))
    const forward = (): void => ending.abort(request.signal?.reason)
    if (request.signal?.aborted) forward()
    request.signal?.addEventListener('abort', forward, { once: true })
    try {
      return await this.#follow(request, request.url, 0, ending.signal)
    } catch (error) {
      if (ending.signal.aborted) throw ending.signal.reason
      throw error instanceof HostError ? error : unreachable(request.url, error)
    } finally {
      timer.cancel()
      request.signal?.removeEventListener('abort', forward)
    }
  }

  /** Closes what is kept open. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  async #follow(request: HttpRequest, url: URL, redirects: number, signal: AbortSignal): Promise<HttpReply> {
    const message = await this.#exchange(request, url, signal)
    const status = message.statusCode ?? 0
    const { location } = message.headers
    if (!REDIRECTS.has(status) || location === undefined) return await readReply(message, request, url)
    message.destroy()
    const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined
    if (request.method === 'POST' || target === undefined || target.origin !== url.origin) {
      // The credentials are for this host. Where it points may be anyone's.
      const where = target === undefined ? 'nowhere' : `${target.protocol}//${target.host}`
      throw new HostError('HOST_REDIRECT', `${url.host} leads to ${where}, which is not followed`, { retry: false })
    }
    if (redirects === MOST_REDIRECTS) {
      throw new HostError('HOST_REDIRECT', `${url.host} redirects more than ${MOST_REDIRECTS} times`, { retry: false })
    }
    return await this.#follow(request, target, redirects + 1, signal)
  }

  #exchange(request: HttpRequest, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const headers: Record<string, string> = {
        'user-agent': 'flotilla',
        'accept-encoding': 'gzip',
        ...request.headers,
        ...(request.body !== undefined && { 'content-length': String(Buffer.byteLength(request.body)) }),
      }
      const agent = this.#agentFor(secure, request.trust)
      const options = { method: request.method, headers, agent, signal, maxHeaderSize: MOST_HEADER_BYTES }
      const sent = (secure ? httpsRequest : httpRequest)(url, options, resolve)
      sent.on('error', reject)
      sent.end(request.body)
    })
  }

  #agentFor(secure: boolean, trust: HostTrust | undefined): HttpAgent | HttpsAgent {
    const { certificateAuthority: common } = this.#options
    const own = trust?.certificateAuthority
    const insecure = trust?.insecure ?? false
    const key = secure ? `${insecure} ${own === undefined ? '' : createHash('sha256').update(own).digest('hex')}` : ''
    const known = this.#agents.get(key)
    if (known !== undefined) return known
    const kept = { keepAlive: true, maxSockets: MOST_SOCKETS, proxyEnv: this.#proxy() }
    const more = [common, own].filter(pem => pem !== undefined)
    const agent = secure
      ? new HttpsAgent({
          ...kept,
          rejectUnauthorized: !insecure,
          ...(more.length > 0 && { ca: [...getCACertificates('default'), ...getCACertificates('system'), ...more] }),
        })
      : new HttpAgent(kept)
    const [oldest] = this.#agents
    if (this.#agents.size >= MOST_AGENTS && oldest !== undefined) {
      this.#agents.delete(oldest[0])
      oldest[1].destroy()
    }
    this.#agents.set(key, agent)
    return agent
  }

  #proxy(): Record<string, string | undefined> {
    const { proxy, noProxy, environment } = this.#options
    if (proxy === undefined) return { ...environment }
    return { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, ...(noProxy !== undefined && { NO_PROXY: noProxy }) }
  }
}

async function readReply(message: IncomingMessage, { method, maxBytes }: HttpRequest, url: URL): Promise<HttpReply> {
  const headers = new Map(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
  const zipped = headers.get('content-encoding') === 'gzip' && method !== 'HEAD'
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of zipped ? unzipped(message) : message) {
      size += (chunk as Buffer).byteLength
      if (size > maxBytes) {
        const text = `${url.host} answers with more than ${maxBytes} bytes`
        throw new HostError('HOST_ANSWER_TOO_LARGE', text, { retry: false })
      }
      chunks.push(chunk as Buffer)
    }
  } finally {
    message.destroy()
  }
  return { status: message.statusCode ?? 0, headers, text: Buffer.concat(chunks).toString('utf8') }
}

/** A pipe does not hand on that its source broke off. */
function unzipped(message: IncomingMessage): Readable {
  const gunzip = createGunzip()
  message.on('error', error => gunzip.destroy(error))
  message.on('aborted', () => gunzip.destroy(new Error('the connection broke off')))
  return message.pipe(gunzip)
}

/** Errors of Node that say that a certificate is not believed. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/

function unreachable(url: URL, cause: unknown): HostError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (CERTIFICATE.test(code)) {
    const message = `the certificate of ${url.host} is not trusted (${code})`
    return new HostError('HOST_CERTIFICATE', message, { retry: true, cause })
  }
  // Not the error's own words: they name local ports and addresses, which differ each time.
  const why = code === '' ? '' : ` (${code})`
  return new HostError('HOST_UNREACHABLE', `${url.host} cannot be reached${why}`, { retry: true, cause })
}
