import type { Timer } from '@flotilla/core/ports/clock'
import type { MessageSocket } from '@flotilla/core/ports/hub-transport'
import { readHelloProof } from '@flotilla/core/protocol/assertion'
import { importPublicKey } from '@flotilla/core/protocol/ed25519'
import { encodeFitted } from '@flotilla/core/protocol/fit-frame'
import { type AgentFrame, decodeAgentFrame, type HelloFrame, type HubFrame } from '@flotilla/core/protocol/frames'
import type { Caller } from './authenticate.ts'
import type { Conversation } from './conversation.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { GatewayLimits } from './limits.ts'
import { framesForUpgrade, outdatedFrames } from './upgrade-only.ts'

/** Close codes of our own; an agent dials again after each of them, as after any other. */
export const CLOSE = {
  protocol: 4400,
  unauthorised: 4401,
  silent: 4408,
  replaced: 4409,
  slow: 4413,
  flooded: 4429,
} as const

/** Lines that one socket's malformed frames leave in the log. */
const MOST_COMPLAINTS = 20

export interface SessionHooks {
  /** The hello was believed. */
  readonly stood: (session: SocketSession) => void
  readonly ended: (session: SocketSession) => void
}

/**
 * One agent's socket: nonce, hello, then frames one after the other. It is closed when it floods, reads too slowly or
 * falls silent, and when its agent is revoked or connects again.
 */
export class SocketSession {
  readonly caller: Caller
  readonly conversation: Conversation
  /** How often this agent is asked to be heard, before its own ± 20 %. */
  readonly heartbeatMs: number
  readonly connectedAt: number
  lastSeenAt: number
  /** The same on the clock that never steps, for telling silence. */
  lastHeardMs: number
  standing = false
  readonly #socket: MessageSocket
  readonly #hub: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #hooks: SessionHooks
  readonly #nonce: string
  #helloTimer: Timer
  #queued = 0
  #queuedBytes = 0
  #held = false
  #malformed = 0
  #work: Promise<void> = Promise.resolve()
  #ended = false

