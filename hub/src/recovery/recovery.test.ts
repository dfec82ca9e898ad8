import type { Clock } from '@flotilla/core/ports/clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import type { AgentFrame } from '@flotilla/core/protocol/frames'
import { encodeProofPages } from '@flotilla/core/protocol/proofs'
import { makeReturn } from '@flotilla/core/protocol/return'
import { sampleOffer, sampleTombstone } from '@flotilla/core/protocol/samples'
import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryBundles } from '../bundle/memory-bundles.ts'
import { Conversation } from '../gateway/conversation.ts'
import { newCluster, signAdmission } from '../gateway/enrol.ts'
import { hubKeysOf, newHubKeyFile } from '../gateway/hub-keys.ts'
import { DEFAULT_GATEWAY_LIMITS } from '../gateway/limits.ts'
import { memoryRevocations } from '../gateway/revocations.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleCluster, sampleDocument, sampleGrant, sampleJoinToken } from '../store/sample-rows.ts'
import { silentLog, stillClock } from '../store/test-store.ts'
import { Recovery } from './recovery.ts'
import { readRecoveryState } from './recovery-state.ts'
import { ProofTaker, type ShownDocument } from './take-proofs.ts'
import { takeReturn } from './take-return.ts'

const NOW = Date.UTC(2030, 0, 1)
const random = seededRandom(5)
const keys = hubKeysOf(newHubKeyFile(random, NOW, 'hub-1'))
const agent = signingKeyFromSeed(new Uint8Array(32).fill(9))
const CLUSTER = sampleCluster({ agentKey: agent.publicKey, admission: 2, lastNumber: 5 })

let store: MemoryStore
let clock: Clock
let recovery: Recovery
beforeEach(async () => {
  store = new MemoryStore()
  clock = stillClock(NOW)
  await store.write(rows => rows.putCluster(CLUSTER))
  recovery = await Recovery.load({ store, clock, log: silentLog })
})
const stored = () => store.read(rows => readRecoveryState(rows))
const clusterRow = () => store.read(rows => rows.cluster(CLUSTER.id))

describe('a hub that is behind', () => {
  test('signs nothing that tells an agent to act; its time and its admissions it still signs', async () => {
    const guarded = recovery.guard(keys)
    expect(guarded.sign('offer', sampleOffer(1))).toContain('.')
    await recovery.found('proved')
    for (const typ of ['offer', 'tombstone', 'grant', 'calendar', 'command'])
      expect(() => guarded.sign(typ, {}), typ).toThrow('STORE_BEHIND')
    for (const typ of ['pulse', 'admission', 'hub-keys']) expect(guarded.sign(typ, {}), typ).toContain('.')
    expect([guarded.hubId, guarded.kid, guarded.links.length]).toEqual([keys.hubId, keys.kid, 1])
  })

  test('is behind after a restart too, and keeps the first reason and the highest epoch proved', async () => {
    await recovery.found('restored')
    await recovery.found('proved', { cluster: 'c', shown: '9.1', known: '1.5' }, 9)
    await recovery.found('proved', { cluster: 'd', shown: '7.1', known: '1.5' }, 7)
    const again = await Recovery.load({ store, clock, log: silentLog })
    expect(again.state).toMatchObject({
      kind: 'behind',
      reason: 'restored',
      provedEpoch: 9,
      evidence: { cluster: 'c' },
    })
  })

  test('is behind when its store is new and its keys are not, and not when both are new', async () => {
    expect((await Recovery.load({ store, clock, log: silentLog }, false)).behind).toBe(false)
    expect((await Recovery.load({ store, clock, log: silentLog }, true)).state).toMatchObject({ reason: 'empty' })
    expect(await stored()).toMatchObject({ kind: 'behind', reason: 'empty' })
  })
})

