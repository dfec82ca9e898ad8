import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Principal } from '@flotilla/core/access/principal'
import type { Team } from '@flotilla/core/access/teams'
import type { ActivityNote } from '@flotilla/core/activity/activity-entry'
import request from 'supertest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AccessKeeper } from '../access/access-keeper.ts'
import { putRows } from '../access/testing/policy-of.ts'
import { tokenOf } from '../access/testing/principals.ts'
import { tellActivity } from '../activity/tell-activity.ts'
import { silentLog } from '../store/test-store.ts'
import { openTestApi, type TestApi } from './test-api.ts'

const place = { source: 'platform', file: 'teams.yaml', line: 4, column: 1 }
const team = (name: string): Team => {
  return { name, users: [], groups: [`sso:${name}`], owns: [name], watches: [], place }
}
const TEAMS = [team('shop'), team('bank')]
const SHOP: Principal = { kind: 'person', subject: 'ana', groups: ['sso:shop'] }

let api: TestApi
const access = new AccessKeeper()
beforeEach(async () => {
  putRows(access, 'p, sso:shop, applications, get, shop/*, allow\n', { teams: TEAMS })
  api = await openTestApi({}, { access })
})
afterEach(() => api.close())

const note = (event: string, subject: string, over: Partial<ActivityNote> = {}): ActivityNote => ({
  ...{ at: api.clock.now(), event, subject, by: 'ana', message: `${event} of ${subject}` },
  ...{ applications: [], applicationsCut: 0, detail: {} },
  ...over,
})
const about = (name: string, project: string) => ({ applications: [{ name, project, cluster: 'eu-1' }] })

/** Six entries, an hour apart. */
async function happened(): Promise<void> {
  const notes = [
    note('sync.failed', 'Application/web', { kind: 'sync.failed', ...about('web', 'shop') }),
    note('sync.succeeded', 'Application/vault', { kind: 'sync.succeeded', ...about('vault', 'bank') }),
    note('cluster.approve', 'eu-9', { kind: 'admission', about: { resource: 'clusters', name: 'eu-9' } }),
    note('freeze.made', 'FreezePeriod/sale', {
      ...{ kind: 'freeze', about: { resource: 'freezes', name: 'sale' }, detail: { owners: ['shop'] } },
    }),
    note('sync.blocked', 'Application/web', about('web', 'shop')),
    note('prune', 'Application/web', { kind: 'prune', ...about('web', 'shop') }),
  ]
  for (const each of notes) {
    await api.store.write(rows => rows.appendActivity({ ...each, at: api.clock.now() }))
    api.clock.move(3_600_000)
  }
}

async function listed(path: string, token = api.admin): Promise<readonly string[]> {
  const { body } = await request(api.app).get(path).set('Authorization', `Bearer ${token}`).expect(200)
  return body.items.map(({ event, subject }: { event: string; subject: string }) => `${event} ${subject}`)
}

const ALL = [
  ...['prune Application/web', 'freeze.made FreezePeriod/sale', 'cluster.approve eu-9'],
  ...['sync.succeeded Application/vault', 'sync.failed Application/web'],
]

