import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import {
  decodePoll,
  encodeFrame,
  type HubFrame,
  MAX_FRAME_BYTES,
  type PollAnswer,
} from '@flotilla/core/protocol/frames'
import type { Caller } from './authenticate.ts'
import { openFrames } from './cluster-truth.ts'
import type { Connection } from './connections.ts'
import { Conversation } from './conversation.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { GatewayRequest } from './gateway-request.ts'
import type { GatewayLimits } from './limits.ts'
import { refuse, respond } from './respond.ts'
import { framesForUpgrade, outdatedFrames } from './upgrade-only.ts'

interface Poller {
  readonly conversation: Conversation
  readonly connectedAt: number
  readonly inc: number
  lastSeenAt: number
  lastHeardMs: number
}

/** Frames of one answer together: what an agent takes at once, less room for the rest of the answer. */
const MAX_ANSWER_BYTES = 4 * MAX_FRAME_BYTES - 64 * 1024

/** Agents that ask instead of holding a socket (protocol.md 8): the same frames, a bundle of them at a time. */
export class Polls {
  readonly #hub: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #pollers = new Map<string, Poller>()

  constructor(hub: GatewayOptions, limits: GatewayLimits) {
    this.#hub = hub
    this.#limits = limits
  }

  get size(): number {
    return this.#pollers.size
  }

  /** Answers one poll: its frames one after the other, and what is new. */
  async answer(request: GatewayRequest, caller: Caller): Promise<HubResponse> {
    const decoded = request.method === 'POST' ? decodePoll(request.body ?? new Uint8Array()) : undefined
    if (decoded?.kind === 'refused') return refuse(400, 'MALFORMED', decoded.message)
    const { conversation } = this.#poller(caller)
    const frames: HubFrame[] = []
    let bytes = 0
    const put = (frame: HubFrame): boolean => {
      bytes += encodeFrame(frame).length + 1
      if (bytes > MAX_ANSWER_BYTES) return false
      frames.push(frame)
      return true
    }
    // What does not fit is left unanswered: an agent repeats what it has had no answer to.
    const { service } = caller
    const allowed = async (all: readonly HubFrame[]): Promise<readonly HubFrame[]> =>
      service.kind === 'upgrade' ? await framesForUpgrade(this.#hub.store, all) : all
    outdatedFrames(service).every(put)
    for (const frame of decoded?.value ?? []) {
      if (!(await allowed(await conversation.answer(frame))).every(put)) break
    }
    const truth = await conversation.truth()
    if (request.method === 'GET') for (const frame of await allowed(openFrames(truth))) put(frame)
    const answer: PollAnswer = {
      version: service.version,
      pollMs: this.#limits.pollMs,
      upTo: truth.upTo,
      frames,
    }
    return respond(200, answer)
  }

  /** The store has changed for this cluster. */
  forget(clusterId: string): void {
    this.#pollers.get(clusterId)?.conversation.forget()
  }

  /** The store has changed for all of them. */
  forgetAll(): void {
    for (const { conversation } of this.#pollers.values()) conversation.forget()
  }

  /** The cluster has a socket, or no right to ask any more. */
  end(clusterId: string): void {
    this.#pollers.delete(clusterId)
  }

  clear(): void {
    this.#pollers.clear()
  }

  /** Lets go of those that were not heard for too long. */
  sweep(nowMs: number): void {
    for (const [clusterId, poller] of this.#pollers) {
      if (poller.lastHeardMs < nowMs - this.#limits.silentMs) this.#pollers.delete(clusterId)
    }
  }

  connections(): readonly Connection[] {
    return [...this.#pollers.values()].map(connectionOf)
  }

  connection(clusterId: string): Connection | undefined {
    const poller = this.#pollers.get(clusterId)
    return poller && connectionOf(poller)
  }

  #poller({ cluster, claims }: Caller): Poller {
    const { clock, events } = this.#hub
    const now = clock.now()
    let poller = this.#pollers.get(cluster.id)
    if (poller?.inc !== claims.inc) {
      const conversation = new Conversation(cluster.id, this.#hub, this.#limits)
      poller = { conversation, connectedAt: now, lastSeenAt: now, lastHeardMs: 0, inc: claims.inc }
      this.#pollers.set(cluster.id, poller)
      events.connected(cluster.id)
    }
    poller.lastSeenAt = now
    poller.lastHeardMs = clock.monotonicMs()
    return poller
  }
}

function connectionOf({ conversation, connectedAt, lastSeenAt, inc }: Poller): Connection {
  const { clusterId, skewMs, heldUpTo, unclaimed, differs } = conversation
  const seen = { connectedAt, lastSeenAt, skewMs, heldUpTo, unclaimed, differs }
  return { clusterId, ...seen, inc, transport: 'poll' }
}
