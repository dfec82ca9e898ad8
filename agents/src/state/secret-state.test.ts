import type { AgentState } from '@flotilla/core/ports/agent-state'
import { type ClusterRequest, type ClusterTransport, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { SimulatedCluster } from '@flotilla/sim'
import { describe, expect, test } from 'vitest'
import { agentStateConformance } from './agent-state.conformance.ts'
import { openSecretState } from './secret-state.ts'

const HOUR_MS = 60 * 60_000
const clusters = new Map<string, { cluster: SimulatedCluster; clock: VirtualClock }>()
const random = seededRandom(11)

async function place(): Promise<string> {
  const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => new Promise(setImmediate) })
  const name = `cluster-${clusters.size}`
  clusters.set(name, { cluster: new SimulatedCluster({ name, clock, random }), clock })
  return name
}

async function open(name: string, wrap = (transport: ClusterTransport) => transport): Promise<AgentState> {
  const { cluster, clock } = clusters.get(name)!
  return await openSecretState({ transport: wrap(cluster.transport()), namespace: 'default', random, clock })
}

async function secrets(name: string): Promise<readonly string[]> {
  const response = await clusters
    .get(name)!
    .cluster.transport()
    .request({ method: 'GET', path: '/api/v1/namespaces/default/secrets' })
  const parts: Uint8Array[] = []
  for await (const part of response.body) parts.push(part)
  const list = JSON.parse(Buffer.concat(parts).toString())
  return list.items.map((item: { metadata: { name: string } }) => item.metadata.name)
}

/** Lets requests through until one matches; from then on every request fails, as after a kill. */
const killedAt = (matches: (request: ClusterRequest) => boolean) => (transport: ClusterTransport) => {
  let killed = false
  return {
    ...transport,
    close: () => transport.close(),
    request: async (request: ClusterRequest) => {
      killed ||= matches(request)
      if (killed) throw new Error('this process was killed')
      return await transport.request(request)
    },
  }
}

/** Dies at a request that would change something, before it reaches the API server or before its answer comes back. */
function dyingAt(step: number, when: 'before' | 'after') {
  let steps = 0
  return (transport: ClusterTransport): ClusterTransport => ({
    close: () => transport.close(),
    request: async (request: ClusterRequest) => {
      if (request.method !== 'GET') steps++
      if (steps < step) return await transport.request(request)
      const last = steps === step && request.method !== 'GET'
      if (last && when === 'after') await transport.request(request)
      steps = Math.max(steps, step + 1)
      throw new ClusterUnreachable('this process was killed')
    },
  })
}

agentStateConformance('Secrets of a cluster', {
  place,
  open,
  openDying: (name, step, when) => open(name, dyingAt(step, when)),
})

describe('Secrets of a cluster', () => {
  test('leave nothing behind: replaced and deleted values take their chunks with them', async () => {
    const name = await place()
    const state = await open(name)
    for (let round = 0; round < 5; round++) {
      await state.put('bundles/one', Buffer.alloc(100_000, round))
      await state.put('small', Buffer.from([round]))
    }
    expect((await secrets(name)).length).toBe(3)
    await state.delete('bundles/one')
    await state.delete('small')
    expect(await secrets(name)).toEqual(['flotilla-agent-state'])
  })

  test('put at once are one switch of the pointer', async () => {
    const name = await place()
    let switches = 0
    const state = await open(name, transport => ({
      close: () => transport.close(),
      request: async request => {
        if (request.body?.includes('"pointer"')) switches++
        return await transport.request(request)
      },
    }))
    await Promise.all(Array.from({ length: 100 }, (_, index) => state.put(`documents/${index}`, Buffer.from('x'))))
    expect(switches).toBe(1)
    await state.put('documents/1', Buffer.from('x'))
    expect(switches).toBe(1)
  })

  test('killed before the pointer is switched, the old value stands, and the next start clears up after an hour', async () => {
    const name = await place()
    await (await open(name)).put('key', Buffer.alloc(100_000, 1))
    const dying = await open(
      name,
      killedAt(request => request.method === 'PUT'),
    )
    await expect(dying.put('key', Buffer.alloc(100_000, 2))).rejects.toThrow()
    const next = await open(name)
    expect((await next.get('key'))?.[0]).toBe(1)
    expect((await secrets(name)).length).toBe(3)
    await clusters.get(name)!.clock.advance(2 * HOUR_MS)
    await open(name)
    expect((await secrets(name)).length).toBe(2)
    expect((await next.get('key'))?.[0]).toBe(1)
  })

  test('killed after the pointer is switched, the new value stands', async () => {
    const name = await place()
    await (await open(name)).put('key', Buffer.alloc(100_000, 1))
    const dying = await open(
      name,
      killedAt(request => request.method === 'DELETE'),
    )
    await expect(dying.put('key', Buffer.alloc(100_000, 2))).rejects.toThrow()
    expect((await (await open(name)).get('key'))?.[0]).toBe(2)
  })

  test('changed by two processes, both changes are there, and a reader of the old pointer finds the new one', async () => {
    const name = await place()
    const [a, b] = [await open(name), await open(name)]
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        a.put(`a/${round}`, Buffer.alloc(50_000, round)),
        b.put(`b/${round}`, Buffer.from([round])),
        a.put('shared', Buffer.from(`a${round}`)),
        b.put('shared', Buffer.from(`b${round}`)),
      ])
    }
    await b.put('a/0', Buffer.alloc(60_000, 9))
    expect((await a.get('a/0'))?.[0]).toBe(9)
    const reader = await open(name)
    expect((await reader.list('')).length).toBe(11)
    expect(['a4', 'b4']).toContain(Buffer.from((await reader.get('shared')) ?? []).toString())
  })

  test('whose switched pointer was not answered keep the chunks that it names', async () => {
    const name = await place()
    let lost = false
    const state = await open(name, transport => ({
      close: () => transport.close(),
      request: async request => {
        const answer = await transport.request(request)
        if (lost || !request.body?.includes('"pointer"') || request.method !== 'PUT') return answer
        lost = true
        throw new ClusterUnreachable('the answer was lost')
      },
    }))
    await state.put('key', Buffer.alloc(100_000, 1))
    await expect(state.put('key', Buffer.alloc(100_000, 2))).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' })
    expect((await (await open(name)).get('key'))?.[0]).toBe(2)
    await state.put('key', Buffer.alloc(100_000, 3))
    expect((await (await open(name)).get('key'))?.[0]).toBe(3)
    await clusters.get(name)!.clock.advance(2 * HOUR_MS)
    await state.put('small', Buffer.from('x'))
    await state.close()
    expect((await secrets(name)).length).toBe(3)
  })

  test('that somebody altered are an error, not a value', async () => {
    const name = await place()
    const state = await open(name)
    await state.put('key', Buffer.alloc(100_000, 1))
    const transport = clusters.get(name)!.cluster.transport()
    const chunk = (await secrets(name)).find(secret => secret !== 'flotilla-agent-state')
    await transport.request({ method: 'DELETE', path: `/api/v1/namespaces/default/secrets/${chunk}` })
    await expect(state.get('key')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  })
})
