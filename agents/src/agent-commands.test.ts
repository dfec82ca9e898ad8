import { textAt } from '@flotilla/core/json/read-json'
import type { CommandAction, CommandPayload } from '@flotilla/core/protocol/documents'
import { describe, expect, it } from 'vitest'
import { type AgentBench, newBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, object, SHOP } from './testing/documents.ts'

const WEB = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
const RESTARTED = ['spec', 'template', 'metadata', 'annotations', 'flotilla.dev/restarted']
const PATH = '/apis/apps/v1/namespaces/shop/deployments/web'

function give(bench: AgentBench, action: CommandAction, over: Partial<CommandPayload> = {}): CommandPayload {
  const now = bench.clock.now()
  const command: CommandPayload = {
    typ: 'command',
    cluster: 'cluster-1',
    adm: 1,
    iat: now,
    must: [],
    id: `command-${bench.hub.link.answers.length + 1}`,
    application: SHOP.id,
    action,
    by: 'ana',
    expires: now + 300_000,
    ...over,
  }
  bench.hub.link.openCommands.push(command)
  bench.hub.link.changed()
  return command
}

const answers = (bench: AgentBench) => bench.hub.link.answers.map(({ id, outcome }) => [id, outcome])
const last = (bench: AgentBench) => bench.hub.link.answers.at(-1)

async function synced(): Promise<AgentBench> {
  const bench = await startBench()
  bench.hub.sync(bundleOf(configMap('a'), deployment('web')))
  await bench.pass(5_000)
  expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } })
  bench.writes()
  return bench
}

