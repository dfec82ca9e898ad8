import type { MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { Caller } from './authenticate.ts'
import type { Connection } from './connections.ts'
import { Conversation } from './conversation.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { type GatewayLimits, heartbeatMsFor } from './limits.ts'
import { CLOSE, SocketSession } from './socket-session.ts'

/** The agents' sockets: those that still say hello, and one standing for each cluster. */
export class Sockets {
  readonly #hub: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #stood: (clusterId: string) => void
  readonly #standing = new Map<string, SocketSession>()
  readonly #opening = new Set<SocketSession>()
  /** Being told of a change; whether there was another one meanwhile. */
  readonly #telling = new Map<SocketSession, boolean>()
  #framesSent = 0

  /** @param stood Called when an agent's hello was believed. */
  constructor(hub: GatewayOptions, limits: GatewayLimits, stood: (clusterId: string) => void) {
    this.#hub = hub
    this.#limits = limits
    this.#stood = stood
  }

  get size(): number {
    return this.#standing.size + this.#opening.size
  }

  /** Whether one more may say hello now: what a hello asks of the store is asked for so many at a time. */
  get mayOpen(): boolean {
    return this.#opening.size < this.#limits.maxOpeningSockets
  }

  get framesSent(): number {
    return this.#framesSent
  }

  open(caller: Caller, socket: MessageSocket): void {
    const conversation = new Conversation(caller.cluster.id, this.#hub, this.#limits)
    const heartbeatMs = heartbeatMsFor(this.#hub.clusters(), this.#limits)
    // Whoever has the key may dial as often as it likes; only its newest attempt is worth waiting for.
    for (const earlier of [...this.#opening]) {
      if (earlier.conversation.clusterId === caller.cluster.id) earlier.close(CLOSE.replaced, 'dialled again')
    }
    const session = new SocketSession(
      caller,
      conversation,
      this.#counted(socket),
      this.#hub,
      { ...this.#limits, heartbeatMs },
      { stood: stood => this.#replace(stood), ended: ended => this.#ended(ended) },
    )
    if (!session.ended) this.#opening.add(session)
  }

  /** The store has changed for this cluster. */
  forget(clusterId: string): void {
    this.#standing.get(clusterId)?.conversation.forget()
  }

  /** Tells the cluster's agent, when it is connected, that there is something new. */
  changed(clusterId: string): void {
    const session = this.#standing.get(clusterId)
    if (!session) return
    session.conversation.forget()
    if (this.#telling.has(session)) this.#telling.set(session, true)
    else void this.#tell(session)
  }

  /** Has every agent show what it holds; one that is not wanted to is not harmed. */
  askProofs(): void {
    for (const session of this.#standing.values()) {
      session.conversation.forget()
      session.send({ kind: 'prove' })
    }
  }

  /** Has one agent name what it has reported. */
  askReports(clusterId: string): void {
    const session = this.#standing.get(clusterId)
    session?.conversation.forget()
    session?.send({ kind: 'ask', of: 'reported' })
  }

  /** Ends whatever the cluster has. */
  end(clusterId: string, code: number, reason: string): void {
    for (const session of [...this.#opening, ...this.#standing.values()]) {
      if (session.conversation.clusterId === clusterId) session.close(code, reason)
    }
  }

  /** Says goodbye to all, and within how many milliseconds to come back. */
  endAll(spreadMs: number): void {
    for (const session of [...this.#opening, ...this.#standing.values()]) {
      session.send({ kind: 'closing', spreadMs })
      session.close(1001, 'the hub stops')
    }
  }

  /** Ends what has fallen silent. */
  sweep(nowMs: number): void {
    for (const session of [...this.#standing.values()]) {
      const silentMs = session.heartbeatMs * this.#limits.silentHeartbeats
      if (session.lastHeardMs < nowMs - silentMs) session.close(CLOSE.silent, 'silent')
    }
  }

  connections(): readonly Connection[] {
    return [...this.#standing.values()].map(connectionOf)
  }

  connection(clusterId: string): Connection | undefined {
    const session = this.#standing.get(clusterId)
    return session && connectionOf(session)
  }

  /** However many changes there are while one is being told, they are one more. */
  async #tell(session: SocketSession): Promise<void> {
    do {
      this.#telling.set(session, false)
      try {
        session.send(await session.conversation.changed())
      } catch (error) {
        // The next heartbeat's digests say the same a little later.
        const cluster = session.conversation.clusterId
        this.#hub.log.warn('an agent could not be told of a change', { cluster, error })
      }
    } while (this.#telling.get(session) && !session.ended)
    this.#telling.delete(session)
  }

  #replace(session: SocketSession): void {
    const { clusterId } = session.conversation
    this.#opening.delete(session)
    this.#standing.get(clusterId)?.close(CLOSE.replaced, 'connected again')
    this.#standing.set(clusterId, session)
    this.#stood(clusterId)
  }

  #ended(session: SocketSession): void {
    const { clusterId } = session.conversation
    this.#opening.delete(session)
    if (this.#standing.get(clusterId) === session) this.#standing.delete(clusterId)
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
      reading: wanted => socket.reading?.(wanted),
    }
  }
}

function connectionOf({ caller, conversation, connectedAt, lastSeenAt }: SocketSession): Connection {
  const { clusterId, skewMs, heldUpTo, unclaimed, differs } = conversation
  const { inc } = caller.claims
  const seen = { connectedAt, lastSeenAt, skewMs, heldUpTo, unclaimed, differs }
  return { clusterId, ...seen, inc, transport: 'socket' }
}
