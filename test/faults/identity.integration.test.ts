import { join } from 'node:path'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { listAt, numberAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from '../e2e/support/folder.ts'
import { HubUnderTest } from '../e2e/support/hub-under-test.ts'
import { run } from '../e2e/support/processes.ts'
import { SmallFleet } from '../e2e/support/small-fleet.ts'
import { until } from '../e2e/support/until.ts'
import { smallAgent } from '../simulation/small-agent.ts'
import { reportEntry } from '../simulation/small-hub.ts'
import { clock, hasty, PlayedAgent, tokenOf } from './support/played-agent.ts'

const NAMES = ['lost', 'stolen', 'altered', 'revoked', 'away', 'other', 'cloned', 'rotating'] as const
let folder: TemporaryFolder
let hub: HubUnderTest
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await temporaryFolder()
  const fleet = await SmallFleet.create(join(folder.path, 'repo'), NAMES, ['web'])
  hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
  await hub.start()
  await until('the Clusters are known', async () => (await hub.clusters()).length === NAMES.length)
})
afterAll(async () => {
  for (const stop of stops) await stop()
  await hub.close()
  await folder.remove()
})

async function flotilla(
  words: readonly string[],
  code = 0,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const ended = await run(words, { env: hub.clientEnvironment })
  expect(ended, `${words.join(' ')}\n${ended.stderr}\n${ended.stdout}`).toMatchObject({ code })
  return ended
}

const newToken = async (name: string) =>
  tokenOf((await flotilla(['cluster', 'join-token', '--cluster', name, '--quiet'])).stdout)
const cluster = async (name: string): Promise<JsonObject> => await hub.api.get(`/api/v1/clusters/${name}`)
const waiting = async () => (await hub.api.list('/api/v1/enrolments', {})).items

async function joined(name: string, uid = `uid-${name}`): Promise<PlayedAgent> {
  const agent = new PlayedAgent(hub, uid)
  expect(await agent.enrol(await newToken(name))).toMatchObject({ kind: 'admitted' })
  return agent
}

