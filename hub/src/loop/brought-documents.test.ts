import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { describe, expect, it } from 'vitest'
import { isFleetDocument, partObjects } from './brought-documents.ts'
import { APPS, application, CONFIG, configMap, LoopHarness, project } from './testing/loop-harness.ts'

const ROOT = 'https://git.example.com/root.git'
const HUB_CLUSTER = cluster('hub', true)
const IN_CLUSTER = { destination: { server: 'https://kubernetes.default.svc', namespace: 'argocd' } }

function cluster(name: string, local = false): string {
  const spec = { local, servers: [] }
  return JSON.stringify({ apiVersion: 'flotilla.dev/v1alpha1', kind: 'Cluster', metadata: { name }, spec })
}

/** As Argo CD's users write it: in the argocd namespace, bound for the cluster that the children live on. */
function child(name: string, change: object = {}): string {
  const spec = {
    project: 'shop',
    source: { repoURL: APPS, targetRevision: 'main', path: `apps/${name}` },
    destination: { name: 'eu-1', namespace: 'shop' },
    syncPolicy: { automated: { prune: true, selfHeal: true } },
    ...change,
  }
  const metadata = { name, namespace: 'argocd', finalizers: ['resources-finalizer.argocd.argoproj.io'] }
  return JSON.stringify({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata, spec })
}

function childSet(name: string, elements: readonly string[]): string {
  const { metadata, spec } = JSON.parse(child('{{name}}')) as { metadata: object; spec: object }
  const template = { metadata, spec }
  return JSON.stringify({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name, namespace: 'argocd' },
    spec: { generators: [{ list: { elements: elements.map(each => ({ name: each })) } }], template },
  })
}

async function bootstrapped(
  files: { readonly [path: string]: string },
  root = application('root', ROOT, 'bootstrap', IN_CLUSTER),
) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/hub.json': HUB_CLUSTER,
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'applications/root.json': root,
  })
  hub.git.commit(ROOT, files)
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}), 'apps/api/cm.json': configMap('api', {}) })
  await hub.start()
  for (const url of [ROOT, APPS]) await hub.refresh(url)
  return hub
}

const source = async (hub: LoopHarness, name: string) =>
  (await hub.store.read(rows => rows.sources())).find(row => row.name === name)

