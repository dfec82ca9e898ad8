import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { textAt } from '@flotilla/core/json/read-json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { encodeJoinToken } from '@flotilla/core/protocol/join-token'
import { kubeconfigFor, type ServedCluster, SimulatedCluster, serveOverHttp } from '@flotilla/sim'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KubernetesClient } from './kubernetes/client.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

describe('the program', () => {
  let folder: string
  let cluster: SimulatedCluster
  let served: ServedCluster
  const children: ChildProcess[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-main-'))
    cluster = new SimulatedCluster({ name: 'eu-1', clock: createClock(globalThis), random: seededRandom(1) })
    served = await serveOverHttp(cluster, { host: '127.0.0.1', port: 0 })
    await writeFile(join(folder, 'kubeconfig'), JSON.stringify(kubeconfigFor(served)))
  })

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await served.close()
    cluster.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const start = (...argv: readonly string[]) => startProgram([MAIN], ...argv)

  function startProgram(program: readonly string[], ...argv: readonly string[]) {
    const child = spawn(process.execPath, [...program, ...argv], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const exited = once(child, 'exit').then(([code]) => code as number)
    return { child, exited, output: () => output }
  }

  async function until(what: string, holds: () => boolean): Promise<void> {
    for (let attempt = 0; attempt < 2_400; attempt++) {
      if (holds()) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error(`never happened: ${what}`)
  }

  const lease = () =>
    cluster.read({ group: 'coordination.k8s.io', kind: 'Lease', namespace: 'flotilla-system', name: 'flotilla-agent' })

  it('runs without its hub, answers agent plan, and gives its Lease back on SIGTERM', async () => {
    const settings = ['--kubeconfig', join(folder, 'kubeconfig'), '--data-directory', folder, '--join-token', token()]
    const agent = start(...settings, '--metrics-address', '127.0.0.1:0')
    await until(`started: ${agent.output()}`, () => agent.output().includes('agent started'))
    const [, address = ''] = /"address":"(127\.0\.0\.1:\d+)"/.exec(agent.output()) ?? []
    await until('the Lease is held', () => textAt(lease(), 'spec', 'holderIdentity') !== '')
    expect(lease()?.metadata.annotations?.['flotilla.dev/incarnation']).toBe('1')
    const figures = await (await fetch(`http://${address}/metrics`)).text()
    expect(figures).toContain('flotilla_agent_hub_connected 0\n')
    expect(figures).toMatch(/^flotilla_agent_app_k8s_request_total\{verb="POST",response_code="201"\} \d+$/m)
    const plan = start('plan', 'shop', '--data-directory', folder)
    expect(await plan.exited).toBe(1)
    expect(plan.output()).toContain('shop: not held here')
    agent.child.kill('SIGTERM')
    expect(await agent.exited).toBe(0)
    expect(agent.output()).toContain('agent stopped')
    expect(textAt(lease(), 'spec', 'holderIdentity')).toBe('')
    await expect(access(join(folder, 'agent.sock'))).rejects.toThrow()
    // What became of the token is no reason to stop enforcing.
    const again = start(...settings.slice(0, 4), '--join-token', 'flj1.cut-off')
    await until(
      'a second start, with a token that is none',
      () => lease()?.metadata.annotations?.['flotilla.dev/incarnation'] === '2',
    )
    again.child.kill('SIGINT')
    expect(await again.exited).toBe(0)
  })

  it('waits for the Lease of another, says so once, and is ended without a failure', async () => {
    const settings = ['--kubeconfig', join(folder, 'kubeconfig'), '--join-token', token()]
    const first = start(...settings, '--data-directory', join(folder, 'a'))
    await until('the Lease is held', () => (textAt(lease(), 'spec', 'holderIdentity') ?? '') !== '')
    const second = start(...settings, '--data-directory', join(folder, 'b'))
    const says = () => second.output().split('waiting for the lease').length - 1
    await until(`the second waits: ${second.output()}`, () => says() > 0)
    // Longer than it waits between two looks.
    await new Promise(resolve => setTimeout(resolve, 2_500))
    expect(says()).toBe(1)
    second.child.kill('SIGTERM')
    expect(await second.exited).toBe(0)
    expect(second.output()).not.toContain('"level":"error"')
    first.child.kill('SIGTERM')
    expect(await first.exited).toBe(0)
  })

  it.each([
    ['the program of the image', [MAIN]],
    ['the command', [join(import.meta.dirname, '../../cli/bin/flotilla.mjs'), 'agent']],
  ])('%s ends with 1 when another process has taken its Lease, so that it is started anew', async (_, program) => {
    const agent = startProgram(
      program,
      ...['--kubeconfig', join(folder, 'kubeconfig'), '--data-directory', folder, '--join-token', token()],
    )
    await until('the Lease is held', () => (textAt(lease(), 'spec', 'holderIdentity') ?? '') !== '')
    const clock = createClock(globalThis)
    const client = new KubernetesClient({
      transport: cluster.transport(),
      clock,
      random: seededRandom(2),
      cluster: 'eu-1',
    })
    const held = lease()
    if (!held) throw new Error('no Lease')
    await client.replace({ ...held, spec: { ...(held['spec'] as object), holderIdentity: 'another' } })
    expect(await agent.exited, agent.output()).toBe(1)
    expect(agent.output()).toContain('lease lost')
  })

  it('says what is wrong with its settings, all of it, and ends with 2', async () => {
    const agent = start('--concurrency', 'many', '--log-level', 'loud')
    expect(await agent.exited).toBe(2)
    expect(agent.output()).toContain('--concurrency: is no whole number from 1 to 64')
    expect(agent.output()).toContain('--log-level: is none of debug, info, warn, error')
    expect(agent.output()).toContain('kubeconfig: is missing')
  })

  it('says why it cannot start with a token that is cut off, or with none', async () => {
    const settings = ['--kubeconfig', join(folder, 'kubeconfig'), '--data-directory', folder]
    const cut = start(...settings, '--join-token', token().slice(0, -4))
    const none = start(...settings, '--join-token-file', join(folder, 'nothing-here'))
    expect([await cut.exited, await none.exited]).toEqual([1, 1])
    expect(cut.output()).toContain('joinToken: the join token is cut off or was changed on its way')
    expect(none.output()).toContain('joinTokenFile may name a file that is not there')
    expect(cut.output()).not.toContain(token().slice(-40, -4))
  })

  it('says that no agent runs when asked for a plan', async () => {
    const plan = start('plan', 'shop', '--data-directory', folder)
    expect(await plan.exited).toBe(1)
    expect(plan.output()).toContain(`no agent runs here (${join(folder, 'agent.sock')})`)
  })
})

/** For a hub that is not there. */
function token(): string {
  const key = signingKeyFromSeed(new Uint8Array(32).fill(7))
  return encodeJoinToken({
    hub: 'http://127.0.0.1:9',
    hubId: 'hub-1',
    kid: key.kid,
    id: 'abc',
    name: 'eu-1',
    expires: 4_000_000_000_000,
    secret: new Uint8Array(32).fill(1),
  })
}
