import type { Json, JsonObject } from '@flotilla/core/json/json'
import { isJsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { Clock } from '@flotilla/core/ports/clock'
import { type HubResponse, type HubTransport, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import { BoundedMemo } from '../source/bounded-memo.ts'
import { HubProblem, NotAHub } from './hub-problem.ts'
import { OPERATIONS, type Operations } from './operations.ts'
import { linesOf, wholeBody } from './read-lines.ts'

export type OperationId = keyof Operations
type Given<Part> = { readonly [Name in keyof Part]: Part[Name] }

/** What an operation is asked with; a part that it does not have, or whose members may all be left out, may be too. */
export type Asked<Id extends OperationId> = Needed<'path', Operations[Id]['path']> &
  Needed<'query', Operations[Id]['query']> &
  Needed<'body', Operations[Id]['body']>
type Needed<Name extends string, Part> = [Part] extends [undefined]
  ? { readonly [Key in Name]?: undefined }
  : Record<never, never> extends Part
    ? { readonly [Key in Name]?: Given<Part> }
    : { readonly [Key in Name]: Given<Part> }

export interface AskOptions {
  /** Of what was looked at: a write to another one by then is refused. */
  readonly ifMatch?: string
  /** Makes a write happen once, however often it is sent; it is sent again then when no answer came. */
  readonly idempotencyKey?: string
  /** Instead of the operation's own media type. */
  readonly accept?: string
  readonly signal?: AbortSignal
}

export interface Answered<Answer> {
  readonly answer: Answer
  readonly status: number
  /** By their names in lower case. */
  readonly headers: HubResponse['headers']
}

export interface HubClientParts {
  readonly transport: HubTransport
  /** Shown with every request; without it, what needs nobody. */
  readonly token?: () => string | undefined
  readonly clock: Pick<Clock, 'sleep'>
}

const ATTEMPTS = 3
const FIRST_WAIT_MS = 200
const MOST_WAIT_MS = 10_000
const MOST_KEPT_BYTES = 8 * 1024 * 1024
/** Answers that say nothing of the request: it may be sent again. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504])

interface KeptRead {
  readonly tag: string
  readonly body: Uint8Array
}

/**
 * People's API of one hub, made from its OpenAPI document: every operation by its name, with what goes in and what comes
 * out. Reads are sent again when no answer came, and not sent again by the hub when nothing has changed.
 */
export class HubClient {
  readonly #parts: HubClientParts
  readonly #kept = new BoundedMemo<KeptRead>(MOST_KEPT_BYTES, ({ body }) => body.length + 200)

  constructor(parts: HubClientParts) {
    this.#parts = parts
  }

  /** @throws HubProblem, NotAHub, HubUnreachable */
  async call<Id extends OperationId>(
    id: Id,
    asked: Asked<Id>,
    options: AskOptions = {},
  ): Promise<Answered<Operations[Id]['answer']>> {
    const { status, headers, body } = await this.#send(id, asked as Loose, options)
    if (status < 200 || status >= 300) throw problemOf(id, status, headers, body)
    const text = Buffer.from(body).toString('utf8')
    const isText = OPERATIONS[id][2] !== 'application/json' || options.accept !== undefined
    const answer = isText ? text : parsed(id, status, text)
    return { answer: answer as Operations[Id]['answer'], status, headers }
  }

  /**
   * An answer as it came, whatever its status.
   *
   * @throws HubUnreachable
   */
  async raw<Id extends OperationId>(id: Id, asked: Asked<Id>): Promise<HubResponse> {
    return await this.#send(id, asked as Loose, {})
  }

  /**
   * The lines of an answer that is read while it comes, without the empty ones. Ending early ends the request.
   *
   * @throws HubProblem, NotAHub, HubUnreachable; the last also where it breaks off.
   */
  async *lines<Id extends OperationId>(id: Id, asked: Asked<Id>, options: AskOptions = {}): AsyncGenerator<string> {
    const { transport } = this.#parts
    if (!transport.stream) throw new NotAHub('this way to the hub carries no streams')
    const { path, headers } = this.#requestOf(id, asked as Loose, options)
    const { signal } = options
    const response = await transport.stream({ method: 'GET', path, headers, ...(signal && { signal }) })
    if (response.status !== 200) {
      throw problemOf(id, response.status, response.headers, await wholeBody(response.body))
    }
    yield* linesOf(response.body)
  }

  close(): Promise<void> {
    return this.#parts.transport.close()
  }

  async #send(id: OperationId, asked: Loose, options: AskOptions): Promise<HubResponse> {
    const request = this.#requestOf(id, asked, options)
    const { method } = request
    const kept = method === 'GET' ? this.#kept.get(keptKey(request)) : undefined
    const headers = kept === undefined ? request.headers : { ...request.headers, 'if-none-match': kept.tag }
    const mayRepeat = method === 'GET' || options.idempotencyKey !== undefined
    const response = await this.#attempts(mayRepeat ? ATTEMPTS : 1, () =>
      this.#parts.transport.request({ ...request, headers }),
    )
    if (kept !== undefined && response.status === 304) return { ...response, status: 200, body: kept.body }
    const tag = response.headers['etag']
    if (method === 'GET' && response.status === 200 && tag !== undefined) {
      this.#kept.set(keptKey(request), { tag, body: response.body })
    }
    return response
  }

  async #attempts(most: number, send: () => Promise<HubResponse>): Promise<HubResponse> {
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= most
      try {
        const response = await send()
        if (last || !PASSING.has(response.status)) return response
        const wanted = Number(response.headers['retry-after'] ?? 0) * 1000
        if (wanted > MOST_WAIT_MS) return response
        await this.#parts.clock.sleep(Math.max(wanted, FIRST_WAIT_MS * attempt))
      } catch (error) {
        if (last || !(error instanceof HubUnreachable)) throw error
        await this.#parts.clock.sleep(FIRST_WAIT_MS * attempt)
      }
    }
  }

  #requestOf(id: OperationId, { path = {}, query = {}, body }: Loose, options: AskOptions) {
    const [method, template, type] = OPERATIONS[id]
    const token = this.#parts.token?.()
    const headers: Record<string, string> = { accept: options.accept ?? `${type}, application/problem+json` }
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    if (options.ifMatch !== undefined) headers['if-match'] = options.ifMatch
    if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey
    if (body !== undefined) headers['content-type'] = 'application/json'
    return {
      method,
      path: fill(template, path) + queryText(query),
      headers,
      ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
      ...(options.signal && { signal: options.signal }),
    }
  }
}

