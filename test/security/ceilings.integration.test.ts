import { startBench } from '@flotilla/agents/testing/agent-bench'
import { bundleOf, configMap, object } from '@flotilla/agents/testing/documents'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { ceilingOf } from '@flotilla/core/project/permit'
import { APPS, application, CONFIG, cluster, LoopHarness } from '@flotilla/hub/loop/testing/loop-harness'
import { describe, expect, test } from 'vitest'

const SPEC = {
  sourceRepos: ['*'],
  destinations: [{ name: '*', namespace: 'shop' }],
  clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }],
  clusterResourceBlacklist: [],
  namespaceResourceBlacklist: [{ group: '', kind: 'ResourceQuota' }],
}

const OUTSIDE: Record<string, KubernetesObject> = {
  'another namespace': object('v1', 'ConfigMap', 'x', { metadata: { namespace: 'kube-system' } }),
  'a cluster-scoped kind that is not listed': object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'x', { rules: [] }),
  'a kind that is denied': object('v1', 'ResourceQuota', 'x', { spec: { hard: { pods: '1' } } }),
}

/** One rule, asked where the hub permits and where an agent writes: neither trusts the other to have asked. */
describe('Argo CD CVE-2024-31990: a rule held in the controller and not in the API', () => {
  test.each(Object.entries(OUTSIDE))('%s: the hub permits no Bundle with it', async (_, forbidden) => {
    const hub = new LoopHarness()
    const project = { apiVersion: 'flotilla.dev/v1alpha1', kind: 'Project', metadata: { name: 'shop' }, spec: SPEC }
    hub.git.commit(CONFIG, {
      'clusters/eu-1.json': cluster('eu-1'),
      'projects/shop.json': JSON.stringify(project),
      'apps/bad.json': application('bad', APPS, 'apps/bad'),
      'apps/good.json': application('good', APPS, 'apps/good'),
    })
    hub.git.commit(APPS, {
      'apps/bad/x.json': JSON.stringify(forbidden),
      'apps/good/x.json': JSON.stringify(configMap('a')),
    })
    await hub.start()
    await hub.refresh(APPS)
    const id = await hub.join('eu-1')
    await hub.clock.advance(60_000)
    expect(hub.application('bad').hold?.code).toMatch(/FORBIDDEN/)
    expect(hub.application('good').hold).toBeUndefined()
    const offered = (await hub.documents(id)).filter(document => JSON.stringify(document).includes('"bad"'))
    expect(offered).toEqual([])
  })

  test.each(Object.entries(OUTSIDE))('%s: an agent that is offered it writes nothing of it', async (_, forbidden) => {
    const bench = await startBench()
    const ceiling = ceilingOf(SPEC, { name: 'eu-1', servers: [] })
    bench.hub.sync(bundleOf(configMap('a'), forbidden), { ceiling })
    await bench.pass(30_000)
    expect(bench.cluster.objects().filter(({ metadata }) => metadata.name === 'x')).toEqual([])
    expect(bench.report.operation?.phase).toBe('Failed')
    bench.hub.sync(bundleOf(configMap('a')), { ceiling })
    await bench.pass(30_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
  })
})
