import type { Json } from '@flotilla/core/json/json'
import { textAt, valueAt } from '@flotilla/core/json/read-json'
import type { Bundle } from '@flotilla/core/model/bundle'
import { describe, expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, OPTIONS, object } from './testing/documents.ts'

const CONFIG_MAPS = '/api/v1/namespaces/shop/configmaps'
const OPEN = {
  clusterKindsAllowed: [{ group: '*', kind: '*' }],
  clusterKindsDenied: [],
  namespacedKindsDenied: [],
  namespaces: ['*'],
}

describe('how the agent writes', () => {
  it('as the Project’s service account, and no more than that account may', async () => {
    const bench = await startBench()
    const ceiling = { ...OPEN, serviceAccount: 'system:serviceaccount:shop:deployer' }
    await make(bench, '/api/v1/namespaces', { kind: 'Namespace', metadata: { name: 'shop' } })
    const options = { ...OPTIONS, createNamespace: false }
    bench.hub.sync(bundleOf(configMap('a')), { ceiling, options })
    await bench.pass(5_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Failed' })
    expect(bench.report.operation?.message).toContain('User "system:serviceaccount:shop:deployer" cannot patch')
    await make(bench, '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles', {
      kind: 'Role',
      metadata: { name: 'deployer' },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch', 'delete'] }],
    })
    await make(bench, '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings', {
      kind: 'RoleBinding',
      metadata: { name: 'deployer' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'deployer' },
      subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: 'shop' }],
    })
    bench.hub.sync(bundleOf(configMap('a')), { ceiling, options })
    await bench.pass(5_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
  })

  it('with a service account that is none: nothing is asked of the cluster', async () => {
    const bench = await startBench()
    bench.cluster.clearRequests()
    bench.hub.sync(bundleOf(configMap('a')), { ceiling: { ...OPEN, serviceAccount: '' } })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(bench.writes()).toEqual([])
  })

  it('takes fields of others by force, and says whose', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    await bench.edit(`${CONFIG_MAPS}/a`, { data: { x: 'edited' } })
    bench.hub.sync(bundleOf(configMap('a', { x: '2' })))
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '2' })
    expect(resultOf(bench, 'a')).toMatchObject({
      outcome: 'configured',
      message: expect.stringContaining('kubectl-edit (.data.x)'),
    })
  })

  it('with Conflicts=fail names the other manager and its fields, and changes nothing', async () => {
    const bench = await startBench()
    const options = { ...OPTIONS, conflicts: 'fail' as const }
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })), { options })
    await bench.pass(5_000)
    await bench.edit(`${CONFIG_MAPS}/a`, { data: { x: 'edited' } })
    bench.hub.sync(bundleOf(configMap('a', { x: '2' })), { options })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: 'edited' })
    expect(bench.report.operation).toMatchObject({ phase: 'Failed' })
    expect(bench.report.operation?.message).toMatch(/kubectl-edit.*\.data\.x/)
  })

  it('Replace=true writes the whole object and deletes nothing', async () => {
    const bench = await startBench()
    const replaced = { annotations: { 'argocd.argoproj.io/sync-options': 'Replace=true' } }
    bench.hub.sync(bundleOf(configMap('a', { x: '1' }, replaced)))
    await bench.pass(5_000)
    const before = bench.read('ConfigMap', 'a')
    await bench.edit(`${CONFIG_MAPS}/a`, { data: { extra: 'by hand' } })
    bench.hub.sync(bundleOf(configMap('a', { x: '2' }, replaced)))
    await bench.pass(5_000)
    const after = bench.read('ConfigMap', 'a')
    expect(after?.['data']).toEqual({ x: '2' })
    expect(after?.metadata.uid).toBe(before?.metadata.uid)
    expect(bench.writes().filter(write => write.startsWith('delete'))).toEqual([])
  })

  it('Force=true deletes and creates again what cannot be changed, and nothing else', async () => {
    const bench = await startBench()
    const forced = { annotations: { 'argocd.argoproj.io/sync-options': 'Force=true' } }
    bench.hub.sync(bundleOf(deployment('web', 'registry.example/web:1', 1, forced)))
    await bench.pass(5_000)
    const before = bench.read('Deployment', 'web', 'apps')?.metadata.uid
    bench.hub.sync(bundleOf(deployment('web', 'registry.example/web:2', 1, forced)))
    await bench.pass(5_000)
    expect(bench.read('Deployment', 'web', 'apps')?.metadata.uid).toBe(before)
    bench.hub.sync(bundleOf(relabelled(forced)))
    await bench.pass(20_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
    const after = bench.read('Deployment', 'web', 'apps')
    expect(after?.metadata.uid).not.toBe(before)
    expect(valueAt(after?.['spec'], 'selector', 'matchLabels')).toEqual({ app: 'other' })
  })

  it('a sync by hand may be forced for once, shows that before, and leaves alone what says Force=false', async () => {
    const bench = await startBench()
    const spared = { annotations: { 'argocd.argoproj.io/sync-options': 'Force=false' } }
    bench.hub.sync(bundleOf(deployment('web')))
    await bench.pass(5_000)
    const uid = () => bench.read('Deployment', 'web', 'apps')?.metadata.uid
    const before = uid()
    const force = (bundle: Bundle, dryRun = false) => {
      const options = { dryRun, prune: false, revision: 'b'.repeat(40), force: true as const }
      bench.hub.grant(bench.hub.offer(bundle), { trigger: 'manual', by: 'ana', options })
      bench.hub.link.changed()
      return bench.pass(20_000)
    }
    await force(bundleOf(relabelled({})), true)
    expect(resultOf(bench, 'web')).toMatchObject({ outcome: 'pending', message: 'delete and create again' })
    expect(uid()).toBe(before)
    await force(bundleOf(relabelled(spared)))
    expect(bench.report.operation).toMatchObject({ phase: 'Failed', message: expect.stringMatching(/immutable/) })
    expect(uid()).toBe(before)
    await force(bundleOf(relabelled({})))
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded', by: 'ana' })
    expect(uid()).not.toBe(before)
    // For once: the next one is as the Offer says.
    bench.hub.sync(bundleOf(deployment('web')))
    await bench.pass(20_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Failed', message: expect.stringMatching(/immutable/) })
  })

  it('without Force=true what cannot be changed fails with the server’s words', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(deployment('web')))
    await bench.pass(5_000)
    const before = bench.read('Deployment', 'web', 'apps')?.metadata.uid
    bench.hub.sync(bundleOf(relabelled({})))
    await bench.pass(5_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Failed' })
    expect(bench.report.operation?.message).toMatch(/immutable/)
    expect(bench.read('Deployment', 'web', 'apps')?.metadata.uid).toBe(before)
  })

  it('IfNotPresent=true makes an object once and leaves it alone from then on', async () => {
    const bench = await startBench()
    const once = { annotations: { 'flotilla.dev/sync-options': 'IfNotPresent=true' } }
    bench.hub.sync(bundleOf(configMap('a', { x: '1' }, once)))
    await bench.pass(5_000)
    await bench.edit(`${CONFIG_MAPS}/a`, { data: { x: 'mine now' } })
    await bench.pass(20_000)
    bench.hub.sync(bundleOf(configMap('a', { x: '2' }, once)))
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: 'mine now' })
    expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, operation: { phase: 'Succeeded' } })
    bench.hub.sync(bundleOf(configMap('b')), { options: { ...OPTIONS, prune: true, allowEmpty: true } })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
  })

  it('with ClientSideApplyMigration=false what kubectl set stays', async () => {
    for (const [takeOverKubectl, data] of [
      [true, { x: '1' }],
      [false, { x: '1', old: 'by kubectl' }],
    ] as const) {
      const bench = await startBench()
      await make(bench, '/api/v1/namespaces', { kind: 'Namespace', metadata: { name: 'shop' } })
      await make(bench, CONFIG_MAPS, {
        kind: 'ConfigMap',
        metadata: { name: 'a' },
        data: { x: '0', old: 'by kubectl' },
      })
      bench.hub.sync(bundleOf(configMap('a', { x: '1' })), { options: { ...OPTIONS, takeOverKubectl } })
      await bench.pass(5_000)
      expect(bench.read('ConfigMap', 'a')?.['data']).toEqual(data)
    }
  })
})

function relabelled(metadata: { readonly annotations?: { readonly [key: string]: string } }) {
  const labels = { app: 'other' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'registry.example/web:2' }] } }
  return object('apps/v1', 'Deployment', 'web', {
    metadata,
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  })
}

function resultOf(bench: AgentBench, name: string) {
  return bench.report.operation?.results.find(({ key }) => key.name === name)
}

async function make(bench: AgentBench, path: string, content: { readonly [field: string]: Json }): Promise<void> {
  const apiVersion = path.startsWith('/api/v1') ? 'v1' : path.split('/').slice(2, 4).join('/')
  const response = await bench.cluster.handle({
    method: 'POST',
    path: `${path}?fieldManager=kubectl-create`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion, ...content }),
  })
  expect([response.status, textAt(content['metadata'], 'name')]).toEqual([201, textAt(content['metadata'], 'name')])
}
