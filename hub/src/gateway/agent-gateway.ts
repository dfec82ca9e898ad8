import type { Digest } from '@flotilla/core/json/canonical-json'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { HubRequest, HubResponse, MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import { MAX_KEY_CHANGE_BYTES } from '@flotilla/core/protocol/agent-key'
import { checkBody } from '@flotilla/core/protocol/assertion'
import type { DocumentNumber } from '@flotilla/core/protocol/documents'
import { MAX_PROOF_BYTES } from '@flotilla/core/protocol/proofs'
import { MAX_RETURN_BYTES } from '@flotilla/core/protocol/return'
import { MAX_UPLOAD_BYTES } from '@flotilla/core/protocol/stream-records'
import {
  PROTOCOL_HEADER,
  SERVED_VERSIONS,
  type ServedVersions,
  TIME_HEADER,
  versionText,
} from '@flotilla/core/protocol/versions'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ProofTaker } from '../recovery/take-proofs.ts'
import type { Returned } from '../recovery/take-return.ts'
import { Admission } from './admission.ts'
import { type Authentication, authenticate, type Caller, type RequestHead } from './authenticate.ts'
import { changeAgentKey } from './change-agent-key.ts'
import { enrol } from './enrol.ts'
import { addressKey } from './failure-limiter.ts'
import { type HubKeys, linksFrom } from './hub-keys.ts'
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './limits.ts'
import { Polls } from './polls.ts'
import { Refusals } from './refusals.ts'
import { notFound, refuse, respond, retryAfter } from './respond.ts'
import type { Revocations } from './revocations.ts'
import { type Route, routeOf } from './routes.ts'
import type { Screening } from './screening.ts'
import { serveBundle } from './serve-bundle.ts'
import { serveDocuments } from './serve-documents.ts'
import { CLOSE } from './socket-session.ts'
import { Sockets } from './sockets.ts'
import { takeReports } from './take-reports.ts'
import { documentsForUpgrade } from './upgrade-only.ts'
import { screenUpload, Uploads } from './uploads.ts'

export interface GatewayEvents {
  /** Reports or outcomes of Grants were stored for these Applications. */
  reported(clusterId: string, applicationIds: readonly string[]): void
  /** Answers to commands were stored for these Applications. */
  answered?(clusterId: string, applicationIds: readonly string[]): void
  connected(clusterId: string): void
  heartbeat(clusterId: string): void
  /** A cluster was admitted (again): its documents have to be issued under its admission. */
  joined?(clusterId: string): void
  /** Something about who the agent of a cluster is was stored: its key, or that there are two of it. */
  identified?(clusterId: string): void
  /** An agent names this as the newest hub key that it knows. */
  knowsKey?(clusterId: string, kid: string): void
  /** A Bundle that is offered could not be read for its agent: lost, or damaged. */
  bundleMissing?(digest: Digest): void
}

export interface GatewayOptions {
  readonly store: Store
  readonly bundles: BundleStore
  readonly keys: HubKeys
  /** What is refused whatever the store says. */
  readonly revocations?: Revocations
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits?: Partial<GatewayLimits>
  /** The protocol versions that are spoken here. Default: this program's. */
  readonly served?: ServedVersions | undefined
  /** How many clusters the fleet has: their agents share the hub's time. */
  readonly clusters: () => number
  readonly events: GatewayEvents
  /** What becomes of documents that agents show; without it, this hub never doubts its own store. */
  readonly proofs?: ProofTaker
  /** Hears an agent that shows an admission of before; without it, none is heard. */
  readonly returned?: (body: Uint8Array | undefined, remoteAddress: string) => Promise<Returned>
}

export interface Connection {
  readonly clusterId: string
  readonly connectedAt: EpochMs
  readonly lastSeenAt: EpochMs
  /** The agent's machine clock minus hub time; undefined before it has said. */
  readonly skewMs: number | undefined
  /** The number up to which it has shown that it holds what the store says. */
  readonly heldUpTo: DocumentNumber | undefined
  /** Applications that it holds and this hub does not name. */
  readonly unclaimed: number
  /** Whether both sides still differed after comparing line by line. */
  readonly differs: boolean
  readonly inc: number
  readonly transport: 'socket' | 'poll'
}

export interface GatewayCounters {
  /** Refused requests, by code. */
  readonly refused: ReadonlyMap<string, number>
  /** Report entries about Applications that are not the reporter's. */
  readonly foreignEntries: number
  readonly framesSent: number
  /** Requests that were given a time because there was no room. */
  readonly putOff: number
}

