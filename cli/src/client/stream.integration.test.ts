import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo/run-demo.ts'
import { runInProcess } from '../testing/run-in-process.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

let directory: string
let demo: Demo
let name = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-stream-'))
  demo = await startDemo(
    { directory, clusters: 1, real: false, port: 0, version: '0.1.0' },
    { clock: createClock(globalThis), random: createRandom(randomBytes), log: silent, say: () => undefined },
  )
  expect(await demo.settled(300_000)).toBe(true)
  name = demo.look().applications.find(each => each.name.includes('checkout'))!.name
})

afterAll(async () => {
  await demo?.stop()
  await rm(directory, { recursive: true, force: true })
})

const flotilla = async (...words: string[]) =>
  await runInProcess([...words, '--hub', demo.hub.url], { env: { FLOTILLA_TOKEN: demo.hub.adminToken ?? '' } })

const ask = async (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  await fetch(`${demo.hub.url}/api/v1/applications/${name}/${path}`, {
    headers: { authorization: `Bearer ${demo.hub.adminToken}`, ...headers },
    ...(signal && { signal }),
  })

const openUploads = () => demo.hub.hub.gateway.uploads.count

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let n = 0; n < 2_400; n++) {
    if (await holds()) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('it did not come to pass')
}

describe('flotilla app logs and events', () => {
  it('events come through the hub from the cluster, to their end', async () => {
    const { code, stderr } = await flotilla('app', 'events', name)
    expect([code, stderr]).toEqual([0, ''])
  })

  it('logs of the one object with Pods; what has none is a mistake that names those that have', async () => {
    const { code, stdout, stderr } = await flotilla('app', 'logs', name, '--tail', '5')
    expect([code, stdout, stderr]).toEqual([0, '', ''])
    const wrong = await flotilla('app', 'logs', name, '--object', 'Deployment/none')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('the Application has no Deployment/none')
    expect(wrong.stderr).toContain('apps/Deployment')
    const since = await flotilla('app', 'logs', name, '--since', 'yesterday')
    expect([since.code, since.stderr]).toEqual([2, expect.stringContaining('--since takes 30s, 10m, 2h or 1d')])
  })

  it('what the agent refuses is told in its words', async () => {
    const refused = await flotilla('app', 'logs', name, '--object', 'apps/Deployment kube-system/none')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('apps/Deployment kube-system/none is not there')
    expect(openUploads()).toBe(0)
  })

  it('what cannot be read of a Pod is said, and is no failure', async () => {
    const { code, stderr } = await flotilla('app', 'logs', name, '--previous')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^Pod .*: previous terminated container ".*" in pod ".*" not found$/m)
  })

  it('is written as text, as JSON lines or as server-sent events', async () => {
    const text = await ask('logs?previous=true')
    expect([text.status, text.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(await text.text()).toMatch(/^-- Pod .*\n$/)
    const lines = await ask('logs?previous=true', { accept: 'application/x-ndjson' })
    const records = (await lines.text())
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(records).toMatchObject([{ kind: 'note' }, { kind: 'end', reason: 'complete' }])
    const events = await ask('logs?previous=true', { accept: 'text/event-stream' })
    expect(await events.text()).toMatch(/^event: note\ndata: \{.*\}\n\nevent: end\ndata: \{.*\}\n\n$/)
    expect((await ask('logs?tail=-1')).status).toBe(400)
    expect((await fetch(`${demo.hub.url}/api/v1/applications/${name}/logs`)).status).toBe(401)
  })

  it('ends at the agent when who asked leaves in the middle', async () => {
    const leaving = new AbortController()
    const following = await ask('logs?follow=true', { accept: 'application/x-ndjson' }, leaving.signal)
    expect(following.status).toBe(200)
    expect(openUploads()).toBe(1)
    leaving.abort()
    await until(() => openUploads() === 0)
    const open = async () => {
      const listed = await fetch(`${demo.hub.url}/api/v1/operations`, {
        headers: { authorization: `Bearer ${demo.hub.adminToken}` },
      })
      return ((await listed.json()) as { total: number }).total
    }
    await until(async () => (await open()) === 0)
  })

  it('ends within seconds of the revocation of its token', async () => {
    const made = await fetch(`${demo.hub.url}/api/v1/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demo.hub.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'soon-gone', role: 'admin' }),
    })
    const { token, id } = (await made.json()) as { token: string; id: string }
    const following = await ask('logs?follow=true', {
      accept: 'application/x-ndjson',
      authorization: `Bearer ${token}`,
    })
    expect(following.status).toBe(200)
    const gone = await fetch(`${demo.hub.url}/api/v1/tokens/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${demo.hub.adminToken}` },
    })
    expect(gone.status).toBe(200)
    const last = (await following.text()).trim().split('\n').at(-1) ?? ''
    expect(JSON.parse(last)).toMatchObject({ kind: 'end', reason: 'forbidden' })
    await until(() => openUploads() === 0)
  })
})
