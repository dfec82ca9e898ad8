import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Principal } from '@flotilla/core/access/principal'
import type { Team } from '@flotilla/core/access/teams'
import type { JsonObject } from '@flotilla/core/json/json'
import request from 'supertest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTestApi, type TestApi } from '../api/test-api.ts'
import { sampleApplication, sampleCluster, sampleMadeGate } from '../store/sample-rows.ts'
import { AccessKeeper } from './access-keeper.ts'
import { putRows } from './testing/policy-of.ts'
import { tokenOf } from './testing/principals.ts'

const place = { source: 'platform', file: 'teams.yaml', line: 4, column: 1 }
const team = (name: string, owns: readonly string[]): Team => {
  return { name, users: [], groups: [`sso:${name}`], owns, watches: [], place }
}
const TEAMS = [team('shop', ['shop']), team('bank', ['bank'])]
const of = (...groups: string[]): Principal => ({ kind: 'person', subject: groups.join(), groups })
const ROWS = `
p, sso:shop, clusters, get, *, allow
p, sso:lead, freezes, *, shop/*, allow
p, sso:release, freezes, *, *, allow
`

let api: TestApi
let server: Server
const access = new AccessKeeper()
const open: IncomingMessage[] = []
beforeEach(async () => {
  putRows(access, ROWS, { teams: TEAMS })
  api = await openTestApi({}, { access })
  server = createServer(api.app).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  for (const response of open.splice(0)) response.destroy()
  server.closeAllConnections()
  server.close()
  await api.close()
})

const put = (name: string, project: string, over: object = {}): Promise<void> =>
  api.write(
    rows => {
      const document = { metadata: { name }, spec: { project, destination: { name: 'eu-1', namespace: 'n' } } }
      return rows.putApplication(sampleApplication({ id: name, name, project, document, ...over }))
    },
    { applications: [name] },
  )

async function watch(token: string, query = '') {
  const { port } = server.address() as AddressInfo
  const headers = { Authorization: `Bearer ${token}` }
  const asked = httpRequest({ port, host: '127.0.0.1', path: `/api/v1/watch${query}`, headers })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  open.push(response)
  let text = ''
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const resume of waiting) resume()
  }
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    wake()
  })
  const ended = once(response, 'close')
  response.once('close', wake)
  return {
    status: response.statusCode,
    text: () => text,
    ended,
    async has(part: string) {
      while (!text.includes(part) && !response.destroyed) await new Promise<void>(resume => waiting.add(resume))
      expect(text).toContain(part)
    },
  }
}

describe('a stream of changes', () => {
  it('tells what may be seen; what moves out of sight is gone, with no word of where', async () => {
    const stream = await watch(await tokenOf(api, of('sso:shop')))
    await put('vault', 'bank')
    await put('web', 'shop')
    await stream.has('"name":"web"')
    await put('web', 'bank', { namespace: 'secret' })
    await stream.has('{"action":"delete","name":"web","object":{"id":"web","name":"web"}}')
    await put('dns', 'shop')
    await stream.has('"name":"dns"')
    expect(stream.text()).not.toContain('vault')
    expect(stream.text()).not.toContain('bank')
    expect(stream.text()).not.toContain('secret')
  })

  it('counts what may be seen, in events of clusters too', async () => {
    const stream = await watch(await tokenOf(api, of('sso:shop')), '?kinds=clusters')
    await api.write(rows => rows.putCluster(sampleCluster({ name: 'eu-1' })), { clusters: ['eu-1'] })
    await put('vault', 'bank')
    await put('web', 'shop')
    await stream.has('"total":1')
    expect(stream.text()).not.toContain('"total":2')
  })

  it('ends when the policy is another one, and goes on from nothing that was sent before', async () => {
    const token = await tokenOf(api, of('sso:shop'))
    const stream = await watch(token)
    await put('web', 'shop')
    await stream.has('"name":"web"')
    const [, id] = /id: (\S+)\nda/.exec(stream.text().split('\n\n').at(-2) ?? '') ?? []
    putRows(access, ROWS, { teams: [] })
    await stream.ended
    expect((await watch(token, `?since=${id}`)).status).toBe(410)
    const anew = await watch(token)
    await put('web', 'shop', { namespace: 'other' })
    api.clock.move(15_000)
    await anew.has('heartbeat')
    expect(anew.text()).not.toContain('web')
  })

  it('of a team is of its Projects', async () => {
    const stream = await watch(api.admin, '?team=shop')
    await put('vault', 'bank')
    await put('web', 'shop')
    await stream.has('"name":"web"')
    expect(stream.text()).not.toContain('vault')
  })
})

