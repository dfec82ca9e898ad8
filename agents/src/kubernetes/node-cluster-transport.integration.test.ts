import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterResponse, ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNodeClusterTransport } from './node-cluster-transport.ts'

const real = createClock(globalThis)

describe('the transport to an API server', () => {
  let folder: string
  let server: Server
  let url: string
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  const connections = new Set<number>()
  const transports: ClusterTransport[] = []
  /** Monotonic time that a test moves, so that no test waits for a refresh. */
  let aheadMs = 0
  const clock = { ...real, monotonicMs: () => real.monotonicMs() + aheadMs }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-transport-'))
    connections.clear()
    aheadMs = 0
    server = createServer((request, response) => {
      connections.add(request.socket.remotePort ?? 0)
      answer(request, response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })

  async function open(user: object): Promise<ClusterTransport> {
    const path = join(folder, 'kubeconfig')
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: `${url}/prefix` } }],
      users: [{ name: 'u', user }],
    }
    await writeFile(path, JSON.stringify(kubeconfig))
    const transport = createNodeClusterTransport({ kind: 'kubeconfig', path }, clock)
    transports.push(transport)
    return transport
  }

  it('sends the token, keeps the connection, and the server’s path before ours', async () => {
    const seen: string[] = []
    answer = (request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.end('{}')
    }
    const transport = await open({ token: 'first' })
    for (let count = 0; count < 20; count++) await text(await transport.request({ method: 'GET', path: '/api' }))
    expect(new Set(seen)).toEqual(new Set(['GET /prefix/api Bearer first']))
    expect(connections.size).toBe(1)
  })

  it('takes up a token that changed in its file', async () => {
    answer = (request, response) => response.end(String(request.headers.authorization))
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'old')
    const transport = await open({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } })
    expect(await text(await transport.request({ method: 'GET', path: '/' }))).toBe('Bearer old')
    await writeFile(tokenFile, 'new')
    aheadMs = 20_000
    answer = (request, response) => {
      response.statusCode = request.headers.authorization === 'Bearer new' ? 200 : 401
      response.end(String(request.headers.authorization))
    }
    expect(await text(await transport.request({ method: 'GET', path: '/' }))).toBe('Bearer new')
  })

  it('asks an exec plugin, and asks it again when its token is refused', async () => {
    const plugin = join(folder, 'plugin.sh')
    const counter = join(folder, 'count')
    await writeFile(
      plugin,
      `#!/bin/sh
[ -n "$KUBERNETES_EXEC_INFO" ] || exit 3
echo x >> ${counter}
n=$(wc -l < ${counter} | tr -d ' ')
echo "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"token-$n\\"}}"
`,
    )
    await chmod(plugin, 0o700)
    const transport = await open({
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh', interactiveMode: 'Never' },
    })
    answer = (request, response) => response.end(String(request.headers.authorization))
    expect(await text(await transport.request({ method: 'GET', path: '/' }))).toBe('Bearer token-1')
    expect(await text(await transport.request({ method: 'GET', path: '/' }))).toBe('Bearer token-1')
    answer = (request, response) => {
      response.statusCode = request.headers.authorization === 'Bearer token-2' ? 200 : 401
      response.end(String(request.headers.authorization))
    }
    aheadMs = 6_000
    expect(await text(await transport.request({ method: 'GET', path: '/' }))).toBe('Bearer token-2')
  })

  it('hands over a 401 that stays one', async () => {
    answer = (_request, response) => {
      response.statusCode = 401
      response.end('no')
    }
    aheadMs = 10_000
    const transport = await open({ token: 'wrong' })
    expect((await transport.request({ method: 'GET', path: '/' })).status).toBe(401)
  })

  it('says that nothing answers, with the address', async () => {
    const transport = await open({ token: 'x' })
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await expect(transport.request({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringContaining(new URL(url).host),
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })

  it('ends a request that is given up, before and after its head', async () => {
    answer = () => undefined
    const transport = await open({ token: 'x' })
    const early = new AbortController()
    const waiting = transport.request({ method: 'GET', path: '/', signal: early.signal })
    setTimeout(() => early.abort(new Error('enough')), 50)
    await expect(waiting).rejects.toThrow('enough')
    answer = (_request, response) => {
      response.write('{"type":"BOOKMARK"}\n')
    }
    const late = new AbortController()
    const { body } = await transport.request({ method: 'GET', path: '/?watch=true', signal: late.signal })
    const reading = async () => {
      for await (const chunk of body) if (chunk.byteLength > 0) late.abort(new Error('seen'))
    }
    await expect(reading()).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' })
  })

  it('says that a body was cut', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{')
      setTimeout(() => response.destroy(), 20)
    }
    const transport = await open({ token: 'x' })
    const response = await transport.request({ method: 'GET', path: '/' })
    await expect(text(response)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' })
  })

  it('says that a body was cut before anybody read it', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{')
      setTimeout(() => response.destroy(), 5)
    }
    const transport = await open({ token: 'x' })
    const response = await transport.request({ method: 'GET', path: '/' })
    await new Promise(resolve => setTimeout(resolve, 50))
    await expect(text(response)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' })
  })

  it('hands over a large body whole to whoever reads slowly, and does not read far ahead', async () => {
    let written = 0
    answer = (_request, response) => {
      response.on('drain', more)
      const write = () => response.write(Buffer.alloc(64 * 1024, 'x'), () => undefined)
      function more() {
        while (written < 400) {
          written++
          if (!write()) return
        }
        response.end()
      }
      more()
    }
    const transport = await open({ token: 'x' })
    const { body } = await transport.request({ method: 'GET', path: '/' })
    let size = 0
    let ahead = 0
    for await (const chunk of body) {
      if (size === 0) {
        await new Promise(resolve => setTimeout(resolve, 100))
        ahead = written
      }
      size += chunk.byteLength
    }
    expect(size).toBe(400 * 64 * 1024)
    expect(ahead).toBeLessThan(400)
  })

  it('closes the connection of a body that is read no further', async () => {
    answer = (request, response) => {
      request.socket.once('close', () => closed.resolve())
      response.write('one')
    }
    const closed = Promise.withResolvers<void>()
    const transport = await open({ token: 'x' })
    const { body } = await transport.request({ method: 'GET', path: '/?watch=true' })
    for await (const _chunk of body) break
    await closed.promise
  })

  it('names the file that is no kubeconfig', async () => {
    const path = join(folder, 'nothing')
    expect(() => createNodeClusterTransport({ kind: 'kubeconfig', path }, clock)).toThrow(
      `kubeconfig ${path} cannot be read`,
    )
    await writeFile(path, '{"contexts": []}')
    expect(() => createNodeClusterTransport({ kind: 'kubeconfig', path }, clock)).toThrow(path)
  })
})

async function text(response: ClusterResponse): Promise<string> {
  let all = ''
  for await (const chunk of response.body) all += Buffer.from(chunk).toString('utf8')
  return all
}
