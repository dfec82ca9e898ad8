import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { textAt } from '@flotilla/core/json/read-json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { Clock } from '@flotilla/core/ports/clock'
import { BoundedMemo } from '../source/bounded-memo.ts'
import { Limiter } from '../source/limiter.ts'
import { HostError } from './host-error.ts'
import { isRateLimited, notBefore, RateGates } from './host-rates.ts'
import type { HttpClient, HttpReply } from './http-client.ts'
import type { ApiCall, ApiReply, Connection, HostApi, OutgoingCall } from './provider.ts'
import { stableText } from './stable-text.ts'

export interface HostLimits {
  /** Of one request, body included. */
  readonly timeoutMs: number
  readonly maxPageBytes: number
  readonly maxPages: number
  readonly maxItems: number
  /** Requests to one host at the same time. */
  readonly concurrency: number
  /** Characters of answers that are remembered for conditional requests. */
  readonly rememberedCharacters: number
}

export const HOST_LIMITS: HostLimits = {
  timeoutMs: 30_000,
  maxPageBytes: 16 * 1024 * 1024,
  maxPages: 1_000,
  maxItems: 100_000,
  concurrency: 8,
  rememberedCharacters: 128 * 1024 * 1024,
}

/** An answer with the marks by which its host can say that it still holds. */
interface Remembered {
  readonly validators: Readonly<Record<string, string>>
  readonly reply: ApiReply
  readonly weight: number
}

/** What all connections share: sockets, answers that may still hold, and who has to wait. */
export class HostApis {
  readonly http: HttpClient
  readonly clock: Clock
  readonly limits: HostLimits
  readonly gates = new RateGates()
  readonly pages: BoundedMemo<Remembered>
  readonly #limiters = new Map<string, Limiter>()

  constructor(parts: { readonly http: HttpClient; readonly clock: Clock; readonly limits?: Partial<HostLimits> }) {
    this.http = parts.http
    this.clock = parts.clock
    this.limits = { ...HOST_LIMITS, ...parts.limits }
    this.pages = new BoundedMemo(this.limits.rememberedCharacters, page => page.weight)
  }

  open(connection: Connection, signal: AbortSignal): HostApi {
    return new ConnectedApi(this, connection, signal)
  }

  limiter(host: string): Limiter {
    const known = this.#limiters.get(host)
    if (known !== undefined) return known
    const made = new Limiter(this.limits.concurrency)
    this.#limiters.set(host, made)
    return made
  }
}

class ConnectedApi implements HostApi {
  readonly connection: Connection
  readonly #apis: HostApis
  readonly #signal: AbortSignal

  constructor(apis: HostApis, connection: Connection, signal: AbortSignal) {
    this.#apis = apis
    this.connection = connection
    this.#signal = signal
  }

  async ask(call: ApiCall): Promise<ApiReply> {
    const reply = await this.find(call)
    if (reply !== undefined) return reply
    const where = shownPath(this.#urlOf(call))
    throw new HostError('HOST_NOT_FOUND', `${where} was not found (404)`, { retry: true, status: 404 })
  }

  async find(call: ApiCall): Promise<ApiReply | undefined> {
    return await this.#send(call.body === undefined ? 'GET' : 'POST', call)
  }

  async exists(call: ApiCall): Promise<boolean> {
    return (await this.#send('HEAD', call)) !== undefined
  }

  async list(
    first: ApiCall,
    items: (body: Json) => readonly Json[] | undefined,
    next: (reply: ApiReply, call: ApiCall) => ApiCall | undefined,
  ): Promise<readonly Json[]> {
    const { maxPages, maxItems } = this.#apis.limits
    const found: Json[] = []
    const seen = new Set<string>()
    for (let call: ApiCall | undefined = first; call !== undefined; ) {
      const { href } = this.#urlOf(call)
      const again = `${href} ${call.body === undefined ? '' : stringifyJson(call.body)}`
      if (seen.has(again)) throw this.#invalid('a page that leads to itself')
      seen.add(again)
      if (seen.size > maxPages) throw this.#tooMuch(`more than ${maxPages} pages`)
      // That there is no second page does not mean that there is no such listing.
      const reply = seen.size === 1 ? await this.ask(call) : await this.find(call)
      if (reply === undefined) throw this.#invalid('a page that it does not find')
      const page = items(reply.body)
      if (page === undefined) throw this.#invalid('nothing that is a list')
      for (const item of page) found.push(item)
      if (found.length > maxItems) throw this.#tooMuch(`more than ${maxItems} entries`)
      call = next(reply, call)
    }
    return found
  }

  #invalid(what: string): HostError {
    const { host } = new URL(this.connection.baseUrl)
    return new HostError('HOST_ANSWER_INVALID', `${host} lists ${what}`, { retry: true })
  }

  #tooMuch(what: string): HostError {
    const { host } = new URL(this.connection.baseUrl)
    return new HostError('HOST_ANSWER_TOO_LARGE', `${host} lists ${what}`, { retry: false })
  }

