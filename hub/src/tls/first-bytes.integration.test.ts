import { once } from 'node:events'
import { createServer, request, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { join } from 'node:path'
import { connect as connectSecurely } from 'node:tls'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { afterEach, expect, it } from 'vitest'
import { loadOrCreateHubKeys } from '../gateway/hub-keys.ts'
import { silentLog, withDirectory } from '../store/test-store.ts'
import { listenWithFirstBytes } from './first-bytes.ts'
import { keepOwnCertificate } from './hub-certificate.ts'

const opened: Server[] = []
afterEach(() => {
  for (const server of opened.splice(0)) if (server.listening) server.close()
})

/** Answers each request with the length of its body. */
async function serve(options: ServerOptions = {}, patienceMs?: number) {
  const certificate = await withDirectory(async directory => {
    const clock = new VirtualClock({ startAt: Date.now(), settle: async () => undefined })
    const keyFile = join(directory, 'hub.key')
    const keys = await loadOrCreateHubKeys(keyFile, seededRandom(1), clock)
    return (await keepOwnCertificate({ keyFile, keys, names: ['localhost'], clock, log: silentLog })).current()
  })
  const tls = { cert: certificate.certificatePem, key: certificate.privateKeyPem }
  const server = createServer({ ...options, ...tls }, async (heard, response) => {
    let length = 0
    for await (const chunk of heard as AsyncIterable<Buffer>) length += chunk.length
    response.end(String(length))
  })
  const listening = listenWithFirstBytes(server, patienceMs)
  opened.push(listening)
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return { server, listening, port: (listening.address() as AddressInfo).port }
}

function ask(port: number, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method: 'POST', rejectUnauthorized: false, agent: false } as const
    const asking = request(options, response => {
      response.setEncoding('utf8').on('data', resolve).on('error', reject)
    })
    asking.on('error', reject).end(body)
  })
}

it('what is asked is answered, however long, of many at once', async () => {
  const { port } = await serve()
  const lengths = [0, 1, 1_000, 70_000, 3_000_000, 5, 5]
  expect(await Promise.all(lengths.map(length => ask(port, Buffer.alloc(length, 'x'))))).toEqual(lengths.map(String))
})

it('who connects and says nothing is cut off, and so is who never ends to ask', async () => {
  const { port } = await serve({ headersTimeout: 30, connectionsCheckingInterval: 10 }, 20)
  await once(connect(port, '127.0.0.1').resume(), 'close')
  const slow = connectSecurely({ host: '127.0.0.1', port, rejectUnauthorized: false })
  slow.on('error', () => undefined).write('GET / HTTP/1.1\r\n')
  await once(slow.resume(), 'close')
})

it('what is no encryption is refused, and harms nobody', async () => {
  const { port } = await serve()
  const plain = connect(port, '127.0.0.1')
  plain.on('error', () => undefined).write('GET / HTTP/1.1\r\n\r\n')
  await once(plain.resume(), 'close')
  expect(await ask(port, Buffer.from('abc'))).toBe('3')
})

it('closing it ends who has said nothing, and waits for who is being answered', async () => {
  const { server, listening, port } = await serve()
  const silent = connect(port, '127.0.0.1')
  silent.on('error', () => undefined)
  await once(silent, 'connect')
  server.prependOnceListener('request', () => void listening.close())
  const closed = once(listening, 'close')
  expect(await ask(port, Buffer.from('last'))).toBe('4')
  await Promise.all([closed, once(silent.resume(), 'close')])
})
