import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { streamTag } from '../access/seen-changes.ts'
import { policyOf } from '../access/testing/policy-of.ts'
import { sampleApplication, sampleCluster } from '../store/sample-rows.ts'
import { ChangeLog } from './change-log.ts'
import { openTestApi, type TestApi } from './test-api.ts'

let api: TestApi
let server: Server
beforeEach(async () => {
  api = await openTestApi({ maxWatchers: 3 })
  server = createServer(api.app)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await api.close()
})

/** What a watcher goes on from after that change. */
const bare = (number: number): string => api.view.changes.idOf(number)
/** As it is sent: with the mark of whose eyes it is for. */
const id = (number: number): string => `${bare(number)}.${streamTag(READER_RIGHTS, READER)}`
const READER = { principal: { kind: 'subject', subject: 'role:readonly' } } as const
const READER_RIGHTS = policyOf('').rightsOf(READER, 0)

interface Stream {
  readonly status: number
  readonly text: () => string
  /** Resolves when the text so far has this in it, or the stream has ended. */
  readonly has: (part: string) => Promise<void>
  readonly ended: Promise<void>
  readonly response: IncomingMessage
  close(): void
}

function watch(query = '', headers: Record<string, string> = {}): Promise<Stream> {
  const { port } = server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      {
        port,
        host: '127.0.0.1',
        path: `/api/v1/watch${query}`,
        headers: { Authorization: `Bearer ${api.readonly}`, ...headers },
      },
      response => {
        let text = ''
        const waiting = new Set<() => void>()
        const wake = (): void => {
          for (const resume of waiting) resume()
        }
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          wake()
        })
        const ended = new Promise<void>(done => response.once('close', done))
        response.once('close', wake)
        resolve({
          status: response.statusCode ?? 0,
          text: () => text,
          has: async part => {
            while (!text.includes(part) && !response.destroyed && !response.readableEnded) {
              await new Promise<void>(resume => waiting.add(resume))
            }
          },
          ended,
          response,
          close: () => asked.destroy(),
        })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

const put = (id: string, over: object = {}): Promise<void> =>
  api.write(rows => rows.putApplication(sampleApplication({ id, name: `name-${id}`, ...over })), { applications: [id] })

it('begins with a snapshot marker, then tells each change with an id', async () => {
  await put('before')
  const stream = await watch()
  await stream.has('event: snapshot')
  expect(stream.text()).toBe(`event: snapshot\nid: ${id(1)}\ndata: {"at":"${id(1)}"}\n\n`)
  await put('a')
  await stream.has('name-a')
  const [, event] = stream.text().split('\n\n')
  expect(event).toContain(`event: applications\nid: ${id(2)}\ndata: {"action":"put","name":"name-a","object":{`)
  await api.write(rows => rows.deleteApplication('a'), { applications: ['a'] })
  await stream.has('"delete"')
  expect(stream.text()).toContain(
    `id: ${id(3)}\ndata: {"action":"delete","name":"name-a","object":{"id":"a","name":"name-a"}}`,
  )
})

it('goes on exactly after the id that was seen last, by header or by query', async () => {
  for (const id of ['a', 'b', 'c']) await put(id)
  for (const stream of [await watch('', { 'Last-Event-ID': id(1) }), await watch(`?since=${id(1)}`)]) {
    await stream.has('name-c')
    expect([...stream.text().matchAll(/id: (\S+)/g)].map(match => match[1])).toEqual([id(2), id(3)])
  }
})

it('only the wanted kinds are told', async () => {
  const stream = await watch('?kinds=clusters')
  await put('a', { clusterName: 'eu-1', clusterId: 'cluster-1' })
  await api.write(rows => rows.putCluster(sampleCluster()), { clusters: ['eu-1'] })
  await stream.has('event: clusters')
  expect(stream.text()).not.toContain('event: applications')
})

it('an id of another run, of the future, of nothing or too old is 410', async () => {
  await put('a')
  for (const since of [
    new ChangeLog('other').idOf(1),
    id(2),
    `${bare(1)}x`,
    bare(1).slice(1),
    `${bare(1)}.other`,
    'A'.repeat(22),
    '7',
  ]) {
    expect([since, (await watch(`?since=${since}`)).status]).toEqual([since, 410])
  }
  const name = 'a'
  for (let round = 0; round < 20_010; round += 1) {
    api.view.apply({ applications: [sampleApplication({ id: name, name, namespace: `n-${round}` })] }, api.clock.now())
  }
  expect((await watch(`?since=${id(1)}`)).status).toBe(410)
  const newest = api.view.changes.newest
  expect((await watch(`?since=${id(newest - 1)}`)).status).toBe(200)
})

it('a quiet stream is kept open by comments, and its id moves on with what was left out', async () => {
  const stream = await watch('?kinds=sources')
  await put('a')
  api.clock.move(15_000)
  await stream.has('heartbeat')
  expect(stream.text()).toContain(`: heartbeat\nid: ${id(1)}\n\n`)
})

it('a stream ends when its token is taken away', async () => {
  const stream = await watch()
  const [id] = api.readonly.slice('flt_'.length).split('.')
  await api.store.write(rows => rows.deleteToken(id!))
  api.clock.move(15_000)
  await stream.ended
})

it('silent agents are told to those who watch, by time alone', async () => {
  await api.write(rows => rows.putCluster(sampleCluster()), { clusters: ['eu-1'] })
  api.view.apply(
    { connections: [{ clusterId: 'cluster-1', connected: true, lastSeenAt: api.clock.now() }] },
    api.clock.now(),
  )
  const stream = await watch('?kinds=clusters')
  api.clock.move(101_000)
  await stream.has('"silent":true')
  expect(stream.text()).toContain('"silent":true')
})

it('more watchers than allowed are told to come back, and one that leaves makes room', async () => {
  const streams = [await watch(), await watch(), await watch()]
  const refused = await watch()
  expect([refused.status, refused.response.headers['retry-after']]).toEqual([503, '30'])
  streams[0]!.close()
  await streams[0]!.ended
  let status = 503
  while (status === 503) status = (await watch()).status
  expect(status).toBe(200)
})

it('a reader that does not read is cut off, with bounded memory, and others go on', async () => {
  const slow = await watch()
  const quick = await watch()
  slow.response.pause()
  const text = 'x'.repeat(20_000)
  const before = api.view.changes.newest
  for (let round = 0; round < 21_000; round += 1) {
    const labels = { round: `${round}`, text: round % 10 === 0 ? text : '' }
    api.view.apply({ applications: [sampleApplication({ id: 'a', name: 'a', labels })] }, api.clock.now())
    if (round % 50 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await quick.has(`id: ${id(before + 21_000)}`)
  expect(quick.text().match(/event: applications/g)).toHaveLength(21_000)
  slow.response.resume()
  await slow.ended
  expect(slow.text().match(/event: applications/g)?.length ?? 0).toBeLessThan(21_000)
}, 300_000)

it('stopping ends all streams', async () => {
  const streams = [await watch(), await watch()]
  api.stop.abort()
  await Promise.all(streams.map(stream => stream.ended))
})
