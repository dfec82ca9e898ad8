import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { encodeJoinToken } from '@flotilla/core/protocol/join-token'
import { kubeconfigFor, SimulatedCluster, serveOverHttp } from '@flotilla/sim'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)

interface Agent {
  /** With what it has said. */
  readonly ended: Promise<string>
  says(words: string): Promise<void>
  stop(): Promise<void>
}

describe('the agent as it is shipped', () => {
  let folder: string
  let files: readonly string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-build-'))
    await run(process.execPath, [join(import.meta.dirname, 'build-agent.mjs'), folder])
    files = (await readdir(folder)).filter(name => /\.[cm]js$/.test(name))
  }, 120_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('is ASCII, which takes a byte a character to keep', async () => {
    for (const file of files) expect((await readFile(join(folder, file))).findIndex(byte => byte > 127)).toBe(-1)
  })

  it.each(['lua-rule', 'cel-rule', 'cel-difference', 'linear-pattern'])(
    'has %s in a file of its own, which can be loaded',
    async name => {
      const file = files.find(candidate => candidate.startsWith(`agent-${name}`))
      // Nothing begins to run that was only to be read.
      const { stdout } = await run(process.execPath, [
        '-p',
        `import('${join(folder, file ?? 'none')}').then(Object.keys)`,
      ])
      expect(stdout).toContain('[')
    },
  )

  it.each([
    ['a SOCKS proxy', 'socks5', (greeting: Buffer) => greeting[0] === 5],
    ['an HTTP proxy', 'http', (greeting: Buffer) => greeting.toString('latin1').startsWith('CONNECT 127.0.0.9:6443 ')],
  ])('reaches a cluster by %s of its kubeconfig', async (_what, scheme, greets) => {
    const heard = await firstBytes(async port => {
      const cluster = { server: 'https://127.0.0.9:6443', 'proxy-url': `${scheme}://127.0.0.1:${port}` }
      return await agentWith({ cluster, user: { token: 'a-token' } })
    })
    expect(heard).toSatisfy(greets)
  })

  it('asks the issuer of its OIDC user for a token', async () => {
    const heard = await firstBytes(async port => {
      const issuer = { 'idp-issuer-url': `https://127.0.0.1:${port}`, 'client-id': 'agent' }
      const config = { ...issuer, 'id-token': expiredToken(), 'refresh-token': 'again' }
      const cluster = { server: 'https://127.0.0.9:6443' }
      return await agentWith({ cluster, user: { 'auth-provider': { name: 'oidc', config } } })
    })
    // A TLS handshake: record type 22.
    expect(heard[0]).toBe(22)
  })

  it('starts on a cluster', async () => {
    const cluster = new SimulatedCluster({ name: 'eu-1', clock: createClock(globalThis), random: seededRandom(1) })
    const served = await serveOverHttp(cluster, { host: '127.0.0.1', port: 0 })
    try {
      const agent = await agentOf(JSON.stringify(kubeconfigFor(served)))
      await agent.says('agent started')
      await agent.stop()
    } finally {
      await served.close()
      cluster.stop()
    }
  })

  /** What somebody says first who is told to come to a port of this machine. */
  async function firstBytes(who: (port: number) => Promise<Agent>): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const sockets = new Set<Socket>()
    const server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('data', resolve)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const caller = await who((server.address() as AddressInfo).port)
    try {
      caller.ended.then(said => reject(new Error(`it ended: ${said}`)), reject)
      return await promise
    } finally {
      await caller.stop()
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }

  const agentWith = ({ cluster, user }: { readonly cluster: object; readonly user: object }) =>
    agentOf(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'it',
        clusters: [{ name: 'it', cluster }],
        users: [{ name: 'it', user }],
        contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
      }),
    )

  async function agentOf(kubeconfig: string): Promise<Agent> {
    const data = await mkdtemp(join(folder, 'data-'))
    await writeFile(join(data, 'kubeconfig'), kubeconfig)
    const settings = ['--kubeconfig', join(data, 'kubeconfig'), '--data-directory', data, '--join-token', TOKEN]
    const child = spawn(process.execPath, [join(folder, 'agent.mjs'), ...settings], {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const ended = once(child, 'exit').then(() => said)
    return {
      ended,
      says: async (words: string) => {
        for (let attempt = 0; attempt < 2_400 && !said.includes(words); attempt++) {
          if (child.exitCode !== null) throw new Error(`it ended: ${said}`)
          await new Promise(resolve => setTimeout(resolve, 50))
        }
        expect(said).toContain(words)
      },
      stop: async () => {
        child.kill('SIGKILL')
        await ended
      },
    }
  }
})

function expiredToken(): string {
  return [{ alg: 'RS256' }, { exp: 1 }, {}]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}

const TOKEN = encodeJoinToken({
  hub: 'http://127.0.0.1:9',
  hubId: 'hub-1',
  kid: signingKeyFromSeed(new Uint8Array(32).fill(7)).kid,
  id: 'abc',
  name: 'eu-1',
  expires: 4_000_000_000_000,
  secret: new Uint8Array(32).fill(1),
})