describe('the feed', () => {
  it('has cursors that do not tell how much happens elsewhere', async () => {
    await happened()
    const path = '/api/v1/activity?limit=1'
    const ask = (url: string) => request(api.app).get(url).set('Authorization', `Bearer ${api.admin}`)
    const { next } = (await ask(path).expect(200)).body
    const { of, at } = JSON.parse(Buffer.from(next, 'base64url').toString())
    expect(at).toEqual([expect.stringMatching(/^[A-Za-z0-9_-]{22}$/)])
    const forged = Buffer.from(JSON.stringify({ of, at: [3] })).toString('base64url')
    expect((await ask(`${path}&cursor=${forged}`).expect(400)).body.code).toBe('CURSOR_INVALID')
  })

  it('is newest first, or oldest first, and its pages together are all of it', async () => {
    await happened()
    expect(await listed('/api/v1/activity')).toEqual(ALL)
    expect(await listed('/api/v1/activity?sort=at')).toEqual(ALL.toReversed())
    for (const sort of ['-at', 'at']) {
      const seen: string[] = []
      let cursor = ''
      do {
        const path = `/api/v1/activity?limit=2&sort=${sort}${cursor}`
        const { body } = await request(api.app).get(path).set('Authorization', `Bearer ${api.admin}`).expect(200)
        seen.push(...body.items.map(({ event, subject }: { event: string; subject: string }) => `${event} ${subject}`))
        cursor = body.next === null ? '' : `&cursor=${body.next}`
      } while (cursor !== '')
      expect(seen).toEqual(sort === 'at' ? ALL.toReversed() : ALL)
    }
  })

  it('tells how many there are of what is seen, on each page, and what is added counts', async () => {
    await happened()
    const shop = await tokenOf(api, SHOP)
    const total = async (query: string, token = api.admin) => {
      const path = `/api/v1/activity?${query}`
      return (await request(api.app).get(path).set('Authorization', `Bearer ${token}`).expect(200)).body.total
    }
    const totals = () => Promise.all([total('limit=1'), total('kind=prune'), total('', shop), total('q=vault', shop)])
    expect(await totals()).toEqual([5, 1, 2, 0])
    const { next } = (
      await request(api.app).get('/api/v1/activity?limit=1').set('Authorization', `Bearer ${api.admin}`)
    ).body
    expect(await total(`limit=1&cursor=${next}`)).toBe(5)
    for (const [name, project] of [
      ['web', 'shop'],
      ['vault', 'bank'],
    ] as const) {
      const more = note('prune', `Application/${name}`, { kind: 'prune', ...about(name, project) })
      await api.store.write(rows => rows.appendActivity(more))
    }
    expect(await totals()).toEqual([7, 3, 3, 0])
    // What went is not counted for long.
    await api.store.write(rows => rows.trimActivity({ keep: 2, since: 0 }))
    api.clock.move(30_000)
    expect(await totals()).toEqual([2, 2, 1, 0])
  })

  it.each([
    ['words are looked for in what is seen', 'q=FAILED%20web', ['sync.failed Application/web']],
    ['a kind is chosen', 'kind=freeze', ['freeze.made FreezePeriod/sale']],
    ['a time is relative to now', 'until=now&since=%2B0s', []],
    ['a Project', 'project=bank', ['sync.succeeded Application/vault']],
  ])('%s', async (_, query, wanted) => {
    await happened()
    expect(await listed(`/api/v1/activity?${query}`)).toEqual(wanted)
  })

  it('has events that changed nothing beside it', async () => {
    await happened()
    expect(await listed('/api/v1/events?event=sync.')).toEqual([
      'sync.blocked Application/web',
      'sync.succeeded Application/vault',
      'sync.failed Application/web',
    ])
  })

  it('picks fields, and refuses those that there are not', async () => {
    await happened()
    const ask = (query: string) =>
      request(api.app).get(`/api/v1/activity?${query}`).set('Authorization', `Bearer ${api.admin}`)
    const { body } = await ask('fields=event,by&limit=1').expect(200)
    expect(body.items).toEqual([{ event: 'prune', by: 'ana' }])
    const { body: refused } = await ask('fields=evnet&sort=when').expect(400)
    expect(refused.errors).toMatchObject([
      { pointer: '/query/sort', message: expect.stringContaining('there is no field "when"') },
      { pointer: '/query/fields', message: 'there is no field "evnet"; did you mean "event"?' },
    ])
  })

  it('of a Team is of its Projects and of its own rules, whoever asks', async () => {
    await happened()
    const shop = ['prune Application/web', 'freeze.made FreezePeriod/sale', 'sync.failed Application/web']
    expect(await listed('/api/v1/activity?team=shop')).toEqual(shop)
    expect(await listed('/api/v1/events?team=bank')).toEqual(['sync.succeeded Application/vault'])
    const ana = await tokenOf(api, SHOP)
    expect(await listed('/api/v1/activity?team=shop', ana)).toEqual([shop[0], shop[2]])
    const hidden = request(api.app).get('/api/v1/activity?team=bank').set('Authorization', `Bearer ${ana}`)
    expect((await hidden).status).toBe(404)
  })
})

describe('a watch of the feed', () => {
  let server: Server
  beforeEach(async () => {
    server = createServer(api.app).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  it('tells of each entry as it comes, of those that may be seen', async () => {
    await happened()
    const teller = await tellActivity(api.store, api.view.changes, api.clock, silentLog)
    const ana = await tokenOf(api, SHOP)
    const { port } = server.address() as AddressInfo
    const asked = httpRequest({
      ...{ port, host: '127.0.0.1', path: '/api/v1/watch?kinds=activity' },
      headers: { Authorization: `Bearer ${ana}` },
    })
    asked.end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(200)
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    await api.store.write(async rows => {
      await rows.appendActivity(
        note('sync.failed', 'Application/vault', { kind: 'sync.failed', ...about('vault', 'bank') }),
      )
      await rows.appendActivity(note('rollback', 'Application/web', { kind: 'intervention', ...about('web', 'shop') }))
    })
    await expect
      .poll(
        () => {
          api.clock.move(1_000)
          return text
        },
        { timeout: 30_000, interval: 20 },
      )
      .toContain('"event":"rollback"')
    teller.stop()
    response.destroy()
    expect(text).toContain('event: activity')
    expect(text).not.toContain('vault')
    // What was there before is listed, and not told.
    expect(text).not.toContain('prune')
  })
})
