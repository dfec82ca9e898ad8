import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { textAt } from '@flotilla/core/json/read-json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { HubTransport, MessageSocket } from '@flotilla/core/ports/hub-transport'
import { decodeHubFrame } from '@flotilla/core/protocol/frames'
import Sqlite from 'better-sqlite3'
import { afterEach, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from '../e2e/support/folder.ts'
import { HubUnderTest } from '../e2e/support/hub-under-test.ts'
import { endAll } from '../e2e/support/processes.ts'
import { SmallFleet } from '../e2e/support/small-fleet.ts'
import { until } from '../e2e/support/until.ts'
import { type SmallAgent, smallAgent } from '../simulation/small-agent.ts'
import { reportEntry } from '../simulation/small-hub.ts'

const AGENTS = 100
const clock = createClock(globalThis)
const random = createRandom(randomBytes)

/** A transport that writes down what passes: paths that agents ask for, kinds of frames that the hub sends. */
class Counted implements HubTransport {
  readonly paths = new Map<string, number>()
  readonly frames = new Map<string, number>()
  readonly #through: () => HubTransport

  constructor(through: () => HubTransport) {
    this.#through = through
  }

  request(request: Parameters<HubTransport['request']>[0]): ReturnType<HubTransport['request']> {
    count(this.paths, `${request.method} ${request.path.replace(/[?].*$/, '').replace(/sha256:.*/, '')}`)
    return this.#through().request(request)
  }

  async connect(path: string, headers: Readonly<Record<string, string>>): Promise<MessageSocket> {
    const socket = await this.#through().connect(path, headers)
    count(this.paths, 'connected')
    return {
      send: text => socket.send(text),
      get bufferedBytes() {
        return socket.bufferedBytes
      },
      onMessage: listener =>
        socket.onMessage(text => {
          const decoded = decodeHubFrame(text)
          count(this.frames, decoded.kind === 'decoded' ? decoded.value.kind : 'refused')
          listener(text)
        }),
      onClose: listener => socket.onClose(listener),
      close: (code, reason) => socket.close(code, reason),
    }
  }

  async close(): Promise<void> {}

  forget(): void {
    this.paths.clear()
    this.frames.clear()
  }
}

const count = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

/** As the store itself has it. */
function openGrants(data: string): unknown {
  const database = new Sqlite(join(data, 'hub.db'), { readonly: true })
  try {
    return database.prepare("SELECT count(*) FROM grants WHERE state = 'open'").pluck().get()
  } finally {
    database.close()
  }
}

let folder: TemporaryFolder | undefined
let hub: HubUnderTest | undefined
const agents: SmallAgent[] = []

afterEach(async () => {
  await Promise.all(agents.splice(0).map(({ link }) => link.stop()))
  await hub?.close()
  await endAll()
  await folder?.remove()
})

test(`a hub that is killed has its ${AGENTS} agents back, their digests agree, and nothing is sent or asked again`, async () => {
  const names = Array.from({ length: AGENTS }, (_, n) => `c${String(n).padStart(3, '0')}`)
  folder = await temporaryFolder()
  const fleet = await SmallFleet.create(join(folder.path, 'repo'), names, ['web'])
  const started = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
  hub = started
  await hub.start()
  const known = async () => (await started.clusters()).length === AGENTS
  await until('every Cluster is known', known)
  const counted = new Counted(() => started.transport)
  for (const name of names) {
    const made = await hub.api.post(`/api/v1/clusters/${name}/join-tokens`)
    const agent = smallAgent({
      transport: counted,
      clock,
      random,
      joinToken: textAt(made, 'token'),
      uid: `uid-${name}`,
    })
    agents.push(agent)
    await agent.link.start()
  }
  const offers = () => agents.map(({ link }) => [...link.held().values()][0])
  await until('every agent holds its Offer', () => offers().every(held => held?.typ === 'offer'))
  // The test plays the engines: what is there is as it is offered, and what was permitted is refused.
  for (const [index, { link }] of agents.entries()) {
    const offer = offers()[index]
    if (offer?.typ !== 'offer') throw new Error('no Offer')
    const { digest } = offer
    const at = await link.nextReportNumber()
    await link.report([reportEntry(offer.application.id, at, { held: digest, lastSucceeded: digest })])
  }
  const applications = async () => (await started.api.list('/api/v1/applications', { sync: 'Synced' })).items.length
  await until('every report is taken', async () => (await applications()) === AGENTS)
  const refuseAll = async () => {
    for (const { link } of agents)
      for (const { id } of link.grants()) await link.settleGrant(id, 'refused', 'it is there already')
    return openGrants(join(folder!.path, 'hub')) === 0
  }
  await until('no Grant is open', refuseAll, { everyMs: 500 })

  counted.forget()
  await hub.kill()
  const begun = performance.now()
  await hub.start()
  await until('all are back', () => (counted.paths.get('connected') ?? 0) >= AGENTS)
  const backMs = performance.now() - begun
  // Two heartbeats each: a difference would lead to questions with the second.
  await until('two heartbeats each', () => (counted.frames.get('pulse') ?? 0) >= 2 * AGENTS)
  console.log(`${AGENTS} agents back within ${Math.round(backMs)} ms of the hub's start`)
  // Whoever dialled three times before the hub was up has polled once: that is its heartbeat.
  const beats = ['connected', 'POST /agent/v1/poll']
  expect([...counted.paths.keys()].filter(path => !beats.includes(path))).toEqual([])
  expect([...counted.frames.keys()].sort()).toEqual(['nonce', 'pulse', 'welcome'])
  expect(agents.flatMap(({ log }) => log.complaints()).filter(text => /refused|differ/.test(text))).toEqual([])
}, 600_000)
