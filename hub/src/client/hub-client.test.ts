import {
  type HubRequest,
  type HubResponse,
  type HubTransport,
  HubUnreachable,
} from '@flotilla/core/ports/hub-transport'
import { expect, it } from 'vitest'
import { HubClient } from './hub-client.ts'
import { HubProblem, NotAHub } from './hub-problem.ts'
import { watchFleet } from './watch-fleet.ts'

type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | Error

/** A hub that answers what it is told to, in order; the last one again and again. */
function hubOf(answers: readonly Answer[]) {
  const heard: HubRequest[] = []
  const slept: number[] = []
  const streams: (readonly string[] | Answer)[] = []
  const transport: HubTransport = {
    request: async (request): Promise<HubResponse> => {
      heard.push(request)
      const answer = answers[Math.min(heard.length, answers.length) - 1]!
      if (answer instanceof Error) throw answer
      return { status: answer.status, headers: answer.headers ?? {}, body: Buffer.from(answer.body ?? '') }
    },
    stream: async request => {
      heard.push({ ...request, method: 'GET', body: new Uint8Array() })
      const next = streams.shift() ?? { status: 401, body: '{"title":"over","code":"UNAUTHENTICATED"}' }
      if (next instanceof Error) throw next
      const isRefusal = !Array.isArray(next)
      const lines = isRefusal ? [(next as Exclude<Answer, Error>).body ?? ''] : (next as readonly string[])
      const body = (async function* () {
        for (const line of lines) yield Buffer.from(line)
      })()
      return { status: isRefusal ? (next as Exclude<Answer, Error>).status : 200, headers: {}, body }
    },
    connect: async () => {
      throw new Error('nobody connects')
    },
    close: async () => undefined,
  }
  const clock = { sleep: async (ms: number) => void slept.push(ms) }
  return { client: new HubClient({ transport, token: () => 'flt_x', clock }), heard, slept, streams, clock }
}

const AWAY = new HubUnreachable('nothing listens')

it('fills in the path, writes the query, and shows the token', async () => {
  const { client, heard } = hubOf([{ status: 200, body: '{"items":[],"total":0,"next":null}' }])
  const { answer } = await client.call('listApplications', { query: { project: 'shop', limit: 5, q: undefined } })
  expect(answer.total).toBe(0)
  await client.call('getApplication', { path: { name: 'a/b c' } })
  expect(heard.map(({ path }) => path)).toEqual([
    '/api/v1/applications?project=shop&limit=5',
    '/api/v1/applications/a%2Fb%20c',
  ])
  expect(heard[0]?.headers['authorization']).toBe('Bearer flt_x')
})

it('a read is sent again when no answer came, or one that says to come back', async () => {
  const busy = { status: 503, headers: { 'retry-after': '2' } }
  const { client, heard, slept } = hubOf([AWAY, busy, { status: 200, body: '{"version":"1","api":[]}' }])
  expect((await client.call('version', {})).answer.version).toBe('1')
  expect(heard.length).toBe(3)
  expect(slept).toEqual([200, 2000])
})

it('a read is not sent for ever, and nobody waits for minutes', async () => {
  await expect(hubOf([AWAY]).client.call('version', {})).rejects.toBe(AWAY)
  const closed = hubOf([
    { status: 503, headers: { 'retry-after': '600' }, body: '{"title":"later","code":"UNAVAILABLE"}' },
  ])
  await expect(closed.client.call('version', {})).rejects.toBeInstanceOf(HubProblem)
  expect(closed.heard.length).toBe(1)
})

it('a write is sent once, and again only with a key that makes it happen once', async () => {
  const once = hubOf([AWAY])
  await expect(once.client.call('terminateApplication', { path: { name: 'a' }, body: {} })).rejects.toBe(AWAY)
  expect(once.heard.length).toBe(1)
  const keyed = hubOf([AWAY, { status: 202, body: '{"id":"1","status":"accepted"}' }])
  const asked = { path: { name: 'a' }, body: {} }
  const { status } = await keyed.client.call('terminateApplication', asked, { idempotencyKey: 'k-1' })
  expect([status, keyed.heard.map(({ headers }) => headers['idempotency-key'])]).toEqual([202, ['k-1', 'k-1']])
})

it('what has not changed is not sent again, and is answered as it was', async () => {
  const body = '{"version":"1","api":["v1"]}'
  const { client, heard } = hubOf([{ status: 200, headers: { etag: '"a"' }, body }, { status: 304 }])
  const first = await client.call('version', {})
  const second = await client.call('version', {})
  expect(heard.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"a"'])
  expect(second.answer).toEqual(first.answer)
  expect(second.status).toBe(200)
})

it('a refusal is told with its code and every mistake; what is no hub is told so', async () => {
  const problem = {
    ...{ type: 'x', title: 'The request is not so.', status: 400, code: 'REQUEST_INVALID' },
    errors: [{ pointer: '/query/limit', message: 'a whole number', hint: 'take 100' }],
  }
  const refused = hubOf([{ status: 400, body: JSON.stringify(problem) }]).client.call('listApplications', {})
  await expect(refused).rejects.toMatchObject({
    ...{ status: 400, code: 'REQUEST_INVALID', message: 'The request is not so.' },
    errors: problem.errors,
  })
  for (const [status, body] of [
    [502, '<html>'],
    [200, '<html>'],
    [200, '[]'],
    [404, '{}'],
  ] as const) {
    await expect(hubOf([{ status, body }]).client.call('version', {})).rejects.toBeInstanceOf(NotAHub)
  }
})

it('whoever watches goes on after the last change that was heard, and lists again where that is forgotten', async () => {
  const { client, heard, streams, clock, slept } = hubOf([])
  const put = (id: string, name: string) =>
    `event: applications\nid: ${id}\ndata: {"action":"put","name":"${name}","object":{}}\n\n`
  streams.push(
    ['event: snapshot\nid: s1\ndata: {"at":"s1"}\n\n', put('s2', 'a')],
    AWAY,
    [put('s3', 'b'), ': heartbeat\nid: s4\n\n'],
    { status: 410, body: '{"title":"gone","code":"WATCH_GONE"}' },
    ['event: snapshot\nid: t1\ndata: {"at":"t1"}\n\n'],
  )
  const told: string[] = []
  await expect(async () => {
    for await (const event of watchFleet(client, clock)) told.push('name' in event ? event.name : event.kind)
  }).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(told).toEqual(['snapshot', 'a', 'b', 'snapshot'])
  expect(heard.map(({ path }) => new URLSearchParams(path.split('?')[1]).get('since'))).toEqual([
    ...[null, 's2', 's2', 's4', null, 't1'],
  ])
  expect(slept[1]).toBe(1_000)
})
