import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}
const WEB = { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) }

async function started(
  fleet: { readonly [path: string]: string } = FLEET,
  apps: { readonly [path: string]: string } = WEB,
) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, fleet)
  hub.git.commit(APPS, apps)
  await hub.start()
  await hub.refresh(APPS)
  return hub
}

describe('from a commit to an Offer', () => {
  it('expands, renders and waits for the agent', async () => {
    const hub = await started()
    expect(hub.complaints).toEqual([])
    expect(hub.application('web-eu-1')).toMatchObject({
      hold: { code: 'CLUSTER_NOT_JOINED' },
      digest: expect.stringMatching(/^sha256:/),
    })
  })

  it('offers and grants once the agent has joined', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const row = hub.application('web-eu-1')
    expect(row.hold).toBeUndefined()
    expect(await hub.documents(id)).toMatchObject([
      { typ: 'calendar', intervals: [] },
      {
        typ: 'offer',
        digest: row.digest,
        namespace: 'shop',
        application: { name: 'web-eu-1', project: 'shop' },
        options: { prune: true, selfHeal: true },
      },
    ])
    expect(await hub.grants(id)).toMatchObject([{ application: row.id, trigger: 'automated' }])
    expect(hub.told).toContain(id)
  })

  it('issues everything again under another admission', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    await hub.report('web-eu-1', { lastSucceeded: hub.application('web-eu-1').digest })
    await hub.join('eu-1')
    const documents = await hub.documents(id)
    expect(documents.map(each => ('adm' in each ? each.adm : 0))).toEqual([2, 2])
  })

  it('changes one Application when one folder changes', async () => {
    const hub = await started(FLEET, { ...WEB, 'apps/api/cm.json': configMap('api', {}) })
    const id = await hub.join('eu-1')
    const before = [hub.application('web-eu-1'), hub.application('api-eu-1')]
    hub.told.length = 0
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'salut' }) })
    expect(hub.application('web-eu-1').digest).not.toBe(before[0]?.digest)
    expect(hub.application('api-eu-1')).toBe(before[1])
    expect(hub.told).toEqual([id])
  })

  it('keeps what is offered when nothing an Application reads has changed', async () => {
    const hub = await started()
    await hub.join('eu-1')
    const before = hub.application('web-eu-1')
    hub.told.length = 0
    await hub.push(APPS, { 'README.md': 'hello' })
    expect(hub.application('web-eu-1')).toBe(before)
    expect(hub.told).toEqual([])
  })

  it('does not grant again what succeeded, and grants a new digest', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    await hub.report('web-eu-1', { lastSucceeded: hub.application('web-eu-1').digest })
    expect(await hub.grants(id)).toEqual([])
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'salut' }) })
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'automated' }])
  })

  it('holds what is not automated, and still offers it', async () => {
    const hub = await started({ ...FLEET, 'sets/shop.json': set('shop', { automated: null }) })
    const id = await hub.join('eu-1')
    expect(hub.application('web-eu-1').hold?.code).toBe('SYNC_NOT_AUTOMATED')
    expect(await hub.documents(id)).toHaveLength(2)
    expect(await hub.grants(id)).toEqual([])
  })

  it('tries a failed sync again after its delay', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const { digest = 'sha256:' } = hub.application('web-eu-1')
    const at = hub.clock.now()
    await hub.report('web-eu-1', {
      operation: {
        id: 'first',
        trigger: 'automated',
        by: 'flotilla',
        phase: 'Failed',
        message: 'no',
        digest,
        revision: '',
        startedAt: at,
        finishedAt: at,
        results: [],
        resultsCut: 0,
      },
    })
    expect(await hub.grants(id)).toEqual([])
    await hub.clock.advance(4_000)
    expect(await hub.grants(id)).toEqual([])
    await hub.clock.advance(3_000)
    expect(await hub.grants(id)).toHaveLength(1)
  })
})

