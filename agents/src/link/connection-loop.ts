import type { Clock } from '@flotilla/core/ports/clock'
import { HubRefused, type HubResponse, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { encodeFitted } from '@flotilla/core/protocol/fit-frame'
import { type AgentFrame, decodePollAnswer, MAX_FRAME_BYTES } from '@flotilla/core/protocol/frames'
import type { Exchange } from './exchange.ts'
import { type HubClient, retryAfterMs, type Speaker } from './hub-client.ts'
import { type LinkStatus, sleepUnlessStopped } from './link-status.ts'
import {
  FAILED_SOCKETS_BEFORE_POLLING,
  redialAfterFailureMs,
  redialAfterStandingMs,
  socketRetryMs,
  spreadIntervalMs,
} from './redial.ts'
import { SocketConversation } from './socket-conversation.ts'

const REFUSED_RETRY_MS = 60_000
/** The frames of one poll together, so that its body is no longer than a frame may be. */
const POLLED_FRAMES_BYTES = MAX_FRAME_BYTES - 1024
/** Questions that the answers to one poll may lead to: all lines of a large agent, several times over. */
const MAX_QUESTIONS_OF_A_POLL = 64

export interface ConnectionLoopOptions {
  readonly exchange: Exchange
  readonly client: HubClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  readonly versions: Readonly<Record<string, string>>
  /** As whom to speak. @throws HubUnreachable while that is nobody */
  readonly speaker: () => Speaker
  /** Whether this process still has the right to speak. */
  readonly maySpeak: () => boolean
  /** The hub refused this agent (401) or this process of it (409). */
  readonly refusedBy: (response: HubResponse) => void
  readonly setStatus: (status: LinkStatus) => void
  readonly setConnected: (connected: boolean) => void
}

interface SocketEnd {
  /** Whether the hub had said welcome. */
  readonly stood: boolean
  /** Whether this counts as a socket that could not be had. */
  readonly socketsFail: boolean
  readonly spreadMs?: number
  readonly retryAfterMs?: number
}

/** Keeps an admitted agent connected: by socket, or by polls where sockets are forbidden (protocol.md 8). */
export class ConnectionLoop {
  readonly #options: ConnectionLoopOptions
  #conversation: SocketConversation | undefined

  constructor(options: ConnectionLoopOptions) {
    this.#options = options
  }

  /** Tells the hub now what would go with the next heartbeat. */
  sendSettled(): void {
    this.#conversation?.sendSettled()
  }

  close(reason: string): void {
    this.#conversation?.close(reason)
  }

  /** Dials, listens, and dials again; returns when the incarnation has to be raised, or the hub does not know us. */
  async run(): Promise<void> {
    const { random, clock, signal, maySpeak, setStatus, setConnected, exchange } = this.#options
    let failures = 0
    let failedSockets = 0
    let pollingSince = 0
    let socketNotBefore = 0
    while (!signal.aborted && maySpeak()) {
      if (clock.monotonicMs() >= socketNotBefore) {
        setStatus({ kind: 'connecting' })
        const end = await this.#socket()
        if (end.stood) {
          failures = failedSockets = pollingSince = socketNotBefore = 0
          await this.#sleep(redialAfterStandingMs(end.spreadMs, random.fraction()))
          continue
        }
        failures++
        if (!end.socketsFail && !maySpeak()) break
        if (end.socketsFail) failedSockets++
        if (!end.socketsFail || failedSockets < FAILED_SOCKETS_BEFORE_POLLING || !maySpeak()) {
          await this.#sleep(Math.max(end.retryAfterMs ?? 0, redialAfterFailureMs(failures, random.fraction())))
          continue
        }
      }
      const pollMs = await this.#poll()
      if (pollMs === undefined) {
        failures++
        await this.#sleep(redialAfterFailureMs(failures, random.fraction()))
        continue
      }
      // Requests get through where sockets do not: they are the connection, and the socket is tried ever more rarely.
      failures = 0
      if (clock.monotonicMs() >= socketNotBefore) socketNotBefore = clock.monotonicMs() + socketRetryMs(pollingSince++)
      await this.#sleep(spreadIntervalMs(pollMs, random.fraction()))
    }
    exchange.lost()
    setConnected(false)
  }

  async #socket(): Promise<SocketEnd> {
    const { clock, random, log, client, exchange, setStatus, setConnected, maySpeak } = this.#options
    try {
      const speaker = this.#options.speaker()
      const socket = await client.connect(speaker)
      const conversation = new SocketConversation(socket, {
        exchange,
        clock,
        random,
        log,
        hello: nonce => this.#hello(speaker, nonce),
        stood: () => {
          setStatus({ kind: 'connected' })
          setConnected(true)
        },
        outdated: why => this.#outdated(why),
        maySpeak,
      })
      this.#conversation = conversation
      if (this.#options.signal.aborted) conversation.close('the agent stops')
      const end = await conversation.ended
      log.info('the connection to the hub ended', { code: end.code, reason: end.reason, stood: end.stood })
      return { ...end, socketsFail: !end.stood }
    } catch (error) {
      return { stood: false, ...this.#failedDial(error) }
    } finally {
      this.#conversation = undefined
      setConnected(false)
    }
  }

  #failedDial(error: unknown): Omit<SocketEnd, 'stood'> {
    const { log } = this.#options
    if (error instanceof HubRefused) {
      log.warn('the hub refused the connection', { status: error.status })
      const waitMs = retryAfterMs(error.headers)
      // These say something about us or the hub; anything else comes from what stands between, and forbids sockets.
      if (![401, 409, 426, 429, 503].includes(error.status)) return { socketsFail: true, retryAfterMs: waitMs }
      this.#options.refusedBy({ status: error.status, headers: error.headers, body: new Uint8Array() })
      const forPeople = error.status === 401 || error.status === 426
      return { socketsFail: false, retryAfterMs: forPeople ? REFUSED_RETRY_MS : waitMs }
    }
    if (!(error instanceof HubUnreachable)) throw error
    log.warn('the hub cannot be reached', { error })
    return { socketsFail: true }
  }

  /** One poll and what it leads to; the time to the next, or undefined when it failed. */
  async #poll(): Promise<number | undefined> {
    const { log, client, exchange, setStatus, setConnected } = this.#options
    const waiting: AgentFrame[] = [exchange.heartbeat(), ...exchange.outcomes()]
    let pollMs = 0
    let outdated: string | undefined
    let questions = 0
    try {
      for (let frames = waiting.splice(0); frames.length > 0; frames = waiting.splice(0, 1)) {
        if (++questions > MAX_QUESTIONS_OF_A_POLL) throw new HubUnreachable('the hub asks without end')
        const body = Buffer.from(
          `{"frames":[${frames.map(frame => encodeFitted(frame, POLLED_FRAMES_BYTES / frames.length)).join(',')}]}`,
        )
        const response = await client.request(this.#options.speaker(), { method: 'POST', path: '/agent/v1/poll', body })
        if (response.status !== 200) {
          this.#options.refusedBy(response)
          throw new HubUnreachable(`the hub answered a poll with ${response.status}`)
        }
        const decoded = decodePollAnswer(response.body)
        if (decoded.kind === 'refused') throw new HubUnreachable(`a poll's answer cannot be read: ${decoded.message}`)
        pollMs = Math.min(Math.max(decoded.value.pollMs, 1000), 600_000)
        exchange.stands(decoded.value.upTo)
        for (const frame of decoded.value.frames) {
          if (frame.kind === 'error' && frame.code === 'OUTDATED') outdated = frame.message
          waiting.push(...(await exchange.take(frame)))
        }
      }
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      log.warn('a poll of the hub failed', { error })
      exchange.lost()
      setConnected(false)
      return undefined
    }
    if (outdated === undefined) setStatus({ kind: 'polling' })
    else this.#outdated(outdated)
    setConnected(true)
    return pollMs
  }

  #outdated(message: string): void {
    this.#options.setStatus({ kind: 'outdated', message })
    this.#options.log.error('this agent is too old for its hub; it keeps what it holds', { why: message })
  }

  #hello(speaker: Speaker, nonce: string): AgentFrame {
    const { exchange, client, versions } = this.#options
    const highest = exchange.documents.highestJws()
    const proof = client.helloProof(speaker, nonce)
    return { kind: 'hello', proof, ...(highest !== undefined && { highest }), versions: { ...versions } }
  }

  async #sleep(delayMs: number): Promise<void> {
    await sleepUnlessStopped(this.#options.clock, delayMs, this.#options.signal)
  }
}
