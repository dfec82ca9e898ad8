import { seededRandom } from '@flotilla/core/ports/create-random'
import { signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { makeEnrolment } from '@flotilla/core/protocol/enrolment'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleGrant, sampleReport } from '../store/sample-rows.ts'
import { stillClock } from '../store/test-store.ts'
import { ClusterAdmissions } from './cluster-admissions.ts'
import { enrol } from './enrol.ts'
import { hubKeysOf, newHubKeyFile } from './hub-keys.ts'
import { createJoinToken, type JoinTokenWish, voidJoinTokens } from './join-tokens.ts'
import { memoryRevocations } from './revocations.ts'

function world(declared: readonly string[] = []) {
  const clock = stillClock()
  const random = seededRandom(8)
  const store = new MemoryStore()
  const keys = hubKeysOf(newHubKeyFile(random, clock.now(), '01890000-0000-7000-8000-00000000aaaa'))
  const revocations = memoryRevocations()
  const closed: string[] = []
  const options = { store, keys, clock, random, revocations }
  const admissions = new ClusterAdmissions({
    ...options,
    declares: name => declared.includes(name),
    closeCluster: id => void closed.push(id),
    changed: () => undefined,
  })
  const token = async (wish: Partial<JoinTokenWish>) => {
    const full = { hubUrl: 'https://hub.example', expiresInMs: 60_000, ...wish }
    const parsed = parseJoinToken((await store.write(rows => createJoinToken(rows, keys, clock, random, full))).token)
    if (parsed.kind === 'refused') throw new Error(parsed.message)
    return parsed.token
  }
  const agent = (uid: string, name = uid) => {
    const key = signingKeyFromSeed(random.bytes(32))
    const ask = async (joinToken: Awaited<ReturnType<typeof token>>, address = '192.0.2.1') => {
      const secret = Buffer.from(joinToken.secret).toString('base64url')
      const proposed = joinToken.pending && { name, labels: { region: 'eu', site: 'mine' } }
      const request = { aud: keys.hubId, token: joinToken.id, secret, uid, versions: {}, iat: 1 }
      const body = Buffer.from(makeEnrolment({ ...request, ...(proposed && { proposed }) }, key))
      const enrolment = await enrol(body, address, options)
      return {
        kind: enrolment.kind,
        status: enrolment.response.status,
        ...('enrolment' in enrolment && { id: enrolment.enrolment }),
      }
    }
    return { key, ask }
  }
  const cluster = async (name: string) => await store.read(rows => rows.clusterByName(name))
  return { store, clock, revocations, closed, admissions, token, agent, cluster }
}
const STORES = { pending: { labels: { site: 'store' }, max: 3 } }
const ana = { by: 'ana', replace: false }

describe('an agent that waits', () => {
  test('is one of two hundred of its address, and in IPv6 of its whole /64', async () => {
    const { token, agent } = world()
    const joinToken = await token({ pending: { labels: {}, max: 1000 } })
    for (let index = 0; index < 200; index++) {
      expect((await agent(`uid-${index}`).ask(joinToken, `2001:db8:0:1::${index.toString(16)}`)).status).toBe(202)
    }
    expect((await agent('one-more').ask(joinToken, '2001:db8:0:1:ffff::1')).status).toBe(429)
    expect((await agent('elsewhere').ask(joinToken, '2001:db8:0:2::1')).status).toBe(202)
  })

  test('becomes a Cluster of the hub’s own, the token’s labels above its own', async () => {
    const { token, agent, admissions, cluster } = world()
    const joinToken = await token(STORES)
    const store = agent('uid-1', 'store-1')
    const { id } = await store.ask(joinToken)
    expect(await cluster('store-1')).toBeUndefined()
    expect(await admissions.approve({ ...ana, name: 'store-17', enrolment: id! })).toMatchObject({ kind: 'approved' })
    expect(await cluster('store-17')).toMatchObject({
      admission: 1,
      uid: 'uid-1',
      registered: { labels: { site: 'store', region: 'eu' }, by: 'ana' },
    })
    expect(await store.ask(joinToken)).toMatchObject({ status: 200 })
    expect(await admissions.approve({ ...ana, name: 'store-17', enrolment: id! })).toMatchObject({ kind: 'approved' })
    expect(await admissions.approve({ ...ana, name: 'store-18', enrolment: id! })).toMatchObject({ kind: 'decided' })
  })

  test('approved as a declared Cluster is that one, and nothing of the token counts', async () => {
    const { token, agent, admissions, cluster } = world(['eu-1'])
    const { id } = await agent('uid-1').ask(await token(STORES))
    await admissions.approve({ ...ana, name: 'eu-1', enrolment: id! })
    expect(await cluster('eu-1')).not.toHaveProperty('registered')
  })

  test('rejected is refused for good, with the text that everyone gets', async () => {
    const { token, agent, admissions } = world()
    const joinToken = await token(STORES)
    const store = agent('uid-1')
    const { id } = await store.ask(joinToken)
    expect(await admissions.reject(id!, 'ana', 'not ours')).toMatchObject({ state: 'rejected' })
    expect(await store.ask(joinToken)).toMatchObject({ kind: 'refused', status: 401 })
    expect(await admissions.approve({ ...ana, name: 'x', enrolment: id! })).toMatchObject({ kind: 'decided' })
    expect(await admissions.reject('nobody', 'ana')).toBeUndefined()
  })

  test('is one of so many as the token is for, and waits no more when the token is revoked', async () => {
    const { token, agent, admissions } = world()
    const joinToken = await token(STORES)
    const agents = [1, 2, 3, 4].map(number => agent(`uid-${number}`))
    expect((await Promise.all(agents.map(each => each.ask(joinToken)))).map(({ status }) => status)).toEqual([
      202, 202, 202, 401,
    ])
    await admissions.revokeToken(joinToken.id, 'ana')
    expect((await agents[0]!.ask(joinToken)).status).toBe(401)
    expect(await admissions.revokeToken('none', 'ana')).toBeUndefined()
  })

  test('with the key of another machine has to make its own', async () => {
    const { token, agent, admissions } = world()
    const joinToken = await token(STORES)
    const first = agent('uid-1')
    const { id } = await first.ask(joinToken)
    await admissions.approve({ ...ana, name: 'a', enrolment: id! })
    expect(await first.ask(await token(STORES))).toMatchObject({ kind: 'refused', status: 409 })
  })
})

