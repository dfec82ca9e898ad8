import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { sha256 } from '@flotilla/core/json/canonical-json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { HubRequest } from '@flotilla/core/ports/hub-transport'
import { bodyHash, makeAssertion } from '@flotilla/core/protocol/assertion'
import { type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { makeEnrolment } from '@flotilla/core/protocol/enrolment'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import { encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import { createAgentHandler } from '@flotilla/hub/gateway/http-adapter'
import { createAgentUpgrade } from '@flotilla/hub/gateway/ws-adapter'
import { afterEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { configMap, reportEntry, SmallHub } from '../simulation/small-hub.ts'

const clock = createClock(globalThis)
const random = createRandom(randomBytes)
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Member {
  readonly hub: SmallHub
  readonly port: number
  readonly key: SigningKey
  readonly cluster: string
  assertion(over?: Partial<Parameters<typeof makeAssertion>[0]>): string
}

/** A hub on a real port, and the identity of one agent that the test plays byte by byte. */
async function member(): Promise<Member> {
  const hub = new SmallHub({ clock, random })
  const handler = createAgentHandler(hub.gateway)
  const upgrade = createAgentUpgrade(hub.gateway, hub.log)
  const server = http.createServer(handler)
  server.on('upgrade', (request, socket, head) => {
    if (!upgrade.handle(request, socket, head)) socket.destroy()
  })
  const port = await listen(server)
  cleanups.push(() => upgrade.close())
  const key = signingKeyFromSeed(random.bytes(32))
  const parsed = parseJoinToken(await hub.joinToken('eu-1'))
  if (parsed.kind === 'refused') throw new Error(parsed.message)
  const { token } = parsed
  const secret = Buffer.from(token.secret).toString('base64url')
  const body = makeEnrolment(
    { aud: token.hubId, token: token.id, secret, uid: 'u', versions: {}, iat: clock.now() },
    key,
  )
  const response = await send(port, { method: 'POST', path: '/agent/v1/enrol', headers: {}, body: Buffer.from(body) })
  expect(response.status).toBe(200)
  const cluster = await hub.clusterId('eu-1')
  return {
    hub,
    port,
    key,
    cluster,
    assertion: over =>
      makeAssertion(
        {
          cluster,
          admission: 1,
          hubId: hub.keys.hubId,
          now: clock.now(),
          method: 'GET',
          path: '/agent/v1/documents',
          inc: 1,
          inst: 'i1',
          ...over,
        },
        key,
      ),
  }
}

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

async function send(port: number, { method, path, headers, body }: HubRequest): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

describe('a request over HTTP', () => {
  test('that holds is answered, and the same one again does nothing new', async () => {
    const { port, assertion, hub } = await member()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    const request: HubRequest = { method: 'GET', path: '/agent/v1/documents', headers: { authorization: assertion() } }
    const [first, second] = [await send(port, request), await send(port, request)]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(first.body.equals(second.body)).toBe(true)
    expect(first.headers).toMatchObject({ 'flotilla-protocol': '1-1', 'cache-control': 'no-store' })
    expect(Math.abs(Number(first.headers['flotilla-time']) - clock.now())).toBeLessThan(60_000)
  })

  test('whose assertion is altered, expired, for something else or of somebody else is refused, always alike', async () => {
    const { port, assertion, key, hub } = await member()
    const good = assertion()
    const stranger = signingKeyFromSeed(random.bytes(32))
    const claims = JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString())
    const altered = good.replace(
      good.split('.')[1] ?? '',
      Buffer.from(JSON.stringify({ ...claims, inc: 9 })).toString('base64url'),
    )
    const forged = makeAssertion(
      {
        ...claims,
        cluster: claims.iss,
        admission: 1,
        hubId: claims.aud,
        now: clock.now(),
        method: 'GET',
        path: '/agent/v1/documents',
      },
      stranger,
    )
    expect(key.kid).not.toBe(stranger.kid)
    const cases: Record<string, string | undefined> = {
      none: undefined,
      nonsense: 'Flotilla-Agent x.y.z',
      'of another scheme': 'Bearer abc',
      altered,
      forged,
      'for another path': assertion({ path: '/agent/v1/keys' }),
      'for another query': assertion({ path: '/agent/v1/documents?since=1.1' }),
      'for another method': assertion({ method: 'POST' }),
      'for another hub': assertion({ hubId: 'other' }),
      'of another admission': assertion({ admission: 2 }),
      'of another cluster': assertion({ cluster: 'other' }),
      'two minutes old': assertion({ now: clock.now() - 120_000 }),
      'of tomorrow': assertion({ now: clock.now() + 86_400_000 }),
    }
    const bodies = new Set<string>()
    for (const [what, authorization] of Object.entries(cases)) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
      const answer = await send(port, { method: 'GET', path: '/agent/v1/documents', headers })
      expect([what, answer.status]).toEqual([what, 401])
      expect(answer.headers['flotilla-time']).toBeDefined()
      bodies.add(answer.body.toString())
    }
    expect(bodies.size).toBe(1)
    const counted = [...hub.gateway.counters.refused.values()].reduce((sum, count) => sum + count, 0)
    expect(counted).toBe(Object.keys(cases).length)
  })

  test('with another body than the asserted one is refused, and nothing of it is stored', async () => {
    const { port, assertion, hub } = await member()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    const path = '/agent/v1/reports'
    const body = encodeReportBatch([reportEntry('app-1', { inc: 1, n: 1 })])
    const swapped = encodeReportBatch([reportEntry('app-1', { inc: 1, n: 2 })])
    const authorization = assertion({ method: 'POST', path, body })
    expect((await send(port, { method: 'POST', path, headers: { authorization }, body: swapped })).status).toBe(401)
    expect(await hub.store.read(rows => rows.report('app-1'))).toBeUndefined()
    expect((await send(port, { method: 'POST', path, headers: { authorization }, body })).status).toBe(200)
    expect(sha256(body)).toBe(bodyHash(body))
  })

  test('may be compressed, and what is not an encoding is refused', async () => {
    const { port, assertion, hub } = await member()
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    const path = '/agent/v1/reports'
    for (const [n, encoding, compress] of [
      [1, 'gzip', gzipSync],
      [2, 'zstd', zstdCompressSync],
    ] as const) {
      const body = encodeReportBatch([reportEntry('app-1', { inc: 1, n })])
      const headers = { authorization: assertion({ method: 'POST', path, body }), 'content-encoding': encoding }
      const answer = await send(port, { method: 'POST', path, headers, body: compress(body) })
      expect(JSON.parse(answer.body.toString())).toEqual({ taken: ['app-1'], known: [], ignored: [] })
      const broken = await send(port, { method: 'POST', path, headers, body: Buffer.from('not compressed') })
      expect(broken.status).toBe(400)
    }
    const headers = { authorization: assertion({ method: 'POST', path }), 'content-encoding': 'br' }
    expect((await send(port, { method: 'POST', path, headers, body: Buffer.from('x') })).status).toBe(415)
  })

  test('that is a bomb or too long is cut at the limit, whether it says its length or not', async () => {
    const { port, assertion } = await member()
    const path = '/agent/v1/reports'
    const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024))
    const authorization = assertion({ method: 'POST', path })
    const before = process.memoryUsage().arrayBuffers
    const inflated = await send(port, {
      method: 'POST',
      path,
      headers: { authorization, 'content-encoding': 'gzip' },
      body: bomb,
    })
    expect(inflated.status).toBe(413)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
    const stated = await send(port, {
      method: 'POST',
      path,
      headers: { authorization, 'content-length': '99999999' },
    }).catch(() => undefined)
    expect(stated?.status ?? 413).toBe(413)
    const chunked = { authorization, 'transfer-encoding': 'chunked' }
    const endless = await send(port, {
      method: 'POST',
      path,
      headers: chunked,
      body: Buffer.alloc(3 * 1024 * 1024),
    }).catch((error: NodeJS.ErrnoException) => ({
      status: ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? 413 : 0,
    }))
    expect(endless.status).toBe(413)
  })

  test('of a stranger is refused before its body is sent', async () => {
    const { port } = await member()
    const socket = net.connect(port, '127.0.0.1')
    cleanups.push(() => socket.destroy())
    socket.write('POST /agent/v1/reports HTTP/1.1\r\nhost: hub\r\ncontent-length: 1000000\r\n\r\n')
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('to enrol with a wrong token is refused, and after twenty of them the address has to wait', async () => {
    const { port, hub } = await member()
    const key = signingKeyFromSeed(random.bytes(32))
    const wrong = () =>
      makeEnrolment(
        { aud: hub.keys.hubId, token: 'no-such-token', secret: key.publicKey, uid: 'u', versions: {}, iat: 1 },
        key,
      )
    const statuses: number[] = []
    for (let attempt = 0; attempt < 22; attempt++) {
      statuses.push(
        (await send(port, { method: 'POST', path: '/agent/v1/enrol', headers: {}, body: Buffer.from(wrong()) })).status,
      )
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429, 429])
  })

  test('for another cluster’s Bundle gets byte for byte the answer of one that does not exist', async () => {
    const { port, assertion, hub } = await member()
    const bundle = await hub.offer('eu-1', 'app-1', [configMap('a')])
    const key = signingKeyFromSeed(random.bytes(32))
    const parsed = parseJoinToken(await hub.joinToken('eu-2'))
    if (parsed.kind === 'refused') throw new Error(parsed.message)
    const { id, secret } = parsed.token
    const body = makeEnrolment(
      {
        aud: hub.keys.hubId,
        token: id,
        secret: Buffer.from(secret).toString('base64url'),
        uid: 'u2',
        versions: {},
        iat: 1,
      },
      key,
    )
    await send(port, { method: 'POST', path: '/agent/v1/enrol', headers: {}, body: Buffer.from(body) })
    const other = await hub.clusterId('eu-2')
    const ask = async (digest: string, cluster: string) => {
      const path = `/agent/v1/bundles/${digest}`
      const authorization =
        cluster === other
          ? makeAssertion(
              {
                cluster,
                admission: 1,
                hubId: hub.keys.hubId,
                now: clock.now(),
                method: 'GET',
                path,
                inc: 1,
                inst: 'x',
              },
              key,
            )
          : assertion({ path })
      return await send(port, { method: 'GET', path, headers: { authorization, 'accept-encoding': 'gzip' } })
    }
    const [theirs, nobodys] = [await ask(bundle.digest, other), await ask(`sha256:${'0'.repeat(64)}`, other)]
    expect([theirs.status, nobodys.status]).toEqual([404, 404])
    expect(theirs.body.equals(nobodys.body)).toBe(true)
    const own = await ask(bundle.digest, 'own')
    expect([own.status, own.headers['cache-control']]).toEqual([200, 'private, immutable, max-age=31536000'])
    expect(sha256(own.body)).toBe(bundle.digest)
    for (const odd of ['..%2f..%2fetc%2fpasswd', 'sha256:', '', 'sha256:XYZ'])
      expect((await ask(odd, 'own')).status).toBe(404)
  })
})