describe('an enrolment', () => {
  test('whose answer is lost, with the hub killed after it, is answered the same when it is asked again', async () => {
    const token = await newToken('lost')
    const agent = new PlayedAgent(hub, 'uid-lost')
    await agent.enrolIntoTheVoid(token)
    await hub.kill()
    await hub.start()
    const first = await agent.enrol(token)
    const second = await agent.enrol(token)
    expect(first).toMatchObject({ kind: 'admitted' })
    const payload = (outcome: typeof first) =>
      outcome.kind === 'admitted' ? { ...outcome.kept.admission.payload, iat: 0 } : undefined
    expect(payload(first)).toEqual(payload(second))
    expect(payload(first)).toMatchObject({ clusterName: 'lost', adm: 1 })
    expect((await agent.get()).status).toBe(200)
  })

  test('by a token that was stolen and used first is refused; the operator sees both UIDs, revokes and goes on', async () => {
    const token = await newToken('stolen')
    const [thief, rightful] = [new PlayedAgent(hub, 'uid-thief'), new PlayedAgent(hub, 'uid-rightful')]
    expect(await thief.enrol(token)).toMatchObject({ kind: 'admitted' })
    expect(await rightful.enrol(token)).toMatchObject({ kind: 'refused', code: 'JOIN_TOKEN' })
    const second = await newToken('stolen')
    expect(await rightful.enrol(second)).toMatchObject({ kind: 'refused', code: 'NAME_TAKEN' })
    const [asks] = (await waiting()).filter(row => textAt(row, 'cluster') === 'stolen')
    expect(asks).toMatchObject({ kind: 'replacement', uid: 'uid-rightful', present: { uid: 'uid-thief' } })
    expect((await flotilla(['cluster', 'list'])).stdout).toContain('uid-thief')
    const refused = await flotilla(['cluster', 'approve', 'stolen'], 1)
    expect(refused.stderr).toContain('uid-thief')
    expect(refused.stderr).toContain('uid-rightful')
    expect((await rightful.enrol(second)).kind).toBe('refused')
    await flotilla(['cluster', 'revoke', 'stolen', '--reason', 'the token was stolen'])
    expect((await thief.get()).status).toBe(401)
    expect(await rightful.enrol(await newToken('stolen'))).toMatchObject({
      kind: 'admitted',
      kept: { admission: { payload: { adm: 2 } } },
    })
    expect((await rightful.get()).status).toBe(200)
    expect((await thief.get()).status).toBe(401)
  })

  test('by a token for many waits for a person, and has no effect before', async () => {
    const words = ['cluster', 'join-token', '--pending', '--labels', 'site=store', '--max', '2', '--expires', '7d']
    const token = tokenOf((await flotilla(words)).stdout)
    const proposal = { name: 'store-1', labels: { region: 'eu', site: 'palace' } }
    const agents = ['1', '2', '3'].map(number => new PlayedAgent(hub, `uid-store-${number}`))
    const [one, two, three] = agents as [PlayedAgent, PlayedAgent, PlayedAgent]
    expect(await one.enrol(token, proposal)).toMatchObject({ kind: 'waiting' })
    expect(await one.enrol(token, proposal)).toMatchObject({ kind: 'waiting' })
    expect(await two.enrol(token, proposal)).toMatchObject({ kind: 'waiting' })
    expect(await three.enrol(token, proposal)).toMatchObject({ kind: 'refused', code: 'JOIN_TOKEN' })
    expect((await hub.clusters()).map(row => textAt(row, 'name'))).not.toContain('store-1')
    expect((await flotilla(['cluster', 'list'])).stdout).toContain('uid-store-1')
    // Two propose one name: it has to be said which is meant.
    await flotilla(['cluster', 'approve', 'store-1'], 1)
    const ids = new Map((await waiting()).map(row => [textAt(row, 'uid'), textAt(row, 'id')]))
    await flotilla(['cluster', 'approve', ids.get('uid-store-1') ?? ''])
    await flotilla(['cluster', 'approve', ids.get('uid-store-2') ?? '', '--name', 'store-2'])
    expect(await one.enrol(token, proposal)).toMatchObject({ kind: 'admitted' })
    expect((await one.get()).status).toBe(200)
    // The token's labels stand above what the agent says of itself.
    await until('the Cluster is one of the fleet', async () => valueAt(await cluster('store-1'), 'registered') === true)
    expect(await cluster('store-1')).toMatchObject({ labels: { site: 'store', region: 'eu' }, joined: true })
    await hub.kill()
    await hub.start()
    await until(
      'the Cluster is one of the fleet yet',
      async () => valueAt(await cluster('store-1'), 'registered') === true,
    )
    expect(await one.enrol(token, proposal)).toMatchObject({ kind: 'admitted' })
    expect((await two.enrol(token, proposal)).kind).toBe('admitted')
  })
})

