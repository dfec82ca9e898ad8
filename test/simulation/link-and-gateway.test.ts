import { loadOrMakeKey } from '@flotilla/agents/link/identity'
import type { Incarnation } from '@flotilla/agents/link/incarnation'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { HubRequest, HubResponse } from '@flotilla/core/ports/hub-transport'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import type { GatewayLimits } from '@flotilla/hub/gateway/limits'
import { describe, expect, test } from 'vitest'
import { type Faults, InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import { smallAgent } from './small-agent.ts'
import { configMap, reportEntry, SmallHub } from './small-hub.ts'

const START = Date.UTC(2030, 0, 1)
const MINUTE_MS = 60_000

interface Options {
  readonly seed?: number
  readonly limits?: Partial<GatewayLimits>
  /** Changes an answer on its way to the agent. */
  readonly tamper?: (request: HubRequest, response: HubResponse) => HubResponse
}

async function world({ seed = 1, limits, tamper }: Options = {}) {
  const clock = new VirtualClock({ startAt: START, settle: () => new Promise(resolve => setImmediate(resolve)) })
  const random = seededRandom(seed)
  const hub = new SmallHub({ clock, random, ...(limits && { limits }) })
  const faults: Faults = { ...NO_FAULTS }
  const messages: string[] = []
  const newTransport = (): InProcessTransport => {
    const transport = new InProcessTransport({
      gateway: () => hub.gateway,
      clock,
      random,
      faults,
      onMessage: ({ direction, what }) => void messages.push(`${direction} ${what}`),
    })
    if (tamper) {
      const request = transport.request.bind(transport)
      transport.request = async asked => tamper(asked, await request(asked))
    }
    return transport
  }
  const transport = newTransport()
  const joinToken = await hub.joinToken('eu-1')
  const agent = smallAgent({ transport, clock, random, joinToken })
  const join = async (name: string, uid: string) => {
    const token = await hub.joinToken(name)
    const joining = smallAgent({ transport: newTransport(), clock, random, joinToken: token, uid })
    await joining.link.start()
    await clock.advance(1000)
    return joining
  }
  const connected = async (): Promise<void> => {
    await agent.link.start()
    await clock.advance(1000)
    expect(agent.link.status()).toEqual({ kind: 'connected' })
  }
  return { clock, random, hub, faults, transport, newTransport, agent, messages, joinToken, connected, join }
}

describe('an agent and its hub', () => {
  test('it enrols, takes what is offered, fetches the Bundle, settles the Grant and reports', async () => {
    const { clock, hub, agent, connected } = await world()
    await connected()
    expect(agent.link.hubTime()).toBe(clock.now())

    const bundle = await hub.offer('eu-1', 'app-1', [configMap('a', { k: 'v' })])
    const grantId = await hub.grant('eu-1', 'app-1')
    await clock.advance(100)
    expect([...agent.link.held().keys()]).toEqual(['app-1'])
    expect(agent.link.grants().map(grant => grant.id)).toEqual([grantId])
    expect(agent.link.calendar()?.intervals).toEqual([])
    expect((await agent.link.bundle(bundle.digest))?.objects).toEqual([configMap('a', { k: 'v' })])

    await agent.link.settleGrant(grantId, 'started')
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber(), { held: bundle.digest })])
    await clock.advance(100)
    const clusterId = await hub.clusterId('eu-1')
    const [grant, report] = await hub.store.read(async rows => [await rows.grant(grantId), await rows.report('app-1')])
    expect(grant?.state).toBe('started')
    expect(report?.entry).toMatchObject({ application: 'app-1', inc: 1, n: 1, held: bundle.digest })
    expect(hub.reported).toContainEqual({ clusterId, applicationIds: ['app-1'] })
    expect(agent.link.grants()).toEqual([])
    await clock.advance(120_000)
    expect(agent.log.complaints()).toEqual([])
    expect(hub.log.complaints()).toEqual([])
    await agent.link.stop()
  })

  test('while all agrees a heartbeat costs one question and one answer, and writes nothing', async () => {
    const { clock, hub, agent, connected, messages } = await world()
    await connected()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(MINUTE_MS)
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber())])
    await clock.advance(2 * MINUTE_MS)
    const { rowsWritten } = hub.store.counters
    messages.length = 0
    await clock.advance(10 * MINUTE_MS)
    expect(new Set(messages)).toEqual(new Set(['up heartbeat', 'down pulse']))
    expect(messages.length).toBeGreaterThan(30)
    expect(hub.store.counters.rowsWritten).toBe(rowsWritten)
  })

  test('a restarted agent holds what it held before the hub answers, under a higher incarnation', async () => {
    const { clock, random, hub, agent, connected, newTransport, faults } = await world()
    await connected()
    const bundle = await hub.offer('eu-1', 'app-1', [configMap('a')])
    const grantId = await hub.grant('eu-1', 'app-1')
    await clock.advance(1000)
    await agent.link.bundle(bundle.digest)
    await agent.link.stop()
    faults.partitioned = true
    const again = smallAgent({ transport: newTransport(), clock, random, state: agent.state })
    await again.link.start()
    expect([...again.link.held().keys()]).toEqual(['app-1'])
    expect(again.link.grants().map(grant => grant.id)).toEqual([grantId])
    expect((await again.link.bundle(bundle.digest))?.objects.length).toBe(1)
    expect(again.link.hubTime()).toBeUndefined()
    expect(await again.link.nextReportNumber()).toEqual({ inc: 2, n: 1 })
    faults.partitioned = false
    await clock.advance(2 * MINUTE_MS)
    expect(again.link.connected()).toBe(true)
    expect(again.link.hubTime()).toBe(clock.now())
  })

  test('after the hub restarted, everything agrees and nothing is sent again', async () => {
    const { clock, hub, agent, connected, messages } = await world()
    await connected()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(100)
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber())])
    await clock.advance(MINUTE_MS)
    messages.length = 0
    hub.restart()
    await clock.advance(3 * MINUTE_MS)
    expect(agent.link.connected()).toBe(true)
    expect(messages.filter(message => /documents|reports|lines|bundles/.test(message))).toEqual([])
  })

  test('a removal is reported, acknowledged, and its Tombstone let go of on both sides', async () => {
    const { clock, hub, agent, connected } = await world()
    await connected()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(100)
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber())])
    await hub.tombstone('eu-1', 'app-1')
    await clock.advance(100)
    expect(agent.link.held().get('app-1')?.typ).toBe('tombstone')
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber(), { gone: true })])
    await clock.advance(100)
    expect(agent.link.held().size).toBe(0)
    await clock.advance(5 * MINUTE_MS)
    expect(agent.log.complaints()).toEqual([])
    expect(hub.log.complaints()).toEqual([])
    await hub.offer('eu-1', 'app-1', [configMap('a'), configMap('b')])
    await clock.advance(100)
    expect(agent.link.held().get('app-1')?.typ).toBe('offer')
  })

  test('a clock an hour off connects at its second try, and the skew is shown', async () => {
    const { clock, random, hub, newTransport, joinToken } = await world()
    const wrong = {
      now: () => clock.now() + 60 * MINUTE_MS,
      monotonicMs: () => clock.monotonicMs(),
      setTimer: clock.setTimer.bind(clock),
      sleep: clock.sleep.bind(clock),
    }
    const agent = smallAgent({ transport: newTransport(), clock: wrong, random, joinToken })
    await agent.link.start()
    await clock.advance(MINUTE_MS)
    expect(agent.link.connected()).toBe(true)
    expect(agent.link.hubTime()).toBe(clock.now())
    expect(hub.gateway.connections()).toMatchObject([{ skewMs: 60 * MINUTE_MS, transport: 'socket' }])
  })
})

