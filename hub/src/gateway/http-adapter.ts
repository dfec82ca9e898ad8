import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createGunzip, createZstdDecompress, gzip, zstdCompress } from 'node:zlib'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { AgentGateway } from './agent-gateway.ts'
import type { GatewayRequest } from './gateway-request.ts'
import { refuse } from './respond.ts'

export interface HttpAdapterOptions {
  /** Who asks; default: the peer of the connection. Behind a trusted proxy, what that says. */
  readonly remoteAddress?: (request: IncomingMessage) => string
}

const COMPRESS_FROM_BYTES = 1024
/** Compressed Bundles kept, so that a thousand agents cost one compression. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024
/** What is handed to a connection at once: encrypting makes a copy of it. */
const PIECE_BYTES = 64 * 1024
/** Who takes nothing for so long is gone. */
const STALLED_MS = 30_000
/** Who takes less than eight bytes a millisecond is cut, half a minute aside. */
const SLOWEST_BYTES_PER_MS = 8
/** A compressed body may ask for this much memory to be inflated with (2^23), and for no more. */
const ZSTD_WINDOW_LOG_MAX = 23

const gzipAsync = promisify(gzip)
const zstdAsync = promisify(zstdCompress)

/** From an early answer to the end of its connection. */
const PARTING_MS = 2_000

type Encoding = 'gzip' | 'zstd'

/**
 * Serves the gateway's requests on Node's `http` or mounted in express: the head is judged before the body is read,
 * and the body is counted while it inflates.
 */
export function createAgentHandler(
  gateway: AgentGateway,
  options: HttpAdapterOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const kept = new CompressedBodies()
  return (request, response) => {
    serve(gateway, options, kept, request, response).catch((error: unknown) => {
      // The other side went away, or its body broke off: there is nobody to tell.
      response.destroy(error instanceof Error ? error : undefined)
    })
  }
}

async function serve(
  gateway: AgentGateway,
  options: HttpAdapterOptions,
  kept: CompressedBodies,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method } = request
  const path = pathOf(request)
  const headers = headersOf(request)
  const remoteAddress = options.remoteAddress?.(request) ?? request.socket.remoteAddress ?? ''
  if (method !== 'GET' && method !== 'POST') {
    return await answerUnread(request, response, refuse(405, 'METHOD', 'only GET and POST'), kept)
  }
  const answered = new Promise<void>(resolve => response.once('close', resolve))
  const asked: GatewayRequest = { method, path, headers, remoteAddress, answered }
  const encoding = encodingFor(headers['accept-encoding'])
  if (method === 'GET') {
    const bodiless = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
    if (bodiless) return await answer(response, await gateway.handle(asked), encoding, kept)
    return await answerUnread(request, response, refuse(400, 'MALFORMED', 'a GET here has no body'), kept)
  }
  const contentLength = Number(headers['content-length'] ?? Number.NaN)
  const stated = Number.isNaN(contentLength) ? {} : { contentLength }
  const screening = await gateway.screen({ ...asked, ...stated })
  if (screening.kind === 'answer') return await answerUnread(request, response, screening.response, kept)
  if (screening.kind === 'upload') {
    const source = inflating(request, headers['content-encoding'])
    return await answerEarly(request, response, await screening.take(source ?? unreadable()), kept)
  }
  try {
    const read = await readBody(request, headers['content-encoding'], screening.maxBodyBytes)
    if (read.kind === 'refused') return await answerUnread(request, response, read.response, kept)
    await answer(response, await gateway.handle({ ...asked, body: read.body }), encoding, kept)
  } finally {
    screening.done()
  }
}

/** `url` is what a router left of it; the assertion is over the whole. */
function pathOf(request: IncomingMessage): string {
  const { originalUrl } = request as IncomingMessage & { readonly originalUrl?: string }
  return originalUrl ?? request.url ?? '/'
}

export function headersOf(request: IncomingMessage): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

type BodyRead =
  | { readonly kind: 'read'; readonly body: Uint8Array }
  | { readonly kind: 'refused'; readonly response: HubResponse }

/** Reads and inflates a body; stops at the first byte above the limit, however small it was on the wire. */
async function readBody(request: IncomingMessage, encoding: string | undefined, maxBytes: number): Promise<BodyRead> {
  const source = inflating(request, encoding)
  if (source === undefined) return { kind: 'refused', response: refuse(415, 'ENCODING', 'gzip, zstd or nothing') }
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      if (bytes > maxBytes) {
        const message = `a body here has at most ${maxBytes} bytes, inflated`
        return { kind: 'refused', response: refuse(413, 'TOO_LARGE', message) }
      }
      chunks.push(chunk)
    }
  } catch (error) {
    if (source === request || (request.destroyed && !request.complete)) throw error
    return { kind: 'refused', response: refuse(400, 'MALFORMED', 'the body cannot be inflated') }
  }
  return { kind: 'read', body: Buffer.concat(chunks) }
}

