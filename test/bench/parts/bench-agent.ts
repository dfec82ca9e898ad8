import { randomBytes, randomUUID } from 'node:crypto'
import { AgentLink } from '@flotilla/agents/link/agent-link'
import { folderIncarnation } from '@flotilla/agents/link/incarnation'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { HubTransport, MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import type { ReportEntry } from '@flotilla/core/protocol/report'

const clock = createClock(globalThis)
const random = createRandom(randomBytes)
const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: complain,
  child: () => silent,
}

/** A thousand agents that fail alike say so once. */
const said = new Set<string>()
function complain(message: string, fields?: Readonly<Record<string, unknown>>): void {
  if (said.has(message)) return
  said.add(message)
  console.error(`agent: ${message}`, fields ?? '')
}

interface HeldBack {
  readonly frames: (() => void)[]
  readonly calendarCame: (at: number) => void
}

/**
 * An agent without a cluster: the real link with a real key over a real socket, and in place of the engine one that
 * says of each Grant at once that it was carried out. What a hub sees of it is what it sees of any agent.
 */
export class BenchAgent {
  readonly link: AgentLink
  /** Requests so far, by their path without query and digest. */
  readonly asked = new Map<string, number>()
  readonly #transport: HubTransport
  readonly #watchers = new Set<() => void>()
  readonly #answered = new Set<string>()
  #heldBack: HeldBack | undefined

  constructor(hubUrl: string, joinToken: string) {
    const state = new MemoryState()
    const uid = randomUUID()
    const transport = createNodeHubTransport({ url: hubUrl, environment: {}, clock, ...caPinOf(joinToken) })
    this.#transport = {
      request: request => {
        const [path = ''] = request.path.replace(/sha256:.*/, '').split('?', 1)
        this.asked.set(path, (this.asked.get(path) ?? 0) + 1)
        return transport.request(request)
      },
      connect: async (path, headers) => this.#overheard(await transport.connect(path, headers)),
      close: () => transport.close(),
    }
    this.link = new AgentLink({
      transport: this.#transport,
      state,
      clock,
      random,
      log: silent,
      incarnation: folderIncarnation(state, randomUUID),
      joinToken,
      clusterUid: async () => uid,
      versions: { agent: '0.1.0', kubernetes: '1.36' },
    })
    this.link.onChange(() => {
      for (const watcher of this.#watchers) watcher()
      this.#carryOut().catch((error: unknown) => complain('a Grant could not be answered', { error }))
    })
  }

  /** Resolves with the Offer as soon as it is held. */
  offer(matches: (offer: OfferPayload) => boolean): Promise<OfferPayload> {
    return this.once(() => this.offers().find(matches))
  }

  async connected(): Promise<void> {
    while (!this.link.connected()) await new Promise(resolve => setTimeout(resolve, 20))
  }

  /**
   * Puts what the hub says aside until `release` is called, so that hearing it costs next to nothing here: agents that
   * share the hub's cores would otherwise slow down what is measured. `calendarAt` is when a calendar came, as
   * `performance.now()`.
   */
  holdBack(): { readonly calendarAt: Promise<number>; release(): void } {
    const { promise, resolve } = Promise.withResolvers<number>()
    const heldBack: HeldBack = { frames: [], calendarCame: resolve }
    this.#heldBack = heldBack
    return {
      calendarAt: promise,
      release: () => {
        this.#heldBack = undefined
        for (const give of heldBack.frames) give()
      },
    }
  }

  #overheard(socket: MessageSocket): MessageSocket {
    const onMessage: MessageSocket['onMessage'] = listener =>
      socket.onMessage(text => {
        const heldBack = this.#heldBack
        if (heldBack === undefined) return listener(text)
        heldBack.frames.push(() => listener(text))
        if (text.includes('"calendar":"')) heldBack.calendarCame(performance.now())
      })
    return {
      ...{ onMessage, send: text => socket.send(text), onClose: listener => socket.onClose(listener) },
      ...{ close: (code, reason) => socket.close(code, reason), reading: wanted => socket.reading?.(wanted) },
      get bufferedBytes() {
        return socket.bufferedBytes
      },
    }
  }

  offers(): readonly OfferPayload[] {
    return [...this.link.held().values()].filter(document => document.typ === 'offer')
  }

  async stop(): Promise<void> {
    await this.link.stop()
    await this.#transport.close()
  }

  /** Resolves with what is looked for as soon as a change of the link brings it. */
  once<Value>(look: () => Value | undefined): Promise<Value> {
    return new Promise(resolve => {
      const watcher = (): void => {
        const value = look()
        if (value === undefined) return
        this.#watchers.delete(watcher)
        resolve(value)
      }
      this.#watchers.add(watcher)
      watcher()
    })
  }

  async #carryOut(): Promise<void> {
    for (const grant of this.link.grants()) {
      if (this.#answered.has(grant.id)) continue
      const offer = this.link.held().get(grant.application)
      if (offer?.typ !== 'offer') continue
      this.#answered.add(grant.id)
      await this.link.settleGrant(grant.id, 'started')
      await this.link.report([carriedOut(offer, grant.id, await this.link.nextReportNumber())])
    }
  }
}

function caPinOf(joinToken: string): { readonly caPin?: Digest } {
  const parsed = parseJoinToken(joinToken)
  return parsed.kind === 'token' && parsed.token.ca !== undefined ? { caPin: parsed.token.ca } : {}
}

function carriedOut(offer: OfferPayload, id: string, at: { readonly inc: number; readonly n: number }): ReportEntry {
  const { digest, revision } = offer
  const now = clock.now()
  return {
    application: offer.application.id,
    ...at,
    gone: false,
    held: digest,
    lastSucceeded: digest,
    sync: { status: 'Synced' },
    health: { status: 'Healthy', since: now },
    operation: {
      id,
      trigger: 'automated',
      by: 'flotilla',
      phase: 'Succeeded',
      message: 'synced',
      digest: digest,
      revision,
      startedAt: now,
      finishedAt: now,
      results: [],
      resultsCut: 0,
    },
    objects: [],
    objectsCut: 0,
    objectCount: 2,
    images: [],
    observedAt: now,
  }
}