describe('an assertion', () => {
  test('that is altered, or for anything else, or too old, is refused, counted, and nothing is done', async () => {
    const agent = await joined('altered')
    const other = await joined('other')
    const now = () => Math.floor(clock.now())
    const body = encodeReportBatch([reportEntry('no-such-application', { inc: 1, n: 1 })])
    const flip = (header: string, at: number): string =>
      header.slice(0, at) + (header[at] === 'A' ? 'B' : 'A') + header.slice(at + 1)
    const cases: Record<string, () => Promise<{ readonly status: number }>> = {
      'its signature altered': () => agent.assert({}, { alter: header => flip(header, header.length - 20) }),
      'its claims altered': () => agent.assert({}, { alter: header => flip(header, header.indexOf('.') + 12) }),
      'its head altered': () => agent.assert({}, { alter: header => flip(header, 20) }),
      'for another path': () => agent.assert({ path: '/agent/v1/keys' }),
      'for another query': () =>
        agent
          .assert({}, { path: '/agent/v1/documents?since=0.0' })
          .then(async () => agent.assert({ path: '/agent/v1/documents?since=0.0' })),
      'for another method': () => agent.assert({ method: 'POST' }),
      'for another body': () => agent.assert({ body: Buffer.from('{}') }, { path: '/agent/v1/reports', body }),
      'for another cluster': () => agent.assert({ cluster: other.as.cluster }),
      'for another admission': () => agent.assert({ admission: 2 }),
      'for another hub': () => agent.assert({ hubId: '01890000-0000-7000-8000-00000000aaaa' }),
      'two minutes old': () => agent.assert({ now: now() - 120_000 }),
      'of a minute ahead': () => agent.assert({ now: now() + 60_000 }),
    }
    expect((await agent.assert({})).status).toBe(200)
    for (const [what, send] of Object.entries(cases)) expect((await send()).status, what).toBe(401)
    // Within what clocks may differ by, it holds, and the same request again does nothing new.
    expect((await agent.assert({ now: now() + 20_000 })).status).toBe(200)
    expect((await agent.post('/agent/v1/reports', body)).body).toEqual(
      (await agent.post('/agent/v1/reports', body)).body,
    )
  })

  test('of a machine whose clock is an hour off is made again once, by the hub’s time', async () => {
    const wrong = Object.assign(Object.create(clock), { now: () => clock.now() + 3_600_000 })
    const agent = smallAgent({
      transport: hub.transport,
      clock: wrong,
      random: hasty,
      joinToken: await textToken('away'),
    })
    await agent.link.start()
    await until('it is connected', () => agent.link.connected(), { told: () => agent.log.complaints().join('\n') })
    await agent.link.stop()
  })

  test('lets nobody report on, or read the Bundles of, what is another cluster’s', async () => {
    const [row] = (await hub.applications()).filter(({ cluster: name }) => name === 'stolen')
    const id = textAt(row, 'id')
    const other = new PlayedAgent(hub, 'uid-x')
    await other.enrol(await newToken('rotating'))
    const answer = await other.post('/agent/v1/reports', encodeReportBatch([reportEntry(id, { inc: 1, n: 1 })]))
    expect(JSON.parse(Buffer.from(answer.body).toString())).toMatchObject({ taken: [], ignored: [id] })
    const digest = `sha256:${'ab'.repeat(32)}`
    const [foreign, unknown] = [
      await other.get(`/agent/v1/bundles/${digest}`),
      await other.get('/agent/v1/bundles/none'),
    ]
    expect([foreign.status, unknown.status]).toEqual([404, 404])
    expect(Buffer.from(foreign.body)).toEqual(Buffer.from(unknown.body))
  })
})

async function textToken(name: string): Promise<string> {
  return (await flotilla(['cluster', 'join-token', '--cluster', name, '--quiet'])).stdout.trim()
}

describe('hub keys', () => {
  const keys = async (): Promise<JsonObject> => await hub.api.get('/api/v1/hub/keys')
  const signing = async (): Promise<string> =>
    textAt(
      listAt(await keys(), 'keys').find(key => textAt(key, 'state') === 'signing'),
      'kid',
    )

  test('rotate twice while an agent is away: it walks the chain, and takes what the newest signs', async () => {
    const agent = smallAgent({ transport: hub.transport, clock, random: hasty, joinToken: await textToken('cloned') })
    await agent.link.start()
    await until('it is connected', () => agent.link.connected(), { told: () => agent.log.complaints().join('\n') })
    await until('it holds documents', () => agent.link.held().size > 0)
    await agent.link.stop()
    const first = await signing()
    const announced = await flotilla(['hub', 'keys', 'rotate', '--force'])
    expect(announced.stdout).toContain('signing')
    await flotilla(['hub', 'keys', 'rotate', '--force'])
    expect(listAt(await keys(), 'keys')).toHaveLength(3)
    expect(await signing()).not.toBe(first)
    const again = smallAgent({ transport: hub.transport, clock, random: hasty, state: agent.state })
    await again.link.start()
    await until('it has heard a pulse by the newest key', () => again.link.hubTime() !== undefined, {
      told: () => again.log.complaints().join('\n'),
    })
    await until('the hub knows that it knows', async () => {
      const waitingFor = listAt(await keys(), 'waitingFor')
      return !waitingFor.includes('cloned')
    })
    await again.link.stop()
    // A new folder gets every document, and all of them by a key that counts.
    const fresh = new PlayedAgent(hub, 'uid-fresh')
    expect((await fresh.enrol(await newToken('cloned'))).kind).toBe('refused')
  })

  test('are copied aside at each rotation, and a store’s backup has none of them', async () => {
    const { readdir } = await import('node:fs/promises')
    const copies = await readdir(join(folder.path, 'hub', 'hub.key.backups'))
    expect(copies.length).toBeGreaterThan(0)
    const backup = join(folder.path, 'backup-2')
    await flotilla(['hub', 'backup', backup, '--data', join(folder.path, 'hub'), '--with-bundles'])
    const everything = await readdir(backup, { recursive: true })
    expect(everything.filter(name => name.includes('hub.key'))).toEqual([])
  })
})

