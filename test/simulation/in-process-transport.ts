import type { Clock } from '@flotilla/core/ports/clock'
import {
  HubRefused,
  type HubRequest,
  type HubResponse,
  type HubTransport,
  HubUnreachable,
  type MessageSocket,
} from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import type { AgentGateway } from '@flotilla/hub/gateway/agent-gateway'
import { ProcessEnded } from './mortal.ts'

/**
 * What may happen to messages between an agent and its hub. Chances are in [0, 1] and drawn from a seeded Random, so a
 * run is its seed. Requests may be lost on either way and doubled; frames of a socket may be lost (the socket then
 * breaks, as TCP would), doubled and delayed, each on its own, so that they overtake each other.
 */
export interface Faults {
  lose: number
  double: number
  delay: number
  /** The longest delay, milliseconds. */
  maxDelayMs: number
  /** Nothing gets through at all, and what stands breaks. */
  partitioned: boolean
  /** Sockets are refused, as a proxy would that does not know them. */
  socketsForbidden: boolean
  /** Counts the changes, so that what ends knows whether it is still in force. */
  change: number
}

export const NO_FAULTS: Faults = {
  lose: 0,
  double: 0,
  delay: 0,
  maxDelayMs: 0,
  partitioned: false,
  socketsForbidden: false,
  change: 0,
}

/** The hub as it is reached: the gateway itself, or one whose process may die in the middle of an answer. */
export type HubEnd = Pick<AgentGateway, 'screen' | 'handle' | 'accept'>

export interface InProcessOptions {
  /** The hub that answers now; another after a restart, none while it is down. */
  readonly gateway: () => HubEnd | undefined
  readonly clock: Clock
  readonly random: Random
  /** Changed by the simulation while it runs. */
  readonly faults?: Faults
  readonly remoteAddress?: string
  /** What becomes of the hub's answer on its way; the same one by default. */
  readonly onAnswer?: (request: HubRequest, response: HubResponse) => HubResponse
  /** Told of every message, for counting. */
  readonly onMessage?: (message: {
    readonly direction: 'up' | 'down'
    readonly what: string
    readonly bytes: number
  }) => void
}

/** A {@link HubTransport} that calls an {@link AgentGateway} in the same process. */
export class InProcessTransport implements HubTransport {
  readonly #options: InProcessOptions
  readonly #faults: Faults
  readonly #pairs = new Set<SocketPair>()

  constructor(options: InProcessOptions) {
    this.#options = options
    this.#faults = options.faults ?? { ...NO_FAULTS }
  }

  async request(request: HubRequest): Promise<HubResponse> {
    const { onMessage } = this.#options
    onMessage?.({ direction: 'up', what: `${request.method} ${request.path}`, bytes: request.body?.length ?? 0 })
    await this.#way()
    if (this.#happens(this.#faults.double)) {
      await this.#answer(request)
      await this.#way()
    }
    const response = await this.#answer(request)
    await this.#way()
    onMessage?.({ direction: 'down', what: `${response.status} ${request.path}`, bytes: response.body.length })
    return response
  }

