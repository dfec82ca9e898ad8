import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { encodeFitted } from '@flotilla/core/protocol/fit-frame'
import { type AgentFrame, decodeHubFrame, type HubFrame } from '@flotilla/core/protocol/frames'
import type { Exchange } from './exchange.ts'
import { spreadIntervalMs } from './redial.ts'

const WELCOME_WITHIN_MS = 20_000
/** A hub that has not answered for so many heartbeats is not there any more. */
const SILENT_HEARTBEATS = 2.5
/** Beyond so many bytes of frames that wait to be worked on, the hub is not listened to. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024
/** A hub that says so much at once is none of ours. */
const MAX_QUEUED_FRAMES = 256
/** A hub that lets so much of ours wait does not read. */
const SLOW_READER_BYTES = 4 * 1024 * 1024

export interface ConversationEnd {
  /** Whether the hub had said welcome. */
  readonly stood: boolean
  /** When the hub stops in order: within which time to come back. */
  readonly spreadMs?: number
  readonly code: number
  readonly reason: string
}

export interface ConversationOptions {
  readonly exchange: Exchange
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The hello for a nonce. */
  readonly hello: (nonce: string) => AgentFrame
  /** The hub said welcome. */
  readonly stood: () => void
  /** The hub offers nothing but this agent's own upgrade, and says why. */
  readonly outdated: (why: string) => void
  /** Whether this process still has the right to speak. */
  readonly maySpeak: () => boolean
}

/** One socket from its nonce to its end. */
export class SocketConversation {
  readonly ended: Promise<ConversationEnd>
  readonly #socket: MessageSocket
  readonly #options: ConversationOptions
  #stood = false
  #spreadMs: number | undefined
  #heartbeatMs = 0
  #heardAt: number
  #timer: Timer
  #work: Promise<void> = Promise.resolve()
  #open = true
  #queuedFrames = 0
  #queuedBytes = 0
  #held = false

  constructor(socket: MessageSocket, options: ConversationOptions) {
    this.#socket = socket
    this.#options = options
    this.#heardAt = options.clock.monotonicMs()
    this.#timer = options.clock.setTimer(WELCOME_WITHIN_MS, () => this.close('no welcome'))
    this.ended = new Promise(resolve => {
      socket.onClose(({ code, reason }) => {
        this.#open = false
        this.#timer.cancel()
        options.exchange.lost()
        // A goodbye that came just before the end is still waiting to be read.
        this.#work = this.#work.then(() => {
          const spreadMs = this.#spreadMs
          resolve({ stood: this.#stood, code, reason, ...(spreadMs !== undefined && { spreadMs }) })
        })
      })
    })
    socket.onMessage(text => this.#enqueue(text))
  }

  close(reason: string): void {
    this.#socket.close(1000, reason)
  }

  /** Tells the hub now what would go with the next heartbeat. */
  sendSettled(): void {
    if (this.#stood) for (const frame of this.#options.exchange.outcomes()) this.#send(frame)
  }

  #enqueue(text: string): void {
    this.#queuedFrames++
    this.#queuedBytes += text.length
    if (this.#queuedFrames > MAX_QUEUED_FRAMES) {
      this.#queuedFrames--
      this.#queuedBytes -= text.length
      this.close('the hub says too much at once')
      return
    }
    this.#hold()
    this.#work = this.#work.then(async () => {
      await this.#receive(text)
      this.#queuedFrames--
      this.#queuedBytes -= text.length
      this.#hold()
    })
  }

  #hold(): void {
    const held = this.#queuedBytes > MAX_QUEUED_BYTES
    if (held === this.#held || !this.#open) return
    this.#held = held
    this.#socket.reading?.(!held)
  }

  async #receive(text: string): Promise<void> {
    const { log, clock, maySpeak } = this.#options
    if (this.#open && !maySpeak()) return this.close('another process speaks for this agent')
    this.#heardAt = clock.monotonicMs()
    const decoded = decodeHubFrame(text)
    if (decoded.kind === 'refused') return log.warn('a frame of the hub was refused', { why: decoded.message })
    if (!this.#open && decoded.value.kind !== 'closing') return
    try {
      for (const answer of await this.#answer(decoded.value)) this.#send(answer)
    } catch (error) {
      // The state may be full or away for a moment; the digests show it, and everything is told again.
      log.error('a frame of the hub could not be worked on', { kind: decoded.value.kind, error })
    }
  }

  async #answer(frame: HubFrame): Promise<readonly AgentFrame[]> {
    const { exchange, hello, stood } = this.#options
    switch (frame.kind) {
      case 'nonce':
        return this.#stood ? [] : [hello(frame.nonce)]
      case 'welcome':
        if (this.#stood) return []
        this.#stood = true
        this.#heartbeatMs = Math.min(Math.max(frame.heartbeatMs, 1000), 600_000)
        exchange.stands(frame.upTo, frame.newest)
        stood()
        this.#beat()
        return []
      case 'error':
        if (frame.code === 'OUTDATED') this.#options.outdated(frame.message)
        return await exchange.take(frame)
      case 'closing':
        this.#spreadMs = Math.min(frame.spreadMs, 600_000)
        return []
      default:
        return await exchange.take(frame)
    }
  }

  #beat(): void {
    const { clock, random, exchange, maySpeak } = this.#options
    if (!this.#open) return
    this.#timer.cancel()
    const silentMs = clock.monotonicMs() - this.#heardAt
    const silent = silentMs > SILENT_HEARTBEATS * this.#heartbeatMs
    if (silent || !maySpeak()) {
      this.close(silent ? 'the hub is silent' : 'another process speaks for this agent')
      return
    }
    this.#send(exchange.heartbeat())
    this.sendSettled()
    this.#timer = clock.setTimer(spreadIntervalMs(this.#heartbeatMs, random.fraction()), () => this.#beat())
  }

  #send(frame: AgentFrame): void {
    if (!this.#open) return
    this.#socket.send(encodeFitted(frame))
    if (this.#socket.bufferedBytes > SLOW_READER_BYTES) this.close('the hub reads too slowly')
  }
}
