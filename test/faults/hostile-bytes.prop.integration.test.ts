import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { HubRefused, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import { makeAssertion } from '@flotilla/core/protocol/assertion'
import { type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { makeEnrolment } from '@flotilla/core/protocol/enrolment'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import { encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import { sampleReport } from '@flotilla/core/protocol/samples'
import { FUZZ_CASES, hostileBytes } from '@flotilla/core/protocol/testing/hostile'
import { createAgentHandler } from '@flotilla/hub/gateway/http-adapter'
import { limitConnections } from '@flotilla/hub/gateway/stranger-connections'
import { createAgentUpgrade } from '@flotilla/hub/gateway/ws-adapter'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { SmallHub } from '../simulation/small-hub.ts'

/** Each case is a connection: a tenth as many as the laws that need none. */
const CASES = Math.ceil(FUZZ_CASES / 10)
const AT_ONCE = 10
/** How long a peer may keep a connection that says nothing more; then it is hung up, which is an answer too. */
const PATIENCE_MS = 1_000
/** What none of these messages together may leave behind. */
const MOST_MEMORY_BYTES = 192 * 1024 * 1024

const clock = createClock(globalThis)
const random = createRandom(randomBytes)
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>()
  server.on('connection', socket => {
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

interface ServedHub {
  readonly hub: SmallHub
  readonly port: number
  authorization(method: 'GET' | 'POST', path: string, body?: Uint8Array): string
}

async function servedHub(): Promise<ServedHub> {
  const hub = new SmallHub({ clock, random })
  const server = http.createServer({ headersTimeout: 2000, requestTimeout: 4000 }, createAgentHandler(hub.gateway))
  const upgrade = createAgentUpgrade(hub.gateway, hub.log, { granted: limitConnections(server) })
  server.on('upgrade', (request, socket, head) => {
    if (!upgrade.handle(request, socket, head)) socket.destroy()
  })
  const port = await listen(server)
  cleanups.push(() => upgrade.close())
  const key: SigningKey = signingKeyFromSeed(random.bytes(32))
  const parsed = parseJoinToken(await hub.joinToken('eu-1'))
  if (parsed.kind === 'refused') throw new Error(parsed.message)
  const { id, secret, hubId } = parsed.token
  const wish = { aud: hubId, token: id, secret: Buffer.from(secret).toString('base64url'), uid: 'u', versions: {} }
  const body = Buffer.from(makeEnrolment({ ...wish, iat: clock.now() }, key))
  await hub.gateway.handle({ method: 'POST', path: '/agent/v1/enrol', headers: {}, body, remoteAddress: 'x' })
  const cluster = await hub.clusterId('eu-1')
  const identity = { cluster, admission: 1, hubId, inc: 1, inst: 'i' }
  return {
    hub,
    port,
    authorization: (method, path, sent) =>
      makeAssertion({ ...identity, now: clock.now(), method, path, ...(sent && { body: sent }) }, key),
  }
}

/** Says these bytes to a port and resolves when the connection is over, whoever ended it. */
async function say(port: number, pieces: readonly Uint8Array[]): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  const over = new Promise(resolve => socket.once('close', resolve))
  for (const piece of pieces) socket.write(piece)
  const hangUp = setTimeout(() => socket.destroy(), PATIENCE_MS)
  socket.end()
  await over
  clearTimeout(hangUp)
}

/** Requests of every kind as they go over the wire, and two WebSockets with frames behind their upgrade. */
function goodRequests({ authorization }: ServedHub): readonly Buffer[] {
  const reports = Buffer.from(encodeReportBatch([sampleReport()]))
  const post = (path: string, body: Uint8Array, sent: Uint8Array, headers: string): Buffer =>
    Buffer.concat([
      Buffer.from(
        `POST ${path} HTTP/1.1\r\nhost: hub\r\nauthorization: ${authorization('POST', path, body)}\r\ncontent-length: ${sent.length}\r\n${headers}\r\n`,
      ),
      sent,
    ])
  const get = (path: string): Buffer =>
    Buffer.from(`GET ${path} HTTP/1.1\r\nhost: hub\r\nauthorization: ${authorization('GET', path)}\r\n\r\n`)
  const poll = Buffer.from('{"frames":[{"kind":"settled","grants":[]}]}')
  const chunked = Buffer.from(
    `POST /agent/v1/reports HTTP/1.1\r\nhost: hub\r\nauthorization: ${authorization('POST', '/agent/v1/reports', reports)}\r\ntransfer-encoding: chunked\r\n\r\n${reports.length.toString(16)}\r\n${reports}\r\n0\r\n\r\n`,
  )
  const upgrade = Buffer.from(
    `GET /agent/v1/connect HTTP/1.1\r\nhost: hub\r\nauthorization: ${authorization('GET', '/agent/v1/connect')}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: flotilla.v1\r\n\r\n`,
  )
  const hello = frame(Buffer.from('{"kind":"hello","proof":"a.b.c","versions":{}}'))
  return [
    get('/agent/v1/documents?since=1.1'),
    get('/agent/v1/keys'),
    get('/agent/v1/poll'),
    get(`/agent/v1/bundles/sha256:${'0'.repeat(64)}`),
    post('/agent/v1/reports', reports, reports, ''),
    post('/agent/v1/reports', reports, gzipSync(reports), 'content-encoding: gzip\r\n'),
    post('/agent/v1/reports', reports, zstdCompressSync(reports), 'content-encoding: zstd\r\n'),
    post('/agent/v1/poll', poll, poll, ''),
    Buffer.from('POST /agent/v1/enrol HTTP/1.1\r\nhost: hub\r\ncontent-length: 5\r\n\r\na.b.c'),
    chunked,
    Buffer.concat([upgrade, hello]),
    Buffer.concat([upgrade, frame(Buffer.alloc(70_000, 'x')), hello, hello]),
  ]
}

/** A masked text frame. */
function frame(payload: Uint8Array): Buffer {
  const length =
    payload.length < 126
      ? Buffer.from([0x80 | payload.length])
      : Buffer.from([0x80 | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map(shift => (payload.length >>> shift) & 255)])
  return Buffer.concat([Buffer.from([0x81]), length, Buffer.alloc(4), payload])
}

function cutUp(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<readonly Uint8Array[]> {
  return fc
    .tuple(bytes, fc.nat())
    .map(([whole, at]) => [whole.subarray(0, at % (whole.length + 1)), whole.subarray(at % (whole.length + 1))])
}

async function inBatches<T>(cases: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < cases.length; from += AT_ONCE)
    await Promise.all(cases.slice(from, from + AT_ONCE).map(work))
}

describe('a hub that is told anything at all', () => {
  test('goes on serving its agents, and forgets what it was told', async () => {
    const served = await servedHub()
    const seed = Math.floor(random.fraction() * 2 ** 31)
    const good = fc.constantFrom(...goodRequests(served).map(bytes => Uint8Array.from(bytes)))
    const spoken = cutUp(fc.oneof(hostileBytes(good), fc.uint8Array({ maxLength: 300 })))
    const before = process.memoryUsage().arrayBuffers
    await inBatches(fc.sample(spoken, { numRuns: CASES, seed }), pieces => say(served.port, pieces))
    const path = '/agent/v1/documents'
    const headers = { authorization: served.authorization('GET', path) }
    const answer = await fetch(`http://127.0.0.1:${served.port}${path}`, { headers })
    expect([answer.status, seed]).toEqual([200, seed])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_MEMORY_BYTES)
    const failed = served.hub.log.lines.filter(({ level }) => level === 'error')
    expect([failed, seed]).toEqual([[], seed])
  })

  test('does not inflate what asks for more memory than any message of ours needs', async () => {
    const { port, authorization } = await servedHub()
    const path = '/agent/v1/reports'
    const wide = zstdCompressSync(Buffer.alloc(900_000), {
      params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 },
      pledgedSrcSize: undefined,
    })
    const headers = { authorization: authorization('POST', path), 'content-encoding': 'zstd' }
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: wide })
    expect([400, 401]).toContain(answer.status)
  })
})