/** The body inflated; undefined where nobody here knows how. */
function inflating(request: IncomingMessage, encoding: string | undefined): Readable | undefined {
  const inflate = inflaterFor(encoding)
  if (inflate === undefined || inflate === 'identity') return inflate && request
  const onAbort = (): void => void inflate.destroy(new Error('the request broke off'))
  request.once('error', onAbort).once('aborted', onAbort)
  return request.pipe(inflate)
}

// biome-ignore lint/correctness/useYield: it ends before there is anything
async function* unreadable(): AsyncGenerator<Uint8Array> {
  throw new Error('gzip, zstd or nothing')
}

function inflaterFor(encoding: string | undefined): Transform | 'identity' | undefined {
  switch (encoding) {
    case undefined:
    case 'identity':
      return 'identity'
    case 'gzip':
      return createGunzip()
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } })
    default:
      return undefined
  }
}

function encodingFor(accepted: string | undefined): Encoding | undefined {
  const names = (accepted ?? '').split(',').map(part => part.split(';', 1)[0]?.trim())
  return names.includes('zstd') ? 'zstd' : names.includes('gzip') ? 'gzip' : undefined
}

/** An answer to a request whose body was not read: the connection cannot be used for another one. */
async function answerUnread(
  request: IncomingMessage,
  response: ServerResponse,
  answered: HubResponse,
  kept: CompressedBodies,
): Promise<void> {
  request.unpipe()
  await answer(response, { ...answered, headers: { ...answered.headers, connection: 'close' } }, undefined, kept)
  request.resume()
  response.once('finish', () => request.destroy())
}

/** An answer that may come before the end of the body; what still comes for a moment is read past, so that it arrives. */
async function answerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  answered: HubResponse,
  kept: CompressedBodies,
): Promise<void> {
  if (request.complete) return await answer(response, answered, undefined, kept)
  request.unpipe()
  request.resume()
  await answer(response, { ...answered, headers: { ...answered.headers, connection: 'close' } }, undefined, kept)
  AbortSignal.timeout(PARTING_MS).addEventListener('abort', () => request.destroy(), { once: true })
}

async function answer(
  response: ServerResponse,
  { status, headers, body }: HubResponse,
  encoding: Encoding | undefined,
  kept: CompressedBodies,
): Promise<void> {
  const compress = encoding !== undefined && status === 200 && body.length >= COMPRESS_FROM_BYTES
  const sent = compress ? await kept.compressed(headers['etag'], body, encoding) : body
  response.writeHead(status, {
    ...headers,
    'content-length': sent.length,
    ...(compress && { 'content-encoding': encoding, vary: 'Accept-Encoding' }),
  })
  if (sent.length <= PIECE_BYTES) response.end(sent)
  else await endInPieces(response, sent)
}

/** Hands a large body over as fast as it is taken, and cuts a reader that is too slow for it. */
async function endInPieces(response: ServerResponse, body: Uint8Array): Promise<void> {
  response.setTimeout(STALLED_MS, () => response.destroy())
  const gone = AbortSignal.any([
    AbortSignal.timeout(STALLED_MS + body.length / SLOWEST_BYTES_PER_MS),
    abortedAt(response),
  ])
  for (let from = 0; from < body.length; from += PIECE_BYTES) {
    if (!response.write(body.subarray(from, from + PIECE_BYTES))) await once(response, 'drain', { signal: gone })
  }
  response.end()
}

function abortedAt(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => controller.abort(new Error('the reader went away')))
  return controller.signal
}

/** Compressed forms of what never changes (it has an ETag), the most recently used kept. */
class CompressedBodies {
  readonly #bodies = new Map<string, Uint8Array>()
  /** Being compressed now: those who ask meanwhile wait for the same. */
  readonly #compressing = new Map<string, Promise<Uint8Array>>()
  #bytes = 0

  async compressed(etag: string | undefined, body: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
    const key = etag === undefined ? undefined : `${encoding} ${etag}`
    const known = key === undefined ? undefined : this.#bodies.get(key)
    if (key !== undefined && known) {
      this.#bodies.delete(key)
      this.#bodies.set(key, known)
      return known
    }
    if (key === undefined) return await compress(body, encoding)
    const running = this.#compressing.get(key)
    if (running) return await running
    const compressing = compress(body, encoding).finally(() => this.#compressing.delete(key))
    this.#compressing.set(key, compressing)
    const compressed = await compressing
    this.#keep(key, compressed)
    return compressed
  }

  #keep(key: string, body: Uint8Array): void {
    if (body.length > MAX_KEPT_BYTES / 4 || this.#bodies.has(key)) return
    this.#bodies.set(key, body)
    this.#bytes += body.length
    for (const [oldest, bytes] of this.#bodies) {
      if (this.#bytes <= MAX_KEPT_BYTES) return
      this.#bodies.delete(oldest)
      this.#bytes -= bytes.length
    }
  }
}

async function compress(body: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
  return encoding === 'zstd' ? await zstdAsync(body) : await gzipAsync(body)
}
