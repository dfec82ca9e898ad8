import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project } from './testing/loop-harness.ts'

/** A set that carries Project "shop": an Application on each Cluster that the Project may deploy to. */
const SET = JSON.stringify({
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'ApplicationSet',
  metadata: { name: 'web' },
  spec: {
    project: 'shop',
    generators: [{ clusters: {} }],
    template: {
      metadata: { name: 'web-{{name}}' },
      spec: {
        source: { repoURL: APPS, targetRevision: 'main', path: 'apps/web' },
        destination: { name: '{{name}}', namespace: 'shop' },
      },
    },
  },
})

function onClusters(...names: readonly string[]): string {
  const document = JSON.parse(project('shop')) as { spec: { destinations: object[] } }
  document.spec.destinations = names.map(name => ({ name, namespace: 'shop' }))
  return JSON.stringify(document)
}

async function started(files: { readonly [path: string]: string }): Promise<LoopHarness> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, { 'clusters/eu.json': cluster('eu-1'), 'clusters/us.json': cluster('us-1'), ...files })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.clock.advance(1_000)
  return hub
}

async function errorsOf(hub: LoopHarness): Promise<readonly unknown[]> {
  return (await hub.store.read(rows => rows.sets())).flatMap(({ errors }) => errors)
}

describe('a set that carries a Project', () => {
  it('reaches the Clusters of that Project, and one more as soon as the Project has it', async () => {
    const hub = await started({ 'projects/shop.json': onClusters('eu-1'), 'sets/web.json': SET })
    expect(hub.names()).toEqual(['web-eu-1'])
    expect(hub.application('web-eu-1').project).toBe('shop')
    await hub.push(CONFIG, { 'projects/shop.json': onClusters('eu-1', 'us-1') })
    expect(hub.names()).toEqual(['web-eu-1', 'web-us-1'])
    expect(hub.complaints).toEqual([])
  })

  it('keeps what it has while its Project is not declared, and says so', async () => {
    const hub = await started({ 'projects/shop.json': onClusters('eu-1', 'us-1'), 'sets/web.json': SET })
    await hub.push(CONFIG, { 'projects/shop.json': null })
    await hub.clock.advance(3_600_000)
    expect(hub.names()).toEqual(['web-eu-1', 'web-us-1'])
    expect(await errorsOf(hub)).toMatchObject([{ code: 'PROJECT_MISSING', stale: true }])
  })
})

describe('a set that reads the commit of a repository', () => {
  const folders = (label: string): string =>
    JSON.stringify({
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'ApplicationSet',
      metadata: { name: 'apps' },
      spec: {
        generators: [
          { git: { repositories: [{ repoURL: APPS, revision: 'main' }], directories: [{ path: 'apps/*' }] } },
        ],
        template: {
          metadata: { name: '{{path.basename}}', labels: { at: label } },
          spec: {
            project: 'shop',
            source: { repoURL: '{{repoURL}}', targetRevision: '{{revision}}', path: '{{path}}' },
            destination: { name: 'eu-1', namespace: 'shop' },
          },
        },
      },
    })
  const labelOf = (hub: LoopHarness): unknown =>
    (hub.application('web').document as { metadata: { labels: { at: string } } }).metadata.labels.at

  it('has the new one after each push, whatever that changed', async () => {
    const hub = await started({ 'projects/shop.json': project('shop'), 'sets/apps.json': folders('{{commit}}') })
    const before = labelOf(hub)
    expect(before).toMatch(/^[0-9a-f]{40}$/)
    await hub.push(APPS, { 'README.md': 'hello' })
    expect(labelOf(hub)).toMatch(/^[0-9a-f]{40}$/)
    expect(labelOf(hub)).not.toBe(before)
  })
  it('another set is not made again for it', async () => {
    const hub = await started({ 'projects/shop.json': project('shop'), 'sets/apps.json': folders('{{path}}') })
    const expandedAt = async () => (await hub.store.read(rows => rows.sets()))[0]?.expandedAt
    const before = await expandedAt()
    await hub.push(APPS, { 'README.md': 'hello' })
    expect(await expandedAt()).toBe(before)
  })
})
