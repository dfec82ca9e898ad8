import { createServer as createHttpServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { createClock } from '@flotilla/core/ports/create-clock'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../tls/issue-certificate.ts'
import type { HttpReply, HttpRequest } from './http-client.ts'
import { NodeHttpClient, type NodeHttpClientOptions } from './node-http-client.ts'

const NOW = Date.now()
let authority: Awaited<ReturnType<typeof createAuthority>>
let certificate: Awaited<ReturnType<typeof issueCertificate>>
const closing: (() => void)[] = []

beforeAll(async () => {
  authority = await createAuthority('01890000-0000-7000-8000-00000000aaaa', NOW)
  certificate = await issueCertificate(authority, ['localhost', '127.0.0.1'], NOW)
})
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listening(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function secureHost(): Promise<URL> {
  const tls = { key: certificate.privateKeyPem, cert: certificate.chainPem }
  const port = await listening(createHttpsServer(tls, (_, response) => void response.end('"secret"')))
  return new URL(`https://localhost:${port}/x`)
}

function client(options: Partial<NodeHttpClientOptions> = {}): (request: Partial<HttpRequest>) => Promise<HttpReply> {
  const http = new NodeHttpClient({ clock: createClock(globalThis), environment: {}, ...options })
  closing.push(() => http.close())
  return request =>
    http.send({
      ...{ method: 'GET', url: new URL('http://localhost'), headers: {}, timeoutMs: 10_000, maxBytes: 100_000 },
      ...request,
    })
}

const failure = async (sending: Promise<HttpReply>): Promise<string> =>
  await sending.then(
    ({ status }) => `no failure: ${status}`,
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  )

describe('certificates', () => {
  test('of an authority that nobody knows are refused', async () => {
    const url = await secureHost()
    expect(await failure(client()({ url }))).toMatch(
      /^HOST_CERTIFICATE the certificate of localhost:\d+ is not trusted/,
    )
  })

  test('of an authority that the hub or the document names are believed, each for itself', async () => {
    const url = await secureHost()
    const trust = { insecure: false, certificateAuthority: authority.certificatePem }
    const send = client()
    expect(await send({ url, trust })).toMatchObject({ status: 200, text: '"secret"' })
    expect(await failure(send({ url }))).toMatch(/^HOST_CERTIFICATE/)
    expect(await client({ certificateAuthority: authority.certificatePem })({ url })).toMatchObject({ status: 200 })
  })

  test('of anybody are believed where a document says so, for that document', async () => {
    const url = await secureHost()
    const send = client()
    expect(await send({ url, trust: { insecure: true } })).toMatchObject({ status: 200 })
    expect(await failure(send({ url, trust: { insecure: false } }))).toMatch(/^HOST_CERTIFICATE/)
  })
})

describe('proxies', () => {
  /** A proxy that notes what it is asked for. */
  async function proxy(): Promise<{ readonly url: string; readonly asked: string[] }> {
    const asked: string[] = []
    const server = createHttpServer((request: IncomingMessage, response) => {
      asked.push(`${request.method} ${request.url}`)
      httpRequest(request.url!, { method: request.method, headers: request.headers }, answer => {
        response.writeHead(answer.statusCode ?? 0, answer.headers)
        answer.pipe(response)
      }).end()
    })
    server.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`)
      const [host, port] = request.url!.split(':')
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        onward.pipe(socket).pipe(onward)
      })
      onward.on('error', () => socket.destroy())
      socket.on('error', () => onward.destroy())
    })
    return { url: `http://127.0.0.1:${await listening(server)}`, asked }
  }

  test('a host is reached through the one that is set, and not where it is excepted', async () => {
    const { url: through, asked } = await proxy()
    const url = await secureHost()
    const trust = { insecure: true }
    expect(await client({ proxy: through })({ url, trust })).toMatchObject({ status: 200 })
    expect(asked).toEqual([`CONNECT ${url.host}`])
    expect(await client({ proxy: through, noProxy: 'localhost' })({ url, trust })).toMatchObject({ status: 200 })
    expect(asked).toHaveLength(1)
  })

  test('without a setting the environment counts', async () => {
    const { url: through, asked } = await proxy()
    const url = await secureHost()
    await client({ environment: { HTTPS_PROXY: through } })({ url, trust: { insecure: true } })
    expect(asked).toEqual([`CONNECT ${url.host}`])
  })
})

describe('limits', () => {
  test('a small body that grows when it is unpacked is not unpacked to its end', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const port = await listening(
      createHttpServer((_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)),
    )
    const url = new URL(`http://localhost:${port}`)
    expect(await failure(client()({ url }))).toMatch(/^HOST_ANSWER_TOO_LARGE/)
  })

  test('a body that never ends is over when its time is', async () => {
    const port = await listening(
      createHttpServer((_, response) => {
        response.writeHead(200).write('[')
      }),
    )
    const url = new URL(`http://localhost:${port}`)
    expect(await failure(client()({ url, timeoutMs: 100 }))).toMatch(/^HOST_TIMEOUT .* did not answer in 100 ms$/)
  })

  test('whoever asked may stop asking', async () => {
    const port = await listening(createHttpServer(() => undefined))
    const stop = new AbortController()
    const asking = client()({ url: new URL(`http://localhost:${port}`), signal: stop.signal })
    stop.abort(new Error('the hub is stopping'))
    expect(await failure(asking)).toContain('the hub is stopping')
  })

  test('a host that is not there cannot be reached', async () => {
    const port = await listening(createHttpServer())
    for (const close of closing.splice(0)) close()
    expect(await failure(client()({ url: new URL(`http://127.0.0.1:${port}`) }))).toBe(
      `HOST_UNREACHABLE 127.0.0.1:${port} cannot be reached (ECONNREFUSED)`,
    )
  })
})
