import type { Clock } from '@flotilla/core/ports/clock'
import {
  HubRefused,
  type HubRequest,
  type HubResponse,
  type HubStreamResponse,
  type HubTransport,
  HubUnreachable,
  type MessageSocket,
} from '@flotilla/core/ports/hub-transport'
import { type HelloProof, makeAssertion, makeHelloProof } from '@flotilla/core/protocol/assertion'
import type { SigningKey } from '@flotilla/core/protocol/ed25519'
import { PROTOCOL_HEADER, PROTOCOL_VERSIONS, TIME_HEADER, versionText } from '@flotilla/core/protocol/versions'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { IncarnationNumber } from './incarnation.ts'

/** Offsets nearer to each other than this are the same: signing again would change nothing. */
const SAME_OFFSET_MS = 1000
const LONGEST_RETRY_AFTER_MS = 10 * 60_000

export interface Speaker {
  readonly cluster: string
  readonly admission: number
  readonly hubId: string
  readonly key: SigningKey
  readonly incarnation: IncarnationNumber
}

/**
 * Requests that carry who asks (protocol.md 3). It reckons the hub's time from `Flotilla-Time`, for assertions alone:
 * a machine whose clock is an hour off is understood at its second try, which is made at once.
 */
export class HubClient {
  readonly #transport: HubTransport
  readonly #clock: Clock
  #offsetMs = 0

  constructor(transport: HubTransport, clock: Clock) {
    this.#transport = transport
    this.#clock = clock
  }

  /** The hub's time as far as known, for assertions and enrolments only; gates have their own. */
  assertionTime(): EpochMs {
    return Math.floor(this.#clock.now() + this.#offsetMs)
  }

  /** A request without an assertion: the enrolment's. @throws HubUnreachable */
  async anonymous(request: HubRequest): Promise<HubResponse> {
    const response = await this.#transport.request({ ...request, headers: { ...request.headers, ...protocolHeader() } })
    this.#learnTime(response.headers)
    return response
  }

  /** @throws HubUnreachable */
  async request(
    speaker: Speaker,
    request: {
      readonly method: 'GET' | 'POST'
      readonly path: string
      readonly body?: Uint8Array
      readonly signal?: AbortSignal
    },
  ): Promise<HubResponse> {
    const send = async (): Promise<HubResponse> =>
      await this.#transport.request({
        ...request,
        headers: { ...this.#headers(speaker, request), ...(request.body && { 'content-type': 'application/json' }) },
      })
    const before = this.#offsetMs
    const response = await send()
    this.#learnTime(response.headers)
    if (response.status !== 401 || !this.#offsetChanged(before)) return response
    const second = await send()
    this.#learnTime(second.headers)
    return second
  }

  /**
   * Sends what comes while it comes; asserted without a hash, and taken once (protocol.md 3).
   *
   * @throws HubUnreachable
   */
  async upload(
    speaker: Speaker,
    path: string,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<HubStreamResponse> {
    if (!this.#transport.stream) throw new HubUnreachable('this way to the hub carries no streams')
    const headers = {
      ...this.#headers(speaker, { method: 'POST', path, streamed: true }),
      'content-type': 'application/x-ndjson',
    }
    const response = await this.#transport.stream({ method: 'POST', path, headers, body, signal })
    this.#learnTime(response.headers)
    return response
  }

  /** @throws HubUnreachable, HubRefused */
  async connect(speaker: Speaker): Promise<MessageSocket> {
    const path = '/agent/v1/connect'
    const dial = async (): Promise<MessageSocket> =>
      await this.#transport.connect(path, this.#headers(speaker, { method: 'GET', path }))
    const before = this.#offsetMs
    try {
      return await dial()
    } catch (error) {
      if (!(error instanceof HubRefused)) throw error
      this.#learnTime(error.headers)
      if (error.status !== 401 || !this.#offsetChanged(before)) throw error
      return await dial()
    }
  }

  /** The answer to the hub's nonce. */
  helloProof(speaker: Speaker, nonce: string): string {
    const { cluster, admission, hubId, incarnation, key } = speaker
    const proof: HelloProof = { iss: cluster, adm: admission, aud: hubId, nonce, ...incarnation }
    return makeHelloProof(proof, key)
  }

  #headers(
    speaker: Speaker,
    request: {
      readonly method: 'GET' | 'POST'
      readonly path: string
      readonly body?: Uint8Array
      readonly streamed?: true
    },
  ): Record<string, string> {
    const { cluster, admission, hubId, incarnation, key } = speaker
    const now = this.assertionTime()
    const authorization = makeAssertion({ cluster, admission, hubId, now, ...request, ...incarnation }, key)
    return { authorization, ...protocolHeader() }
  }

  #learnTime(headers: Readonly<Record<string, string>>): void {
    const hubNow = Number(headers[TIME_HEADER] ?? Number.NaN)
    if (Number.isSafeInteger(hubNow) && hubNow > 0) this.#offsetMs = hubNow - this.#clock.now()
  }

  #offsetChanged(before: number): boolean {
    return Math.abs(this.#offsetMs - before) > SAME_OFFSET_MS
  }
}

/** What `Retry-After` asks for, in milliseconds; ten minutes at most, whatever it says. */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number {
  const seconds = Number(headers['retry-after'] ?? 0)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : 0
}

function protocolHeader(): Record<string, string> {
  return { [PROTOCOL_HEADER]: versionText(PROTOCOL_VERSIONS) }
}