describe('an agent whose hub says anything at all', () => {
  test('has an answer, or none, and no other trouble', async () => {
    const seed = Math.floor(random.fraction() * 2 ** 31)
    const answer = (head: string, body: Uint8Array): Uint8Array =>
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\n${head}content-length: ${body.length}\r\nconnection: close\r\n\r\n`),
        body,
      ])
    const text = Buffer.from('{"documents":[],"grants":[],"upTo":"1.1","more":false}')
    const good = [
      answer('', text),
      answer('content-encoding: gzip\r\n', gzipSync(text)),
      answer('content-encoding: zstd\r\n', zstdCompressSync(text)),
      Buffer.from('HTTP/1.1 503 Busy\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n'),
      Buffer.concat([
        Buffer.from(
          'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\nsec-websocket-protocol: flotilla.v1\r\n\r\n',
        ),
        Buffer.from([0x81, 2, 0x7b, 0x7d]),
      ]),
    ].map(bytes => Uint8Array.from(bytes))
    const spoken = fc.sample(
      cutUp(fc.oneof(hostileBytes(fc.constantFrom(...good)), fc.uint8Array({ maxLength: 200 }))),
      { numRuns: CASES, seed },
    )
    let next = 0
    const late: string[] = []
    const server = net.createServer(socket => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        const said = spoken[next++ % spoken.length]!
        for (const piece of said) socket.write(piece)
        socket.end()
        // Our end is closed: whoever still holds on after this waits for nothing.
        const waiting = setTimeout(() => late.push(Buffer.concat(said).toString('base64')), 15_000)
        socket.once('close', () => clearTimeout(waiting))
      })
    })
    const port = await listen(server)
    await inBatches(spoken, async () => {
      const transport = createNodeHubTransport({ url: `http://127.0.0.1:${port}`, environment: {}, clock })
      const outcomes = await Promise.allSettled([
        transport.request({ method: 'GET', path: '/agent/v1/documents', headers: {} }),
        transport.connect('/agent/v1/connect', {}).then(socket => socket.close()),
      ])
      expect([late, seed]).toEqual([[], seed])
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') continue
        const declared = outcome.reason instanceof HubUnreachable || outcome.reason instanceof HubRefused
        expect([declared, seed, String(outcome.reason)]).toEqual([true, seed, String(outcome.reason)])
      }
      await transport.close()
    })
  })
})