it('whether the hub may trust its store is told to who may see the hub', async () => {
  putRows(access, `${ROWS}p, sso:ops, hub, get, *, allow\n`, { teams: TEAMS })
  await api.recovery.found('restored')
  const fleet = async (group: string) => {
    const token = await tokenOf(api, of(group))
    const { body } = await request(api.app).get('/api/v1/fleet').set('Authorization', `Bearer ${token}`).expect(200)
    return (body as { readonly recovery: unknown }).recovery
  }
  expect(await fleet('sso:ops')).toMatchObject({ state: 'behind' })
  expect(await fleet('sso:shop')).toBeNull()
})

describe('who may change a freeze', () => {
  const document = (name: string, scope: JsonObject, owner?: string) => ({
    ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'FreezePeriod', metadata: { name, ...(owner && { owner }) } },
    spec: { level: 'hard', reason: 'closing', scope, when: [{ from: '2030-12-18', through: '2030-12-31' }] },
  })
  const ask = async (groups: readonly string[], path: string, body: object) => {
    const token = await tokenOf(api, of(...groups))
    const asked = request(api.app).post(path).set('Authorization', `Bearer ${token}`)
    const { status } = await asked.send(body)
    return status
  }
  const kept = (name: string, scope: JsonObject, owner?: string): Promise<void> =>
    api.write(rows => rows.putMadeGate(sampleMadeGate({ id: name, name, document: document(name, scope, owner) })), {})
  const end = { reason: 'over' }

  it('somebody makes one for Projects in which he may, and for no more', async () => {
    const make = (groups: readonly string[], scope: JsonObject, owner?: string) =>
      ask(groups, '/api/v1/freezes', document(`f-${JSON.stringify(scope).length}-${groups.length}`, scope, owner))
    expect(await make(['sso:lead'], { projects: ['shop'] })).toBe(201)
    expect(await make(['sso:lead'], { all: true })).toBe(403)
    expect(await make(['sso:lead'], { projects: ['shop', 'bank'] })).toBe(403)
    expect(await make(['sso:lead'], { projects: ['sho*'] })).toBe(403)
    expect(await make(['sso:lead'], { applications: { names: ['web'] } })).toBe(403)
    expect(await make(['sso:shop'], { projects: ['shop'] })).toBe(403)
    expect(await make(['sso:release'], { all: true })).toBe(201)
  })

  it('that a name is taken is told without whose it is to who may not see it', async () => {
    await kept('year-end', { projects: ['bank'] })
    const post = async (...groups: readonly string[]) => {
      const token = await tokenOf(api, of(...groups))
      const body = document('year-end', { projects: ['shop'] })
      return await request(api.app).post('/api/v1/freezes').set('Authorization', `Bearer ${token}`).send(body)
    }
    const hidden = await post('sso:lead')
    expect(hidden.status).toBe(409)
    expect(hidden.body).toEqual({
      type: expect.any(String),
      title: 'There is a gate of that name already.',
      status: 409,
      code: 'GATE_EXISTS',
    })
    const seen = await post('sso:release')
    expect(seen.body).toMatchObject({ code: 'GATE_EXISTS', detail: expect.stringContaining('made by') })
  })

  it('with an owner of his own, and not of others', async () => {
    const scope = { projects: ['shop'] }
    expect(await ask(['sso:lead', 'sso:shop'], '/api/v1/freezes', document('mine', scope, 'shop'))).toBe(201)
    expect(await ask(['sso:lead'], '/api/v1/freezes', document('theirs', scope, 'bank'))).toBe(422)
  })

  it.each([
    ['its people end it', ['sso:shop'], 200],
    ['whoever may change every freeze, too', ['sso:release'], 200],
    ['nobody else, though he may in the Project', ['sso:lead'], 403],
    ['who does not see it is told nothing', ['sso:bank'], 404],
  ])('one that has an owner: %s', async (_, groups, status) => {
    await kept('of-shop', { projects: ['shop'] }, 'shop')
    expect(await ask(groups, '/api/v1/freezes/of-shop/end', end)).toBe(status)
  })

  it.each([
    ['who may in the Project', { projects: ['shop'] }, ['sso:lead'], 200],
    ['who may in one of its Projects only', { projects: ['shop', 'bank'] }, ['sso:lead'], 403],
    ['who may only in a Project, of one for all', { all: true }, ['sso:lead'], 404],
    ['who may everywhere', { all: true }, ['sso:release'], 200],
  ])('one without: %s', async (_, scope, groups, status) => {
    await kept('free', scope)
    expect(await ask(groups, '/api/v1/freezes/free/end', end)).toBe(status)
  })

  it('is moved only to where he may as well', async () => {
    await kept('free', { projects: ['shop'] })
    const token = await tokenOf(api, of('sso:lead'))
    const patch = (spec: object) =>
      request(api.app).patch('/api/v1/freezes/free').set('Authorization', `Bearer ${token}`).send({ spec, reason: 'x' })
    await patch({ scope: { projects: ['bank'] } }).expect(403)
    await patch({ reason: 'still closing' }).expect(200)
  })
})
