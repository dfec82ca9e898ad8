import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { makeAssertion } from '@flotilla/core/protocol/assertion'
import { type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { makeEnrolment } from '@flotilla/core/protocol/enrolment'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import { encodeRecord, MAX_UPLOAD_BYTES } from '@flotilla/core/protocol/stream-records'
import { createAgentHandler } from '@flotilla/hub/gateway/http-adapter'
import { issueCommand } from '@flotilla/hub/gateway/issue-command'
import type { Upload } from '@flotilla/hub/gateway/uploads'
import { createAgentUpgrade } from '@flotilla/hub/gateway/ws-adapter'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { smallAgent } from '../simulation/small-agent.ts'
import { configMap, SmallHub } from '../simulation/small-hub.ts'

const clock = createClock(globalThis)
const random = createRandom(randomBytes)
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const LINE = encodeRecord({ kind: 'log', pod: 'web-1', container: 'web', text: 'hello' })

interface Bench {
  readonly hub: SmallHub
  readonly port: number
  /** A member's cluster id and key. */
  join(name: string): Promise<{ readonly cluster: string; readonly key: SigningKey }>
}

async function bench(sockets = false): Promise<Bench> {
  const hub = new SmallHub({ clock, random, limits: { heartbeatMs: 1000, pollMs: 200 } })
  const server = http.createServer((request, response) => createAgentHandler(hub.gateway)(request, response))
  const upgrade = createAgentUpgrade(hub.gateway, hub.log)
  server.on('upgrade', (request, socket, head) => {
    if (!sockets || !upgrade.handle(request, socket, head))
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n')
  })
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.on('error', () => undefined).on('close', () => connections.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    upgrade.close()
    for (const socket of connections) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const join = async (name: string) => {
    const key = signingKeyFromSeed(random.bytes(32))
    const parsed = parseJoinToken(await hub.joinToken(name))
    if (parsed.kind === 'refused') throw new Error(parsed.message)
    const { token } = parsed
    const secret = Buffer.from(token.secret).toString('base64url')
    const claims = { aud: token.hubId, token: token.id, secret, uid: name, versions: {}, iat: clock.now() }
    const response = await hub.gateway.handle({
      ...{ method: 'POST', path: '/agent/v1/enrol', headers: {}, remoteAddress: '127.0.0.1' },
      body: Buffer.from(makeEnrolment(claims, key)),
    })
    expect(response.status).toBe(200)
    return { cluster: await hub.clusterId(name), key }
  }
  return { hub, port, join }
}

/** A command for logs that somebody waits for. */
async function waited(hub: SmallHub, over: { expires?: number } = {}): Promise<Upload> {
  await hub.offer('eu-1', 'app-1', [configMap('a')])
  const object = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
  const action = { verb: 'logs', object, follow: true, previous: false } as const
  const cluster = await hub.store.read(rows => rows.clusterByName('eu-1'))
  if (!cluster) throw new Error('eu-1 has not joined')
  const issued = await hub.store.write(rows =>
    issueCommand(rows, hub.keys, clock, random, { cluster, applicationId: 'app-1' }, { action, by: 'ana', ...over }),
  )
  if (issued.kind !== 'issued') throw new Error(issued.kind)
  const upload = hub.gateway.uploads.expect(issued.row.id, 'ana')
  if (!upload) throw new Error('too many')
  return upload
}

interface Sending {
  readonly request: http.ClientRequest
  readonly answer: Promise<{ readonly status: number; readonly body: string }>
}

function send(
  { hub, port }: Bench,
  { cluster, key }: { readonly cluster: string; readonly key: SigningKey },
  id: string,
  more: {
    readonly headers?: Record<string, string>
    readonly hashed?: boolean
    readonly end?: Uint8Array | string
  } = {},
): Sending {
  const path = `/agent/v1/uploads/${id}`
  const now = clock.now()
  const authorization = makeAssertion(
    {
      ...{ cluster, admission: 1, hubId: hub.keys.hubId, now, method: 'POST', path, inc: 1, inst: 'i1' },
      ...(more.hashed ? {} : { streamed: true as const }),
    },
    key,
  )
  const headers = { authorization, 'transfer-encoding': 'chunked', ...more.headers }
  const request = http.request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent: false })
  const answer = new Promise<{ status: number; body: string }>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
  })
  answer.catch(() => undefined)
  if (more.end !== undefined) request.end(more.end)
  else request.flushHeaders()
  return { request, answer }
}