describe('a replacement', () => {
  test('cuts the agent before, also where its key cannot be written beside hub.key', async () => {
    const { token, agent, admissions, cluster, revocations, closed } = world(['eu-1'])
    await agent('uid-old').ask(await token({ clusterName: 'eu-1' }))
    await agent('uid-new').ask(await token({ clusterName: 'eu-1' }))
    revocations.add = async () => {
      throw new Error('the disk is full')
    }
    await expect(admissions.approve({ ...ana, name: 'eu-1', replace: true })).rejects.toThrow('the disk is full')
    const row = await cluster('eu-1')
    expect(row).toMatchObject({ admission: 2, uid: 'uid-new' })
    expect(closed).toEqual([row?.id])
  })

  test('keeps the id, voids reports and Grants, and refuses the key before, whatever the store says later', async () => {
    const { token, agent, admissions, cluster, store, revocations, closed } = world(['eu-1'])
    const before = agent('uid-old')
    await before.ask(await token({ clusterName: 'eu-1' }))
    const { id, agentKey } = (await cluster('eu-1'))!
    await store.write(async rows => {
      await rows.putApplication(sampleApplication({ id: 'app', clusterId: id }))
      await rows.putReport(sampleReport({ applicationId: 'app', clusterId: id }))
      await rows.putGrant(sampleGrant({ id: 'g', clusterId: id, applicationId: 'app' }))
    })
    const second = await token({ clusterName: 'eu-1' })
    const rebuilt = agent('uid-new')
    expect(await rebuilt.ask(second)).toMatchObject({ status: 409 })
    expect(await admissions.approve({ ...ana, name: 'eu-1' })).toMatchObject({
      kind: 'taken',
      cluster: { uid: 'uid-old' },
      enrolment: { uid: 'uid-new' },
    })
    expect(
      await admissions.approve({
        ...ana,
        name: 'other',
        enrolment: (await store.read(rows => rows.enrolments()))[0]!.id,
      }),
    ).toMatchObject({ kind: 'other-name' })
    expect(await admissions.approve({ ...ana, name: 'eu-1', replace: true })).toMatchObject({ kind: 'approved' })
    expect(await cluster('eu-1')).toMatchObject({ id, admission: 2, uid: 'uid-new' })
    expect(await rebuilt.ask(second)).toMatchObject({ status: 200 })
    expect(closed).toContain(id)
    expect(revocations.hasKey(agentKey!)).toBe(true)
    await store.read(async rows => {
      expect(await rows.report('app')).toBeUndefined()
      expect((await rows.grant('g'))?.state).toBe('void')
    })
    expect(await admissions.approve({ ...ana, name: 'nobody' })).toMatchObject({ kind: 'unknown', candidates: [] })
  })
})

describe('a revocation', () => {
  test('takes the cluster’s open tokens along, and a token made since lets it in under another key', async () => {
    const { token, agent, admissions, cluster, revocations, closed } = world(['eu-1'])
    const first = agent('uid-1')
    await first.ask(await token({ clusterName: 'eu-1' }))
    const open = await token({ clusterName: 'eu-1' })
    const { id } = (await cluster('eu-1'))!
    expect(await admissions.revoke('eu-1', 'ana', 'stolen')).toMatchObject({ kind: 'revoked', tokens: 1 })
    expect(closed).toContain(id)
    expect([revocations.hasKey(first.key.publicKey), revocations.hasToken(open.id)]).toEqual([true, true])
    const since = await token({ clusterName: 'eu-1' })
    expect((await agent('uid-2').ask(open)).status).toBe(401)
    expect((await first.ask(since)).status).toBe(409)
    expect((await agent('uid-1').ask(since)).status).toBe(200)
    expect(await cluster('eu-1')).toMatchObject({ id, admission: 2 })
    expect(await cluster('eu-1')).not.toHaveProperty('revokedAt')
    expect(await admissions.revoke('nobody', 'ana')).toEqual({ kind: 'unknown' })
  })

  test('of all tokens at once leaves none that is good', async () => {
    const { token, agent, store, clock } = world()
    const [bound, many] = [await token({ clusterName: 'eu-1' }), await token(STORES)]
    expect(await store.write(rows => voidJoinTokens(rows, clock.now()))).toHaveLength(2)
    expect([(await agent('a').ask(bound)).status, (await agent('b').ask(many)).status]).toEqual([401, 401])
  })
})
