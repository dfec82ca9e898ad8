import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { createAgentHandler } from '@flotilla/hub/gateway/http-adapter'
import type { GatewayLimits } from '@flotilla/hub/gateway/limits'
import { limitConnections } from '@flotilla/hub/gateway/stranger-connections'
import { createAgentUpgrade } from '@flotilla/hub/gateway/ws-adapter'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type SmallAgent, smallAgent } from '../simulation/small-agent.ts'
import { configMap, SmallHub } from '../simulation/small-hub.ts'
import { FaultProxy, PARTITION } from './fault-proxy.ts'

const clock = createClock(globalThis)
const random = createRandom(randomBytes)
/** The same chances, with short waits: the redial rules have their own tests, on a clock that is told the time. */
const hastyRandom = { bytes: random.bytes, fraction: () => random.fraction() / 50 }
const within = { timeout: 120_000, interval: 20 }
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A hub on a real port, a relay before it that can be broken, and an agent that dials the relay. */
async function setting(limits: Partial<GatewayLimits> = {}, maxStrangersOfOneAddress = 1000) {
  const hub = new SmallHub({ clock, random, limits: { heartbeatMs: 1000, ...limits } })
  const server = http.createServer(createAgentHandler(hub.gateway))
  const granted = limitConnections(server, { maxConnections: 1000, maxStrangersOfOneAddress })
  const upgrade = createAgentUpgrade(hub.gateway, hub.log, { granted })
  server.on('upgrade', (request, socket, head) => {
    if (!upgrade.handle(request, socket, head)) socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const proxy = await FaultProxy.start({ port })
  cleanups.push(async () => {
    upgrade.close()
    await proxy.close()
    server.closeAllConnections()
    server.close()
  })
  const join = async (cluster: string): Promise<SmallAgent> => {
    const transport = createNodeHubTransport({ url: `http://127.0.0.1:${proxy.port}`, environment: {}, clock })
    const agent = smallAgent({ transport, clock, random: hastyRandom, joinToken: await hub.joinToken(cluster) })
    cleanups.push(async () => {
      await agent.link.stop()
      await transport.close()
    })
    await agent.link.start()
    await vi.waitFor(() => expect(agent.link.status()).toEqual({ kind: 'connected' }), within)
    return agent
  }
  return { hub, server, port, proxy, join }
}

describe('a network that fails between an agent and its hub', () => {
  test('a partition: both sides notice the silence, and after it they agree again and nothing is sent twice', async () => {
    const { hub, proxy, join } = await setting()
    const agent = await join('eu-1')
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await vi.waitFor(() => expect(agent.link.held().size).toBe(1), within)
    proxy.set(PARTITION)
    await vi.waitFor(() => expect(agent.link.connected()).toBe(false), within)
    await hub.offer('eu-1', 'app-2', [configMap('b')])
    expect(agent.link.held().size).toBe(1)
    proxy.heal()
    await vi.waitFor(() => expect(agent.link.held().size).toBe(2), within)
    await vi.waitFor(() => expect(hub.gateway.connections().length).toBe(1), within)
  })

  test('half open, with the hub gone for the agent alone: it dials again, and the hub lets go of the dead one', async () => {
    const { hub, proxy, join } = await setting()
    const agent = await join('eu-1')
    const { accepted } = proxy.traffic
    proxy.halfOpen('client')
    await vi.waitFor(() => expect(proxy.traffic.accepted).toBeGreaterThan(accepted), within)
    await vi.waitFor(() => expect(agent.link.connected()).toBe(true), within)
    await vi.waitFor(() => expect(hub.gateway.connections().length).toBe(1), within)
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await vi.waitFor(() => expect(agent.link.held().size).toBe(1), within)
  })

  test('half open, with the agent gone for the hub alone: the agent hears nothing, and dials again', async () => {
    const { hub, proxy, join } = await setting()
    const agent = await join('eu-1')
    proxy.halfOpen('server')
    await vi.waitFor(() => expect(hub.gateway.connections()).toEqual([]), within)
    await vi.waitFor(() => expect(hub.gateway.connections().length).toBe(1), within)
    // The hub counts a connection when it greets; the agent has one when it has read the greeting.
    await vi.waitFor(() => expect(agent.link.connected()).toBe(true), within)
  })

  test('answers that are cut off in the middle are no answers: what they brought comes again, whole', async () => {
    const { hub, proxy, join } = await setting()
    const agent = await join('eu-1')
    proxy.set({ down: { truncateAfter: 700 } })
    const big = Array.from({ length: 200 }, (_, index) => configMap(`c-${index}`, { text: 'x'.repeat(100) }))
    const bundle = await hub.offer('eu-1', 'app-1', big)
    await new Promise(resolve => setTimeout(resolve, 1500))
    proxy.heal()
    await vi.waitFor(() => expect(agent.link.held().size).toBe(1), within)
    await vi.waitFor(async () => expect((await agent.link.bundle(bundle.digest))?.objects.length).toBe(200), within)
  })

  test('a slow line: everything arrives, later', async () => {
    const { hub, proxy, join } = await setting()
    const agent = await join('eu-1')
    proxy.set({ down: { bytesPerSecond: 4000, delayMs: 50, jitterMs: 50 }, up: { delayMs: 50, jitterMs: 50 } })
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await vi.waitFor(() => expect(agent.link.held().size).toBe(1), within)
    await vi.waitFor(() => expect(agent.link.status()).toEqual({ kind: 'connected' }), within)
  })
})

describe('a hub and its limits, on real sockets', () => {
  test('a reader that has stopped reading is cut, when so much waits for it', async () => {
    const { hub, proxy, join } = await setting({ slowReaderBytes: 256 * 1024, heartbeatMs: 30_000 })
    await join('eu-1')
    proxy.set({ down: { freeze: true } })
    // The kernels on the way take some megabytes before anything waits in the hub.
    await vi.waitFor(() => {
      for (let n = 0; n < 20_000; n++) hub.gateway.doubted()
      expect(hub.gateway.connections()).toEqual([])
    }, within)
    proxy.heal()
    await vi.waitFor(() => expect(hub.gateway.connections().length).toBe(1), within)
  })

  test('an address can hold so many connections on which nothing was granted, and agents come through beside them', async () => {
    const { hub, port, join } = await setting({}, 20)
    await join('eu-1')
    const strangers = Array.from({ length: 40 }, () => net.connect(port, '127.0.0.1'))
    for (const socket of strangers) {
      socket.on('error', () => undefined)
      cleanups.push(() => socket.destroy())
    }
    await vi.waitFor(() => {
      const standing = strangers.filter(socket => !socket.destroyed && !socket.closed)
      expect(standing.length).toBeLessThanOrEqual(20)
      expect(standing.length).toBeGreaterThan(10)
    }, within)
    // What was granted before does not count, and those that are gone do not either.
    await vi.waitFor(() => expect(hub.gateway.connections().length).toBe(1), within)
    for (const socket of strangers) socket.destroy()
    await join('eu-2')
    await vi.waitFor(() => expect(hub.gateway.connections().length).toBe(2), within)
  })

  test('bodies of strangers have a budget, and agents are heard beside them', async () => {
    const { hub, port, join } = await setting({ maxEnrolmentsOfOneAddress: 3 })
    const agent = await join('eu-1')
    const slow = Array.from({ length: 3 }, () => {
      const socket = net.connect(port, '127.0.0.1')
      socket.write('POST /agent/v1/enrol HTTP/1.1\r\nhost: hub\r\ncontent-length: 30000\r\n\r\na')
      cleanups.push(() => socket.destroy())
      return socket
    })
    const ask = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/agent/v1/enrol`, { method: 'POST', body: 'x' })).status
    await vi.waitFor(async () => expect(await ask()).toBe(503), within)
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await vi.waitFor(() => expect(agent.link.held().size).toBe(1), within)
    for (const socket of slow) socket.destroy()
    await vi.waitFor(async () => expect(await ask()).toBe(401), within)
  })
})