async function read(upload: Upload): Promise<string> {
  let text = ''
  for await (const chunk of (await upload.begun) ?? []) text += Buffer.from(chunk).toString('utf8')
  return text
}

describe('an upload', () => {
  test('is read by who waits for it, plain or compressed, and counted as done', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    for (const packed of [false, true]) {
      const upload = await waited(all.hub)
      const form = packed ? { headers: { 'content-encoding': 'gzip' }, end: gzipSync(LINE) } : { end: LINE }
      const { answer } = send(all, agent, upload.id, form)
      expect(await read(upload)).toBe(LINE)
      expect((await answer).status).toBe(200)
      expect(upload.end).toBe('complete')
    }
  })

  test('is taken once: unknown, another cluster’s, used and expired are one answer', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const other = await all.join('us-1')
    const upload = await waited(all.hub)
    const foreign = await send(all, other, upload.id, { end: LINE }).answer
    const unknown = await send(all, agent, '0199c2f0-0000-7000-8000-00000000ffff', { end: LINE }).answer
    expect(upload.taken).toBe(false)
    const first = send(all, agent, upload.id, { end: LINE })
    const text = await read(upload)
    expect([text, (await first.answer).status]).toEqual([LINE, 200])
    const used = await send(all, agent, upload.id, { end: LINE }).answer
    const late = await waited(all.hub, { expires: clock.now() - 1 })
    const expired = await send(all, agent, late.id, { end: LINE }).answer
    expect(late.taken).toBe(false)
    expect([foreign, unknown, used, expired].map(({ status }) => status)).toEqual([404, 404, 404, 404])
    expect(new Set([foreign, unknown, used, expired].map(({ body }) => body)).size).toBe(1)
  })

  test('while another one of that id is read is refused, and does not disturb it', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const upload = await waited(all.hub)
    const first = send(all, agent, upload.id)
    const reading = read(upload)
    await upload.begun
    expect((await send(all, agent, upload.id, { end: LINE }).answer).status).toBe(404)
    first.request.end(LINE)
    expect(await reading).toBe(LINE)
  })

  test('with a hash in its assertion is refused: nobody could check it', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const upload = await waited(all.hub)
    expect((await send(all, agent, upload.id, { hashed: true, end: LINE }).answer).status).toBe(401)
    expect(upload.taken).toBe(false)
  })

  test('that inflates without end is stopped at the limit', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const upload = await waited(all.hub)
    const bomb = gzipSync(Buffer.alloc(MAX_UPLOAD_BYTES + 1024 * 1024, '\n'))
    expect(bomb.length).toBeLessThan(128 * 1024)
    const { answer } = send(all, agent, upload.id, { headers: { 'content-encoding': 'gzip' }, end: bomb })
    let bytes = 0
    for await (const chunk of (await upload.begun) ?? []) bytes += chunk.length
    expect(bytes).toBeLessThanOrEqual(MAX_UPLOAD_BYTES)
    expect(upload.end).toBe('too-large')
    expect((await answer).status).toBe(413)
  })

  test.each([
    ['says gzip and is not', { 'content-encoding': 'gzip' }],
    ['is packed in a way nobody knows', { 'content-encoding': 'br' }],
  ])('that %s ends as broken', async (_, headers) => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const upload = await waited(all.hub)
    const { answer } = send(all, agent, upload.id, { headers, end: LINE })
    expect(await read(upload)).toBe('')
    expect([upload.end, (await answer).status]).toEqual(['broken', 400])
  })

  test('whose agent goes away in the middle ends as broken', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const upload = await waited(all.hub)
    const { request } = send(all, agent, upload.id)
    request.write(LINE)
    let text = ''
    for await (const chunk of (await upload.begun) ?? []) {
      text += Buffer.from(chunk).toString('utf8')
      if (text === LINE) request.on('error', () => undefined).destroy()
    }
    expect(text).toBe(LINE)
    expect(upload.end).toBe('broken')
  })

  test('ends at its agent when who asked leaves, and when the hub stops', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    for (const leave of [(upload: Upload) => upload.finish('left'), () => all.hub.gateway.stop(0)]) {
      const upload = await waited(all.hub)
      const { request, answer } = send(all, agent, upload.id)
      request.write(LINE)
      const reading = read(upload)
      await upload.begun
      leave(upload)
      expect(LINE.startsWith(await reading)).toBe(true)
      expect((await answer).status).toBe(410)
      expect(all.hub.gateway.uploads.count).toBe(0)
    }
  })

  test('after a restart of the hub has nobody who waits, and is refused', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const upload = await waited(all.hub)
    all.hub.restart()
    expect((await send(all, agent, upload.id, { end: LINE }).answer).status).toBe(404)
  })

  test('that nobody reads fast enough waits at its agent, not in the hub', async () => {
    const all = await bench()
    const agent = await all.join('eu-1')
    const upload = await waited(all.hub)
    const { request, answer } = send(all, agent, upload.id)
    const piece = Buffer.alloc(64 * 1024, '\n')
    const body = (await upload.begun)![Symbol.asyncIterator]()
    // Nobody reads: the connection fills, and then the agent is told to wait.
    let sent = 0
    const full = Promise.withResolvers<void>()
    const write = (): void => {
      while (request.write(piece)) sent += piece.length
      sent += piece.length
      const quiet = setTimeout(full.resolve, 500)
      request.once('drain', () => {
        clearTimeout(quiet)
        write()
      })
    }
    write()
    await full.promise
    expect(sent).toBeLessThan(32 * 1024 * 1024)
    const before = sent
    for (let taken = 0; taken <= before; ) taken += (await body.next()).value?.length ?? Number.POSITIVE_INFINITY
    expect(sent).toBeGreaterThan(before)
    upload.finish('left')
    expect((await answer).status).toBe(410)
    request.destroy()
  })

  test('is one of a bounded number, of one person and of all', async () => {
    const { hub } = await bench()
    const { uploads } = hub.gateway
    for (let n = 0; n < 8; n++) expect(uploads.expect(`a${n}`, 'ana')).toBeDefined()
    expect(uploads.expect('a8', 'ana')).toBeUndefined()
    for (let n = 0; n < 56; n++) expect(uploads.expect(`b${n}`, `b${n}`)).toBeDefined()
    expect(uploads.expect('c', 'cleo')).toBeUndefined()
  })
})