describe('hub recover', () => {
  test('begins an epoch above all, and voids tokens, Tombstones and Grants; Offers stay for comparing', async () => {
    await store.write(async rows => {
      await rows.putJoinToken(sampleJoinToken({ id: 'open', expiresAt: NOW + 1000 }))
      await rows.putJoinToken(sampleJoinToken({ id: 'over', expiresAt: NOW - 1000 }))
      await rows.putDocument(
        sampleDocument({ clusterId: CLUSTER.id, key: 'application/a', typ: 'offer', number: { epoch: 1, n: 1 } }),
      )
      await rows.putDocument(
        sampleDocument({ clusterId: CLUSTER.id, key: 'application/b', typ: 'tombstone', number: { epoch: 1, n: 2 } }),
      )
      await rows.putGrant(sampleGrant({ clusterId: CLUSTER.id, state: 'open' }))
    })
    await recovery.found('proved', undefined, NOW / 1000 + 500)
    const recovered = await recovery.recover('ana')
    expect(recovered).toEqual({ epoch: NOW / 1000 + 501, clusters: 1, joinTokens: 1, tombstones: 1, grants: 1 })
    expect(await clusterRow()).toMatchObject({ epoch: recovered.epoch, recovery: 'unproved', lastNumber: 5 })
    await store.read(async rows => {
      expect((await rows.joinToken('open'))?.revokedAt).toBe(NOW)
      expect((await rows.documents(CLUSTER.id)).map(({ typ }) => typ)).toEqual(['offer'])
      expect(await rows.openGrants(CLUSTER.id)).toEqual([])
    })
    expect(recovery.behind).toBe(false)
    expect(recovery.unacknowledged).toBe(true)
  })

  test('is acknowledged by the list that is there, and by no other', async () => {
    expect(await recovery.acknowledge('ana', (await recovery.list()).digest)).toEqual({ kind: 'nothing' })
    await recovery.found('proved')
    await recovery.recover('ana')
    const { digest } = await recovery.list()
    await store.write(rows => rows.putCluster(sampleCluster({ id: 'other', name: 'eu-9' })))
    expect(await recovery.acknowledge('ana', digest)).toEqual({ kind: 'changed' })
    expect(await recovery.acknowledge('ana', (await recovery.list()).digest)).toEqual({ kind: 'acknowledged' })
    expect(recovery.unacknowledged).toBe(false)
    expect(await stored()).toMatchObject({ kind: 'settled' })
  })
})

describe('what agents show', () => {
  let adopted: (readonly ShownDocument[])[]
  let proofs: ProofTaker
  beforeEach(() => {
    adopted = []
    proofs = new ProofTaker({
      store,
      clock,
      recovery,
      keys: () => keys.publicKeys,
      adopt: async (_cluster, shown) => void adopted.push(shown),
      caughtUp: () => undefined,
    })
  })
  const number = (n: number, epoch = 1) => ({ number: { epoch, n }, cluster: CLUSTER.id })
  const offer = (n: number, epoch?: number) => keys.sign('offer', sampleOffer(0, number(n, epoch)))
  const show = async (documents: readonly string[]) => {
    const row = (await clusterRow())!
    for (const page of encodeProofPages('n'.repeat(20), documents)) await proofs.take(row, page)
  }

  test('what was never issued makes the hub behind, whoever else may have signed what', async () => {
    await show([offer(5), keys.sign('tombstone', sampleTombstone(0, number(3)))])
    expect(recovery.behind).toBe(false)
    const stranger = hubKeysOf(newHubKeyFile(random, NOW, 'hub-1'))
    await show([
      stranger.sign('offer', sampleOffer(0, number(50))),
      keys.sign('offer', sampleOffer(0, { number: { epoch: 1, n: 60 }, cluster: 'another' })),
    ])
    expect(recovery.behind).toBe(false)
    await show([offer(6)])
    expect(recovery.state).toMatchObject({
      kind: 'behind',
      reason: 'proved',
      provedEpoch: 1,
      evidence: { shown: '1.6', known: '1.5' },
    })
  })

  test('is taken over whole, once, after a recovery; documents of before are expected then', async () => {
    await show([offer(9)])
    expect(adopted).toEqual([])
    expect(proofs.wants(CLUSTER)).toBe(false)
    await recovery.recover('ana')
    expect(proofs.wants((await clusterRow())!)).toBe(true)
    await show([offer(9), keys.sign('tombstone', sampleTombstone(0, number(8)))])
    expect(recovery.behind).toBe(false)
    expect(adopted.map(shown => shown.map(({ payload }) => payload.typ))).toEqual([['offer', 'tombstone']])
  })

  test('what is shown again and again is kept once', async () => {
    await recovery.found('restored')
    await recovery.recover('ana')
    await show(Array.from({ length: 3000 }, () => offer(9)))
    expect(adopted.map(shown => shown.length)).toEqual([1])
  })

  test('pages that do not follow one another begin again', async () => {
    const row = (await clusterRow())!
    const pages = encodeProofPages(
      'n'.repeat(20),
      Array.from({ length: 1200 }, (_, n) => `a.b.${n}`),
    )
    expect(pages.length).toBe(3)
    expect((await proofs.take(row, pages[1])).status).toBe(409)
    expect((await proofs.take(row, pages[0])).status).toBe(200)
    expect((await proofs.take(row, pages[2])).status).toBe(409)
    expect((await proofs.take(row, Buffer.from('{}'))).status).toBe(400)
    for (const page of pages) expect((await proofs.take(row, page)).status).toBe(200)
  })

  test('a poller has no hello: a line above all numbers has it asked; and nothing is handed out while behind', async () => {
    await store.write(rows => rows.putGrant(sampleGrant({ clusterId: CLUSTER.id, state: 'open' })))
    const events = { reported: () => undefined, connected: () => undefined, heartbeat: () => undefined }
    const bundles = new MemoryBundles(() => NOW)
    const hub = { store, bundles, keys, clock, random, log: silentLog, clusters: () => 1, events, proofs }
    const conversation = new Conversation(CLUSTER.id, hub, DEFAULT_GATEWAY_LIMITS)
    const kinds = async (frame: AgentFrame) => {
      conversation.forget()
      return (await conversation.answer(frame)).map(({ kind }) => kind)
    }
    const lines = (line: string): AgentFrame => ({ kind: 'lines', of: 'held', lines: [line], more: false })
    expect(await kinds(lines('app 1.5 -'))).not.toContain('prove')
    expect(await kinds(lines('app 1.6 -'))).toContain('prove')
    const digest = `sha256:${'0'.repeat(64)}` as const
    const kid = keys.newest
    const beat: AgentFrame = {
      kind: 'heartbeat',
      held: digest,
      reported: digest,
      nonce: 'n'.repeat(16),
      kid,
      unclaimed: [],
    }
    expect(await kinds(beat)).toContain('grants')
    await recovery.found('restored')
    expect(await kinds(beat)).toEqual(['pulse', 'prove'])
    await show([])
    expect(await kinds(beat)).toEqual(['pulse'])
    await recovery.recover('ana')
    expect(await kinds(beat)).toEqual(['pulse', 'prove'])
  })

  test('a key of the hub that an agent makes up is told of once, and one that there is each time it is new', async () => {
    const told: string[] = []
    const events = {
      reported: () => undefined,
      connected: () => undefined,
      heartbeat: () => undefined,
      knowsKey: (_cluster: string, kid: string) => void told.push(kid),
    }
    const bundles = new MemoryBundles(() => NOW)
    const hub = { store, bundles, keys, clock, random, log: silentLog, clusters: () => 1, events, proofs }
    const conversation = new Conversation(CLUSTER.id, hub, DEFAULT_GATEWAY_LIMITS)
    const digest = `sha256:${'0'.repeat(64)}` as const
    for (const kid of ['made-up-1', 'made-up-2', keys.newest, keys.newest, 'made-up-3', keys.newest]) {
      const nonce = 'n'.repeat(16)
      await conversation.answer({ kind: 'heartbeat', held: digest, reported: digest, nonce, kid, unclaimed: [] })
    }
    expect(told).toEqual(['made-up-1', keys.newest, keys.newest])
  })

  test('a cluster has caught up when both sides agree on its reports', async () => {
    await store.write(rows => rows.putCluster({ ...CLUSTER, recovery: 'proved' }))
    await proofs.reported(CLUSTER.id)
    expect((await clusterRow())?.recovery).toBeUndefined()
  })
})

