import type { Json } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { Clock } from '@flotilla/core/ports/clock'
import {
  type ClusterRequest,
  type ClusterResponse,
  type ClusterTransport,
  ClusterUnreachable,
} from '@flotilla/core/ports/cluster-transport'
import type { Random } from '@flotilla/core/ports/random'
import { firstAborted } from './first-aborted.ts'
import { KubernetesError } from './kubernetes-error.ts'
import { BodyTooLarge, parseJsonOrText, readText } from './read-body.ts'
import { readFailure } from './read-failure.ts'

/** A page of 250 objects of the largest size that etcd takes stays below this. */
const MOST_BODY_BYTES = 384 * 1024 * 1024
const REQUEST_TIMEOUT_MS = 60_000
const MOST_ATTEMPTS = 5
const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 10_000

export interface ApiRequest {
  readonly method: ClusterRequest['method']
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Json
  /** Whom and what the message names: `apps/Deployment shop/web`, `apply`. */
  readonly subject: string
  readonly verb: string
  /** The object is a Secret: the server's words are not repeated. */
  readonly secret?: boolean
  /** Whether doing it twice is the same as once: then a lost answer may be asked for again. */
  readonly idempotent: boolean
  readonly signal?: AbortSignal
}

export interface RequesterOptions {
  readonly transport: ClusterTransport
  readonly clock: Clock
  readonly random: Random
  /** Name of the cluster, the first word of every message. */
  readonly cluster: string
  /** From then on no request begins and no wait goes on; what is on its way may end. */
  readonly stopping?: AbortSignal
  /** Whom requests are made as, in place of the agent. */
  readonly impersonate?: string
}

/** Sends requests with a time limit and bounded retries, and turns refusals into {@link KubernetesError}. */
export class Requester {
  readonly #options: RequesterOptions
  readonly #identity: Readonly<Record<string, string>>
  /** Requests sent, for tests that count them. */
  requestCount = 0

  constructor(options: RequesterOptions) {
    this.#options = options
    this.#identity = options.impersonate === undefined ? {} : { 'impersonate-user': options.impersonate }
  }

  get clock(): Clock {
    return this.#options.clock
  }

  get random(): Random {
    return this.#options.random
  }

  /**
   * The parsed body of a successful answer. Waits and repeats what can be repeated: throttling and 5xx, answers that
   * never came where the request is idempotent; the server's Retry-After counts, up to a limit.
   *
   * @throws KubernetesError
   */
  async json(request: ApiRequest): Promise<Json> {
    const { clock, stopping } = this.#options
    for (let attempt = 1; ; attempt++) {
      stopping?.throwIfAborted()
      try {
        return await this.#once(request)
      } catch (error) {
        if (!(error instanceof KubernetesError) || attempt >= MOST_ATTEMPTS || !mayRepeat(error, request)) throw error
        const { controller, release } = firstAborted(request.signal, stopping)
        await clock.sleep(this.#delayMs(attempt, error.retryAfterMs), controller.signal).finally(release)
      }
    }
  }

  /** The answer's head with its body unread: for watches. Not repeated; no time limit on the body. */
  async stream(request: ApiRequest): Promise<ClusterResponse> {
    const response = await this.#send(request, request.signal)
    if (response.status >= 200 && response.status < 300) return response
    throw await this.#failure(request, response)
  }

  async #once(request: ApiRequest): Promise<Json> {
    const limit = new AbortController()
    const timer = this.#options.clock.setTimer(REQUEST_TIMEOUT_MS, () =>
      limit.abort(new ClusterUnreachable(`no answer within ${REQUEST_TIMEOUT_MS / 1000} s`)),
    )
    // By hand: a composite signal costs more than the rest of this function.
    const giveUp = () => limit.abort(request.signal?.reason)
    request.signal?.addEventListener('abort', giveUp, { once: true })
    try {
      request.signal?.throwIfAborted()
      const response = await this.#send(request, limit.signal)
      if (response.status < 200 || response.status >= 300) throw await this.#failure(request, response)
      return parseJsonOrText(await readText(response.body, MOST_BODY_BYTES))
    } catch (error) {
      throw this.#translate(request, error)
    } finally {
      timer.cancel()
      request.signal?.removeEventListener('abort', giveUp)
    }
  }

  async #send(request: ApiRequest, signal: AbortSignal | undefined): Promise<ClusterResponse> {
    this.requestCount++
    try {
      return await this.#options.transport.request({
        method: request.method,
        path: request.path,
        headers: { accept: 'application/json', ...this.#identity, ...request.headers },
        ...(request.body === undefined ? {} : { body: stringifyJson(request.body) }),
        ...(signal ? { signal } : {}),
      })
    } catch (error) {
      throw this.#translate(request, error)
    }
  }

  async #failure(request: ApiRequest, response: ClusterResponse): Promise<KubernetesError> {
    const body = parseJsonOrText(await readText(response.body, 1024 * 1024))
    const failure = { status: response.status, headers: response.headers, body }
    return readFailure(this.#subject(request), request.verb, failure, request.secret ?? false)
  }

  #translate(request: ApiRequest, error: unknown): unknown {
    if (error instanceof ClusterUnreachable) {
      const options = { retry: true, status: 0, cause: error }
      return new KubernetesError('CLUSTER_UNREACHABLE', this.#subject(request), request.verb, error.message, options)
    }
    if (error instanceof BodyTooLarge) {
      const options = { retry: false, status: 0, cause: error }
      return new KubernetesError('RESPONSE_INVALID', this.#subject(request), request.verb, error.message, options)
    }
    return error
  }

  #subject(request: ApiRequest): string {
    return request.subject === '' ? this.#options.cluster : `${this.#options.cluster} ${request.subject}`
  }

  /** Full jitter over a doubling delay, never below what the server asked for (within reason). */
  #delayMs(attempt: number, retryAfterMs: number | undefined): number {
    const backOff = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS)
    const jittered = backOff * (0.5 + this.#options.random.fraction() / 2)
    return Math.max(jittered, Math.min(retryAfterMs ?? 0, LONGEST_DELAY_MS))
  }
}

function mayRepeat(error: KubernetesError, request: ApiRequest): boolean {
  switch (error.code) {
    // Throttled: the server did not look at it.
    case 'THROTTLED':
      return true
    case 'SERVER_ERROR':
    case 'CLUSTER_UNREACHABLE':
      return request.idempotent
    default:
      return false
  }
}