describe('when things are wrong', () => {
  const holds: readonly [
    sentence: string,
    fleet: { readonly [path: string]: string },
    apps: { readonly [path: string]: string },
    code: string,
  ][] = [
    ['an unknown Cluster', { ...FLEET, 'sets/shop.json': set('shop', { clusters: ['mars'] }) }, WEB, 'CLUSTER_UNKNOWN'],
    [
      'a destination outside the Project',
      { ...FLEET, 'projects/shop.json': project('shop').replace('"name":"*"', '"name":"us-*"') },
      WEB,
      'DESTINATION_FORBIDDEN',
    ],
    [
      'a kind outside the Project',
      {
        ...FLEET,
        'projects/shop.json': project('shop').replace(
          '"clusterResourceWhitelist":[{"group":"*","kind":"*"}]',
          '"namespaceResourceBlacklist":[{"group":"","kind":"ConfigMap"}]',
        ),
      },
      WEB,
      'KIND_FORBIDDEN',
    ],
    ['a document that is no object', FLEET, { 'apps/web/cm.yaml': 'just: text' }, 'MANIFEST_INVALID'],
    ['broken YAML', FLEET, { 'apps/web/cm.yaml': 'a: [1' }, 'MANIFEST_INVALID'],
    ['an empty folder', FLEET, { 'apps/web/README.md': 'nothing here' }, 'EMPTY_BUNDLE'],
    ['a Helm chart', FLEET, { 'apps/web/Chart.yaml': 'name: web' }, 'UNSUPPORTED_SOURCE'],
  ]
  it.each(holds)('%s is a Hold', async (_sentence, fleet, apps, code) => {
    const hub = await started(fleet, apps)
    const name = hub.names()[0]!
    expect(hub.application(name).hold?.code).toBe(code)
    expect(hub.application(name).digest).toBeUndefined()
  })

  it('a broken folder keeps the last good Bundle offered', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const before = await hub.documents(id)
    await hub.push(APPS, { 'apps/web/cm.json': '{"apiVersion": "v1"' })
    expect(hub.application('web-eu-1').hold).toMatchObject({
      code: 'MANIFEST_INVALID',
      at: { file: 'apps/web/cm.json' },
    })
    expect(await hub.documents(id)).toEqual(before)
    await hub.push(APPS, WEB)
    expect(hub.application('web-eu-1').hold).toBeUndefined()
  })

  it('a broken set keeps its Applications, and its source says so', async () => {
    const hub = await started()
    await hub.push(CONFIG, { 'sets/shop.json': '{"apiVersion": "flotilla.dev/v1alpha1", "kind": "ApplicationSet"' })
    expect(hub.names()).toEqual(['web-eu-1'])
    const [source] = await hub.store.read(rows => rows.sources())
    expect(source?.diagnostics.length).toBeGreaterThan(0)
  })

  it('a repository that is away deletes nothing, and is shown with its age', async () => {
    const hub = await started()
    await hub.join('eu-1')
    const before = hub.application('web-eu-1')
    hub.git.away.add(APPS)
    await hub.refresh(APPS)
    await hub.push(CONFIG, { 'sets/shop.json': set('shop', { clusters: ['eu-1', 'eu-1'] }) })
    expect(hub.application('web-eu-1').state).toBe('active')
    expect(hub.application('web-eu-1').digest).toBe(before.digest)
    expect(hub.mirrors.failure(APPS)?.code).toBe('REPOSITORY_UNREACHABLE')
  })

  it('a config repository that is away after a restart leaves the fleet as it was', async () => {
    const hub = await started()
    await hub.join('eu-1')
    const before = hub.application('web-eu-1')
    hub.git.away.add(CONFIG)
    hub.git.away.add(APPS)
    await hub.restart()
    expect(hub.application('web-eu-1')).toEqual(before)
    const [source] = await hub.store.read(rows => rows.sources())
    expect(source).toMatchObject({ error: { code: 'REPOSITORY_UNREACHABLE' }, commit: expect.any(String) })
  })

  it('a forced push is just another commit', async () => {
    const hub = await started()
    await hub.join('eu-1')
    hub.git.rewrite(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'rewritten' }) })
    await hub.refresh(APPS)
    expect(hub.application('web-eu-1').hold).toBeUndefined()
    expect(hub.application('web-eu-1').digest).toMatch(/^sha256:/)
  })

  it('a second claimant of a name is refused, named, and disturbs nobody', async () => {
    const hub = await started()
    await hub.join('eu-1')
    const before = hub.application('web-eu-1')
    await hub.push(CONFIG, { 'sets/other.json': set('other') })
    expect(hub.application('web-eu-1')).toEqual(before)
    const rows = await hub.store.read(reader => reader.sets())
    expect(rows.find(({ name }) => name === 'other')?.errors).toMatchObject([{ code: 'NAME_TAKEN', name: 'web-eu-1' }])
  })

  it('a Project that leaves stays in force, and nothing new starts under it', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const before = await hub.documents(id)
    await hub.push(CONFIG, { 'projects/shop.json': null })
    expect(hub.application('web-eu-1').hold?.code).toBe('PROJECT_REMOVED')
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'salut' }) })
    expect(await hub.documents(id)).toEqual(before)
    await hub.restart()
    expect(hub.application('web-eu-1').hold?.code).toBe('PROJECT_REMOVED')
  })

  it('a Cluster that is declared no more keeps its workloads', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const before = await hub.documents(id)
    await hub.push(CONFIG, { 'clusters/eu-1.json': null })
    expect(hub.application('web-eu-1')).toMatchObject({ state: 'active', hold: { code: 'CLUSTER_REMOVED' } })
    expect(await hub.documents(id)).toEqual(before)
  })

  it('a config source that is configured no more keeps its Applications', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const before = await hub.documents(id)
    await hub.restart([])
    expect(hub.application('web-eu-1')).toMatchObject({ state: 'active', hold: { code: 'SOURCE_REMOVED' } })
    expect(await hub.documents(id)).toEqual(before)
  })
})

