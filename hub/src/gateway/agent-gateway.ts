import type { HubResponse, MessageSocket } from '@flotilla/core/ports/hub-transport'
import { MAX_KEY_CHANGE_BYTES } from '@flotilla/core/protocol/agent-key'
import { checkBody } from '@flotilla/core/protocol/assertion'
import { MAX_PROOF_BYTES } from '@flotilla/core/protocol/proofs'
import { MAX_RETURN_BYTES } from '@flotilla/core/protocol/return'
import { MAX_UPLOAD_BYTES } from '@flotilla/core/protocol/stream-records'
import { PROTOCOL_HEADER, SERVED_VERSIONS, TIME_HEADER, versionText } from '@flotilla/core/protocol/versions'
import { addressKey } from '../limits/address-key.ts'
import { Admission } from './admission.ts'
import { type AgentDesk, answerAgent } from './answer-agent.ts'
import { answerEnrolment, answerReturn, type StrangerDesk } from './answer-stranger.ts'
import type { Caller } from './authenticate.ts'
import { Callers } from './callers.ts'
import { type Connection, Connections } from './connections.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { GatewayHead, GatewayRequest } from './gateway-request.ts'
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './limits.ts'
import { Refusals } from './refusals.ts'
import { notFound, refuse, retryAfter } from './respond.ts'
import { type Route, routeOf } from './routes.ts'
import type { Screening } from './screening.ts'
import { CLOSE } from './socket-session.ts'
import { screenUpload, Uploads } from './uploads.ts'

export interface GatewayCounters {
  /** Refused requests, by code. */
  readonly refused: ReadonlyMap<string, number>
  /** Report entries about Applications that are not the reporter's. */
  readonly foreignEntries: number
  readonly framesSent: number
  /** Requests that were given a time because there was no room. */
  readonly putOff: number
}

/**
 * The hub's side of the hub–agent protocol (protocol.md), without sockets of its own: adapters bring requests and
 * streams of messages, simulation calls it directly.
 */
export class AgentGateway {
  /** Streams that people wait for. */
  readonly uploads = new Uploads()
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #connections: Connections
  readonly #callers: Callers
  readonly #agentDesk: AgentDesk
  readonly #strangerDesk: StrangerDesk
  readonly #admission: Admission
  /** Bodies of strangers have room of their own: however many they are, agents are heard. */
  readonly #strangers: Admission
  readonly #refusals: Refusals
  #foreignEntries = 0
  #putOff = 0
  #stopped = false

