import type { Json, JsonObject } from '@flotilla/core/json/json'
import { isJsonObject } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import { type HubResponse, type HubTransport, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import {
  type Answered,
  type Asked,
  type AskOptions,
  HubClient,
  type OperationId,
} from '@flotilla/hub/client/hub-client'
import { HubProblem, NotAHub } from '@flotilla/hub/client/hub-problem'
import type { Operations } from '@flotilla/hub/client/operations'
import { CliError, failure } from '../errors.ts'

export interface Listed {
  readonly items: readonly JsonObject[]
  /** On all pages, also those that were not asked for. */
  readonly total: number
}

/** Operations that answer a list page by page. */
type ListId = {
  [Id in OperationId]: Operations[Id]['answer'] extends { readonly items: readonly unknown[] } ? Id : never
}[OperationId]

/** Rows that one request asks for; the hub gives no more. */
const PAGE_ROWS = 1_000

/** People's API of one hub, whose refusals are sentences with an exit code. */
export class HubApi {
  readonly client: HubClient
  readonly #url: string

  /** @param token Without it, only what needs nobody can be asked. */
  constructor(transport: HubTransport, url: string, token: string | undefined, clock: Pick<Clock, 'sleep'>) {
    this.client = new HubClient({ transport, token: () => token, clock })
    this.#url = url
  }

  /**
   * @param what What is asked for, for the message when it is not there: `Application "web"`.
   * @throws CliError 3 when the hub cannot be reached or refuses the token; 2 for a wrong request; else 1.
   */
  async call<Id extends OperationId>(
    id: Id,
    asked: Asked<Id>,
    what?: string,
    options?: AskOptions,
  ): Promise<Operations[Id]['answer']> {
    return (await this.#told(what, () => this.client.call(id, asked, options))).answer
  }

  /** An answer that is no JSON, as it came. @throws CliError as {@link HubApi.call} */
  async text<Id extends OperationId>(
    id: Id,
    asked: Asked<Id>,
    what?: string,
  ): Promise<{ readonly text: string; readonly headers: Answered<unknown>['headers'] }> {
    const { answer, headers } = await this.#told(what, () => this.client.call(id, asked))
    return { text: String(answer), headers }
  }

  /**
   * Lines of an answer that is read while it comes, without the empty ones. Ending early ends the request.
   *
   * @throws CliError as {@link HubApi.call}, and 3 where it breaks off.
   */
  async *lines<Id extends OperationId>(
    id: Id,
    asked: Asked<Id>,
    accept: string,
    what?: string,
  ): AsyncGenerator<string> {
    try {
      yield* this.client.lines(id, asked, { accept })
    } catch (error) {
      throw this.#sentence(error, what)
    }
  }

  /** The rows of a list over as many pages as it has, or as `limit` needs. @throws CliError */
  async list<Id extends ListId>(id: Id, asked: Asked<Id>, limit = Number.POSITIVE_INFINITY): Promise<Listed> {
    const { path, query } = asked as { readonly path?: object; readonly query?: object }
    const items: JsonObject[] = []
    let total = 0
    let cursor: string | undefined
    do {
      const wanted = { ...query, limit: Math.min(PAGE_ROWS, limit - items.length), cursor }
      const page: Json = (await this.call(id, { ...(path && { path }), query: wanted } as unknown as Asked<Id>)) as Json
      const rows = isJsonObject(page) ? page['items'] : undefined
      if (!isJsonObject(page) || !Array.isArray(rows) || !rows.every(isJsonObject)) throw this.#notAHub()
      items.push(...rows)
      total = Number(page['total'] ?? items.length)
      cursor = typeof page['next'] === 'string' ? page['next'] : undefined
    } while (cursor !== undefined && items.length < limit)
    return { items, total }
  }

  /** An answer as it came, whatever its status: what a doctor looks at. @throws CliError 3 */
  async raw<Id extends OperationId>(id: Id): Promise<HubResponse> {
    return await this.#told(undefined, () => this.client.raw(id, {} as Asked<Id>))
  }

  close(): Promise<void> {
    return this.client.close()
  }

  async #told<T>(what: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#sentence(error, what)
    }
  }

  #sentence(error: unknown, what: string | undefined): unknown {
    if (error instanceof HubUnreachable) return unreachable(error, this.#url)
    if (error instanceof NotAHub) {
      if (error.status === undefined) return this.#notAHub()
      if (error.status === 401) return refusedToken(this.#url)
      return new CliError(3, `${this.#url} answered ${error.status}, and not as a hub does`)
    }
    if (!(error instanceof HubProblem)) return error
    if (error.status === 404 && what !== undefined) {
      return failure(`${this.#url} has no ${what}, or you may not see it`)
    }
    return refusal(error, this.#url)
  }

  #notAHub(): CliError {
    return new CliError(3, `${this.#url} does not answer as a hub does`, { hint: 'is the URL right?' })
  }
}

function refusal({ status, code, message, errors }: HubProblem, url: string): CliError {
  if (status === 401 && code === 'SIGN_IN_STALE') {
    return new CliError(3, `${url}: ${message}`, { hint: `flotilla login --hub ${url}` })
  }
  if (status === 401 && code === 'SIGN_IN_REFUSED') return new CliError(3, `${url}: ${message}`)
  if (status === 401 && message.includes('Argo CD')) return new CliError(3, `${url}: ${message}`)
  if (status === 401) return refusedToken(url)
  if (status === 403) return new CliError(3, `${url}: ${message}`)
  const mistakes = errors.map(each => `\n  ${each.pointer} ${each.message}`)
  const hint = errors.map(each => each.hint).find(each => each !== undefined)
  return new CliError(status === 400 ? 2 : 1, message + mistakes.join(''), hint === undefined ? {} : { hint })
}

function refusedToken(url: string): CliError {
  return new CliError(3, `${url}: the token is not valid there`, { hint: 'give --token-file or FLOTILLA_TOKEN' })
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
