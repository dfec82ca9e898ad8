import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { HubResponse, HubTransport } from '@flotilla/core/ports/hub-transport'
import { expectAnswer } from '@flotilla/hub/api/testing/expect-answer'

type Query = { readonly [name: string]: string | undefined }

/**
 * People's API by its paths, for tests: whatever the hub answers has to be as its description says, or the test fails.
 */
export class CheckedApi {
  readonly #transport: HubTransport
  readonly #url: string
  readonly #token: string

  constructor(transport: HubTransport, url: string, token: string) {
    this.#transport = transport
    this.#url = url
    this.#token = token
  }

  get(path: string, query: Query = {}): Promise<JsonObject> {
    return this.#ask('GET', path + queryText(query))
  }

  post(path: string, body?: JsonObject): Promise<JsonObject> {
    return this.#ask('POST', path, body)
  }

  delete(path: string, query: Query = {}): Promise<JsonObject> {
    return this.#ask('DELETE', path + queryText(query))
  }

  /** Every row of a list. */
  async list(path: string, query: Query): Promise<{ readonly items: readonly JsonObject[]; readonly total: number }> {
    const items: JsonObject[] = []
    let cursor: string | undefined
    for (;;) {
      const page = await this.get(path, { ...query, limit: '1000', cursor })
      items.push(...((page['items'] ?? []) as readonly JsonObject[]))
      if (typeof page['next'] !== 'string') return { items, total: Number(page['total'] ?? items.length) }
      cursor = page['next']
    }
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: JsonObject): Promise<JsonObject> {
    const response = await this.#transport.request({
      ...{ method, path },
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${this.#token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
    })
    const answer = readAnswer(response)
    expectAnswer({ method, path, status: response.status, headers: response.headers, body: answer })
    if (response.status < 200 || response.status >= 300 || !isJsonObject(answer)) {
      throw new Error(`${this.#url}: ${method} ${path} was answered ${response.status} ${JSON.stringify(answer)}`)
    }
    return answer
  }
}

function readAnswer({ body }: HubResponse): unknown {
  const text = Buffer.from(body).toString('utf8')
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, value)
  return parameters.size === 0 ? '' : `?${parameters}`
}