export type GatewayRequest = HubRequest & {
  readonly remoteAddress: string
  /** Resolves when the answer has left, or nobody waits for it any more; until then it takes up room. */
  readonly answered?: Promise<unknown>
}

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
  /** Streams that people wait for. */
  readonly uploads = new Uploads()
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #sockets: Sockets
  readonly #polls: Polls
  readonly #admission: Admission
  /** Bodies of strangers have room of their own: however many they are, agents are heard. */
  readonly #strangers: Admission
  readonly #refusals: Refusals
  /** Clusters whose agents spoke no common version when they last asked. */
  readonly #versionRefused = new Set<string>()
  #foreignEntries = 0
  #putOff = 0
  #stopped = false
  #sweep: Timer | undefined

  constructor(options: GatewayOptions) {
    this.#options = options
    const { clock } = options
    this.#limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits }
    this.#sockets = new Sockets(options, this.#limits, clusterId => {
      this.#polls.end(clusterId)
      options.events.connected(clusterId)
    })
    this.#polls = new Polls(options, this.#limits)
    this.#admission = new Admission(clock, this.#limits)
    this.#strangers = new Admission(clock, {
      ...this.#limits,
      maxUnreadBytes: this.#limits.maxUnreadStrangerBytes,
      maxExchangesOfOne: this.#limits.maxEnrolmentsOfOneAddress,
    })
    this.#refusals = new Refusals(clock, options.log, this.#limits.enrolmentFailuresPerMinute)
  }

  get counters(): GatewayCounters {
    const { framesSent } = this.#sockets
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
    if (route.name === 'connect' && !this.#sockets.mayOpen) {
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
      if (!caller) return await (route.name === 'return' ? this.#return(request) : this.#enrol(request))
      if (checkBody(caller.claims, request.body)) {
        this.#refusals.count('BODY')
        return refuse(401, 'UNAUTHORISED', 'the assertion of this request does not hold')
      }
      const entry = this.#admission.enter(caller.cluster.id)
      if (entry.kind === 'full') return this.#busy(entry)
      try {
        return await this.#route(route, request, caller)
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
      : await this.#guarded(() => this.#authenticate(request))
    if (route?.name !== 'connect' || this.#stopped || 'status' in authentication || authentication.kind === 'refused') {
      return socket.close(CLOSE.unauthorised, 'the assertion of this request does not hold')
    }
    this.#sockets.open(authentication.caller, socket)
    this.#armSweep()
  }

  /** Whether a cluster's agent has no protocol version in common: turned away, or served for its upgrade alone. */
  isVersionRefused(clusterId: string): boolean {
    return this.#versionRefused.has(clusterId)
  }

  /** Tells connected agents that something new was committed for their clusters. */
  changed(clusterIds: Iterable<string>): void {
    for (const clusterId of clusterIds) {
      this.#polls.forget(clusterId)
      this.#sockets.changed(clusterId)
    }
  }

  /** The store is doubted, or trusted again: agents show what they hold at once, and not with their next heartbeat. */
  doubted(): void {
    this.#polls.forgetAll()
    this.#sockets.askProofs()
  }

  connections(): readonly Connection[] {
    return [...this.#sockets.connections(), ...this.#polls.connections()]
  }

  connection(clusterId: string): Connection | undefined {
    return this.#sockets.connection(clusterId) ?? this.#polls.connection(clusterId)
  }

  /** Ends the connection of a cluster whose agent was revoked; the store already refuses its next request. */
  closeCluster(clusterId: string): void {
    this.#sockets.end(clusterId, CLOSE.unauthorised, 'revoked')
    this.#polls.end(clusterId)
  }

  /** Stops in order: agents are told within how many milliseconds to come back, and nothing new is taken. */
  stop(spreadMs: number): void {
    this.#stopped = true
    this.#sweep?.cancel()
    this.#sockets.endAll(spreadMs)
    this.uploads.stop()
    this.#polls.clear()
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
    const authentication = await this.#guarded(() => this.#authenticate(head))
    if ('status' in authentication) return authentication
    return authentication.kind === 'refused' ? authentication.response : { route, caller: authentication.caller }
  }

  async #route(route: Route, request: GatewayRequest, caller: Caller): Promise<HubResponse> {
    const { store, bundles, clock, keys } = this.#options
    const { cluster } = caller
    switch (route.name) {
      case 'documents': {
        const behind = this.#options.proofs?.behind
        const fresh = (jws: string): string => keys.fresh(jws)
        const all = await serveDocuments(store, cluster.id, route.query, this.#limits, behind, fresh)
        return caller.service.kind === 'upgrade' ? await documentsForUpgrade(store, all) : all
      }
      case 'bundle':
        return await serveBundle(store, bundles, cluster.id, route.digest, digest =>
          this.#options.events.bundleMissing?.(digest),
        )
      case 'reports': {
        const { response, changed, foreign } = await takeReports(store, clock, cluster, request.body)
        this.#foreignEntries += foreign
        if (changed.length > 0) {
          this.#sockets.forget(cluster.id)
          this.#polls.forget(cluster.id)
          this.#options.events.reported(cluster.id, changed)
        }
        return response
      }
      case 'poll':
        try {
          return await this.#polls.answer(request, caller)
        } finally {
          this.#armSweep()
        }
      case 'key': {
        const { changed, response } = await changeAgentKey(request.body, caller, this.#options)
        if (changed) this.#options.events.identified?.(cluster.id)
        return response
      }
      case 'keys':
        return respond(200, { links: linksFrom(keys.links, route.query.get('from')) })
      case 'connect':
        return refuse(426, 'UPGRADE_REQUIRED', 'this is for WebSockets', { upgrade: 'websocket' })
      case 'proofs': {
        const response = (await this.#options.proofs?.take(cluster, request.body)) ?? notFound()
        this.#polls.forget(cluster.id)
        this.#sockets.askReports(cluster.id)
        return response
      }
      case 'enrol':
      case 'return':
      case 'upload':
        return notFound()
    }
  }

  async #enrol(request: GatewayRequest): Promise<HubResponse> {
    const { log, events } = this.#options
    const { remoteAddress } = request
    const enrolment = await enrol(request.body, remoteAddress, this.#options)
    if (enrolment.kind === 'refused') {
      this.#refusals.stranger(remoteAddress)
      this.#refusals.note(enrolment.code, 'an enrolment was refused', { remoteAddress })
    } else if (enrolment.kind === 'waiting') {
      if (enrolment.isNew) log.info('an agent waits for approval', { enrolment: enrolment.enrolment, remoteAddress })
    } else {
      log.info('a cluster was admitted', { cluster: enrolment.clusterId, remoteAddress })
      this.#sockets.end(enrolment.clusterId, CLOSE.replaced, 'the cluster was admitted again')
      events.joined?.(enrolment.clusterId)
    }
    return enrolment.response
  }

  /** A return that does not hold counts as a refused enrolment: it comes from a stranger. */
  async #return(request: GatewayRequest): Promise<HubResponse> {
    const { log, returned } = this.#options
    if (!returned) return notFound()
    const { response, code, waitsFor } = await returned(request.body, request.remoteAddress)
    // One that shows an admission of ours is no stranger: it must not shut out its neighbours.
    if (code === 'RETURN') this.#refusals.stranger(request.remoteAddress)
    if (code !== undefined) this.#refusals.count(code)
    if (waitsFor !== undefined) log.warn('an agent came back that the store does not know', { cluster: waitsFor })
    return response
  }

  /** Ends what has fallen silent. Runs only while somebody is connected. */
  #armSweep(): void {
    const { clock } = this.#options
    this.#sweep ??= clock.setTimer(this.#limits.silentMs / 4, () => {
      this.#sweep = undefined
      const now = clock.monotonicMs()
      this.#sockets.sweep(now)
      this.#polls.sweep(now)
      if (this.#sockets.size + this.#polls.size > 0 && !this.#stopped) this.#armSweep()
    })
  }

  async #authenticate(head: RequestHead): Promise<Authentication> {
    const { store, keys, clock, log, events, revocations } = this.#options
    const authentication = await authenticate(head, {
      store,
      hubId: keys.hubId,
      now: clock.now(),
      ...(revocations && { revocations }),
      served: this.#options.served,
      cloned: cluster => {
        log.error('two agents speak for one cluster; it gets no Grants until one of them is admitted anew', {
          cluster: cluster.id,
        })
        events.identified?.(cluster.id)
      },
    })
    if (authentication.kind === 'refused') {
      const { code, cluster } = authentication
      if (code === 'PROTOCOL' && cluster !== undefined) this.#versionRefused.add(cluster)
      this.#refusals.note(code, 'a request of an agent was refused', { cluster })
    } else if (authentication.caller.service.kind === 'upgrade')
      this.#versionRefused.add(authentication.caller.cluster.id)
    else this.#versionRefused.delete(authentication.caller.cluster.id)
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
