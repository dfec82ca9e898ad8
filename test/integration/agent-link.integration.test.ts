import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { createAgentHandler } from '@flotilla/hub/gateway/http-adapter'
import type { GatewayLimits } from '@flotilla/hub/gateway/limits'
import { createAgentUpgrade } from '@flotilla/hub/gateway/ws-adapter'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type SmallAgent, smallAgent } from '../simulation/small-agent.ts'
import { configMap, reportEntry, SmallHub } from '../simulation/small-hub.ts'

const clock = createClock(globalThis)
const random = createRandom(randomBytes)
/** The same chances, with short waits: the redial rules have their own tests, on a clock that is told the time. */
const hastyRandom = { bytes: random.bytes, fraction: () => random.fraction() / 50 }
const cleanups: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function listen(server: http.Server | net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

interface ServedHub {
  readonly hub: SmallHub
  readonly url: string
  readonly requests: string[]
  /** Cuts every WebSocket without a word. */
  readonly cut: () => void
}

async function servedHub(options: { sockets?: boolean; limits?: Partial<GatewayLimits> } = {}): Promise<ServedHub> {
  const hub = new SmallHub({ clock, random, limits: { heartbeatMs: 1000, pollMs: 1000, ...options.limits } })
  const requests: string[] = []
  const upgraded: Duplex[] = []
  const handler = createAgentHandler(hub.gateway)
  const upgrade = createAgentUpgrade(hub.gateway, hub.log)
  const server = http.createServer((request, response) => {
    requests.push(`${request.method} ${request.url?.split('?', 1)[0]}`)
    handler(request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    requests.push('UPGRADE')
    upgraded.push(socket)
    if (options.sockets === false) {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    } else if (!upgrade.handle(request, socket, head)) socket.destroy()
  })
  cleanups.push(() => upgrade.close())
  const port = await listen(server)
  return {
    hub,
    url: `http://127.0.0.1:${port}`,
    requests,
    cut: () => upgraded.splice(0).forEach(socket => void socket.destroy()),
  }
}

async function realAgent(
  served: ServedHub,
  environment: Record<string, string> = {},
): Promise<{ agent: SmallAgent; transport: ReturnType<typeof createNodeHubTransport> }> {
  const transport = createNodeHubTransport({ url: served.url, environment, clock })
  const agent = smallAgent({ transport, clock, random: hastyRandom, joinToken: await served.hub.joinToken('eu-1') })
  cleanups.push(async () => {
    await agent.link.stop()
    await transport.close()
  })
  await agent.link.start()
  return { agent, transport }
}

const within = { timeout: 120_000, interval: 20 }

describe('an agent and a hub over real sockets', () => {
  test('the whole way works, and after a cut nothing is sent again when the digests agree', async () => {
    const served = await servedHub()
    const { hub, requests } = served
    const { agent } = await realAgent(served)
    await vi.waitFor(() => expect(agent.link.status()).toEqual({ kind: 'connected' }), within)
    const big = Array.from({ length: 300 }, (_, index) => configMap(`c-${index}`, { text: 'x'.repeat(100) }))
    const bundle = await hub.offer('eu-1', 'app-1', big)
    await vi.waitFor(() => expect(agent.link.held().size).toBe(1), within)
    expect((await agent.link.bundle(bundle.digest))?.objects.length).toBe(300)
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber())])
    await vi.waitFor(async () => expect(await hub.store.read(rows => rows.report('app-1'))).toBeDefined(), within)

    const before = requests.length
    const beats = hub.heartbeats.length
    served.cut()
    await vi.waitFor(() => expect(hub.gateway.connections()).toEqual([]), within)
    await vi.waitFor(() => expect(hub.gateway.connections()[0]?.transport).toBe('socket'), within)
    await vi.waitFor(() => expect(hub.heartbeats.length).toBeGreaterThan(beats + 2), within)
    expect(requests.slice(before)).toEqual(['UPGRADE'])
    expect(agent.log.complaints()).toEqual([])
  })

  test('it works through a proxy that only knows CONNECT, and not around it', async () => {
    const served = await servedHub()
    const tunnels: string[] = []
    const proxy = http.createServer((_request, response) => response.writeHead(405).end())
    proxy.on('connect', (request, client: Socket, head: Buffer) => {
      tunnels.push(request.url ?? '')
      const [host, port] = (request.url ?? '').split(':')
      const upstream = net.connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        upstream.write(head)
        upstream.pipe(client)
        client.pipe(upstream)
      })
      upstream.on('error', () => client.destroy())
      client.on('error', () => upstream.destroy())
    })
    const proxyPort = await listen(proxy)
    const { agent } = await realAgent(served, { HTTP_PROXY: `http://127.0.0.1:${proxyPort}` })
    await vi.waitFor(() => expect(agent.link.status()).toEqual({ kind: 'connected' }), within)
    await served.hub.offer('eu-1', 'app-1', [configMap('a')])
    await vi.waitFor(() => expect(agent.link.held().size).toBe(1), within)
    // One tunnel for the requests, one for the socket.
    expect(new Set(tunnels)).toEqual(new Set([served.url.slice('http://'.length)]))
    expect(tunnels.length).toBeGreaterThanOrEqual(2)
  })

  test('where sockets are forbidden, polling does everything', async () => {
    const served = await servedHub({ sockets: false })
    const { hub } = served
    const { agent } = await realAgent(served)
    await vi.waitFor(() => expect(agent.link.status()).toEqual({ kind: 'polling' }), within)
    const bundle = await hub.offer('eu-1', 'app-1', [configMap('a')])
    const grantId = await hub.grant('eu-1', 'app-1')
    await vi.waitFor(() => expect(agent.link.grants().length).toBe(1), within)
    expect(agent.link.hubTime()).toBeDefined()
    expect((await agent.link.bundle(bundle.digest))?.objects.length).toBe(1)
    await agent.link.settleGrant(grantId, 'refused', 'closed')
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber())])
    await vi.waitFor(async () => {
      expect((await hub.store.read(rows => rows.grant(grantId)))?.state).toBe('refused')
      expect(await hub.store.read(rows => rows.report('app-1'))).toBeDefined()
    }, within)
    expect(hub.gateway.connections()).toMatchObject([{ transport: 'poll', inc: 1 }])
  })
})