describe('what was lost is asked for again', () => {
  test('a document that vanished from the agent’s state comes back within two heartbeats of its restart', async () => {
    const { clock, random, hub, agent, connected, newTransport } = await world()
    await connected()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await hub.offer('eu-1', 'app-2', [configMap('a')])
    await clock.advance(1000)
    await agent.link.stop()
    await agent.state.delete('documents/application/app-1')
    const again = smallAgent({ transport: newTransport(), clock, random, state: agent.state })
    await again.link.start()
    expect([...again.link.held().keys()]).toEqual(['app-2'])
    await clock.advance(2 * 36_000 + 1000)
    expect([...again.link.held().keys()].sort()).toEqual(['app-1', 'app-2'])
  })

  test('a report that the hub lost is sent again, and nothing else', async () => {
    const { clock, hub, agent, connected, messages } = await world({ limits: { truthMs: 1 } })
    await connected()
    for (const id of ['app-1', 'app-2']) {
      await hub.offer('eu-1', id, [configMap('a')])
      await agent.link.report([reportEntry(id, await agent.link.nextReportNumber())])
    }
    await clock.advance(MINUTE_MS)
    await hub.store.write(rows => rows.deleteReport('app-1'))
    messages.length = 0
    await clock.advance(2 * 36_000 + 1000)
    expect(await hub.store.read(rows => rows.report('app-1'))).toBeDefined()
    expect(messages.filter(message => message === 'up POST /agent/v1/reports').length).toBe(1)
  })

  test('what the hub does not name is left out of the digest and said to be unclaimed', async () => {
    const { clock, hub, agent, connected } = await world({ limits: { truthMs: 1 } })
    await connected()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(1000)
    const clusterId = await hub.clusterId('eu-1')
    await hub.store.write(rows => rows.deleteDocument(clusterId, 'application/app-1'))
    await clock.advance(5 * MINUTE_MS)
    expect([...agent.link.held().keys()]).toEqual(['app-1'])
    expect(hub.log.complaints()).toEqual([])
  })

  for (let seed = 1; seed <= 12; seed++) {
    test(`from seed ${seed}, with messages lost, doubled and delayed, both end up holding the same`, async () => {
      const { clock, random, hub, agent, faults, transport } = await world({ seed })
      const expected = new Map<string, string>()
      Object.assign(faults, { lose: 0.08, double: 0.15, delay: 0.4, maxDelayMs: 20_000 })
      await agent.link.start()
      await clock.advance(10 * MINUTE_MS)
      Object.assign(faults, NO_FAULTS)
      expect(await clock.advanceUntil(() => agent.link.connected(), 10 * MINUTE_MS)).toBe(true)
      Object.assign(faults, { lose: 0.08, double: 0.15, delay: 0.4, maxDelayMs: 20_000 })
      for (let step = 0; step < 25; step++) {
        const id = `app-${Math.floor(random.fraction() * 5)}`
        const bundle = await hub.offer('eu-1', id, [configMap(`step-${step}`)])
        expected.set(id, bundle.digest)
        if (random.fraction() < 0.5) await hub.grant('eu-1', id)
        if (random.fraction() < 0.2) transport.breakSockets()
        if (random.fraction() < 0.1) hub.restart()
        await clock.advance(random.fraction() * MINUTE_MS)
        for (const grant of agent.link.grants()) await agent.link.settleGrant(grant.id, 'started')
        for (const applied of agent.link.held().values()) {
          if (random.fraction() < 0.3 && applied.typ === 'offer') {
            const at = await agent.link.nextReportNumber()
            await agent.link.report([reportEntry(applied.application.id, at, { held: applied.digest })])
          }
        }
      }
      Object.assign(faults, NO_FAULTS)
      await clock.advance(10 * MINUTE_MS)
      for (const grant of agent.link.grants()) await agent.link.settleGrant(grant.id, 'refused')
      for (const applied of agent.link.held().values()) {
        if (applied.typ !== 'offer') continue
        const at = await agent.link.nextReportNumber()
        await agent.link.report([reportEntry(applied.application.id, at, { held: applied.digest })])
      }
      await clock.advance(10 * MINUTE_MS)
      const held = [...agent.link.held()].map(([id, document]) => [id, document.typ === 'offer' && document.digest])
      expect(new Map(held as [string, string][])).toEqual(expected)
      const clusterId = await hub.clusterId('eu-1')
      const [reports, open] = await hub.store.read(async rows => [
        await rows.reports(clusterId),
        await rows.openGrants(clusterId),
      ])
      expect(open).toEqual([])
      expect(new Map(reports.map(row => [row.applicationId, row.entry.held as string]))).toEqual(expected)
      const warnings = hub.log.complaints().length
      await clock.advance(5 * MINUTE_MS)
      expect(hub.log.complaints().length).toBe(warnings)
      await agent.link.stop()
    })
  }
})