  constructor(options: GatewayOptions) {
    this.#options = options
    const { clock } = options
    this.#limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits }
    this.#connections = new Connections(options, this.#limits)
    this.#admission = new Admission(clock, this.#limits)
    this.#strangers = new Admission(clock, {
      ...this.#limits,
      maxUnreadBytes: this.#limits.maxUnreadStrangerBytes,
      maxExchangesOfOne: this.#limits.maxEnrolmentsOfOneAddress,
    })
    this.#refusals = new Refusals(clock, options.log, this.#limits.enrolmentFailuresPerMinute)
    this.#callers = new Callers(options, this.#refusals)
    const parts = { hub: options, limits: this.#limits, connections: this.#connections, refusals: this.#refusals }
    this.#strangerDesk = parts
    this.#agentDesk = {
      ...parts,
      foreign: entries => {
        this.#foreignEntries += entries
      },
    }
  }

  get counters(): GatewayCounters {
    const { framesSent } = this.#connections
    const putOff = this.#putOff
    return { refused: this.#refusals.counts, foreignEntries: this.#foreignEntries, framesSent, putOff }
  }

  /**
   * Judges a request by its head alone, so that an adapter reads no body of a stranger and no byte above the limit.
   * For requests with a body, and before a socket is upgraded; `handle` does it again.
   */
  async screen(head: GatewayHead): Promise<Screening> {
    const admitted = await this.#admit(head)
    if ('status' in admitted) return { kind: 'answer', response: this.#stamp(admitted) }
    const { route, caller } = admitted
    if (route.name === 'connect' && !this.#connections.mayOpen) {
      return { kind: 'answer', response: this.#stamp(this.#busy(this.#admission.turnAway())) }
    }
    if (route.name === 'upload' && caller) {
      const upload = await this.#guarded(() => screenUpload(this.#options, this.uploads, route.id, caller))
      if (typeof upload !== 'function') return { kind: 'answer', response: this.#stamp(upload) }
      return { kind: 'upload', take: async body => this.#stamp(await upload(body)) }
    }
    const maxBodyBytes = this.#maxBodyBytes(route.name)
    const room = caller
      ? this.#admission.read(caller.cluster.id, maxBodyBytes)
      : this.#strangers.read(addressKey(head.remoteAddress), maxBodyBytes)
    if (room.kind === 'full') return { kind: 'answer', response: this.#stamp(this.#busy(room)) }
    return { kind: 'proceed', maxBodyBytes, done: room.leave, ...(caller && { caller }) }
  }

  /** Answers one request. The body is inflated already; it is checked against its limit again. Never rejects. */
  async handle(request: GatewayRequest): Promise<HubResponse> {
    const response = await this.#guarded(async () => {
      const admitted = await this.#admit({ ...request, contentLength: request.body?.length })
      if ('status' in admitted) return admitted
      const { route, caller } = admitted
      if (!caller) return await (route.name === 'return' ? answerReturn : answerEnrolment)(request, this.#strangerDesk)
      if (checkBody(caller.claims, request.body)) {
        this.#refusals.count('BODY')
        return refuse(401, 'UNAUTHORISED', 'the assertion of this request does not hold')
      }
      const entry = this.#admission.enter(caller.cluster.id)
      if (entry.kind === 'full') return this.#busy(entry)
      try {
        return await answerAgent(route, request, caller, this.#agentDesk)
      } finally {
        // What a slow reader has not taken yet is still in memory.
        if (request.answered) void request.answered.then(entry.leave, entry.leave)
        else entry.leave()
      }
    })
    return this.#stamp(response)
  }

  /**
   * Takes over a socket whose connect request was screened; closes it when the request does not hold. Resolves when
   * the session listens.
   *
   * @param screened Whose it is, where that was found out in this very turn; otherwise it is found out again.
   */
  async accept(
    request: Omit<GatewayRequest, 'body' | 'signal'>,
    socket: MessageSocket,
    screened?: Caller,
  ): Promise<void> {
    const route = routeOf(request)
    const authentication = screened
      ? { kind: 'accepted' as const, caller: screened }
      : await this.#guarded(() => this.#callers.find(request))
    if (route?.name !== 'connect' || this.#stopped || 'status' in authentication || authentication.kind === 'refused') {
      return socket.close(CLOSE.unauthorised, 'the assertion of this request does not hold')
    }
    this.#connections.open(authentication.caller, socket)
  }

  /** Whether a cluster's agent has no protocol version in common: turned away, or served for its upgrade alone. */
  isVersionRefused(clusterId: string): boolean {
    return this.#callers.isVersionRefused(clusterId)
  }

  /** Tells connected agents that something new was committed for their clusters. */
  changed(clusterIds: Iterable<string>): void {
    this.#connections.changed(clusterIds)
  }

  /** The store is doubted, or trusted again: agents show what they hold at once, and not with their next heartbeat. */
  doubted(): void {
    this.#connections.askProofs()
  }

  connections(): readonly Connection[] {
    return this.#connections.all()
  }

  connection(clusterId: string): Connection | undefined {
    return this.#connections.of(clusterId)
  }

  /** Ends the connection of a cluster whose agent was revoked; the store already refuses its next request. */
  closeCluster(clusterId: string): void {
    this.#connections.revoked(clusterId)
  }

  /** Stops in order: agents are told within how many milliseconds to come back, and nothing new is taken. */
  stop(spreadMs: number): void {
    this.#stopped = true
    this.#connections.stop(spreadMs)
    this.uploads.stop()
  }

  /** Judges a request by its head: who asks for what. Enrolments have no caller yet. */
  async #admit(head: GatewayHead): Promise<{ readonly route: Route; readonly caller?: Caller } | HubResponse> {
    const route = routeOf(head)
    if (!route) return notFound()
    if (this.#stopped) return this.#stopping()
    const maxBodyBytes = this.#maxBodyBytes(route.name)
    if ((head.contentLength ?? 0) > maxBodyBytes) {
      return refuse(413, 'TOO_LARGE', `a body here has at most ${maxBodyBytes} bytes`)
    }
    if (route.name === 'enrol' || route.name === 'return') {
      const waitMs = this.#refusals.waitMs(head.remoteAddress)
      if (waitMs === 0) return { route }
      return refuse(429, 'TOO_MANY', 'too many refused enrolments from here', retryAfter(waitMs))
    }
    const authentication = await this.#guarded(() => this.#callers.find(head))
    if ('status' in authentication) return authentication
    return authentication.kind === 'refused' ? authentication.response : { route, caller: authentication.caller }
  }

  /** What the store or a disk refuses is the hub's trouble, and the agent's to try again. */
  async #guarded<T>(work: () => Promise<T>): Promise<T | HubResponse> {
    try {
      return await work()
    } catch (error) {
      this.#options.log.error('a request of an agent failed', { error })
      return refuse(503, 'UNAVAILABLE', 'the hub cannot do this now', retryAfter(5000))
    }
  }

  #stamp(response: HubResponse): HubResponse {
    const stamps = {
      [TIME_HEADER]: String(Math.floor(this.#options.clock.now())),
      [PROTOCOL_HEADER]: versionText(this.#options.served ?? SERVED_VERSIONS),
    }
    return { ...response, headers: { ...response.headers, ...stamps } }
  }

  #stopping(): HubResponse {
    return refuse(503, 'STOPPING', 'the hub stops', retryAfter(5000 + 25_000 * this.#options.random.fraction()))
  }

  #busy({ waitMs }: { readonly waitMs: number }): HubResponse {
    this.#putOff++
    return refuse(503, 'BUSY', 'the hub is busy', retryAfter(waitMs * (1 + this.#options.random.fraction())))
  }

  #maxBodyBytes(name: Route['name']): number {
    const { enrol, reports, poll } = this.#limits.maxBodyBytes
    const read = { documents: 0, bundle: 0, keys: 0, connect: 0, upload: MAX_UPLOAD_BYTES, key: MAX_KEY_CHANGE_BYTES }
    return { enrol, return: MAX_RETURN_BYTES, reports, proofs: MAX_PROOF_BYTES, poll, ...read }[name]
  }
}