test('that the hub is behind is written when it is found again, where the disk was full before', async () => {
  const write = store.write.bind(store)
  store.write = async () => {
    throw new Error('the disk is full')
  }
  const evidence = { cluster: CLUSTER.id, clusterName: CLUSTER.name, shown: '7.6', known: '1.5' }
  await expect(recovery.found('proved', evidence, 7)).rejects.toThrow('the disk is full')
  expect(recovery.behind).toBe(true)
  store.write = write
  await recovery.found('proved', evidence, 7)
  await recovery.found('proved', evidence, 7)
  const again = await Recovery.load({ store, clock, log: silentLog })
  expect(again.state).toMatchObject({ kind: 'behind', reason: 'proved', provedEpoch: 7, evidence })
  expect((await recovery.recover('ana')).epoch).toBeGreaterThan(7)
})

describe('an agent that the hub does not know', () => {
  const ADMITTED = { ...CLUSTER, id: 'lost-1', name: 'eu-7', admission: 3 }
  const revocations = memoryRevocations()
  const body = (over: Partial<typeof ADMITTED> = {}, by = keys, key = agent) => {
    const admission = signAdmission({ ...ADMITTED, ...over }, agent.publicKey, by, NOW)
    const request = { aud: keys.hubId, admission, uid: 'uid-7', versions: {}, iat: NOW }
    return Buffer.from(makeReturn(request, key))
  }
  const ask = (bytes: Uint8Array) =>
    takeReturn(bytes, '10.0.0.7', { store, keys, clock, random, recovery, revocations })

  test('gets its id back, and its key waits for a person', async () => {
    await store.write(rows => rows.putCluster(sampleCluster({ id: 'made', name: 'eu-7', admission: 0, lastNumber: 0 })))
    expect((await ask(body())).response.status).toBe(202)
    expect(await store.read(rows => rows.clusterByName('eu-7'))).toMatchObject({
      id: 'lost-1',
      admission: 3,
      recovery: 'unproved',
    })
    expect((await store.read(rows => rows.clusterByName('eu-7')))?.agentKey).toBeUndefined()
    const [waiting] = await store.read(rows => rows.enrolments())
    expect(waiting).toMatchObject({ kind: 'return', clusterName: 'eu-7', uid: 'uid-7', state: 'waiting' })
    expect(recovery.state).toMatchObject({ kind: 'behind', reason: 'admitted' })
    expect((await ask(body())).response.status).toBe(202)
    expect(await store.read(rows => rows.enrolments())).toHaveLength(1)
  })

  test('is let in at once when its key is the Cluster’s: only the answer was lost', async () => {
    expect((await ask(body({ id: CLUSTER.id, name: CLUSTER.name, admission: 2 }))).response.status).toBe(200)
    expect(recovery.behind).toBe(false)
  })

  test('waits when the store names a key that it has changed since, however often, and that key speaks no more', async () => {
    const older = { ...ADMITTED, agentKey: 'given-up' }
    await store.write(rows => rows.putCluster(older))
    expect((await ask(body({ keyNumber: 2 }))).response.status).toBe(202)
    expect(recovery.state).toMatchObject({
      kind: 'behind',
      reason: 'admitted',
      evidence: { shown: 'admission 3, key 3', known: 'admission 3' },
    })
    const row = await store.read(rows => rows.cluster('lost-1'))
    expect(row).toMatchObject({ previousKey: 'given-up', keyNumber: 2, recovery: 'unproved' })
    expect(row?.agentKey).toBeUndefined()
    // Asked again it waits still; a key between the two is an old one by now.
    expect((await ask(body({ keyNumber: 2 }))).response.status).toBe(202)
    const between = signingKeyFromSeed(new Uint8Array(32).fill(7))
    const admission = signAdmission({ ...ADMITTED, keyNumber: 1 }, between.publicKey, keys, NOW)
    const asked = { aud: keys.hubId, admission, uid: 'uid-7', versions: {}, iat: NOW }
    expect((await ask(Buffer.from(makeReturn(asked, between)))).response.status).toBe(401)
  })

  test('that was away while the hub was recovered waits, too, and the hub is not behind once more', async () => {
    await recovery.found('restored')
    await store.write(rows => rows.putCluster({ ...ADMITTED, agentKey: 'given-up' }))
    await recovery.recover('ana')
    expect((await ask(body({ keyNumber: 1 }))).response.status).toBe(202)
    expect(recovery.behind).toBe(false)
  })

  test('that the store never knew, and that was away while the hub was recovered, finds it settled and waits', async () => {
    await recovery.found('restored')
    await recovery.recover('ana')
    await recovery.acknowledge('ana', (await recovery.list()).digest)
    expect((await ask(body())).response.status).toBe(202)
    expect(recovery.state.kind).toBe('settled')
    expect(await store.read(rows => rows.cluster('lost-1'))).toMatchObject({
      epoch: NOW / 1000,
      admission: 3,
      recovery: 'unproved',
    })
  })

  test('that joined after the last recovery makes the hub behind: nobody has said that its store went back since', async () => {
    await recovery.found('restored')
    const { epoch } = await recovery.recover('ana')
    const joined = await store.read(rows => newCluster(rows, 'eu-8', NOW, random))
    expect(joined.epoch).toBe(epoch)
    expect((await ask(body({ ...joined, admission: 1 }))).response.status).toBe(202)
    expect(recovery.state).toMatchObject({ kind: 'behind', reason: 'admitted' })
  })

  const REFUSED: { readonly [sentence: string]: () => Uint8Array | Promise<Uint8Array> } = {
    'an admission that another hub signed': () => body({}, hubKeysOf(newHubKeyFile(random, NOW, 'hub-1'))),
    'an admission of another key': () => body({}, keys, signingKeyFromSeed(new Uint8Array(32).fill(8))),
    'a key that was replaced since': async () => {
      await store.write(rows =>
        rows.putCluster({ ...CLUSTER, id: 'lost-1', name: 'eu-7', admission: 4, agentKey: 'another' }),
      )
      return body()
    },
    'a key that gave way to another one since': async () => {
      const later = { ...CLUSTER, id: 'lost-1', name: 'eu-7', admission: 3, agentKey: 'another', keyNumber: 2 }
      await store.write(rows => rows.putCluster(later))
      return body({ keyNumber: 1 })
    },
    'a key that was revoked, though the store has forgotten it': async () => {
      await revocations.add([{ at: NOW, kind: 'agent-key', id: agent.publicKey, name: 'eu-7' }])
      return body()
    },
    'no JWS': () => Buffer.from('{}'),
  }
  for (const [sentence, make] of Object.entries(REFUSED)) {
    test(`${sentence} is refused, and nothing is written`, async () => {
      const bytes = await make()
      expect((await ask(bytes)).response.status).toBe(401)
      expect(await store.read(rows => rows.enrolments())).toEqual([])
      expect(recovery.behind).toBe(false)
    })
  }
})
