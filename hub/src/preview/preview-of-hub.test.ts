import { beforeEach, describe, expect, test } from 'vitest'
import { noHosts } from '../hosts/testing/no-hosts.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from '../loop/testing/loop-harness.ts'
import { directoryRenderer } from '../render/directory-renderer.ts'
import { amendFiles } from './amend-files.ts'
import type { Preview } from './preview.ts'
import { HubPreviewer } from './preview-of-hub.ts'

const SOURCES = [{ name: 'platform', repository: CONFIG, revision: 'main', path: '', trust: { kind: 'all' } }] as const
const TEAMS = [
  ...SOURCES,
  { name: 'team', repository: CONFIG, revision: 'main', path: 'team', trust: { kind: 'projects', projects: ['shop'] } },
] as const

let hub: LoopHarness
let previewer: HubPreviewer

async function start(sources: readonly (typeof TEAMS)[number][] = SOURCES): Promise<void> {
  hub = new LoopHarness(sources)
  hub.git.commit(CONFIG, {
    'project.yaml': project('shop'),
    'eu.yaml': cluster('eu-1'),
    'us.yaml': cluster('us-1'),
    'team/.keep': '',
    'sets.yaml': [set('web'), '---', '# nothing else', '---', set('other', { apps: [], clusters: [] })].join('\n'),
  })
  const folders = ['a', 'b', 'c', 'd', 'e', 'f']
  hub.git.commit(APPS, Object.fromEntries(folders.map(name => [`apps/${name}/map.yaml`, configMap('m', { a: '1' })])))
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  previewer = new HubPreviewer({
    configSources: sources,
    store: hub.store,
    bundles: hub.bundles,
    mirrors: hub.mirrors,
    renderer: directoryRenderer(),
    hosted: noHosts,
    clock: hub.clock,
  })
}

beforeEach(() => start())

function names({ created, updated, deleted, held, unchanged }: Preview) {
  const list = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name)
  return { created: list(created), updated: list(updated), deleted: list(deleted), held: list(held), unchanged }
}

const NOTHING = { created: [], updated: [], deleted: [], held: [], unchanged: 6 }

describe('a preview of what a hub has', () => {
  test('of another commit of its config', async () => {
    hub.git.commit(
      CONFIG,
      { 'sets.yaml': set('web', { clusters: ['eu-1', 'us-1'] }), 'eu.yaml': cluster('eu-1') },
      'work',
    )
    const preview = await previewer.preview({ revision: 'work' })
    // The branch began without the Project and the other Cluster.
    expect(preview.held.map(({ code }) => code)).toContain('PROJECT_REMOVED')
    const written = hub.store.counters.rowsWritten
    expect(names(await previewer.preview({ revision: 'main' }))).toEqual(NOTHING)
    expect(hub.store.counters.rowsWritten).toBe(written)
    expect(hub.names()).toHaveLength(6)
  })

  test('of a document given inline, in the place of the one of its name', async () => {
    const preview = await previewer.preview({ documents: set('web', { clusters: ['eu-1', 'us-1'] }) })
    expect(names(preview)).toMatchObject({
      created: ['a-us-1', 'b-us-1', 'c-us-1', 'd-us-1', 'e-us-1', 'f-us-1'],
      unchanged: 6,
    })
    expect(preview.created[0]?.provenance.file).toBe('inline.yaml')
    expect(preview.created[0]?.notes.map(({ code }) => code)).toEqual(['CLUSTER_NOT_JOINED'])
    expect(preview.diagnostics).toEqual([])
  })

  test('is what the hub then does, what is held for approval included', async () => {
    const documents = set('web', { clusters: ['us-1'] })
    const preview = await previewer.preview({ documents })
    expect(names(preview).held).toHaveLength(6)
    await hub.push(CONFIG, { 'sets.yaml': documents })
    const rows = [...hub.loop.world.applications()]
    expect(
      rows
        .filter(({ hold }) => hold?.code === 'DELETION_BUDGET')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names(preview).held)
    expect(preview.held[0]?.objects).toBe('prune')
    expect(preview.held[0]?.reason).toBe(rows.find(({ name }) => name === preview.held[0]?.name)?.hold?.reason)
    expect(names(preview).created).toEqual(
      rows
        .filter(({ clusterName }) => clusterName === 'us-1')
        .map(({ name }) => name)
        .sort(),
    )
  })

  test('a repository that the hub has never read is read for it', async () => {
    const other = 'https://git.example.com/other.git'
    hub.git.commit(other, { 'apps/x/map.yaml': configMap('m', { a: '1' }) })
    const preview = await previewer.preview({ documents: set('other').replaceAll(APPS, other) })
    expect(names(preview)).toMatchObject({ created: ['x-eu-1'], held: [], unchanged: 6 })
    expect(preview.created[0]?.diff.manifests.map(({ object }) => object)).toEqual(['ConfigMap m'])
  })

  test('an inline document has the trust of its source and no more', async () => {
    await start(TEAMS)
    const templated = set('taken')
      .replace('"project":"shop"', '"project":"{{path.basename}}"')
      .replace('{{path.basename}}-', 'x-{{path.basename}}-')
    const preview = await previewer.preview({ source: 'team', documents: templated })
    expect(preview.diagnostics.map(({ code }) => code)).toContain('NOT_TRUSTED')
    expect(names(preview)).toEqual(NOTHING)
  })

  test('broken text is a mistake, and nothing happens', async () => {
    const preview = await previewer.preview({ documents: 'kind: [' })
    expect(preview.diagnostics.some(({ isNew, severity }) => isNew && severity === 'error')).toBe(true)
    expect(names(preview)).toEqual(NOTHING)
  })

  test('one at a time, and only of what there is', async () => {
    const first = previewer.preview({ revision: 'main' })
    await expect(previewer.preview({ revision: 'main' })).rejects.toMatchObject({ code: 'PREVIEW_BUSY', retry: true })
    await first
    await expect(previewer.preview({ revision: 'nowhere' })).rejects.toMatchObject({ code: 'REVISION_UNKNOWN' })
    await expect(previewer.preview({ source: 'nobody', revision: 'main' })).rejects.toMatchObject({
      code: 'SOURCE_UNKNOWN',
    })
    await start(TEAMS)
    await expect(previewer.preview({ revision: 'main' })).rejects.toThrow('name one of platform, team')
  })
})

test('other documents of a file keep their lines', () => {
  const text = `${set('web')}\n---\n${set('other')}\n`
  const [file, inline] = amendFiles([{ path: 'fleet/a.yaml', text }], 'fleet', set('web'))
  expect(file?.text.split('\n')).toEqual(
    ['', '---', set('other'), ''].map((line, index) => (index === 0 ? ' '.repeat(set('web').length) : line)),
  )
  expect(inline).toEqual({ path: 'fleet/inline.yaml', text: set('web') })
})
