import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FaultProxy, PARTITION } from './fault-proxy.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A server that says everything back, and a proxy before it. */
async function echo() {
  const taken: Socket[] = []
  const server = net.createServer(socket => {
    taken.push(socket)
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of taken) socket.destroy()
    server.close()
  })
  const proxy = await FaultProxy.start({ port: (server.address() as AddressInfo).port })
  cleanups.push(() => proxy.close())
  return { proxy, taken }
}

interface Client {
  readonly socket: Socket
  text(): string
  /** How it ended, once it has. */
  ending(): 'reset' | 'end' | undefined
}

async function dial(port: number): Promise<Client> {
  const socket = net.connect(port, '127.0.0.1')
  cleanups.push(() => socket.destroy())
  let text = ''
  let ending: 'reset' | 'end' | undefined
  socket.on('data', chunk => {
    text += chunk.toString()
  })
  socket.on('end', () => {
    ending ??= 'end'
  })
  socket.on('error', () => {
    ending ??= 'reset'
  })
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined)
  return { socket, text: () => text, ending: () => ending }
}

const soon = { timeout: 120_000, interval: 5 }

describe('the fault proxy', () => {
  test('passes everything both ways, and the ends, when it is asked for nothing', async () => {
    const { proxy } = await echo()
    const client = await dial(proxy.port)
    const sent = 'x'.repeat(300_000)
    client.socket.end(sent)
    await vi.waitFor(() => expect(client.ending()).toBe('end'), soon)
    expect(client.text()).toBe(sent)
    expect(proxy.traffic).toMatchObject({ accepted: 1, bytesUp: 300_000, bytesDown: 300_000, bytesLost: 0 })
    await vi.waitFor(() => expect(proxy.traffic.standing).toBe(0), soon)
  })

  test('loses what is said in a partition, tells nobody, and resets what lost bytes when it heals', async () => {
    const { proxy, taken } = await echo()
    const [talking, quiet] = [await dial(proxy.port), await dial(proxy.port)]
    await vi.waitFor(() => expect(taken.length).toBe(2), soon)
    proxy.set(PARTITION)
    const late = await dial(proxy.port)
    talking.socket.write('lost')
    await vi.waitFor(() => expect(proxy.traffic.bytesLost).toBe(4), soon)
    expect([talking.ending(), late.ending(), taken.length]).toEqual([undefined, undefined, 2])
    proxy.heal()
    await vi.waitFor(() => expect([talking.ending(), late.ending()]).toEqual(['reset', 'reset']), soon)
    quiet.socket.write('still here')
    await vi.waitFor(() => expect(quiet.text()).toBe('still here'), soon)
  })

  test('freezes one direction, loses nothing of it, and meets a sender with back-pressure', async () => {
    const { proxy } = await echo()
    const client = await dial(proxy.port)
    proxy.set({ down: { freeze: true } })
    client.socket.write('before')
    await vi.waitFor(() => expect(proxy.traffic.bytesUp).toBe(6), soon)
    expect(client.text()).toBe('')
    proxy.set({ up: { freeze: true } })
    await vi.waitFor(() => expect(client.text()).toBe('before'), soon)
    const many = Buffer.alloc(32 * 1024 * 1024, 'y')
    client.socket.write(many)
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(client.socket.writableLength).toBeGreaterThan(0)
    proxy.heal()
    await vi.waitFor(() => expect(client.text().length).toBe(6 + many.length), soon)
  })

  test('delays in order', async () => {
    const { proxy } = await echo()
    const client = await dial(proxy.port)
    proxy.set({ up: { delayMs: 100, jitterMs: 100 } })
    const startedAt = performance.now()
    for (const piece of ['a', 'b', 'c', 'd']) {
      client.socket.write(piece)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    await vi.waitFor(() => expect(client.text()).toBe('abcd'), soon)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99)
  })

  test('is as slow as it is told to be', async () => {
    const { proxy } = await echo()
    const client = await dial(proxy.port)
    proxy.set({ down: { bytesPerSecond: 10_000 } })
    const startedAt = performance.now()
    client.socket.write('z'.repeat(5000))
    await vi.waitFor(() => expect(client.text().length).toBe(5000), soon)
    expect(performance.now() - startedAt).toBeGreaterThan(350)
  })

  test('truncates after a number of bytes, by a reset or by an end', async () => {
    const { proxy } = await echo()
    const reset = await dial(proxy.port)
    proxy.set({ down: { truncateAfter: 10 } })
    reset.socket.write('0123456789abcdef')
    await vi.waitFor(() => expect(reset.ending()).toBe('reset'), soon)
    proxy.set({ down: { truncateAfter: 10, truncateBy: 'end' } })
    const ended = await dial(proxy.port)
    ended.socket.write('0123456789abcdef')
    await vi.waitFor(() => expect([ended.ending(), ended.text()]).toEqual(['end', '0123456789']), soon)
  })

  test('leaves one end half open until it heals', async () => {
    const { proxy, taken } = await echo()
    const client = await dial(proxy.port)
    await vi.waitFor(() => expect(taken.length).toBe(1), soon)
    proxy.halfOpen('server')
    await vi.waitFor(() => expect(taken[0]?.destroyed).toBe(true), soon)
    client.socket.write('is anybody there?')
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(client.ending()).toBeUndefined()
    proxy.heal()
    await vi.waitFor(() => expect(client.ending()).toBe('reset'), soon)
  })

  test('cuts, refuses, and leads to a server that came back on another port', async () => {
    const first = await echo()
    const second = await echo()
    const { proxy } = first
    const standing = await dial(proxy.port)
    proxy.set({ refuse: true })
    const refused = await dial(proxy.port)
    await vi.waitFor(() => expect(refused.ending()).toBe('reset'), soon)
    expect(standing.ending()).toBeUndefined()
    proxy.cut()
    await vi.waitFor(() => expect(standing.ending()).toBe('reset'), soon)
    proxy.heal()
    proxy.retarget(second.proxy.port)
    const moved = await dial(proxy.port)
    moved.socket.write('hello')
    await vi.waitFor(() => expect(moved.text()).toBe('hello'), soon)
    expect(second.proxy.traffic.accepted).toBe(1)
    expect(first.taken.length).toBe(1)
  })
})
