import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeHubTransport, type NodeHubTransportOptions } from '@flotilla/agents/link/node-hub-transport'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { loadOrCreateHubKeys } from '@flotilla/hub/gateway/hub-keys'
import { keepOwnCertificate } from '@flotilla/hub/tls/hub-certificate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { KeptLog } from '../simulation/small-hub.ts'

const clock = createClock(globalThis)
const cleanups: (() => unknown)[] = []
let port = 0
let pin: Digest = 'sha256:'
let caPem = ''
let asked: string[] = []

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-pin-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  const keyFile = join(folder, 'hub.key')
  const random = createRandom(randomBytes)
  const keys = await loadOrCreateHubKeys(keyFile, random, clock)
  const names = ['localhost']
  const keeper = await keepOwnCertificate({ keyFile, keys, names, clock, log: new KeptLog() })
  cleanups.push(() => keeper.stop())
  const shown = keeper.current()
  pin = shown.ca ?? pin
  caPem = (await loadOrCreateHubKeys(keyFile, random, clock)).ca?.certificatePem ?? ''
  const server = https.createServer({ cert: shown.certificatePem, key: shown.privateKeyPem }, (request, response) => {
    asked.push(`${request.url} ${request.headers['authorization'] ?? 'without authorization'}`)
    response.end('{}')
  })
  const sockets = new WebSocketServer({ server })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  cleanups.push(() => {
    sockets.close()
    server.closeAllConnections()
    server.close()
  })
})
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

async function ask(options: Partial<NodeHubTransportOptions>, host = 'localhost'): Promise<number> {
  const transport = createNodeHubTransport({ url: `https://${host}:${port}`, environment: {}, clock, ...options })
  try {
    const { status } = await transport.request({
      method: 'GET',
      path: '/agent/v1/keys',
      headers: { authorization: 'secret' },
    })
    const socket = await transport.connect('/agent/v1/connect', {})
    socket.close()
    return status
  } finally {
    await transport.close()
  }
}

describe('a hub whose certificate its own authority signed', () => {
  test('is believed by the pin of a join token, for requests and sockets', async () => {
    expect(await ask({ caPin: pin })).toBe(200)
  })

  test('is believed by the authority itself', async () => {
    expect(await ask({ caPem })).toBe(200)
  })

  test('is not believed without either, and is told nothing', async () => {
    asked = []
    await expect(ask({})).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' })
    expect(asked).toEqual([])
  })

  test('is not believed by another pin, and is told nothing', async () => {
    asked = []
    await expect(ask({ caPin: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' })
    expect(asked.filter(line => line.includes('secret'))).toEqual([])
  })

  test('is not believed under another name than its certificate has, whatever the pin', async () => {
    asked = []
    await expect(ask({ caPin: pin }, '127.0.0.1')).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' })
    expect(asked.filter(line => line.includes('secret'))).toEqual([])
  })
})