interface Loose {
  readonly path?: { readonly [name: string]: unknown }
  readonly query?: { readonly [name: string]: unknown }
  readonly body?: unknown
}

function fill(template: string, path: NonNullable<Loose['path']>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])))
}

function queryText(query: NonNullable<Loose['query']>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, Array.isArray(value) ? value.join(',') : String(value))
  }
  return parameters.size === 0 ? '' : `?${parameters}`
}

function keptKey({ path, headers }: { readonly path: string; readonly headers: Readonly<Record<string, string>> }) {
  return `${headers['accept']} ${path}`
}

function parsed(id: OperationId, status: number, text: string): JsonObject {
  const answer = parsedJson(text)
  // Whatever a hub answers has a name for each part.
  if (!isJsonObject(answer)) throw new NotAHub(`${id} was answered ${status}, and not as a hub does`)
  return answer
}

function problemOf(
  id: OperationId,
  status: number,
  headers: HubResponse['headers'],
  body: Uint8Array,
): HubProblem | NotAHub {
  const answer = parsedJson(Buffer.from(body).toString('utf8'))
  const problem: JsonObject = isJsonObject(answer) ? answer : {}
  if (typeof problem['title'] !== 'string') {
    return new NotAHub(`${id} was answered ${status}, and not as a hub does`, status)
  }
  return new HubProblem(status, problem, headers)
}

function parsedJson(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch (error) {
    // A proxy's page is no JSON; what to say of it follows from the status.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
