import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Clock } from '@flotilla/core/ports/clock'
import { type AddressGuard, pinnedLookup } from './address-guard.ts'
import { type ProxyEnvironment, proxyFor } from './environment-proxy.ts'
import { SendError } from './send-error.ts'

const TIMEOUT_MS = 15_000
/** Of answers, so much is read: an id, or why not. */
const MOST_ANSWER_BYTES = 16 * 1024
/** Not for ever, whatever a target says. */
const MOST_WAIT_MS = 60 * 60_000

export interface Posted {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
}

export interface PostParts {
  readonly guard: AddressGuard
  readonly clock: Clock
  /** Where proxies are named; without it there is none. */
  readonly proxies?: ProxyEnvironment
}

export interface Posting {
  readonly url: URL
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/**
 * Posts once, to an address that the guard let through, with no redirect and no answer longer than a page.
 *
 * @throws SendError for everything that is no 2xx; what may be tried again says so, and when.
 */
export async function postJson(
  { url, body, headers, signal }: Posting,
  { guard, clock, proxies }: PostParts,
): Promise<Posted> {
  const subject = url.host
  const proxy = proxyFor(url, proxies ?? {})
  // Behind a proxy it is the proxy that resolves names, and that decides where it leads.
  const addresses = proxy === undefined ? await guard.resolve(url.hostname) : guard.checkWritten(url.hostname)
  const ending = new AbortController()
  const late = new SendError('NOTIFY_TIMEOUT', subject, `no answer in ${TIMEOUT_MS} ms`, { retry: true })
  const timer = clock.setTimer(TIMEOUT_MS, () => ending.abort(late))
  const stop = (): void => ending.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
        url,
        {
          method: 'POST',
          ...(proxy === undefined
            ? { lookup: pinnedLookup(addresses), agent: false }
            : { agent: throughProxy(url, proxy) }),
          signal: ending.signal,
          headers: {
            'content-type': 'application/json; charset=utf-8',
            'user-agent': 'flotilla',
            'content-length': String(Buffer.byteLength(body)),
            ...headers,
          },
        },
        resolve,
      )
      sent.on('error', reject)
      sent.end(body)
    })
    const text = await readBounded(message)
    const status = message.statusCode ?? 0
    if (status >= 200 && status < 300) return { status, headers: message.headers, text }
    throw refusal(subject, status, message.headers['retry-after'], clock.now())
  } catch (error) {
    if (ending.signal.aborted) throw ending.signal.reason
    if (error instanceof SendError) throw error
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new SendError('NOTIFY_UNREACHABLE', subject, `cannot be reached${code}`, { retry: true, cause: error })
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', stop)
  }
}

function throughProxy(url: URL, proxy: string): HttpAgent | HttpsAgent {
  const proxyEnv = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy }
  return url.protocol === 'https:' ? new HttpsAgent({ proxyEnv }) : new HttpAgent({ proxyEnv })
}

/** What a status means for a message: its answer's words are not repeated, they may hold what was sent. */
function refusal(subject: string, status: number, retryAfter: string | undefined, now: number): SendError {
  const retry = status >= 500 || status === 408 || status === 425 || status === 429
  const retryAfterMs = waitOf(retryAfter, now)
  return new SendError(retry ? 'NOTIFY_UNAVAILABLE' : 'NOTIFY_REFUSED', subject, `answered ${status}`, {
    retry,
    ...(retry && retryAfterMs !== undefined && { retryAfterMs }),
  })
}

/** Seconds, or a date. */
export function waitOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MOST_WAIT_MS) : undefined
}

async function readBounded(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).byteLength
    if (size > MOST_ANSWER_BYTES) break
  }
  message.destroy()
  return Buffer.concat(chunks).toString('utf8').slice(0, MOST_ANSWER_BYTES)
}