  async connect(path: string, headers: Readonly<Record<string, string>>): Promise<MessageSocket> {
    await this.#way()
    if (this.#faults.socketsForbidden) throw new HubRefused(403, {}, 'a proxy does not let sockets through')
    const gateway = this.#gateway()
    const request = { method: 'GET' as const, path, headers, remoteAddress: this.#remoteAddress }
    const screening = await unlessCut(gateway.screen(request))
    if (screening.kind === 'answer') {
      throw new HubRefused(screening.response.status, screening.response.headers, 'the hub refused the socket')
    }
    const pair = new SocketPair(this.#options, this.#faults)
    this.#pairs.add(pair)
    pair.agentEnd.onClose(() => this.#pairs.delete(pair))
    const caller = screening.kind === 'proceed' ? screening.caller : undefined
    await unlessCut(gateway.accept(request, pair.hubEnd, caller))
    return pair.agentEnd
  }

  async close(): Promise<void> {
    this.breakSockets()
  }

  /** Cuts every socket that stands, without a word, as a pulled cable or a killed process would. */
  breakSockets(): void {
    for (const pair of [...this.#pairs]) pair.break()
  }

  async #answer(request: HubRequest): Promise<HubResponse> {
    const response = await unlessCut(this.#gateway().handle({ ...request, remoteAddress: this.#remoteAddress }))
    const sent = { ...response, body: new Uint8Array(response.body) }
    return this.#options.onAnswer?.(request, sent) ?? sent
  }

  async #way(): Promise<void> {
    const { clock, random } = this.#options
    if (this.#faults.partitioned) throw new HubUnreachable('there is no way to the hub')
    if (this.#happens(this.#faults.delay)) await clock.sleep(Math.floor(random.fraction() * this.#faults.maxDelayMs))
    if (this.#happens(this.#faults.lose)) throw new HubUnreachable('the message was lost')
  }

  #gateway(): HubEnd {
    const gateway = this.#options.gateway()
    if (!gateway) throw new HubUnreachable('the hub is down')
    return gateway
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#options.random.fraction() < chance
  }

  get #remoteAddress(): string {
    return this.#options.remoteAddress ?? '127.0.0.1'
  }
}

/** The hub's process may die before it has answered: to the agent that is a connection that broke. */
async function unlessCut<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ProcessEnded) throw new HubUnreachable('the connection broke')
    throw error
  }
}

/** Both ends of one socket. Messages arrive in later turns, never inside `send`. */
class SocketPair {
  readonly agentEnd: End
  readonly hubEnd: End

  constructor(options: InProcessOptions, faults: Faults) {
    this.agentEnd = new End('up', options, faults)
    this.hubEnd = new End('down', options, faults)
    this.agentEnd.peer = this.hubEnd
    this.hubEnd.peer = this.agentEnd
  }

  break(): void {
    this.agentEnd.closed(1006, 'the connection broke')
    this.hubEnd.closed(1006, 'the connection broke')
  }
}

class End implements MessageSocket {
  readonly bufferedBytes = 0
  peer: End | undefined
  readonly #direction: 'up' | 'down'
  readonly #options: InProcessOptions
  readonly #faults: Faults
  readonly #messageListeners: ((text: string) => void)[] = []
  readonly #closeListeners: ((reason: { readonly code: number; readonly reason: string }) => void)[] = []
  /** What arrived before anybody listened. */
  readonly #early: string[] = []
  #ended: { readonly code: number; readonly reason: string } | undefined

  constructor(direction: 'up' | 'down', options: InProcessOptions, faults: Faults) {
    this.#direction = direction
    this.#options = options
    this.#faults = faults
  }

  send(text: string): void {
    const { random, clock, onMessage } = this.#options
    if (this.#ended) return
    onMessage?.({ direction: this.#direction, what: kindOf(text), bytes: text.length })
    const happens = (chance: number): boolean => chance > 0 && random.fraction() < chance
    if (this.#faults.partitioned || happens(this.#faults.lose)) {
      queueMicrotask(() => {
        this.closed(1006, 'the connection broke')
        this.peer?.closed(1006, 'the connection broke')
      })
      return
    }
    for (const _ of happens(this.#faults.double) ? [1, 2] : [1]) {
      if (happens(this.#faults.delay)) {
        clock.setTimer(Math.floor(random.fraction() * this.#faults.maxDelayMs), () => this.peer?.arrive(text))
      } else queueMicrotask(() => this.peer?.arrive(text))
    }
  }

  onMessage(listener: (text: string) => void): void {
    this.#messageListeners.push(listener)
    for (const text of this.#early.splice(0)) queueMicrotask(() => this.arrive(text))
  }

  onClose(listener: (reason: { readonly code: number; readonly reason: string }) => void): void {
    this.#closeListeners.push(listener)
    if (this.#ended) listener(this.#ended)
  }

  close(code = 1000, reason = ''): void {
    this.closed(code, reason)
    queueMicrotask(() => this.peer?.closed(code, reason))
  }

  arrive(text: string): void {
    if (this.#ended) return
    if (this.#messageListeners.length === 0) this.#early.push(text)
    for (const listener of this.#messageListeners) listener(text)
  }

  closed(code: number, reason: string): void {
    if (this.#ended) return
    this.#ended = { code, reason }
    for (const listener of this.#closeListeners) listener(this.#ended)
  }
}

function kindOf(text: string): string {
  return /"kind":"([a-z-]+)"/.exec(text)?.[1] ?? 'unreadable'
}
