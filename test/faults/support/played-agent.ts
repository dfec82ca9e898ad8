import { randomBytes } from 'node:crypto'
import { type EnrolmentOutcome, enrolAgent, type Proposal } from '@flotilla/agents/link/enrol-agent'
import { HubClient, type Speaker } from '@flotilla/agents/link/hub-client'
import { type HeldKey, makeNextKey } from '@flotilla/agents/link/identity'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { HubResponse, HubTransport } from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import { makeAssertion } from '@flotilla/core/protocol/assertion'
import { signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { type JoinToken, parseJoinToken } from '@flotilla/core/protocol/join-token'
import type { HubUnderTest } from '../../e2e/support/hub-under-test.ts'

export const clock = createClock(globalThis)
export const random = createRandom(randomBytes)

/** Whoever may wait for a while by chance waits for the shortest. */
export const hasty: Random = { ...random, fraction: () => 0 }

export function tokenOf(text: string): JoinToken {
  const parsed = parseJoinToken(text.trim())
  if (parsed.kind === 'refused') throw new Error(parsed.message)
  return parsed.token
}

/** The agent of one cluster, played request by request over real sockets against a real hub. */
export class PlayedAgent {
  readonly state = new MemoryState()
  readonly client: HubClient
  readonly uid: string
  key: HeldKey
  speaker: Speaker | undefined
  readonly #hub: HubUnderTest

  constructor(hub: HubUnderTest, uid: string) {
    this.#hub = hub
    this.uid = uid
    const seed = random.bytes(32)
    this.key = { seed, signing: signingKeyFromSeed(seed) }
    this.client = this.#clientOver(hub.transport)
  }

  /** As after a machine was copied: the same key and state, another cluster. */
  copiedTo(uid: string): PlayedAgent {
    const copy = new PlayedAgent(this.#hub, uid)
    copy.key = this.key
    copy.speaker = this.speaker && { ...this.speaker, incarnation: { ...this.speaker.incarnation, inst: uid } }
    return copy
  }

  #clientOver(transport: HubTransport): HubClient {
    return new HubClient(transport, clock)
  }

  async enrol(token: JoinToken, proposal?: Proposal): Promise<EnrolmentOutcome> {
    const { client, state, key, uid } = this
    const outcome = await enrolAgent({ client, state, key, token, uid, versions: {}, ...(proposal && { proposal }) })
    if (outcome.kind !== 'admitted') return outcome
    const { cluster, adm, hubId } = outcome.kept.admission.payload
    const incarnation = this.speaker?.incarnation ?? { inc: 1, inst: uid }
    this.speaker = { cluster, admission: adm, hubId, key: key.signing, incarnation }
    return outcome
  }

  /** The request of an enrolment goes out, and whatever comes back is lost. */
  async enrolIntoTheVoid(token: JoinToken): Promise<void> {
    const lossy: HubTransport = {
      request: async request => {
        await this.#hub.transport.request(request)
        throw new Error('the answer was lost')
      },
      connect: () => Promise.reject(new Error('no socket here')),
      close: async () => undefined,
    }
    const { state, key, uid } = this
    const lost = enrolAgent({ client: this.#clientOver(lossy), state, key, token, uid, versions: {} })
    await lost.then(
      () => Promise.reject(new Error('the answer was to be lost')),
      () => undefined,
    )
  }

  async takeNewKey(tokenId: string): Promise<void> {
    this.key = await makeNextKey(this.state, random, { why: 'enrolment', tokenId })
  }

  get as(): Speaker {
    if (!this.speaker) throw new Error('this agent was not admitted')
    return this.speaker
  }

  async get(path = '/agent/v1/documents'): Promise<HubResponse> {
    return await this.client.request(this.as, { method: 'GET', path })
  }

  async post(path: string, body: Uint8Array): Promise<HubResponse> {
    return await this.client.request(this.as, { method: 'POST', path, body })
  }

  raise(above: number): void {
    this.speaker = { ...this.as, incarnation: { ...this.as.incarnation, inc: above + 1 } }
  }

  /** One request with an assertion of the test's making; there is no second attempt. */
  async assert(
    over: Partial<Parameters<typeof makeAssertion>[0]>,
    sent: { readonly path?: string; readonly body?: Uint8Array; readonly alter?: (header: string) => string } = {},
  ): Promise<HubResponse> {
    const { cluster, admission, hubId, key, incarnation } = this.as
    const path = sent.path ?? '/agent/v1/documents'
    const method = sent.body ? 'POST' : 'GET'
    const now = Math.floor(clock.now())
    const claims = { cluster, admission, hubId, now, method, path, ...incarnation, body: sent.body, ...over } as const
    const authorization = makeAssertion(claims, key)
    const headers = { authorization: sent.alter ? sent.alter(authorization) : authorization }
    return await this.#hub.transport.request({ method, path, headers, ...(sent.body && { body: sent.body }) })
  }
}
