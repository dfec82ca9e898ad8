import type { Digest } from '@flotilla/core/json/canonical-json'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { HubRequest, HubResponse, MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import { checkBody } from '@flotilla/core/protocol/assertion'
import { decodePoll, type HubFrame, type PollAnswer } from '@flotilla/core/protocol/frames'
import { PROTOCOL_HEADER, PROTOCOL_VERSIONS, TIME_HEADER, versionText } from '@flotilla/core/protocol/versions'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Authentication, authenticate, type Caller, type RequestHead } from './authenticate.ts'
import { Conversation } from './conversation.ts'
import { enrol } from './enrol.ts'
import { FailureLimiter } from './failure-limiter.ts'
import { type HubKeys, linksFrom } from './hub-keys.ts'
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits, heartbeatMsFor } from './limits.ts'
import { notFound, refuse, respond, retryAfter } from './respond.ts'
import { type Route, routeOf } from './routes.ts'
import { serveBundle } from './serve-bundle.ts'
import { serveDocuments } from './serve-documents.ts'
import { CLOSE, SocketSession } from './socket-session.ts'
import { takeReports } from './take-reports.ts'

export interface GatewayEvents {
  /** Reports or outcomes of Grants were stored for these Applications. */
  reported(clusterId: string, applicationIds: readonly string[]): void
  connected(clusterId: string): void
  heartbeat(clusterId: string): void
  /** A cluster was admitted (again): its documents have to be issued under its admission. */
  joined?(clusterId: string): void
  /** A Bundle that is offered could not be read for its agent: lost, or damaged. */
  bundleMissing?(digest: Digest): void
}

export interface GatewayOptions {
  readonly store: Store
  readonly bundles: BundleStore
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits?: Partial<GatewayLimits>
  /** How many clusters the fleet has: their agents share the hub's time. */
  readonly clusters: () => number
  readonly events: GatewayEvents
}

export interface Connection {
  readonly clusterId: string
  readonly connectedAt: EpochMs
  readonly lastSeenAt: EpochMs
  /** The agent's machine clock minus hub time; undefined before it has said. */
  readonly skewMs: number | undefined
  readonly inc: number
  readonly transport: 'socket' | 'poll'
}

/** Whether a request's body is worth reading: answered, or so many bytes at most. */
export type Screening =
  | { readonly kind: 'answer'; readonly response: HubResponse }
  | { readonly kind: 'proceed'; readonly maxBodyBytes: number }

export interface GatewayCounters {
  /** Refused requests, by code. */
  readonly refused: ReadonlyMap<string, number>
  /** Report entries about Applications that are not the reporter's. */
  readonly foreignEntries: number
  readonly framesSent: number
}

export type GatewayRequest = HubRequest & { readonly remoteAddress: string }

/** A request before its body. */
export interface GatewayHead extends RequestHead {
  readonly remoteAddress: string
  /** The stated one, if there is one. */
  readonly contentLength?: number
}

/**
 * The hub's side of the hub–agent protocol (protocol.md), without sockets of its own: adapters bring requests and
 * streams of messages, simulation calls it directly.
 */
