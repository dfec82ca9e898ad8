import { ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import type { GrantPayload } from '@flotilla/core/protocol/documents'
import { describe, expect, it } from 'vitest'
import { type AgentBench, newBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, object } from './testing/documents.ts'

const BUNDLE = bundleOf(configMap('a', { x: '1' }), configMap('b', { x: '1' }))
const HOOK = object('batch/v1', 'Job', 'notify', {
  metadata: { annotations: { 'argocd.argoproj.io/hook': 'PreSync' } },
  spec: {
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] } },
  },
})
const WHOLE = { dryRun: false, prune: false, revision: '' }

/** In place, and then somebody asks for a sync by hand. */
function askAgain(bench: AgentBench, bundle = BUNDLE): GrantPayload {
  const offer = bench.hub.offer(bundle)
  const grant = bench.hub.grant(offer, { trigger: 'manual', by: 'ana', options: WHOLE })
  bench.cluster.clearRequests()
  bench.hub.link.changed()
  return grant
}

/** Writes of the agent that got through, its Lease apart. */
function written(bench: AgentBench): readonly string[] {
  return bench.cluster.requests
    .filter(
      ({ verb, dryRun, path, status }) =>
        verb !== 'get' &&
        verb !== 'list' &&
        verb !== 'watch' &&
        !dryRun &&
        status < 300 &&
        !/leases|selfsubject|nodes/.test(path),
    )
    .map(({ verb, path }) => `${verb} ${path.replace(/\?.*/, '')}`)
}

const settledAs = ({ hub }: AgentBench, { id }: GrantPayload) => hub.link.settled.find(each => each.id === id)?.outcome

const RECORDS = '/api/v1/namespaces/flotilla-system/configmaps'

async function settled(bundle = BUNDLE): Promise<AgentBench> {
  const bench = await startBench()
  bench.hub.sync(bundle)
  await bench.pass(30_000)
  expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, operation: { phase: 'Succeeded' } })
  return bench
}

describe('a sync by hand with nothing to do', () => {
  it('is one write to the cluster: its record, once, at its end', async () => {
    const bench = await settled()
    const grant = askAgain(bench)
    await bench.pass(1_000)
    expect(bench.report.operation).toMatchObject({ id: grant.id, phase: 'Succeeded', by: 'ana' })
    expect(settledAs(bench, grant)).toBe('started')
    await bench.pass(60_000)
    // What `kubectl get` shows of the agent follows, at most every ten seconds.
    const status = `patch ${RECORDS}/flotilla-agent-status`
    expect(written(bench).filter(each => each !== status)).toEqual([`create ${RECORDS}`])
  })

  it('tells an Event of what did something, or failed', async () => {
    const bench = await settled()
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: '2' } })
    askAgain(bench, bundleOf(configMap('a', { x: '3' })))
    await bench.pass(30_000)
    expect(written(bench)).toContain('create /api/v1/namespaces/flotilla-system/events')
  })

  it('is looked at again by the next process when this one dies before it is stored', async () => {
    const bench = newBench()
    await bench.start()
    bench.hub.sync(BUNDLE)
    await bench.pass(30_000)
    bench.between = async (request, pass) => {
      if (request.method === 'POST' && request.path.startsWith(RECORDS))
        throw new ClusterUnreachable('the process was killed')
      return await pass(request)
    }
    const grant = askAgain(bench)
    await bench.pass(5_000)
    // Nothing is told to have started that no record stands for.
    expect(settledAs(bench, grant)).toBeUndefined()
    expect(bench.report.operation?.id).not.toBe(grant.id)
    await bench.stop()
    bench.between = (request, pass) => pass(request)
    await bench.start()
    await bench.pass(60_000)
    expect(bench.report.operation).toMatchObject({ id: grant.id, phase: 'Succeeded' })
    expect(settledAs(bench, grant)).toBe('started')
  })

  it('ends once, though the answer to its record is lost', async () => {
    const bench = await settled()
    let lost = 0
    bench.between = async (request, pass) => {
      const answer = await pass(request)
      if (request.method !== 'POST' || !request.path.startsWith(RECORDS) || lost > 0) return answer
      lost++
      throw new ClusterUnreachable('the answer was lost')
    }
    const grant = askAgain(bench)
    await bench.pass(60_000)
    expect(lost).toBe(1)
    expect(bench.report.operation).toMatchObject({ id: grant.id, phase: 'Succeeded' })
    expect(written(bench).filter(each => each === `create ${RECORDS}`)).toHaveLength(1)
  })

  it('stores its record before the first write, and before it waits', async () => {
    const bench = await settled()
    askAgain(bench, bundleOf(HOOK, configMap('a', { x: '2' }), configMap('b', { x: '1' })))
    await bench.pass(30_000)
    const order = written(bench)
    const [record, hook, first] = [
      order.indexOf(`create ${RECORDS}`),
      order.findIndex(each => each.includes('/jobs')),
      order.findIndex(each => each.includes('/shop/configmaps/a')),
    ]
    expect(record).toBeGreaterThanOrEqual(0)
    expect(hook).toBeGreaterThan(record)
    expect(first).toBeGreaterThan(hook)
  })

  it('can be terminated while it only looks, and is stored with that', async () => {
    const bench = await settled()
    bench.between = async (request, pass) => {
      if (request.path.includes('/jobs')) throw new ClusterUnreachable('it is away')
      return await pass(request)
    }
    const grant = askAgain(bench, bundleOf(HOOK, configMap('a', { x: '2' })))
    await bench.pass(2_000)
    bench.hub.link.openCommands.push({
      ...{ typ: 'command', cluster: grant.cluster, adm: 1, iat: bench.clock.now(), must: [], id: 'end' },
      ...{ application: grant.application, action: { verb: 'terminate', operation: grant.id }, by: 'ben' },
      expires: bench.clock.now() + 600_000,
    })
    bench.hub.link.changed()
    await bench.pass(5_000)
    bench.between = (request, pass) => pass(request)
    await bench.pass(120_000)
    expect(bench.report.operation).toMatchObject({ id: grant.id, phase: 'Failed', terminatedBy: 'ben' })
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
  })
})