describe('a socket', () => {
  const open = async ({ port, assertion }: Member): Promise<WebSocket> => {
    const authorization = assertion({ path: '/agent/v1/connect' })
    const socket = new WebSocket(`ws://127.0.0.1:${port}/agent/v1/connect`, ['flotilla.v1'], {
      headers: { authorization },
    })
    cleanups.push(() => socket.terminate())
    return socket
  }

  test('without a good assertion is refused by status, before anything is upgraded', async () => {
    const { port } = await member()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/agent/v1/connect`, ['flotilla.v1'])
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, http.IncomingMessage]
    expect([response.statusCode, response.headers['flotilla-time'] !== undefined]).toEqual([401, true])
  })

  test('that replays a connect cannot say hello, because the nonce is another', async () => {
    const joined = await member()
    const socket = await open(joined)
    await once(socket, 'message')
    socket.send(JSON.stringify({ kind: 'hello', proof: 'a.b.c', versions: {} }))
    const [code] = await once(socket, 'close')
    expect(code).toBe(4401)
    expect(joined.hub.gateway.connections()).toEqual([])
  })

  test('that sends a frame over a mebibyte, or bytes, is closed', async () => {
    const joined = await member()
    const large = await open(joined)
    await once(large, 'message')
    large.send('x'.repeat(1024 * 1024 + 1))
    expect((await once(large, 'close'))[0]).toBe(1009)
    const binary = await open(joined)
    await once(binary, 'message')
    binary.send(Buffer.from([1, 2, 3]))
    expect((await once(binary, 'close'))[0]).toBe(1003)
  })

  test('that floods is cut', async () => {
    const socket = await open(await member())
    await once(socket, 'message')
    for (let frame = 0; frame < 500; frame++) socket.send('{"kind":"settled","grants":[]}')
    const [code] = await once(socket, 'close')
    expect([4401, 4429]).toContain(code)
  })
})

describe('the agent’s transport', () => {
  const serve = async (answer: http.RequestListener): Promise<string> =>
    `http://127.0.0.1:${await listen(http.createServer(answer))}`
  const get = (url: string, maxResponseBytes?: number) => {
    const transport = createNodeHubTransport({
      url,
      environment: {},
      clock,
      ...(maxResponseBytes && { maxResponseBytes }),
    })
    cleanups.push(() => transport.close())
    return transport.request({ method: 'GET', path: '/agent/v1/documents', headers: {} })
  }

  test('inflates within its limit and gives up on a bomb', async () => {
    const body = Buffer.alloc(1_000_000)
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const url = await serve((_request, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end(compress(body)),
      )
      expect((await get(url)).body.length).toBe(1_000_000)
      await expect(get(url, 999_999)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' })
    }
  })

  test('asks again where the connection that was kept had ended, and says nothing twice', async () => {
    const asked = new Map<unknown, number>()
    const heard: (string | undefined)[] = []
    const url = await serve((request, response) => {
      heard.push(request.method)
      const count = (asked.get(request.socket) ?? 0) + 1
      asked.set(request.socket, count)
      // Every connection is good for one answer, and is gone when it is asked for a second.
      if (count > 1) request.socket.destroy()
      else request.resume().on('end', () => response.end('there'))
    })
    const transport = createNodeHubTransport({ url, environment: {}, clock })
    cleanups.push(() => transport.close())
    const ask = { path: '/agent/v1/documents', headers: {} }
    expect((await transport.request({ ...ask, method: 'GET' })).status).toBe(200)
    expect((await transport.request({ ...ask, method: 'GET' })).status).toBe(200)
    const said = transport.request({ ...ask, method: 'POST', body: Buffer.from('x') })
    await expect(said).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' })
    expect(heard).toEqual(['GET', 'GET', 'GET', 'POST'])
    expect(asked.size).toBe(2)
  })

  test('calls an answer that breaks off no answer', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half')
      response.socket?.destroySoon()
    })
    await expect(get(url)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', retry: true })
    await expect(get('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' })
  })
})