export class AgentGateway {
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #sessions = new Map<string, SocketSession>()
  readonly #opening = new Set<SocketSession>()
  readonly #pollers = new Map<
    string,
    { conversation: Conversation; connectedAt: EpochMs; lastSeenAt: EpochMs; lastHeardMs: number; inc: number }
  >()
  readonly #failures: FailureLimiter
  readonly #refused = new Map<string, number>()
  #foreignEntries = 0
  #framesSent = 0
  #exchanges = 0
  #stopped = false
  #sweep: Timer | undefined

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits }
    this.#failures = new FailureLimiter(options.clock, this.#limits.enrolmentFailuresPerMinute, 60_000)
  }

  get counters(): GatewayCounters {
    return { refused: new Map(this.#refused), foreignEntries: this.#foreignEntries, framesSent: this.#framesSent }
  }

  /**
   * Judges a request by its head alone, so that an adapter reads no body of a stranger and no byte above the limit.
   * For requests with a body, and before a socket is upgraded; `handle` does it again.
   */
  async screen(head: GatewayHead): Promise<Screening> {
    const admitted = await this.#admit(head)
    if ('status' in admitted) return { kind: 'answer', response: this.#stamp(admitted) }
    return { kind: 'proceed', maxBodyBytes: this.#maxBodyBytes(admitted.route.name) }
  }

  /** Answers one request. The body is inflated already; it is checked against its limit again. Never rejects. */
  async handle(request: GatewayRequest): Promise<HubResponse> {
    const response = await this.#guarded(async () => {
      const admitted = await this.#admit({ ...request, contentLength: request.body?.length })
      if ('status' in admitted) return admitted
      const { route, caller } = admitted
      if (!caller) return await this.#enrol(request)
      if (checkBody(caller.claims, request.body)) {
        this.#count('BODY')
        return refuse(401, 'UNAUTHORISED', 'the assertion of this request does not hold')
      }
      if (this.#exchanges >= this.#limits.maxExchanges) return this.#busy()
      this.#exchanges++
      try {
        return await this.#route(route, request, caller)
      } finally {
        this.#exchanges--
      }
    })
    return this.#stamp(response)
  }

  /**
   * Takes over a socket whose connect request was screened; closes it when the request does not hold. Resolves when
   * the session listens.
   */
  async accept(request: Omit<GatewayRequest, 'body' | 'signal'>, socket: MessageSocket): Promise<void> {
    const route = routeOf(request)
    const authentication = await this.#guarded(() => this.#authenticate(request))
    if (route?.name !== 'connect' || this.#stopped || 'status' in authentication || authentication.kind === 'refused') {
      return socket.close(CLOSE.unauthorised, 'the assertion of this request does not hold')
    }
    const { caller } = authentication
    const conversation = new Conversation(caller.cluster.id, this.#options, this.#limits)
    const heartbeatMs = heartbeatMsFor(this.#options.clusters(), this.#limits)
    const limits = { ...this.#limits, heartbeatMs }
    const session = new SocketSession(caller, conversation, this.#counted(socket), this.#options, limits, {
      stood: stood => this.#stood(stood),
      ended: ended => {
        this.#opening.delete(ended)
        if (this.#sessions.get(ended.conversation.clusterId) === ended)
          this.#sessions.delete(ended.conversation.clusterId)
      },
    })
    this.#opening.add(session)
    this.#armSweep()
  }

  /** Tells connected agents that something new was committed for their clusters. */
  changed(clusterIds: Iterable<string>): void {
    for (const clusterId of clusterIds) {
      this.#pollers.get(clusterId)?.conversation.forget()
      const session = this.#sessions.get(clusterId)
      if (!session) continue
      session.conversation.forget()
      void this.#tellChanged(session)
    }
  }

  connections(): readonly Connection[] {
    const sockets = [...this.#sessions.values()].map(
      ({ caller, conversation, connectedAt, lastSeenAt }): Connection => ({
        clusterId: conversation.clusterId,
        connectedAt,
        lastSeenAt,
        skewMs: conversation.skewMs,
        inc: caller.claims.inc,
        transport: 'socket',
      }),
    )
    const polls = [...this.#pollers.values()].map(
      ({ conversation, connectedAt, lastSeenAt, inc }): Connection => ({
        clusterId: conversation.clusterId,
        connectedAt,
        lastSeenAt,
        skewMs: conversation.skewMs,
        inc,
        transport: 'poll',
      }),
    )
    return [...sockets, ...polls]
  }

  /** Ends the connection of a cluster whose agent was revoked; the store already refuses its next request. */
  closeCluster(clusterId: string): void {
    for (const session of [...this.#opening, ...this.#sessions.values()]) {
      if (session.conversation.clusterId === clusterId) session.close(CLOSE.unauthorised, 'revoked')
    }
    this.#pollers.delete(clusterId)
  }

  /** Stops in order: agents are told within how many milliseconds to come back, and nothing new is taken. */
  stop(spreadMs: number): void {
    this.#stopped = true
    this.#sweep?.cancel()
    for (const session of [...this.#opening, ...this.#sessions.values()]) {
      session.send({ kind: 'closing', spreadMs })
      session.close(1001, 'the hub stops')
    }
    this.#pollers.clear()
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
    if (route.name === 'enrol') {
      const waitMs = this.#failures.waitMs(head.remoteAddress)
      if (waitMs === 0) return { route }
      return refuse(429, 'TOO_MANY', 'too many refused enrolments from here', retryAfter(waitMs))
    }
    const authentication = await this.#guarded(() => this.#authenticate(head))
    if ('status' in authentication) return authentication
    return authentication.kind === 'refused' ? authentication.response : { route, caller: authentication.caller }
  }

  async #route(route: Route, request: GatewayRequest, caller: Caller): Promise<HubResponse> {
    const { store, bundles, clock, keys } = this.#options
    const { cluster } = caller
    switch (route.name) {
      case 'documents':
        return await serveDocuments(store, cluster.id, route.query, this.#limits)
      case 'bundle':
        return await serveBundle(store, bundles, cluster.id, route.digest, digest =>
          this.#options.events.bundleMissing?.(digest),
        )
      case 'reports': {
        const { response, changed, foreign } = await takeReports(store, clock, cluster, request.body)
        this.#foreignEntries += foreign
        if (changed.length > 0) {
          this.#sessions.get(cluster.id)?.conversation.forget()
          this.#pollers.get(cluster.id)?.conversation.forget()
          this.#options.events.reported(cluster.id, changed)
        }
        return response
      }
      case 'poll':
        return await this.#poll(request, caller)
      case 'keys':
        return respond(200, { links: linksFrom(keys.links, route.query.get('from')) })
      case 'connect':
        return refuse(426, 'UPGRADE_REQUIRED', 'this is for WebSockets', { upgrade: 'websocket' })
      case 'enrol':
        return notFound()
    }
  }

  async #enrol(request: GatewayRequest): Promise<HubResponse> {
    const { log, events } = this.#options
    const enrolment = await enrol(request.body, this.#options)
    if (enrolment.kind === 'refused') {
      this.#failures.failed(request.remoteAddress)
      this.#count(enrolment.code)
      log.warn('an enrolment was refused', { code: enrolment.code, remoteAddress: request.remoteAddress })
    } else {
      log.info('a cluster was admitted', { cluster: enrolment.clusterId, remoteAddress: request.remoteAddress })
      this.#sessions.get(enrolment.clusterId)?.close(CLOSE.replaced, 'the cluster was admitted again')
      events.joined?.(enrolment.clusterId)
    }
    return enrolment.response
  }

  async #poll(request: GatewayRequest, caller: Caller): Promise<HubResponse> {
    const { clock, events } = this.#options
    const decoded = request.method === 'POST' ? decodePoll(request.body ?? new Uint8Array()) : undefined
    if (decoded?.kind === 'refused') return refuse(400, 'MALFORMED', decoded.message)
    const clusterId = caller.cluster.id
    let poller = this.#pollers.get(clusterId)
    if (poller?.inc !== caller.claims.inc) {
      const conversation = new Conversation(clusterId, this.#options, this.#limits)
      const now = clock.now()
      poller = { conversation, connectedAt: now, lastSeenAt: now, lastHeardMs: 0, inc: caller.claims.inc }
      this.#pollers.set(clusterId, poller)
      this.#armSweep()
      events.connected(clusterId)
    }
    poller.lastSeenAt = clock.now()
    poller.lastHeardMs = clock.monotonicMs()
    const frames: HubFrame[] = []
    for (const frame of decoded?.value ?? []) frames.push(...(await poller.conversation.answer(frame)))
    const truth = await poller.conversation.truth()
    if (request.method === 'GET' && truth.grants.length > 0)
      frames.push({ kind: 'grants', grants: truth.grants.slice(0, 1000) })
    const answer: PollAnswer = {
      version: PROTOCOL_VERSIONS.max,
      pollMs: this.#limits.pollMs,
      upTo: truth.upTo,
      frames,
    }
    return respond(200, answer)
  }

  #stood(session: SocketSession): void {
    const { clusterId } = session.conversation
    this.#opening.delete(session)
    this.#sessions.get(clusterId)?.close(CLOSE.replaced, 'connected again')
    this.#sessions.set(clusterId, session)
    this.#pollers.delete(clusterId)
    this.#options.events.connected(clusterId)
  }

  async #tellChanged(session: SocketSession): Promise<void> {
    try {
      const { upTo } = await session.conversation.truth()
      session.send({ kind: 'changed', upTo })
    } catch (error) {
      // The next heartbeat's digests say the same a little later.
      const cluster = session.conversation.clusterId
      this.#options.log.warn('an agent could not be told of a change', { cluster, error })
    }
  }

  /** Ends what has fallen silent. Runs only while somebody is connected. */
  #armSweep(): void {
    const { clock } = this.#options
    this.#sweep ??= clock.setTimer(this.#limits.silentMs / 4, () => {
      this.#sweep = undefined
      const now = clock.monotonicMs()
      for (const session of [...this.#sessions.values()]) {
        const silentMs = session.heartbeatMs * this.#limits.silentHeartbeats
        if (session.lastHeardMs < now - silentMs) session.close(CLOSE.silent, 'silent')
      }
      const oldest = now - this.#limits.silentMs
      for (const [clusterId, poller] of this.#pollers) {
        if (poller.lastHeardMs < oldest) this.#pollers.delete(clusterId)
      }
      if (this.#sessions.size + this.#opening.size + this.#pollers.size > 0 && !this.#stopped) this.#armSweep()
    })
  }

  async #authenticate(head: RequestHead): Promise<Authentication> {
    const { store, keys, clock, log } = this.#options
    const authentication = await authenticate(head, { store, hubId: keys.hubId, now: clock.now() })
    if (authentication.kind === 'refused') {
      this.#count(authentication.code)
      log.warn('a request of an agent was refused', { code: authentication.code, cluster: authentication.cluster })
    }
    return authentication
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
      [PROTOCOL_HEADER]: versionText(PROTOCOL_VERSIONS),
    }
    return { ...response, headers: { ...response.headers, ...stamps } }
  }

  #stopping(): HubResponse {
    return refuse(503, 'STOPPING', 'the hub stops', retryAfter(5000 + 25_000 * this.#options.random.fraction()))
  }

  #busy(): HubResponse {
    return refuse(503, 'BUSY', 'the hub is busy', retryAfter(1000 + 4000 * this.#options.random.fraction()))
  }

  #maxBodyBytes(name: Route['name']): number {
    const { enrol, reports, poll } = this.#limits.maxBodyBytes
    return { enrol, reports, poll, documents: 0, bundle: 0, keys: 0, connect: 0 }[name]
  }

  #count(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1)
  }

  #counted(socket: MessageSocket): MessageSocket {
    const send = (text: string): void => {
      this.#framesSent++
      socket.send(text)
    }
    return {
      send,
      get bufferedBytes() {
        return socket.bufferedBytes
      },
      onMessage: listener => socket.onMessage(listener),
      onClose: listener => socket.onClose(listener),
      close: (code, reason) => socket.close(code, reason),
    }
  }
}
