import { textAt } from '@flotilla/core/json/read-json'
import type { CommandAction, CommandPayload, LogsRequest } from '@flotilla/core/protocol/documents'
import { describe, expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, object, SHOP } from './testing/documents.ts'

const WEB = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
const ALL: LogsRequest = { follow: false, previous: false }

function give(bench: AgentBench, action: CommandAction, over: Partial<CommandPayload> = {}): string {
  const now = bench.clock.now()
  const id = `command-${bench.hub.link.uploads.size + bench.hub.link.answers.length + 1}`
  bench.hub.link.openCommands.push({
    ...{ typ: 'command', cluster: 'cluster-1', adm: 1, iat: now, must: [], id, application: SHOP.id },
    ...{ action, by: 'ana', expires: now + 300_000 },
    ...over,
  })
  bench.hub.link.changed()
  return id
}

const last = (bench: AgentBench) => bench.hub.link.answers.at(-1)
const records = (bench: AgentBench, id: string): Record<string, unknown>[] =>
  (bench.hub.link.uploads.get(id) ?? '')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
const texts = (bench: AgentBench, id: string) => records(bench, id).map(({ text }) => text)

const pods = (bench: AgentBench) =>
  bench.cluster
    .objects()
    .filter(each => each.kind === 'Pod')
    .map(each => each.metadata.name ?? '')

async function synced(replicas = 1): Promise<AgentBench> {
  const bench = await startBench()
  const secret = object('v1', 'Secret', 'key', { stringData: { token: 'correct-horse' } })
  bench.hub.sync(bundleOf(configMap('a'), secret, deployment('web', 'registry.example/web:1', replicas)))
  await bench.pass(5_000)
  expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } })
  return bench
}