  constructor(
    caller: Caller,
    conversation: Conversation,
    socket: MessageSocket,
    hub: GatewayOptions,
    limits: GatewayLimits,
    hooks: SessionHooks,
  ) {
    this.caller = caller
    this.conversation = conversation
    this.#socket = socket
    this.#hub = hub
    this.#limits = limits
    this.heartbeatMs = limits.heartbeatMs
    this.#hooks = hooks
    this.connectedAt = hub.clock.now()
    this.lastSeenAt = this.connectedAt
    this.lastHeardMs = hub.clock.monotonicMs()
    this.#nonce = Buffer.from(hub.random.bytes(24)).toString('base64url')
    this.#helloTimer = hub.clock.setTimer(limits.helloWaitMs, () => this.close(CLOSE.silent, 'no hello'))
    socket.onMessage(text => this.#receive(text))
    socket.onClose(() => this.#end())
    this.send({ kind: 'nonce', nonce: this.#nonce })
  }

  get ended(): boolean {
    return this.#ended
  }

  send(frame: HubFrame): void {
    if (this.#ended) return
    this.#socket.send(encodeFitted(frame))
    if (this.#socket.bufferedBytes > this.#limits.slowReaderBytes) this.close(CLOSE.slow, 'reads too slowly')
  }

  close(code: number, reason: string): void {
    if (this.#ended) return
    this.#socket.close(code, reason)
    this.#end()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#helloTimer.cancel()
    this.#hooks.ended(this)
  }

  #receive(text: string): void {
    if (this.#ended) return
    if (++this.#queued > this.#limits.maxQueuedFrames) {
      this.close(CLOSE.flooded, 'too many frames at once')
      return
    }
    this.#queuedBytes += text.length
    this.#hold()
    this.#work = this.#work.then(async () => {
      if (!this.#ended) await this.#workOn(text)
      this.#queued--
      this.#queuedBytes -= text.length
      this.#hold()
    })
  }

  /** An agent that says more than can be worked on meets back-pressure, before it costs memory. */
  #hold(): void {
    const held = this.#queuedBytes > this.#limits.maxQueuedBytes
    if (held === this.#held || this.#ended) return
    this.#held = held
    this.#socket.reading?.(!held)
  }

  async #workOn(text: string): Promise<void> {
    this.lastSeenAt = this.#hub.clock.now()
    this.lastHeardMs = this.#hub.clock.monotonicMs()
    const decoded = decodeAgentFrame(text)
    if (decoded.kind === 'refused') {
      if (this.#malformed++ < MOST_COMPLAINTS) {
        const cluster = this.conversation.clusterId
        this.#hub.log.warn('a frame of an agent was refused', { cluster, why: decoded.message })
      }
      return this.send({ kind: 'error', code: 'MALFORMED', message: decoded.message })
    }
    const frame: AgentFrame = decoded.value
    try {
      if (!this.standing) await this.#hello(frame)
      else for (const answer of await this.#answer(frame)) this.send(answer)
    } catch (error) {
      // The store may be full or away for a moment; the agent repeats everything with its next heartbeat.
      this.#hub.log.error('a frame could not be worked on', {
        cluster: this.conversation.clusterId,
        kind: frame.kind,
        error,
      })
      this.send({ kind: 'error', code: 'UNAVAILABLE', message: 'the hub cannot do this now', retryAfterMs: 5000 })
    }
  }

  async #answer(frame: AgentFrame): Promise<readonly HubFrame[]> {
    const frames = await this.conversation.answer(frame)
    return this.caller.service.kind === 'upgrade' ? await framesForUpgrade(this.#hub.store, frames) : frames
  }

  async #hello(frame: AgentFrame): Promise<void> {
    const { cluster, claims } = this.caller
    const key = importPublicKey(cluster.agentKey ?? '')
    const proof = frame.kind === 'hello' && key ? readHelloProof(frame.proof, key) : undefined
    const proved =
      proof?.nonce === this.#nonce &&
      proof.aud === this.#hub.keys.hubId &&
      proof.iss === cluster.id &&
      proof.adm === claims.adm &&
      proof.inc === claims.inc &&
      proof.inst === claims.inst
    if (frame.kind !== 'hello' || !proved) return this.close(CLOSE.unauthorised, 'the hello does not hold')
    this.#helloTimer.cancel()
    if (!(await this.#stillSpeaks())) return this.close(CLOSE.unauthorised, 'another speaks for this cluster now')
    const { upTo } = await this.conversation.truth()
    if (this.#ended) return
    await this.#compareHighest(frame)
    this.standing = true
    this.send({
      kind: 'welcome',
      version: this.caller.service.version,
      heartbeatMs: this.heartbeatMs,
      upTo,
      newest: this.#hub.keys.newest,
    })
    for (const outdated of outdatedFrames(this.caller.service)) this.send(outdated)
    this.#hooks.stood(this)
  }

  /** Between the request and the hello it may have been revoked, admitted anew or overtaken by a later start. */
  async #stillSpeaks(): Promise<boolean> {
    const { cluster, claims } = this.caller
    const now = await this.#hub.store.read(rows => rows.cluster(cluster.id))
    if (!now || now.revokedAt !== undefined || now.agentKey !== cluster.agentKey) return false
    if (this.#hub.revocations?.hasKey(cluster.agentKey ?? '')) return false
    return now.admission === claims.adm && now.incarnation === claims.inc && now.instance === claims.inst
  }

  /** An agent that holds a document of ours with a number that this store never gave out: the store is behind. */
  async #compareHighest(frame: HelloFrame): Promise<void> {
    if (frame.highest !== undefined) await this.#hub.proofs?.hear(this.caller.cluster, frame.highest)
  }
}