describe('a command', () => {
  it('restarts once: its id stands in the pod template, and self-heal leaves it there', async () => {
    const bench = await synced()
    const { id } = give(bench, { verb: 'restart', object: WEB })
    await bench.pass(60_000)
    const annotations = { 'flotilla.dev/restarted': id }
    expect(bench.read('Deployment', 'web', 'apps')).toMatchObject({
      spec: { template: { metadata: { annotations } } },
    })
    expect(answers(bench)).toEqual([[id, 'done']])
    expect(bench.writes()).toEqual([`patch ${PATH} 200`])
  })

  it('scales to a number, and what the source says comes back by self-heal', async () => {
    const bench = await synced()
    give(bench, { verb: 'scale', object: WEB, replicas: 4 })
    await bench.pass(200)
    expect(last(bench)).toMatchObject({
      outcome: 'done',
      message: 'scaled from 1 to 4 replicas',
      result: { replicas: 4 },
    })
    await bench.pass(10_000)
    expect(bench.read('Deployment', 'web', 'apps')).toMatchObject({ spec: { replicas: 1 } })
  })

  it('deletes the object with that UID, and no other of its name', async () => {
    const bench = await synced()
    give(bench, { verb: 'inspect', object: WEB })
    await bench.pass(500)
    const uid = last(bench)?.result?.uid ?? ''
    give(bench, { verb: 'delete', object: WEB, uid: 'of-another' })
    await bench.pass(500)
    expect(last(bench)).toMatchObject({ outcome: 'refused', message: expect.stringContaining('another') })
    give(bench, { verb: 'delete', object: WEB, uid })
    await bench.pass(100)
    expect(last(bench)).toMatchObject({ outcome: 'done' })
    await bench.pass(30_000)
    expect(bench.read('Deployment', 'web', 'apps')?.metadata.uid, 'self-heal made a new one').not.toBe(uid)
  })

  const refused: readonly (readonly [string, CommandAction, Partial<CommandPayload>, string])[] = [
    [
      'an object that nobody tracks',
      { verb: 'delete', object: { group: '', kind: 'Namespace', namespace: '', name: 'default' }, uid: 'x' },
      {},
      'refused',
    ],
    ['what is not there', { verb: 'restart', object: { ...WEB, name: 'none' } }, {}, 'refused'],
    [
      'a kind without the verb',
      { verb: 'suspend', object: { ...WEB, group: '', kind: 'ConfigMap', name: 'a' } },
      {},
      'refused',
    ],
    [
      'a kind that is not served',
      { verb: 'restart', object: { ...WEB, group: 'none.example', kind: 'None' } },
      {},
      'failed',
    ],
    ['what came after its time', { verb: 'restart', object: WEB }, { expires: 0 }, 'lapsed'],
    ['an Application that is not held', { verb: 'restart', object: WEB }, { application: 'another' }, 'refused'],
    ['an operation that does not run', { verb: 'terminate', operation: 'none' }, {}, 'refused'],
  ]
  for (const [sentence, action, over, outcome] of refused) {
    it(`does nothing about ${sentence}, and says ${outcome}`, async () => {
      const bench = await synced()
      give(bench, action, over)
      await bench.pass(5_000)
      expect(last(bench)).toMatchObject({ outcome })
      expect(bench.writes()).toEqual([])
    })
  }

  it('outside what its Project permits now is refused, though it was permitted once', async () => {
    const bench = await synced()
    const held = bench.hub.link.documents.get(SHOP.id)
    if (held?.typ !== 'offer') throw new Error('no Offer')
    bench.hub.link.documents.set(SHOP.id, { ...held, ceiling: { ...held.ceiling, namespaces: ['elsewhere'] } })
    give(bench, { verb: 'restart', object: WEB })
    await bench.pass(500)
    expect(last(bench)).toMatchObject({ outcome: 'refused', message: expect.stringContaining('does not permit') })
  })

  it('that was begun by a process that died is answered as unknown, and never done again', async () => {
    const bench = newBench()
    await bench.start()
    bench.hub.sync(bundleOf(configMap('a'), deployment('web')))
    await bench.pass(5_000)
    bench.writes()
    const command = give(bench, { verb: 'restart', object: WEB }, { id: 'command-1' })
    // It kept the id, and then the process was gone.
    bench.hub.link.begun.add(command.id)
    await bench.pass(5_000)
    expect(answers(bench)).toEqual([['command-1', 'unknown']])
    expect(bench.writes()).toEqual([])
  })

  it('whose write was not answered is told as unknown, one that could not even look as failed', async () => {
    const bench = await synced()
    const outcomes = new Set<string>()
    for (let requests = 0; requests < 40; requests++) {
      await bench.stop()
      await bench.start(requests)
      const { id } = give(bench, { verb: 'restart', object: WEB }, { id: `command-${requests}` })
      await bench.pass(120_000)
      const written = textAt(bench.read('Deployment', 'web', 'apps'), ...RESTARTED) === id
      const outcome = bench.hub.link.answers.find(answer => answer.id === id)?.outcome
      if (outcome === undefined) continue
      outcomes.add(outcome)
      // Whoever says that nothing was done is right.
      if (outcome === 'failed' || outcome === 'refused') expect(written, id).toBe(false)
      if (outcome === 'done') expect(written, id).toBe(true)
    }
    expect([...outcomes].sort()).toEqual(expect.arrayContaining(['done', 'unknown']))
  })

  it('ends the operation that waits, its hook goes, and the next one may start', async () => {
    const bench = await startBench()
    const stuck = object('batch/v1', 'Job', 'migrate', {
      metadata: { annotations: { 'argocd.argoproj.io/hook': 'PreSync' } },
      spec: {
        template: {
          metadata: { annotations: { 'sim/ready': 'never' } },
          spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
        },
      },
    })
    const grant = bench.hub.sync(bundleOf(stuck, configMap('later')))
    await bench.pass(10_000)
    expect(bench.report.operation).toMatchObject({ id: grant.id, phase: 'Running' })
    give(bench, { verb: 'terminate', operation: grant.id })
    await bench.pass(10_000)
    expect(last(bench)).toMatchObject({ outcome: 'done' })
    expect(bench.report.operation).toMatchObject({ id: grant.id, phase: 'Failed' })
    expect(bench.read('ConfigMap', 'later')).toBeUndefined()
    expect(bench.read('Job', 'migrate', 'batch')).toBeUndefined()
    bench.hub.sync(bundleOf(configMap('a'), deployment('web')))
    await bench.pass(10_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
  })
})