describe('what does not hold is refused', () => {
  test('a token that is used up admits no second agent, and the first keeps its place', async () => {
    const { clock, random, hub, connected, newTransport, joinToken } = await world()
    await connected()
    const thief = smallAgent({ transport: newTransport(), clock, random, joinToken, uid: 'uid-thief' })
    await thief.link.start()
    await clock.advance(1000)
    expect(thief.link.status()).toMatchObject({ kind: 'refused', code: 'JOIN_TOKEN' })
    expect(hub.gateway.counters.refused.get('JOIN_TOKEN')).toBe(1)
    expect(hub.gateway.connections().length).toBe(1)
  })

  test('another agent’s name needs an operator: a fresh token for it is not enough', async () => {
    const { clock, hub, connected, join } = await world()
    await connected()
    const other = await join('eu-1', 'uid-2')
    expect(other.link.status()).toMatchObject({ kind: 'refused', code: 'NAME_TAKEN' })
    const cluster = await hub.store.read(rows => rows.clusterByName('eu-1'))
    expect(cluster).toMatchObject({ uid: 'uid-1', admission: 1 })
    await clock.advance(1000)
  })

  test('an enrolment whose answer was lost is answered the same again', async () => {
    const { clock, hub, faults, agent } = await world({ seed: 5 })
    const answers: number[] = []
    const original = hub.gateway.handle.bind(hub.gateway)
    hub.gateway.handle = async request => {
      const response = await original(request)
      if (request.path === '/agent/v1/enrol') {
        answers.push(response.status)
        // The hub has committed; the agent never hears of it.
        if (answers.length === 1) faults.partitioned = true
      }
      return response
    }
    await agent.link.start()
    await clock.advance(500)
    faults.partitioned = false
    await clock.advance(MINUTE_MS)
    expect(answers).toEqual([200, 200])
    expect(agent.link.connected()).toBe(true)
    expect((await hub.store.read(rows => rows.clusters())).map(row => row.admission)).toEqual([1])
  })

  test('a crash before the first enrolment, or after it, loses no key: the next process is the same agent', async () => {
    const { clock, random, hub, faults, agent, newTransport, joinToken } = await world()
    faults.partitioned = true
    await agent.link.start()
    await clock.advance(MINUTE_MS)
    const { publicKey } = await loadOrMakeKey(agent.state, seededRandom(77))
    // The process is gone without a word; its folder is not. The next one dies when the hub has just committed.
    const original = hub.gateway.handle.bind(hub.gateway)
    hub.gateway.handle = async request => {
      const response = await original(request)
      if (request.path === '/agent/v1/enrol') faults.partitioned = true
      return response
    }
    await agent.link.stop()
    const second = smallAgent({ transport: newTransport(), clock, random, state: agent.state, joinToken })
    faults.partitioned = false
    await second.link.start()
    await clock.advance(MINUTE_MS)
    await second.link.stop()
    hub.gateway.handle = original
    faults.partitioned = false
    const third = smallAgent({ transport: newTransport(), clock, random, state: agent.state, joinToken })
    await third.link.start()
    await clock.advance(MINUTE_MS)
    expect(third.link.connected()).toBe(true)
    const rows = await hub.store.read(reader => reader.clusters())
    expect(rows.map(row => [row.admission, row.agentKey])).toEqual([[1, publicKey]])
    await third.link.stop()
  })

  test('two processes that start on one new folder at once have one key', async () => {
    const { clock, random, hub, agent, newTransport, joinToken } = await world()
    const other = smallAgent({ transport: newTransport(), clock, random, state: agent.state, joinToken })
    await Promise.all([agent.link.start(), other.link.start()])
    await clock.advance(1000)
    const { publicKey } = await loadOrMakeKey(agent.state, seededRandom(77))
    const rows = await hub.store.read(reader => reader.clusters())
    expect(rows.map(row => [row.admission, row.agentKey])).toEqual([[1, publicKey]])
    expect(hub.gateway.counters.refused.get('SIGNATURE')).toBeUndefined()
    await agent.link.stop()
    await other.link.stop()
  })

  test('expired and revoked tokens are refused alike', async () => {
    const { clock, random, hub, newTransport, joinToken } = await world()
    await clock.advance(2 * 60 * MINUTE_MS)
    const late = smallAgent({ transport: newTransport(), clock, random, joinToken })
    await late.link.start()
    await clock.advance(1000)
    expect(late.link.status()).toMatchObject({ code: 'JOIN_TOKEN' })
    const token = await hub.joinToken('eu-2')
    await hub.store.write(async rows => {
      for (const row of await rows.joinTokens()) await rows.putJoinToken({ ...row, revokedAt: clock.now() })
    })
    const revoked = smallAgent({ transport: newTransport(), clock, random, joinToken: token })
    await revoked.link.start()
    await clock.advance(1000)
    expect(revoked.link.status()).toMatchObject({ code: 'JOIN_TOKEN' })
  })

  test('a revoked agent is cut at once, refused from then on, and keeps what it holds', async () => {
    const { clock, hub, agent, connected } = await world()
    await connected()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(1000)
    const clusterId = await hub.clusterId('eu-1')
    await hub.store.write(async rows => {
      const row = await rows.cluster(clusterId)
      if (!row) throw new Error('the cluster is gone')
      const { agentKey: _, ...kept } = row
      await rows.putCluster({ ...kept, revokedAt: clock.now() })
    })
    hub.gateway.closeCluster(clusterId)
    await clock.advance(1000)
    expect(hub.gateway.connections()).toEqual([])
    expect(agent.link.connected()).toBe(false)
    await clock.advance(10 * MINUTE_MS)
    expect(agent.link.status()).toMatchObject({ kind: 'refused', code: 'UNAUTHORISED' })
    expect([...agent.link.held().keys()]).toEqual(['app-1'])
    expect(hub.gateway.counters.refused.get('UNKNOWN_CLUSTER')).toBeLessThan(30)
  })

  test('another cluster’s Bundle is not there, exactly as one that nobody has', async () => {
    const { clock, hub, agent, connected, join } = await world()
    await connected()
    const other = await join('eu-2', 'uid-2')
    const bundle = await hub.offer('eu-2', 'app-2', [configMap('secret-plan')])
    await clock.advance(1000)
    expect((await other.link.bundle(bundle.digest))?.objects.length).toBe(1)
    expect(await agent.link.bundle(bundle.digest)).toBeUndefined()
    expect(await agent.link.bundle(`sha256:${'0'.repeat(64)}`)).toBeUndefined()
    const refusals = agent.log.complaints().map(line => line.replace(/sha256:[0-9a-f]+/, '…'))
    expect(refusals.length).toBe(2)
    expect(new Set(refusals).size).toBe(1)
  })

  test('reports about another cluster’s Application are ignored and counted', async () => {
    const { clock, hub, agent, connected, join } = await world()
    await connected()
    await join('eu-2', 'uid-2')
    await hub.offer('eu-2', 'app-2', [configMap('a')])
    await agent.link.report([reportEntry('app-2', await agent.link.nextReportNumber())])
    await agent.link.report([reportEntry('nobodys', await agent.link.nextReportNumber())])
    await clock.advance(5 * MINUTE_MS)
    expect(await hub.store.read(rows => rows.reports())).toEqual([])
    expect(hub.gateway.counters.foreignEntries).toBe(2)
    expect(hub.log.complaints()).toEqual([])
  })

  test('a Bundle that was altered, cut off or swapped is never handed out, and fetched again later', async () => {
    const changes: ((body: Uint8Array) => Uint8Array)[] = [
      body => Uint8Array.from(body, (byte, index) => (index === 20 ? byte ^ 1 : byte)),
      body => body.slice(0, -1),
      () => new Uint8Array(),
      () => Buffer.alloc(70 * 1024 * 1024),
    ]
    let tampered = 0
    const tamper = (request: HubRequest, response: HubResponse): HubResponse => {
      const change = request.path.startsWith('/agent/v1/bundles/') ? changes.shift() : undefined
      if (!change) return response
      tampered++
      return { ...response, body: change(response.body) }
    }
    const { clock, hub, agent, connected } = await world({ tamper })
    await connected()
    const bundle = await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(1000)
    let got: unknown
    for (let attempt = 0; attempt < 200 && !got; attempt++) {
      const before = tampered
      got = await agent.link.bundle(bundle.digest)
      if (!got && tampered === before) await clock.advance(1000)
    }
    expect(tampered).toBe(4)
    expect(got).toMatchObject({ digest: bundle.digest })
  })

  test('an Offer with a bad signature, of another hub or for another cluster is refused and nothing is held', async () => {
    let change = (jws: string): string => jws
    const tamper = (request: HubRequest, response: HubResponse): HubResponse => {
      if (!request.path.startsWith('/agent/v1/documents')) return response
      const answer = JSON.parse(Buffer.from(response.body).toString())
      return { ...response, body: Buffer.from(JSON.stringify({ ...answer, documents: answer.documents.map(change) })) }
    }
    const { clock, random, hub, agent, connected } = await world({ tamper })
    const stranger = new SmallHub({ clock, random })
    await connected()
    change = jws => `${jws.slice(0, -8)}${jws.slice(-8) === 'AAAAAAAA' ? 'BBBBBBBB' : 'AAAAAAAA'}`
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(MINUTE_MS)
    expect(agent.link.held().size).toBe(0)
    change = jws =>
      stranger.keys.sign('offer', JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()))
    await hub.offer('eu-1', 'app-2', [configMap('a')])
    await clock.advance(MINUTE_MS)
    expect(agent.link.held().size).toBe(0)
    expect(agent.log.complaints().join()).toContain('JWS_KEY')
    change = jws => jws
    await clock.advance(4 * MINUTE_MS)
    expect([...agent.link.held().keys()].sort()).toEqual(['app-1', 'app-2'])
  })

  test('of two processes of one agent the one that lost the Lease is refused and writes nothing more', async () => {
    const { clock, random, hub, newTransport, joinToken } = await world()
    const lease = new SharedLease()
    const options = { clock, random, joinToken }
    const first = smallAgent({ ...options, transport: newTransport(), incarnation: lease.holder('a') })
    await first.link.start()
    await clock.advance(1000)
    const number = await first.link.nextReportNumber()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(1000)
    const second = smallAgent({
      ...options,
      transport: newTransport(),
      state: first.state,
      incarnation: lease.holder('b'),
    })
    await second.link.start()
    await clock.advance(MINUTE_MS)
    expect([first.link.connected(), second.link.connected()]).toEqual([false, true])
    await first.link.report([reportEntry('app-1', number)])
    await clock.advance(5 * MINUTE_MS)
    expect(await hub.store.read(rows => rows.reports())).toEqual([])
    expect(hub.gateway.connections()).toMatchObject([{ inc: 2 }])
    await first.link.stop()
    await second.link.stop()
  })

  test('an agent whose count of starts was lost goes on above the highest that the hub knows', async () => {
    const { clock, random, hub, agent, connected, newTransport } = await world()
    await connected()
    const clusterId = await hub.clusterId('eu-1')
    await agent.link.stop()
    await hub.store.write(async rows => {
      const row = await rows.cluster(clusterId)
      if (row) await rows.putCluster({ ...row, incarnation: 41 })
    })
    const again = smallAgent({ transport: newTransport(), clock, random, state: agent.state })
    await again.link.start()
    await clock.advance(MINUTE_MS)
    expect(again.link.connected()).toBe(true)
    expect(hub.gateway.connections()).toMatchObject([{ inc: 42 }])
    expect(hub.gateway.counters.refused.get('INCARNATION')).toBe(1)
  })
})

/** The Lease of a cluster in miniature: whoever asks gets it, and the one before never again. */
class SharedLease {
  #inc = 0
  #holder = ''

  holder(name: string): Incarnation {
    return {
      acquire: async above => {
        if (this.#holder > name) return await new Promise(() => undefined)
        this.#holder = name
        this.#inc = Math.max(this.#inc, above ?? 0) + 1
        return { inc: this.#inc, inst: name }
      },
      held: () => this.#holder === name,
    }
  }
}