describe('a cloned cluster', () => {
  test('is found, both are shown, and one of them gets it by a new key', async () => {
    await flotilla(['cluster', 'revoke', 'rotating'])
    const original = await joined('rotating', 'uid-original')
    const clone = original.copiedTo('uid-clone')
    expect((await original.get()).status).toBe(200)
    const refused = await clone.get()
    expect(refused.status).toBe(409)
    const body: unknown = JSON.parse(Buffer.from(refused.body).toString())
    clone.raise(isJsonObject(body) ? numberAt(body, 'highestInc') : 0)
    expect((await clone.get()).status).toBe(200)
    // The first one lives: it is heard with the incarnation that the other one had, too.
    expect((await original.get()).status).toBe(409)
    const shown = await cluster('rotating')
    const instances = listAt(valueAt(shown, 'cloned'), 'instances').map(each => textAt(each, 'instance'))
    expect(instances.sort()).toEqual(['uid-clone', 'uid-original'])
    const told = (await flotilla(['cluster', 'get', 'rotating'])).stdout
    expect(told).toContain('CLONED')
    expect(told).toContain('uid-clone')
    expect(told).toContain('uid-original')
    const token = await newToken('rotating')
    expect(await original.enrol(token)).toMatchObject({ kind: 'new-key' })
    await original.takeNewKey(token.id)
    expect(await original.enrol(token)).toMatchObject({ kind: 'refused', code: 'NAME_TAKEN' })
    await flotilla(['cluster', 'approve', 'rotating', '--replace'])
    expect(await original.enrol(token)).toMatchObject({ kind: 'admitted' })
    expect((await original.get()).status).toBe(200)
    expect((await clone.get()).status).toBe(401)
    expect(valueAt(await cluster('rotating'), 'cloned')).toBeNull()
  })
})

describe('a revoked agent', () => {
  test('loses its socket at once, and is refused after a restart and after an older backup', async () => {
    const agent = smallAgent({ transport: hub.transport, clock, random: hasty, joinToken: await textToken('revoked') })
    await agent.link.start()
    stops.push(() => agent.link.stop())
    await until('it is connected', () => agent.link.connected(), { told: () => agent.log.complaints().join('\n') })
    const backup = join(folder.path, 'backup')
    await flotilla(['hub', 'backup', backup, '--data', join(folder.path, 'hub')])
    await hub.api.post('/api/v1/clusters/revoked/revoke', { reason: 'lost in a train' })
    // Told over the socket that is closed with it: nothing else would tell it before its next heartbeat fails.
    await until('its socket is closed', () => !agent.link.connected(), { everyMs: 5 })
    await until('it is told', () => agent.link.status().kind === 'refused')
    expect((await flotilla(['cluster', 'get', 'revoked'])).stdout).toContain('revoked')
    await hub.stop()
    await flotilla(['hub', 'restore', backup, '--data', join(folder.path, 'hub'), '--force'])
    await hub.start()
    expect(valueAt(await cluster('revoked'), 'revokedAt')).toBeNull()
    const speaker = agent.link.clusterId()
    expect(speaker).toBeDefined()
    expect(agent.link.connected()).toBe(false)
    await agent.link.stop()
    const again = smallAgent({ transport: hub.transport, clock, random: hasty, state: agent.state })
    await again.link.start()
    stops.push(() => again.link.stop())
    await until('it is refused', () => again.link.status().kind === 'refused')
    expect(again.link.connected()).toBe(false)
  })
})
