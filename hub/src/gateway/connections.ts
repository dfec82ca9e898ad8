import type { Timer } from '@flotilla/core/ports/clock'
import type { HubResponse, MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { DocumentNumber } from '@flotilla/core/protocol/documents'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Caller } from './authenticate.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { GatewayRequest } from './gateway-request.ts'
import type { GatewayLimits } from './limits.ts'
import { Polls } from './polls.ts'
import { CLOSE } from './socket-session.ts'
import { Sockets } from './sockets.ts'

/** What is known of an agent by its holding a socket, or asking in time. */
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

/** The agents that are here, each by a socket or by asking again and again; and what they are all told. */
export class Connections {
  readonly #hub: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #sockets: Sockets
  readonly #polls: Polls
  #stopped = false
  #sweep: Timer | undefined

  constructor(hub: GatewayOptions, limits: GatewayLimits) {
    this.#hub = hub
    this.#limits = limits
    this.#sockets = new Sockets(hub, limits, clusterId => {
      this.#polls.end(clusterId)
      hub.events.connected(clusterId)
    })
    this.#polls = new Polls(hub, limits)
  }

  /** Whether one more may say hello now. */
  get mayOpen(): boolean {
    return this.#sockets.mayOpen
  }

  get framesSent(): number {
    return this.#sockets.framesSent
  }

  open(caller: Caller, socket: MessageSocket): void {
    this.#sockets.open(caller, socket)
    this.#armSweep()
  }

  async poll(request: GatewayRequest, caller: Caller): Promise<HubResponse> {
    try {
      return await this.#polls.answer(request, caller)
    } finally {
      this.#armSweep()
    }
  }

  /** Tells connected agents that something new was committed for their clusters. */
  changed(clusterIds: Iterable<string>): void {
    for (const clusterId of clusterIds) {
      this.#polls.forget(clusterId)
      this.#sockets.changed(clusterId)
    }
  }

  /** The store has changed for this cluster by what its own agent said: there is nothing to tell it. */
  forget(clusterId: string): void {
    this.#sockets.forget(clusterId)
    this.#polls.forget(clusterId)
  }

  /** The store is doubted, or trusted again: agents show what they hold at once, and not with their next heartbeat. */
  askProofs(): void {
    this.#polls.forgetAll()
    this.#sockets.askProofs()
  }

  /** Has one agent name what it has reported. */
  askReports(clusterId: string): void {
    this.#polls.forget(clusterId)
    this.#sockets.askReports(clusterId)
  }

  all(): readonly Connection[] {
    return [...this.#sockets.connections(), ...this.#polls.connections()]
  }

  of(clusterId: string): Connection | undefined {
    return this.#sockets.connection(clusterId) ?? this.#polls.connection(clusterId)
  }

  /** The cluster was admitted again: whoever speaks for it under its former admission is let go. */
  admittedAgain(clusterId: string): void {
    this.#sockets.end(clusterId, CLOSE.replaced, 'the cluster was admitted again')
  }

  /** The agent was revoked: the store already refuses its next request. */
  revoked(clusterId: string): void {
    this.#sockets.end(clusterId, CLOSE.unauthorised, 'revoked')
    this.#polls.end(clusterId)
  }

  /** Agents are told within how many milliseconds to come back. */
  stop(spreadMs: number): void {
    this.#stopped = true
    this.#sweep?.cancel()
    this.#sockets.endAll(spreadMs)
    this.#polls.clear()
  }

  /** Ends what has fallen silent. Runs only while somebody is connected. */
  #armSweep(): void {
    const { clock } = this.#hub
    this.#sweep ??= clock.setTimer(this.#limits.silentMs / 4, () => {
      this.#sweep = undefined
      const now = clock.monotonicMs()
      this.#sockets.sweep(now)
      this.#polls.sweep(now)
      if (this.#sockets.size + this.#polls.size > 0 && !this.#stopped) this.#armSweep()
    })
  }
}