  #urlOf({ path, query = {} }: ApiCall): URL {
    const { baseUrl } = this.connection
    const url = URL.canParse(path, baseUrl) ? new URL(path, baseUrl) : undefined
    const base = new URL(baseUrl)
    // A page that a host names may lie anywhere on that host, and our credentials go no further.
    if (url === undefined || url.origin !== base.origin || url.username !== '' || url.password !== '') {
      throw new HostError('HOST_REDIRECT', `${base.host} leads to another host, which is not followed`, {
        retry: false,
      })
    }
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value))
    return url
  }

  /** Undefined for 404. */
  async #send(method: OutgoingCall['method'], call: ApiCall): Promise<ApiReply | undefined> {
    const { clock, gates, pages, limits, http } = this.#apis
    const { baseUrl, identity, trust } = this.connection
    const url = this.#urlOf(call)
    const gate = `${new URL(baseUrl).origin} ${identity}`
    const key = `${gate} ${method} ${url.href} ${JSON.stringify(call.headers ?? {})}`
    const remembered = method === 'POST' ? undefined : pages.get(key)
    const body = call.body === undefined ? '' : stringifyJson(call.body)
    const headers = {
      accept: 'application/json',
      ...(body !== '' && { 'content-type': 'application/json' }),
      ...call.headers,
      ...remembered?.validators,
    }
    return await this.#apis.limiter(url.host).run(async () => {
      this.#signal.throwIfAborted()
      const until = gates.closedUntil(gate, clock.now())
      if (until !== undefined) throw rateLimited(url.host, until)
      const access = await this.connection.headers({ method, url, body, headers })
      const reply = await http.send({
        ...{ method, url, trust, signal: this.#signal },
        headers: { ...headers, ...access },
        ...(body !== '' && { body }),
        timeoutMs: limits.timeoutMs,
        maxBytes: limits.maxPageBytes,
      })
      const wait = notBefore(reply, clock.now())
      if (wait !== undefined) gates.close(gate, wait)
      if (reply.status === 304 && remembered !== undefined) return remembered.reply
      if (isRateLimited(reply)) throw rateLimited(url.host, wait ?? clock.now())
      if (reply.status === 404) return undefined
      if (reply.status < 200 || reply.status > 299) throw refusal(url, reply, Object.values(access))
      const answer = readAnswer(url, reply, method)
      if (method !== 'POST') this.#remember(key, reply, answer)
      return answer
    })
  }

  #remember(key: string, reply: HttpReply, answer: ApiReply): void {
    const etag = reply.headers.get('etag')
    const modified = reply.headers.get('last-modified')
    const validators = {
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(modified !== undefined && { 'if-modified-since': modified }),
    }
    const { pages } = this.#apis
    if (Object.keys(validators).length === 0) pages.delete(key)
    else pages.set(key, { validators, reply: answer, weight: key.length + reply.text.length })
  }
}

function readAnswer(url: URL, { status, headers, text }: HttpReply, method: OutgoingCall['method']): ApiReply {
  if (method === 'HEAD' || text === '') return { status, headers, body: null }
  try {
    return { status, headers, body: parseJson(text) }
  } catch (cause) {
    const message = `${shownPath(url)} answers with something that is not JSON`
    throw new HostError('HOST_ANSWER_INVALID', message, { retry: true, status, cause })
  }
}

function rateLimited(host: string, until: number): HostError {
  return new HostError('HOST_RATE_LIMITED', `${host} takes no more requests for now`, { retry: true, notBefore: until })
}

function refusal(url: URL, { status, text }: HttpReply, sent: readonly string[]): HostError {
  const said = stableText(
    wordsOf(text),
    sent.flatMap(value => [value, ...value.split(' ')]),
  )
  const words = said === '' ? '' : `: ${said}`
  const where = shownPath(url)
  if (status === 401) {
    const message = `${where}: the host does not accept the credentials (401)${words}`
    return new HostError('HOST_REFUSED', message, { retry: true, status })
  }
  if (status === 403) {
    return new HostError('HOST_REFUSED', `${where}: the host refuses this (403)${words}`, { retry: true, status })
  }
  return new HostError('HOST_FAILED', `${where}: the host answers ${status}${words}`, { retry: status >= 500, status })
}

/** What hosts put their explanation into; a page of HTML is none. */
function wordsOf(text: string): string {
  let body: Json
  try {
    body = parseJson(text)
  } catch {
    return /^\s*</.test(text) ? '' : text
  }
  const candidates = [
    textAt(body, 'message'),
    textAt(body, 'error_description'),
    textAt(body, 'error', 'message'),
    textAt(body, 'error'),
  ]
  return candidates.find(words => words !== '') ?? ''
}

/** Without the query, which may hold cursors that differ each time. */
function shownPath(url: URL): string {
  return `${url.host}${url.pathname}`
}
