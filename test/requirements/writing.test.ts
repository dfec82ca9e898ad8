import { OPTIONS } from '@flotilla/agents/testing/documents'
import type { JsonObject } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, deployment, object } from './objects.ts'
import { createAs, editAs, isGone, makeNamespace } from './others.ts'
import { requirements } from './requirement.ts'

const CEILING = {
  clusterKindsAllowed: [{ group: '*', kind: '*' }],
  clusterKindsDenied: [],
  namespacedKindsDenied: [],
  namespaces: ['*'],
}
const RBAC = 'rbac.authorization.k8s.io/v1'

const option = (value: string) => ({ annotations: { 'argocd.argoproj.io/sync-options': value } })
const ours = (value: string) => ({ annotations: { 'flotilla.dev/sync-options': value } })

/** How objects are written: sync-engine.md 8. */
requirements('writing', requirement => {
  requirement('8', 'fields of others are taken by force, and it is said whose', async bench => {
    await bench.start()
    const options = { ...OPTIONS, selfHeal: false }
    await bench.succeeded(bench.sync([configMap('a', { x: '1' })], { options }))
    await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'a'), { data: { x: 'edited' } })
    const ended = await bench.succeeded(bench.sync([configMap('a', { x: '2' })]))
    expect(await dataOf(bench)).toEqual({ x: '2' })
    expect(ended.results.find(({ key }) => key.name === 'a')).toMatchObject({
      outcome: 'configured',
      message: expect.stringContaining('kubectl-edit (.data.x)'),
    })
  })

  requirement('8', 'Conflicts=fail names the other manager and its fields, and changes nothing', async bench => {
    const options = { ...OPTIONS, selfHeal: false, conflicts: 'fail' as const }
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a', { x: '1' })], { options }))
    await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'a'), { data: { x: 'edited' } })
    const ended = await bench.ended(bench.sync([configMap('a', { x: '2' })], { options }))
    expect(ended.phase).toBe('Failed')
    expect(ended.message).toMatch(/kubectl-edit.*\.data\.x/)
    expect(await dataOf(bench)).toEqual({ x: 'edited' })
  })

  requirement('8', 'Replace=true writes the whole object and deletes nothing', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a', { x: '1' }, option('Replace=true'))]))
    const before = await bench.read('ConfigMap', 'a')
    const patch = { data: { extra: 'by hand' }, metadata: { finalizers: ['example.org/theirs'] } }
    await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'a'), patch)
    await bench.succeeded(bench.sync([configMap('a', { x: '2' }, option('Replace=true'))]))
    const after = await bench.read('ConfigMap', 'a')
    expect(after?.['data']).toEqual({ x: '2' })
    expect(after?.metadata.uid).toBe(before?.metadata.uid)
    // Who else waits for its end, still does.
    expect(after?.metadata.finalizers).toEqual(['example.org/theirs'])
    expect(bench.writesOf(['configmaps']).filter(write => write.startsWith('delete'))).toEqual([])
    expect(bench.writesOf(['configmaps'])).toContain(`put configmaps ${bench.namespace}/a`)
    await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'a'), { metadata: { finalizers: null } })
  })

  requirement('8', 'Replace=true keeps what a Service was given for life', async bench => {
    const service = (port: number) =>
      object('v1', 'Service', 's', {
        metadata: option('Replace=true'),
        spec: { ports: [{ port }], selector: { app: 'web' } },
      })
    await bench.start()
    await bench.succeeded(bench.sync([service(80)]))
    const address = valueAt((await bench.read('Service', 's'))?.['spec'], 'clusterIP')
    await bench.succeeded(bench.sync([service(81)]))
    const after = await bench.read('Service', 's')
    expect(valueAt(after?.['spec'], 'clusterIP')).toBe(address)
    expect(valueAt(after?.['spec'], 'ports')).toMatchObject([{ port: 81 }])
  })

  requirement('8', 'Force=true deletes and creates again what cannot be changed, and nothing else', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:1', 1, option('Force=true'))]))
    const before = await uidOf(bench)
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:2', 1, option('Force=true'))]))
    expect(await uidOf(bench)).toBe(before)
    await bench.succeeded(bench.sync([relabelled(option('Force=true'))]))
    expect(await uidOf(bench)).not.toBe(before)
    const after = await bench.read('Deployment', 'web', 'apps')
    expect(valueAt(after?.['spec'], 'selector', 'matchLabels')).toEqual({ app: 'other' })
    expect(after?.metadata.deletionTimestamp).toBeUndefined()
  })

  requirement('8', 'without Force=true what cannot be changed fails with the server’s words', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web')]))
    const before = await uidOf(bench)
    const ended = await bench.ended(bench.sync([relabelled({})]))
    expect(ended).toMatchObject({ phase: 'Failed', message: expect.stringContaining('immutable') })
    expect(await uidOf(bench)).toBe(before)
  })

  requirement(
    '8',
    'IfNotPresent=true makes an object once, leaves it alone from then on, and prunes it',
    async bench => {
      await bench.start()
      await bench.succeeded(bench.sync([configMap('a', { x: '1' }, ours('IfNotPresent=true')), configMap('canary')]))
      await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'a'), { data: { x: 'mine now' } })
      await bench.succeeded(
        bench.sync([configMap('a', { x: '2' }, ours('IfNotPresent=true')), configMap('canary', { y: '2' })]),
      )
      expect(await dataOf(bench)).toEqual({ x: 'mine now' })
      await bench.until('it is Synced', () => bench.report?.sync.status === 'Synced')
      await bench.succeeded(bench.sync([configMap('canary')]))
      await isGone(bench, 'ConfigMap', 'a')
    },
  )

  requirement('8', 'with ClientSideApplyMigration=false what kubectl set stays', async bench => {
    await makeNamespace(bench)
    await createAs(bench, 'kubectl-client-side-apply', configMap('a', { x: '0', old: 'by kubectl' }))
    await bench.start()
    const options = { ...OPTIONS, takeOverKubectl: false }
    await bench.succeeded(bench.sync([configMap('a', { x: '1' })], { options }))
    expect(await dataOf(bench)).toEqual({ x: '1', old: 'by kubectl' })
  })

  requirement('8', 'writes are made as the Project’s service account, and no more than it may', async bench => {
    const account = `system:serviceaccount:${bench.namespace}:deployer`
    const changes = {
      ceiling: { ...CEILING, serviceAccount: account },
      options: { ...OPTIONS, createNamespace: false },
    }
    await makeNamespace(bench)
    await bench.start()
    const refused = await bench.ended(bench.sync([configMap('a')], changes))
    expect(refused).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining(`User "${account}" cannot patch`),
    })
    expect(await bench.read('ConfigMap', 'a')).toBeUndefined()
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch', 'delete'] }]
    await createAs(bench, 'admin', object(RBAC, 'Role', 'deployer', { rules }))
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'deployer' }
    const subjects = [{ kind: 'ServiceAccount', name: 'deployer', namespace: bench.namespace }]
    await createAs(bench, 'admin', object(RBAC, 'RoleBinding', 'deployer', { roleRef, subjects }))
    // The apiserver learns of rights from a watch of its own.
    await bench.until(
      'the account may write',
      async () => (await bench.ended(bench.sync([configMap('a')], changes))).phase === 'Succeeded',
    )
    expect(await bench.read('ConfigMap', 'a')).toBeDefined()
    // What the account may not do, the agent does not do for it, prunes included.
    const secret = await bench.ended(bench.sync([configMap('a'), object('v1', 'Secret', 's', { data: {} })], changes))
    expect(secret).toMatchObject({ phase: 'Failed', message: expect.stringMatching(/secrets|forbidden|FORBIDDEN/) })
    expect(await bench.read('Secret', 's')).toBeUndefined()
    await bench.succeeded(bench.sync([configMap('b')], changes))
    await isGone(bench, 'ConfigMap', 'a')
  })

  requirement('8', 'a service account that is none is refused before any request', async bench => {
    await bench.start()
    for (const serviceAccount of ['', 'system:serviceaccount::x', 'admin', 'system:masters']) {
      bench.sync([configMap('a')], { ceiling: { ...CEILING, serviceAccount } })
      await bench.until('it is told', () => {
        return bench.report?.sync.message?.endsWith(`"${serviceAccount}" is no service account to act as`) ?? false
      })
    }
    expect(bench.writesOf(['configmaps'])).toEqual([])
    expect(bench.dryRuns).toEqual([])
  })

  requirement('8', 'of two env entries of one name the last is sent, and the next look finds no drift', async bench => {
    await bench.start()
    const web = deployment('web')
    const env = [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
      { name: 'A', value: '3' },
    ]
    const spec = web['spec'] as { readonly template: { readonly spec: { readonly containers: readonly object[] } } }
    const containers = [{ ...spec.template.spec.containers[0], env }]
    const template = { ...spec.template, spec: { ...spec.template.spec, containers } }
    await bench.succeeded(bench.sync([{ ...web, spec: { ...spec, template } } as unknown as KubernetesObject]))
    const live = await bench.read('Deployment', 'web', 'apps')
    expect(valueAt(live, 'spec', 'template', 'spec', 'containers')).toMatchObject([
      {
        env: [
          { name: 'B', value: '2' },
          { name: 'A', value: '3' },
        ],
      },
    ])
    await bench.until('it is Synced', () => bench.report?.sync.status === 'Synced')
  })
})

async function dataOf(bench: Bench) {
  return (await bench.read('ConfigMap', 'a'))?.['data']
}

async function uidOf(bench: Bench) {
  return (await bench.read('Deployment', 'web', 'apps'))?.metadata.uid
}

function relabelled(metadata: JsonObject): KubernetesObject {
  const labels = { app: 'other' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'registry.example/web:2' }] } }
  return object('apps/v1', 'Deployment', 'web', {
    metadata,
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  })
}