describe('when an Application is withdrawn', () => {
  it('a Tombstone at once, the Grant after ten minutes, the row when the agent says gone', async () => {
    const hub = await started(FLEET, { ...WEB, 'apps/api/cm.json': configMap('api', {}) })
    const id = await hub.join('eu-1')
    for (const name of ['web-eu-1', 'api-eu-1']) await hub.report(name, { lastSucceeded: hub.application(name).digest })
    await hub.push(APPS, { 'apps/api/cm.json': null })
    const row = hub.application('api-eu-1')
    expect(row.state).toBe('withdrawn')
    expect(await hub.documents(id)).toContainEqual(expect.objectContaining({ typ: 'tombstone', policy: 'prune' }))
    await hub.clock.advance(599_000)
    expect(await hub.grants(id)).toEqual([])
    await hub.clock.advance(2_000)
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'delete', application: row.id }])
    await hub.report('api-eu-1', { gone: true })
    expect(hub.names()).toEqual(['web-eu-1'])
    expect(await hub.documents(id)).toHaveLength(2)
  })

  it('what was gone by an earlier Tombstone is not gone by this one', async () => {
    const hub = await started(FLEET, { ...WEB, 'apps/api/cm.json': configMap('api', {}) })
    const id = await hub.join('eu-1')
    await hub.push(APPS, { 'apps/api/cm.json': null })
    const first = (await hub.store.read(rows => rows.documents(id))).find(({ typ }) => typ === 'tombstone')
    await hub.push(APPS, { 'apps/api/cm.json': configMap('api', {}) })
    await hub.report('api-eu-1', { gone: true, document: first?.number })
    await hub.push(APPS, { 'apps/api/cm.json': null })
    expect(hub.application('api-eu-1').state).toBe('withdrawn')
    expect(await hub.documents(id)).toContainEqual(expect.objectContaining({ typ: 'tombstone' }))
  })

  it('one that returns in time gets a newer Offer under its id', async () => {
    const hub = await started(FLEET, { ...WEB, 'apps/api/cm.json': configMap('api', {}) })
    const id = await hub.join('eu-1')
    const row = hub.application('api-eu-1')
    await hub.push(APPS, { 'apps/api/cm.json': null })
    await hub.push(APPS, { 'apps/api/cm.json': configMap('api', {}) })
    expect(hub.application('api-eu-1')).toMatchObject({ id: row.id, state: 'active' })
    const documents = await hub.documents(id)
    expect(documents.filter(each => 'typ' in each && each.typ === 'tombstone')).toEqual([])
    await hub.clock.advance(700_000)
    expect((await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')).toEqual([])
  })

  it('many at once wait for approval', async () => {
    const names = Array.from({ length: 5 }, (_, index) => `app-${index}`)
    const apps = Object.fromEntries(names.map(name => [`apps/${name}/cm.json`, configMap(name, {})]))
    const hub = await started(FLEET, apps)
    const id = await hub.join('eu-1')
    await hub.push(
      APPS,
      Object.fromEntries(
        Object.keys(apps)
          .slice(1)
          .map(path => [path, null]),
      ),
    )
    const held = names.slice(1).map(name => hub.application(`${name}-eu-1`))
    expect(held.map(({ state, hold }) => [state, hold?.code])).toEqual(held.map(() => ['active', 'DELETION_BUDGET']))
    await hub.clock.advance(3_600_000)
    expect((await hub.documents(id)).filter(each => 'typ' in each && each.typ === 'tombstone')).toEqual([])
  })
})

