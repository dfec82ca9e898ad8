import { startBench } from '@flotilla/agents/testing/agent-bench'
import { bundleOf, configMap, object } from '@flotilla/agents/testing/documents'
import { describe, expect, test } from 'vitest'
import { CANARY_PASSWORD, canariesIn } from './helpers/canary.ts'
import { EMPTY_IDENTITIES } from './helpers/empty-identities.ts'

const OPEN = {
  clusterKindsAllowed: [{ group: '*', kind: '*' }],
  clusterKindsDenied: [],
  namespacedKindsDenied: [],
  namespaces: ['*'],
}
const SECRET = object('v1', 'Secret', 'keys', { stringData: { password: CANARY_PASSWORD } })

describe('Fleet CVE-2024-52284: values that were secret stood in a readable object', () => {
  test('no record of the agent holds a canary, nor any report: the Secret itself does', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), SECRET))
    await bench.pass(5_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
    const holding = bench.cluster.objects().filter(each => canariesIn(JSON.stringify(each)).length > 0)
    // The state that is kept for a restart is Secrets of the agent's own namespace, which only it reads.
    const others = holding.filter(({ kind, metadata }) => !(kind === 'Secret' && metadata.name === 'keys'))
    expect(others.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([])
    expect(holding).toHaveLength(1)
    expect(canariesIn(JSON.stringify(bench.hub.link.reports))).toEqual([])
    expect(canariesIn(bench.messages.join('\n'))).toEqual([])
  })

  test('nor when the cluster refuses it', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf({ ...SECRET, data: { password: 'no base64!' } }))
    await bench.pass(30_000)
    expect(canariesIn(JSON.stringify(bench.hub.link.reports))).toEqual([])
    expect(canariesIn(bench.messages.join('\n'))).toEqual([])
    const holding = bench.cluster.objects().filter(each => canariesIn(JSON.stringify(each)).length > 0)
    expect(holding.filter(({ kind }) => kind !== 'Secret')).toEqual([])
  })
})

describe('Flux Operator CVE-2026-23990: an empty identity was the operator’s own', () => {
  test.each(EMPTY_IDENTITIES)('a service account that is %s: nothing is asked of the cluster', async (_, account) => {
    const bench = await startBench()
    bench.cluster.clearRequests()
    bench.hub.sync(bundleOf(configMap('a')), { ceiling: { ...OPEN, serviceAccount: account } })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(bench.writes()).toEqual([])
  })

  test('an account whose name is blank is nobody’s, and is not asked for', async () => {
    const bench = await startBench()
    bench.cluster.clearRequests()
    bench.hub.sync(bundleOf(configMap('a')), {
      ceiling: { ...OPEN, serviceAccount: 'system:serviceaccount:shop:' },
    })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
  })
})

describe('Argo CD CVE-2022-24768: a verb reached objects that were not the Application’s', () => {
  test('what an Application may prune is what it tracks, of kinds and namespaces that its Project permits', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), configMap('b')))
    await bench.pass(5_000)
    // Somebody else's claim on the object.
    await bench.edit('/api/v1/namespaces/shop/configmaps/b', {
      metadata: { annotations: { 'flotilla.dev/tracking-id': 'another:/ConfigMap:shop/b' } },
    })
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(30_000)
    expect(bench.read('ConfigMap', 'b')).toBeDefined()
  })

  test('outside of the ceiling nothing is written, whatever the Bundle holds', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a')), { ceiling: { ...OPEN, namespaces: ['elsewhere'] } })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(bench.writes().filter(line => line.includes('configmaps'))).toEqual([])
  })
})