describe('an agent uploads', () => {
  test.each([
    ['where sockets work', true],
    ['where it can only poll', false],
  ])('%s', async (_, sockets) => {
    const all = await bench(sockets)
    const transport = createNodeHubTransport({ url: `http://127.0.0.1:${all.port}`, environment: {}, clock })
    const chance = { bytes: random.bytes, fraction: () => random.fraction() / 50 }
    const joinToken = await all.hub.joinToken('eu-1')
    const { link } = smallAgent({ transport, clock, random: chance, joinToken })
    cleanups.push(async () => {
      await link.stop()
      await transport.close()
    })
    await link.start()
    const within = { timeout: 120_000, interval: 20 }
    await vi.waitFor(() => expect(link.connected()).toBe(true), within)
    const upload = await waited(all.hub)
    all.hub.gateway.changed([await all.hub.clusterId('eu-1')])
    await vi.waitFor(() => expect(link.commands().map(({ command }) => command.id)).toEqual([upload.id]), within)
    const records = async function* () {
      for (let n = 0; n < 2000; n++) yield Buffer.from(LINE)
    }
    const uploading = link.upload(upload.id, records(), new AbortController().signal)
    expect(await read(upload)).toBe(LINE.repeat(2000))
    expect(await uploading).toEqual({ taken: true, message: '' })
    const again = await link.upload(upload.id, records(), new AbortController().signal)
    expect(again).toEqual({ taken: false, message: 'there is nothing here for this agent' })
  })
})