describe('an Application that brings Applications', () => {
  it('has them declared, and its cluster gets what is left of its Bundle', async () => {
    const hub = await bootstrapped({
      'bootstrap/web.json': child('web'),
      'bootstrap/cm.json': configMap('settings', {}),
    })
    expect(hub.names()).toEqual(['root', 'web'])
    expect(hub.application('web')).toMatchObject({ source: 'application:root', project: 'shop', clusterName: 'eu-1' })
    const bundle = await hub.store.read(rows => rows.bundle(hub.application('root').digest!))
    expect(bundle).toMatchObject({ objectCount: 1 })
  })

  it('may bring nothing but Applications, and is not empty for that', async () => {
    const hub = await bootstrapped({ 'bootstrap/web.json': child('web') })
    expect(hub.application('root').hold).toMatchObject({ code: 'CLUSTER_NOT_JOINED' })
    expect(hub.names()).toEqual(['root', 'web'])
  })

  it('may bring sets', async () => {
    const hub = await bootstrapped({ 'bootstrap/all.json': childSet('all', ['web', 'api']) })
    expect((await source(hub, 'application:root'))?.diagnostics).toEqual([])
    expect(hub.names()).toEqual(['api', 'root', 'web'])
  })

  it('may declare for its own Project only, and says what it may not', async () => {
    const hub = await bootstrapped({
      'bootstrap/web.json': child('web'),
      'bootstrap/evil.json': child('evil', { project: 'default' }),
      'bootstrap/project.json': JSON.stringify({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: 'shop' },
        spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] },
      }),
    })
    expect(hub.names()).toEqual(['root', 'web'])
    const told = (await source(hub, 'application:root'))?.diagnostics
    expect(told).toMatchObject([
      { code: 'NOT_TRUSTED', file: 'application:root/AppProject/shop.yaml' },
      { code: 'NOT_TRUSTED', file: 'application:root/Application/argocd/evil.yaml' },
    ])
  })

  it('may bring itself, as many a root does', async () => {
    const hub = await bootstrapped({ 'bootstrap/root.json': child('root'), 'bootstrap/web.json': child('web') })
    expect(hub.names()).toEqual(['root', 'web'])
    expect((await source(hub, 'application:root'))?.diagnostics).toEqual([])
  })

  it('keeps what it brought while its folder cannot be rendered', async () => {
    const hub = await bootstrapped({ 'bootstrap/web.json': child('web') })
    await hub.push(ROOT, { 'bootstrap/broken.yaml': 'kind: [' })
    expect(hub.application('root').hold).toMatchObject({ code: 'MANIFEST_INVALID' })
    expect(hub.application('web')).toMatchObject({ state: 'active' })
  })

  it('lets go of what it does not bring any more', async () => {
    const hub = await bootstrapped({ 'bootstrap/web.json': child('web'), 'bootstrap/api.json': child('api') })
    await hub.push(ROOT, { 'bootstrap/api.json': null })
    expect(hub.loop.world.applicationNamed('api')?.state ?? 'withdrawn').toBe('withdrawn')
    expect(hub.application('web')).toMatchObject({ state: 'active' })
  })

  it('takes what it brought with it, within the budget', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `app-${index}`)
    const hub = await bootstrapped({ 'bootstrap/all.json': childSet('all', names) })
    hub.git.commit(APPS, Object.fromEntries(names.map(name => [`apps/${name}/cm.json`, configMap(name, {})])))
    await hub.join('eu-1')
    await hub.refresh(APPS)
    await hub.push(CONFIG, { 'applications/root.json': null })
    expect(names.map(name => hub.application(name).state)).toEqual(names.map(() => 'active'))
    expect(hub.application('app-0').hold?.code).toMatch(/^(DELETION_BUDGET|SET_REMOVED)$/)
  })

  it('brings the same after a restart, before its repository answers', async () => {
    const hub = await bootstrapped({ 'bootstrap/web.json': child('web') })
    hub.git.away.add(ROOT)
    await hub.restart()
    expect(hub.application('web')).toMatchObject({ state: 'active', source: 'application:root' })
    expect(hub.application('web').hold?.code).not.toBe('SOURCE_REMOVED')
  })

  it('may be brought itself, three times over and no further', async () => {
    const next = (level: number) =>
      child(`level-${level}`, {
        source: { repoURL: ROOT, targetRevision: 'main', path: `level-${level}` },
        ...IN_CLUSTER,
      })
    const hub = await bootstrapped({
      'bootstrap/next.json': next(1),
      'level-1/next.json': next(2),
      'level-2/next.json': next(3),
      'level-3/next.json': next(4),
    })
    expect(hub.names()).toEqual(['level-1', 'level-2', 'level-3', 'root'])
    expect(hub.application('level-3').hold).toMatchObject({ code: 'BROUGHT_TOO_DEEP' })
  })

  it('renders them for a cluster that is not the local one as any other object', async () => {
    const hub = await bootstrapped(
      { 'bootstrap/web.json': child('web') },
      application('root', ROOT, 'bootstrap', { destination: { name: 'eu-1', namespace: 'argocd' } }),
    )
    expect(hub.names()).toEqual(['root'])
    const bundle = await hub.store.read(rows => rows.bundle(hub.application('root').digest!))
    expect(bundle).toMatchObject({ objectCount: 1 })
  })
})

describe('an Application that asks to be left alone', () => {
  it('gets nothing new, and goes on when the annotation is gone', async () => {
    const left = JSON.parse(child('web')) as { metadata: object }
    const web = {
      ...left,
      metadata: { ...left.metadata, annotations: { 'argocd.argoproj.io/skip-reconcile': 'true' } },
    }
    const hub = await bootstrapped({ 'bootstrap/web.json': JSON.stringify(web) })
    expect(hub.application('web').hold).toMatchObject({ code: 'SKIP_RECONCILE' })
    await hub.push(ROOT, { 'bootstrap/web.json': child('web') })
    expect(hub.application('web').hold).toMatchObject({ code: 'CLUSTER_NOT_JOINED' })
  })
})

describe('a fleet document', () => {
  const cases: Record<string, { readonly group: string; readonly kind: string; readonly is: boolean }> = {
    'is one of ours': { group: 'flotilla.dev', kind: 'Team', is: true },
    'is an ApplicationSet of Argo CD': { group: 'argoproj.io', kind: 'ApplicationSet', is: true },
    'is no Rollout, though of the same group': { group: 'argoproj.io', kind: 'Rollout', is: false },
    'is nothing of Kubernetes': { group: 'apps', kind: 'Deployment', is: false },
  }
  it.each(Object.entries(cases))('%s', (_, { is, ...type }) => expect(isFleetDocument(type)).toBe(is))

  it('is parted from the objects of the cluster in their order', () => {
    const objects = [configMap('a', {}), child('web'), configMap('b', {})].map(
      text => JSON.parse(text) as KubernetesObject,
    )
    const parted = partObjects(objects, 'root')
    expect(parted.objects.map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
    expect(parted.documents.map(({ metadata }) => metadata.name)).toEqual(['web'])
  })
})
