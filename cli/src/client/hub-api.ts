import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { type HubResponse, type HubTransport, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import { CliError, failure } from '../errors.ts'

/** Parameters of a request's query; what is undefined is left out. */
export type Query = { readonly [name: string]: string | undefined }

export interface Listed {
  readonly items: readonly JsonObject[]
  /** On all pages, also those that were not asked for. */
  readonly total: number
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Rows that one request asks for; the hub gives no more. */
const PAGE_ROWS = 1_000

/** People's API of one hub, whose refusals are sentences with an exit code. */
export class HubApi {
  readonly #transport: HubTransport
  readonly #url: string
  readonly #token: string

  constructor(transport: HubTransport, url: string, token: string) {
    this.#transport = transport
    this.#url = url
    this.#token = token
  }

  /**
   * @param what What is asked for, for the message when it is not there: `Application "web"`.
   * @throws CliError 3 when the hub cannot be reached or refuses the token; 2 for a wrong request; else 1.
   */
  async get(path: string, query: Query = {}, what?: string): Promise<JsonObject> {
    return await this.#ask('GET', path + queryText(query), undefined, what)
  }

  /** @throws CliError as {@link HubApi.get} */
  async post(path: string, body?: JsonObject, what?: string): Promise<JsonObject> {
    return await this.#ask('POST', path, body, what)
  }

  /** @throws CliError as {@link HubApi.get} */
  async delete(path: string, query: Query = {}, what?: string): Promise<JsonObject> {
    return await this.#ask('DELETE', path + queryText(query), undefined, what)
  }

  /** @param revision That was looked at: another one by then is refused. @throws CliError as {@link HubApi.get} */
  async patch(path: string, body: JsonObject, what?: string, revision?: number): Promise<JsonObject> {
    return await this.#ask('PATCH', path, body, what, revision === undefined ? {} : { 'if-match': `"${revision}"` })
  }

  /** An answer that is no JSON, as it came; headers by their names in lower case. @throws CliError as {@link HubApi.get} */
  async text(
    path: string,
    query: Query = {},
    what?: string,
  ): Promise<{ text: string; headers: HubResponse['headers'] }> {
    const response = await this.#send('GET', path + queryText(query), undefined, { accept: '*/*' })
    if (response.status >= 200 && response.status < 300) {
      return { text: Buffer.from(response.body).toString('utf8'), headers: response.headers }
    }
    throw this.#refused(response, what)
  }

  /**
   * Lines of an answer that is read while it comes, without the empty ones. Ending early ends the request.
   *
   * @throws CliError as {@link HubApi.get}, and 3 where it breaks off.
   */
  async *lines(path: string, query: Query, accept: string, what?: string): AsyncGenerator<string> {
    if (!this.#transport.stream) throw this.#notAHub()
    const headers = { accept, authorization: `Bearer ${this.#token}` }
    try {
      const response = await this.#transport.stream({ method: 'GET', path: path + queryText(query), headers })
      if (response.status !== 200) {
        const { status } = response
        throw this.#refused({ status, headers: response.headers, body: await wholeBody(response.body) }, what)
      }
      yield* linesOf(response.body)
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      throw unreachable(error, this.#url)
    }
  }

  /** The rows of a list over as many pages as it has, or as `limit` needs. @throws CliError */
  async list(path: string, query: Query, limit = Number.POSITIVE_INFINITY): Promise<Listed> {
    const items: JsonObject[] = []
    let total = 0
    let cursor: string | undefined
    do {
      const wanted = String(Math.min(PAGE_ROWS, limit - items.length))
      const page = await this.get(path, { ...query, limit: wanted, cursor })
      const rows = page['items']
      if (!Array.isArray(rows) || !rows.every(isJsonObject)) throw this.#notAHub()
      items.push(...rows)
      total = Number(page['total'] ?? items.length)
      cursor = typeof page['next'] === 'string' ? page['next'] : undefined
    } while (cursor !== undefined && items.length < limit)
    return { items, total }
  }

  /** An answer as it came, whatever its status: what a doctor looks at. @throws CliError 3 */
  async raw(path: string): Promise<HubResponse> {
    try {
      const headers = { accept: 'application/json', authorization: `Bearer ${this.#token}` }
      return await this.#transport.request({ method: 'GET', path, headers })
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      throw unreachable(error, this.#url)
    }
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #ask(
    method: Method,
    path: string,
    body?: JsonObject,
    what?: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<JsonObject> {
    const response = await this.#send(method, path, body, { accept: 'application/json', ...more })
    if (response.status < 200 || response.status >= 300) throw this.#refused(response, what)
    const answer = readAnswer(response)
    if (isJsonObject(answer)) return answer
    throw this.#notAHub()
  }

  async #send(
    method: Method,
    path: string,
    body: JsonObject | undefined,
    more: Readonly<Record<string, string>>,
  ): Promise<HubResponse> {
    const headers: Record<string, string> = { ...more, authorization: `Bearer ${this.#token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    try {
      return await this.#transport.request({
        method,
        path,
        headers,
        ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
      })
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      throw unreachable(error, this.#url)
    }
  }

  #refused(response: HubResponse, what: string | undefined): CliError {
    const answer = readAnswer(response)
    const problem = isJsonObject(answer) ? answer : {}
    if (response.status === 404 && what !== undefined && problem['title'] !== undefined) {
      return failure(`${this.#url} has no ${what}, or you may not see it`)
    }
    return refusal(response.status, problem, this.#url)
  }

  #notAHub(): CliError {
    return new CliError(3, `${this.#url} does not answer as a hub does`, { hint: 'is the URL right?' })
  }
}

/** Of a refusal; what is longer is none of a hub's. */
const MAX_REFUSAL_BYTES = 1024 * 1024

async function wholeBody(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MAX_REFUSAL_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
  if (rest !== '') yield rest
}

function readAnswer({ body }: HubResponse): Json | undefined {
  try {
    return parseJson(Buffer.from(body).toString('utf8'))
  } catch (error) {
    // A proxy's page is no JSON; what to say of it follows from the status.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function refusal(status: number, problem: JsonObject, url: string): CliError {
  const title = textOf(problem['detail']) ?? textOf(problem['title'])
  if (status === 401) {
    return new CliError(3, `${url}: the token is not valid there`, { hint: 'give --token-file or FLOTILLA_TOKEN' })
  }
  if (status === 403) return new CliError(3, `${url}: ${title ?? 'the token may not do this'}`)
  if (title === undefined) return new CliError(3, `${url} answered ${status}, and not as a hub does`)
  const errors = Array.isArray(problem['errors']) ? problem['errors'].filter(isJsonObject) : []
  const mistakes = errors.map(each => `\n  ${textOf(each['pointer']) ?? ''} ${textOf(each['message']) ?? ''}`)
  const hint = errors.map(each => textOf(each['hint'])).find(each => each !== undefined)
  return new CliError(status === 400 ? 2 : 1, title + mistakes.join(''), hint === undefined ? {} : { hint })
}

function unreachable(error: HubUnreachable, url: string): CliError {
  const text = `${error.message} ${error.cause ?? ''}`
  const known = CAUSES.find(({ sign }) => sign.test(text))
  return new CliError(3, `${url}: ${known?.message ?? error.message.trim()}`, { hint: known?.hint, cause: error })
}

/** What is behind the words of a socket or of a TLS library, where they do not say it themselves. */
const CAUSES: readonly { readonly sign: RegExp; readonly message?: string; readonly hint: string }[] = [
  {
    sign: /wrong version number|packet length too long/i,
    message: 'the hub cannot be reached: what answers there speaks no TLS',
    hint: 'a hub that listens without TLS has an http:// URL; else the port is another program’s',
  },
  {
    sign: /Parse Error|socket hang up/i,
    hint: 'a hub with TLS has an https:// URL; else the port is another program’s',
  },
  {
    sign: /certificate|self.signed/i,
    hint: "for a hub with its own authority give --ca-file (its authority's certificate) or --ca-pin (its SHA-256)",
  },
  { sign: /ENOTFOUND|EAI_AGAIN/, hint: 'no machine of that name is known here: is --hub right?' },
  { sign: /ECONNREFUSED/, hint: 'nothing listens there: does the hub run, and is the port right?' },
]

function queryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, value)
  return parameters.size === 0 ? '' : `?${parameters}`
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
