import type { Json } from '@flotilla/core/json/json'
import { describe, expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, OPTIONS, object, SHOP } from './testing/documents.ts'

const ACCOUNT = 'system:serviceaccount:shop:deployer'
const CEILING = {
  clusterKindsAllowed: [{ group: '*', kind: '*' }],
  clusterKindsDenied: [],
  namespacedKindsDenied: [],
  namespaces: ['*'],
  serviceAccount: ACCOUNT,
}
const WITHOUT_DELETE = ['get', 'list', 'watch', 'create', 'patch']

/** An Application of two ConfigMaps and a Job as hook, applied as an account that may do this much. */
async function deployed(verbs: readonly string[]) {
  const bench = await startBench()
  const deleters: (string | undefined)[] = []
  bench.between = (request, pass) => {
    if (request.method === 'DELETE' && request.path.includes('/namespaces/shop/')) {
      deleters.push(request.headers?.['impersonate-user'])
    }
    return pass(request)
  }
  await make(bench, '/api/v1/namespaces', { kind: 'Namespace', metadata: { name: 'shop' } })
  await permit(bench, verbs)
  const options = { ...OPTIONS, createNamespace: false, prune: true }
  const sync = (...names: readonly string[]) =>
    bench.hub.sync(bundleOf(...names.map(name => configMap(name))), { ceiling: CEILING, options })
  sync('a', 'b')
  await bench.pass(5_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
  return { bench, deleters, sync, options }
}

const withdraw = async (bench: AgentBench, policy: 'prune' | 'detach' = 'prune', serviceAccount = ACCOUNT) => {
  bench.hub.grant(bench.hub.tombstone({ policy, serviceAccount }))
  bench.hub.link.changed()
  await bench.pass(20_000)
}

describe('what is removed is removed with the rights that the Project is applied with', () => {
  it('a prune of a sync', async () => {
    const { bench, deleters, sync } = await deployed(WITHOUT_DELETE)
    sync('a')
    await bench.pass(10_000)
    expect(bench.report.operation).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining(`User "${ACCOUNT}" cannot delete`),
    })
    expect(bench.read('ConfigMap', 'b')).toBeDefined()
    await permit(bench, [...WITHOUT_DELETE, 'delete'])
    sync('a')
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'b')).toBeUndefined()
    expect(new Set(deleters)).toEqual(new Set([ACCOUNT]))
  })

  it('a withdrawn Application, which waits where the account may not, and goes when it may', async () => {
    const { bench, deleters } = await deployed(WITHOUT_DELETE)
    await withdraw(bench)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    expect(bench.report).toMatchObject({ gone: false })
    expect(JSON.stringify(bench.report.operation)).toContain(`User \\"${ACCOUNT}\\" cannot delete`)
    await permit(bench, [...WITHOUT_DELETE, 'delete'])
    await bench.pass(10 * 60_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(bench.report).toMatchObject({ gone: true })
    expect(new Set(deleters)).toEqual(new Set([ACCOUNT]))
  })

  it('an account that is gone is no reason for other rights', async () => {
    const { bench, deleters } = await deployed([...WITHOUT_DELETE, 'delete'])
    await withdraw(bench, 'prune', 'system:serviceaccount:shop:nobody')
    await bench.pass(10 * 60_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    expect(JSON.stringify(bench.report.operation)).toContain('system:serviceaccount:shop:nobody')
    expect(deleters).not.toContain(undefined)
  })

  it('marks that are taken off', async () => {
    const { bench } = await deployed(['get', 'list', 'watch', 'create', 'patch'])
    const patchers = new Set<string | undefined>()
    bench.between = (request, pass) => {
      if (request.method === 'PATCH' && request.path.includes('/namespaces/shop/')) {
        patchers.add(request.headers?.['impersonate-user'])
      }
      return pass(request)
    }
    await withdraw(bench, 'detach')
    expect(bench.report).toMatchObject({ gone: true })
    expect(bench.read('ConfigMap', 'a')?.metadata.labels?.['flotilla.dev/application']).toBeUndefined()
    expect([...patchers]).toEqual([ACCOUNT])
  })

  it('what somebody deletes by hand', async () => {
    const { bench, deleters } = await deployed(WITHOUT_DELETE)
    const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' }
    bench.hub.link.openCommands.push({
      ...{ typ: 'command', cluster: 'c', adm: 1, iat: bench.clock.now(), must: [], id: 'delete-it' },
      ...{ application: SHOP.id, by: 'ana', expires: bench.clock.now() + 60_000 },
      action: { verb: 'delete', object: key, uid: bench.read('ConfigMap', 'a')!.metadata.uid! },
    })
    bench.hub.link.changed()
    await bench.pass(2_000)
    expect(bench.hub.link.answers).toMatchObject([{ id: 'delete-it', outcome: 'failed' }])
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    expect(deleters).toEqual([ACCOUNT])
  })

  it('hooks of an operation that is ended, which ends all the same where the account may not', async () => {
    const { bench, deleters, options } = await deployed(WITHOUT_DELETE)
    const template = {
      metadata: { annotations: { 'sim/run-for': '10h' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
    }
    const metadata = { annotations: { 'argocd.argoproj.io/hook': 'PreSync' } }
    const hook = object('batch/v1', 'Job', 'hangs', { metadata, spec: { template } })
    const grant = bench.hub.sync(bundleOf(configMap('a'), configMap('b'), hook), { ceiling: CEILING, options })
    await bench.pass(5_000)
    bench.hub.link.openCommands.push({
      ...{ typ: 'command', cluster: 'c', adm: 1, iat: bench.clock.now(), must: [], id: 'end-it' },
      ...{ application: SHOP.id, by: 'ana', expires: bench.clock.now() + 60_000 },
      action: { verb: 'terminate', operation: grant.id },
    })
    bench.hub.link.changed()
    await bench.pass(20_000)
    expect(bench.report.operation).toMatchObject({
      phase: 'Failed',
      terminatedBy: 'ana',
      message: expect.stringMatching(/its hooks stay: .* cannot delete/),
    })
    expect(bench.read('Job', 'hangs', 'batch')).toBeDefined()
    expect(new Set(deleters)).toEqual(new Set([ACCOUNT]))
  })
})

async function permit(bench: AgentBench, verbs: readonly string[]): Promise<void> {
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop'
  const rules = [{ apiGroups: ['', 'batch'], resources: ['configmaps', 'jobs', 'pods', 'pods/log'], verbs }]
  const headers = { 'content-type': 'application/apply-patch+yaml' }
  const apply = async (path: string, body: Json) => {
    const answer = await bench.cluster.handle({
      ...{ method: 'PATCH', path: `${path}?fieldManager=test&force=true`, headers },
      body: JSON.stringify(body),
    })
    expect([200, 201]).toContain(answer.status)
  }
  const rbac = 'rbac.authorization.k8s.io'
  const metadata = { name: 'deployer' }
  await apply(`${roles}/roles/deployer`, { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules })
  await apply(`${roles}/rolebindings/deployer`, {
    ...{ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata },
    roleRef: { apiGroup: rbac, kind: 'Role', name: 'deployer' },
    subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: 'shop' }],
  })
}

async function make(bench: AgentBench, path: string, body: Json): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await bench.cluster.handle({ method: 'POST', path, headers, body: JSON.stringify(body) })
  expect(answer.status).toBe(201)
}