describe('logs', () => {
  it('are those of the Pods that the workload owns, one after the other', async () => {
    const bench = await synced(2)
    const [first = '', second = ''] = pods(bench).sort()
    bench.cluster.print('shop', first, 'web', 'one\ntwo')
    bench.cluster.print('shop', second, 'web', 'three')
    const id = give(bench, { verb: 'logs', object: WEB, ...ALL })
    await bench.pass(500)
    expect(records(bench, id).map(({ pod, container, text }) => [pod, container, text])).toEqual([
      [first, 'web', 'one'],
      [first, 'web', 'two'],
      [second, 'web', 'three'],
    ])
    expect(records(bench, id)[0]).toMatchObject({ kind: 'log', at: expect.stringMatching(/^2026-01-01T/) })
    expect(last(bench)).toEqual({ id, outcome: 'done', message: 'logs of 2 Pods' })
  })

  it('leave out Pods of others with the same labels', async () => {
    const bench = await synced()
    const stray = {
      ...object('v1', 'Pod', 'stray', { spec: { containers: [{ name: 'web', image: 'x' }] } }),
      metadata: { name: 'stray', namespace: 'shop', labels: { app: 'web' } },
    }
    const path = '/api/v1/namespaces/shop/pods'
    const headers = { 'content-type': 'application/json' }
    await bench.cluster.handle({ method: 'POST', path, headers, body: JSON.stringify(stray) })
    await bench.pass(100)
    expect(bench.cluster.print('shop', 'stray', 'web', 'theirs')).toBe(true)
    const id = give(bench, { verb: 'logs', object: WEB, ...ALL })
    await bench.pass(500)
    expect(texts(bench, id)).toEqual([])
    expect(last(bench)).toMatchObject({ outcome: 'done', message: 'logs of 1 Pod' })
  })

  it('hide what Secrets of the Application hold, and what moves a cursor', async () => {
    const bench = await synced()
    const [pod = ''] = pods(bench)
    const encoded = Buffer.from('correct-horse').toString('base64')
    bench.cluster.print('shop', pod, 'web', `token correct-horse, ${encoded}`)
    const id = give(bench, { verb: 'logs', object: WEB, ...ALL, tailLines: 1 })
    await bench.pass(500)
    expect(texts(bench, id)).toEqual(['token ***, ***'])
  })

  it('are followed, new Pods too, until the command expires', async () => {
    const bench = await synced()
    const [first = ''] = pods(bench)
    bench.cluster.print('shop', first, 'web', 'before')
    const id = give(bench, { verb: 'logs', object: WEB, ...ALL, follow: true }, { expires: bench.clock.now() + 60_000 })
    await bench.pass(500)
    bench.cluster.print('shop', first, 'web', 'after')
    await bench.pass(500)
    expect(texts(bench, id)).toEqual(['before', 'after'])
    await bench.remove(`/api/v1/namespaces/shop/pods/${first}`)
    await bench.pass(6_000)
    const [second = ''] = pods(bench)
    expect(second).not.toBe(first)
    bench.cluster.print('shop', second, 'web', 'another')
    await bench.pass(6_000)
    expect(texts(bench, id).at(-1)).toBe('another')
    expect(last(bench)).toBeUndefined()
    await bench.pass(60_000)
    expect(last(bench)).toMatchObject({ id })
  })

  it('end when nobody reads them any more, and the commands behind them are not held up', async () => {
    const bench = await synced()
    const [pod = ''] = pods(bench)
    bench.hub.link.readUploads = text => !text.includes('enough')
    const id = give(bench, { verb: 'logs', object: WEB, ...ALL, follow: true })
    await bench.pass(500)
    give(bench, { verb: 'inspect', object: WEB }, { id: 'look' })
    await bench.pass(500)
    expect(last(bench)).toMatchObject({ id: 'look', outcome: 'done' })
    bench.cluster.print('shop', pod, 'web', 'enough')
    await bench.pass(1_000)
    expect(last(bench)).toEqual({ id, outcome: 'failed', message: 'nobody reads it any more' })
  })

  it('of a container that is not there are a note, in the words of the cluster', async () => {
    const bench = await synced()
    const id = give(bench, { verb: 'logs', object: WEB, ...ALL, container: 'sidecar' })
    await bench.pass(500)
    expect(texts(bench, id)[0]).toMatch(/^Pod web-.*, container sidecar: container sidecar is not valid for pod/)
    const before = give(bench, { verb: 'logs', object: WEB, ...ALL, previous: true })
    await bench.pass(500)
    expect(texts(bench, before)[0]).toMatch(/previous terminated container "web" in pod "web-.*" not found/)
  })

  it.each([
    ['what is not tracked', { ...WEB, name: 'other' }, 'apps/Deployment shop/other is not there'],
    [
      'what has no Pods',
      { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' },
      'ConfigMap shop/a has no Pods',
    ],
    [
      'a system Pod',
      { group: '', kind: 'Pod', namespace: 'shop', name: 'POD' },
      'Pod shop/POD is not tracked by this Application',
    ],
  ])('of %s are refused', async (_, key, message) => {
    const bench = await synced()
    const name = key.name === 'POD' ? (pods(bench)[0] ?? '') : key.name
    const id = give(bench, { verb: 'logs', object: { ...key, name }, ...ALL })
    await bench.pass(500)
    expect(last(bench)).toEqual({ id, outcome: 'refused', message: message.replace('POD', name) })
    expect(bench.hub.link.uploads.has(id)).toBe(false)
  })

  it('beyond eight streams at once are refused', async () => {
    const bench = await synced()
    for (let n = 0; n < 9; n++) {
      give(bench, { verb: 'logs', object: WEB, ...ALL, follow: true }, { id: `follow-${n}` })
      await bench.pass(200)
    }
    expect(bench.hub.link.answers).toEqual([
      { id: 'follow-8', outcome: 'refused', message: '8 streams are open at this agent; one has to end first' },
    ])
  })
})

describe('events', () => {
  const event = (name: string, kind: string, about: string, message: string) => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: 'shop' },
    involvedObject: { apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1', kind, namespace: 'shop', name: about },
    ...{ type: 'Warning', reason: 'Unhappy', message, count: 3, lastTimestamp: `2026-01-01T00:00:0${name.at(-1)}Z` },
  })

  it('are those about tracked objects and what these made, oldest first', async () => {
    const bench = await synced()
    const [pod = ''] = pods(bench)
    for (const each of [
      event('e3', 'Pod', pod, 'of its Pod, with correct-horse'),
      event('e1', 'Deployment', 'web', 'of the Deployment'),
      event('e2', 'Deployment', 'theirs', 'of another'),
    ]) {
      const path = '/api/v1/namespaces/shop/events'
      const headers = { 'content-type': 'application/json' }
      const made = await bench.cluster.handle({ method: 'POST', path, headers, body: JSON.stringify(each) })
      expect(made.status).toBe(201)
    }
    const id = give(bench, { verb: 'events' })
    await bench.pass(500)
    const seen = records(bench, id).filter(each => textAt(each as never, 'reason') === 'Unhappy')
    expect(seen.map(({ message }) => message)).toEqual(['of the Deployment', 'of its Pod, with ***'])
    expect(seen[0]).toMatchObject({ kind: 'event', type: 'Warning', count: 3, object: WEB })
    expect(last(bench)).toMatchObject({ id, outcome: 'done' })
    const one = give(bench, { verb: 'events', object: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' } })
    await bench.pass(500)
    expect(records(bench, one)).toEqual([])
  })
})

describe('children', () => {
  it('are what the objects have made, owners first, with how they do', async () => {
    const bench = await synced(2)
    const id = give(bench, { verb: 'children' })
    await bench.pass(500)
    const told = records(bench, id)
    expect(told.map(each => textAt(each as never, 'object', 'kind'))).toEqual(['ReplicaSet', 'Pod', 'Pod'])
    const [set, pod] = told
    expect(set).toMatchObject({ kind: 'child', owner: WEB, ready: { ready: 2, wanted: 2 }, health: 'Healthy' })
    expect(pod).toMatchObject({
      owner: set!['object'],
      ...{ health: 'Healthy', ready: { ready: 1, wanted: 1 }, restarts: 0, images: ['registry.example/web:1'] },
    })
    expect(last(bench)).toEqual({ id, outcome: 'done', message: '3 children' })
  })

  it('leave out what an earlier object of that name, or a stranger, has made', async () => {
    const bench = await synced()
    const strays = [
      ['old', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'of-an-earlier-one', controller: true }],
      ['theirs', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other', uid: 'x', controller: true }],
    ] as const
    for (const [name, owner] of strays) {
      const made = await bench.cluster.handle({
        ...{ method: 'POST', path: '/api/v1/namespaces/shop/pods', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify({
          ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', ownerReferences: [owner] } },
          spec: { containers: [{ name: 'web', image: 'x' }] },
        }),
      })
      expect(made.status).toBe(201)
    }
    const id = give(bench, { verb: 'children' })
    await bench.pass(500)
    const names = records(bench, id).map(each => textAt(each as never, 'object', 'name'))
    expect(names).toHaveLength(2)
    expect(names).not.toContain('old')
    expect(names).not.toContain('theirs')
  })
})