describe('after a restart', () => {
  it('nothing is rendered, written or signed again', async () => {
    const hub = await started()
    await hub.join('eu-1')
    const before = { renders: hub.renders, signatures: hub.signatures, applications: hub.application('web-eu-1') }
    await hub.restart()
    expect({ renders: hub.renders, signatures: hub.signatures, applications: hub.application('web-eu-1') }).toEqual(
      before,
    )
  })

  it('what was withdrawn while it was down goes', async () => {
    const hub = await started(FLEET, { ...WEB, 'apps/api/cm.json': configMap('api', {}) })
    await hub.join('eu-1')
    await hub.loop.stop()
    hub.git.commit(APPS, { 'apps/api/cm.json': null })
    await hub.restart()
    await hub.refresh(APPS)
    expect(hub.application('api-eu-1').state).toBe('withdrawn')
  })
})

describe('when several keys are looked at at once', () => {
  it('an Application that is withdrawn while it is decided goes', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `app-${index}`)
    const hub = await started(
      FLEET,
      Object.fromEntries(names.map(name => [`apps/${name}/cm.json`, configMap(name, {})])),
    )
    await hub.join('eu-1')
    // Its folder goes: the set yields it no more, and rendering it fails, both from the same push.
    await hub.push(APPS, { 'apps/app-3/cm.json': null })
    expect(hub.application('app-3-eu-1')).toMatchObject({ state: 'withdrawn' })
    const stored = await hub.store.read(rows => rows.application(hub.application('app-3-eu-1').id))
    expect(stored?.state).toBe('withdrawn')
  })
})

describe('what a config source says', () => {
  const source = async (hub: LoopHarness) => (await hub.store.read(rows => rows.sources()))[0]

  it('which documents are not in force as written, and why', async () => {
    const hub = await started()
    expect(await source(hub)).toMatchObject({ documentCount: 3, documents: [] })
    await hub.push(CONFIG, { 'sets/shop.json': set('shop').replace('"generators"', '"generatorz"') })
    expect(await source(hub)).toMatchObject({
      documentCount: 3,
      documents: [{ file: 'sets/shop.json', kind: 'ApplicationSet', name: 'shop', state: 'last-good' }],
    })
  })

  it('a name that another source has', async () => {
    const other = 'https://git.example.com/other.git'
    const sources = [
      { name: 'a', repository: CONFIG, revision: 'main', path: '', trust: { kind: 'all' } as const },
      { name: 'b', repository: other, revision: 'main', path: '', trust: { kind: 'all' } as const },
    ]
    const hub = new LoopHarness(sources)
    hub.git.commit(CONFIG, FLEET)
    hub.git.commit(other, { 'eu.json': cluster('eu-1', { from: 'b' }) })
    await hub.start()
    const rows = await hub.store.read(reader => reader.sources())
    expect(rows.map(({ name, diagnostics }) => [name, diagnostics.map(each => each['code'])])).toEqual([
      ['a', []],
      ['b', ['DUPLICATE_NAME']],
    ])
  })

  it('an unchanged document is not written again', async () => {
    const hub = await started()
    const before = hub.store.counters.rowsWritten
    await hub.push(CONFIG, { 'README.md': 'hello' })
    expect(hub.store.counters.rowsWritten - before).toBeLessThanOrEqual(1)
  })
})

describe('how often a repository is polled', () => {
  it('as the settings say, as its Repository says, or sooner when a set asks', async () => {
    const hub = await started()
    expect(hub.loop.pollIntervalMs(APPS, 180_000)).toBe(180_000)
    await hub.push(CONFIG, { 'sets/shop.json': set('shop').replace('"git":{', '"git":{"requeueAfterSeconds":20,') })
    expect(hub.loop.pollIntervalMs(APPS, 180_000)).toBe(20_000)
    await hub.push(CONFIG, { 'sets/shop.json': null })
    expect(hub.loop.pollIntervalMs(APPS, 180_000)).toBe(180_000)
  })
})
