import { randomBytes } from 'node:crypto'
import { enrolAgent } from '@flotilla/agents/link/enrol-agent'
import { HubClient, type Speaker } from '@flotilla/agents/link/hub-client'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import { isJsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { HubUnreachable } from '@flotilla/core/ports/hub-transport'
import { signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import { readJws } from '@flotilla/core/protocol/jws'
import { decodeReportsAnswer, encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import { reportEntry } from '../../simulation/small-hub.ts'
import type { HubUnderTest } from './hub-under-test.ts'

/** Everything that the hub has said yes to, or handed out as its word: what must still be so after any crash. */
export class Acknowledged {
  readonly joinTokens: string[] = []
  /** Application → the highest report number that was taken. */
  readonly reports = new Map<string, number>()
  /** Documents by cluster and number: one number is one content, for ever. */
  readonly documents = new Map<string, Digest>()
  /** Cluster → the highest document number that it was told. */
  readonly told = new Map<string, number>()
  webhooks = 0
  readonly violations: string[] = []
}

/** One admitted agent that only reports and asks, as fast as it is answered; without an engine and without a cluster. */
export class BusyAgent {
  readonly clusterId: string
  readonly #client: HubClient
  readonly #speaker: Speaker
  readonly #known: Acknowledged
  #n = 0

  private constructor(client: HubClient, speaker: Speaker, known: Acknowledged) {
    this.clusterId = speaker.cluster
    this.#client = client
    this.#speaker = speaker
    this.#known = known
  }

  static async join(hub: HubUnderTest, clusterName: string, known: Acknowledged): Promise<BusyAgent> {
    const made = await hub.api.post(`/api/v1/clusters/${clusterName}/join-tokens`)
    const parsed = parseJoinToken(String(made['token']))
    if (parsed.kind === 'refused') throw new Error(parsed.message)
    const client = new HubClient(hub.transport, createClock(globalThis))
    const seed = randomBytes(32)
    const key = { seed, signing: signingKeyFromSeed(seed) }
    const { token } = parsed
    const outcome = await enrolAgent({ client, state: new MemoryState(), key, token, uid: clusterName, versions: {} })
    if (outcome.kind !== 'admitted') throw new Error(`${clusterName} was not admitted: ${outcome.kind}`)
    const { cluster, adm, hubId } = outcome.kept.admission.payload
    const incarnation = { inc: 1, inst: 'busy' }
    return new BusyAgent(client, { cluster, admission: adm, hubId, key: key.signing, incarnation }, known)
  }

  /** Reports on all of them once; how many of them the hub takes for not this cluster's. */
  async report(applications: readonly string[]): Promise<number> {
    const n = ++this.#n
    const body = encodeReportBatch(applications.map(id => reportEntry(id, { inc: 1, n })))
    const response = await this.#client.request(this.#speaker, { method: 'POST', path: '/agent/v1/reports', body })
    if (response.status !== 200) return 0
    const answer = decodeReportsAnswer(response.body)
    if (answer.kind === 'refused') throw new Error(answer.message)
    for (const id of answer.value.taken) this.#known.reports.set(id, n)
    return answer.value.ignored.length
  }

  async ask(): Promise<void> {
    const path = '/agent/v1/documents'
    const response = await this.#client.request(this.#speaker, { method: 'GET', path })
    if (response.status !== 200) return
    const answer = parseJson(Buffer.from(response.body).toString('utf8'))
    const documents = isJsonObject(answer) && Array.isArray(answer['documents']) ? answer['documents'] : []
    for (const jws of documents) this.#take(String(jws))
  }

  #take(jws: string): void {
    const read = readJws(jws)
    if (read.kind !== 'unverified') throw new Error('a document that is no JWS')
    const number = read.payload['number'] as { readonly epoch: number; readonly n: number }
    const name = `${this.clusterId} ${number.epoch}.${number.n}`
    const content = sha256(jws)
    const before = this.#known.documents.get(name)
    if (before !== undefined && before !== content) this.#known.violations.push(`document ${name} has two contents`)
    this.#known.documents.set(name, content)
    this.#known.told.set(this.clusterId, Math.max(number.n, this.#known.told.get(this.clusterId) ?? 0))
  }
}

/** Makes one join token. What is not answered was not promised. */
export async function makeJoinToken(hub: HubUnderTest, cluster: string, known: Acknowledged): Promise<void> {
  const headers = { authorization: `Bearer ${hub.token}` }
  const path = `/api/v1/clusters/${cluster}/join-tokens`
  const response = await hub.transport.request({ method: 'POST', path, headers })
  if (response.status !== 201) return
  const made = parseJson(Buffer.from(response.body).toString('utf8'))
  if (isJsonObject(made)) known.joinTokens.push(String(made['id']))
}

/** Sends one webhook. */
export async function sendWebhook(hub: HubUnderTest, known: Acknowledged): Promise<void> {
  if ((await hub.push()).status === 202) known.webhooks++
}

/** Does `work` again and again until `ended`; a hub that is not there is waited for. */
export async function keepOn(work: () => Promise<unknown>, ended: () => boolean): Promise<void> {
  while (!ended()) {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
}
