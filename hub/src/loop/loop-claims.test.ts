import { describe, expect, it } from 'vitest'
import { APPS, application, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

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

describe('who has a name', () => {
  it('is the same after a restart, though another claimant comes first in the order of files', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    await hub.push(CONFIG, { 'sets/a-other.json': set('a-other').replace('"path":"{{path}}"', '"path":"other"') })
    const before = hub.application('web-eu-1')
    const documents = await hub.documents(id)
    await hub.restart(undefined, 'kept')
    expect(hub.application('web-eu-1')).toEqual(before)
    expect(await hub.documents(id)).toEqual(documents)
    const rows = await hub.store.read(reader => reader.sets())
    expect(rows.map(({ name, errors }) => [name, errors.map(each => each['code'])])).toEqual([
      ['a-other', ['NAME_TAKEN']],
      ['shop', []],
    ])
  })

  it('on a cold start is the lowest in the order of files', async () => {
    const hub = new LoopHarness()
    hub.git.commit(CONFIG, {
      ...FLEET,
      'a/sets.json': set('zzz'),
      'applications/web.json': application('web-eu-1', APPS, 'apps/web'),
    })
    hub.git.commit(APPS, WEB)
    await hub.mirrors.refresh(APPS)
    await hub.start()
    await hub.refresh(APPS)
    expect(hub.application('web-eu-1')).toMatchObject({ set: 'zzz' })
  })

  it('stays when the repository of its set is away, whatever is claimed meanwhile', async () => {
    const hub = await started()
    await hub.join('eu-1')
    const before = hub.application('web-eu-1')
    hub.git.away.add(APPS)
    await hub.restart()
    await hub.push(CONFIG, { 'applications/web.json': application('web-eu-1', CONFIG, 'clusters') })
    expect(hub.application('web-eu-1')).toEqual(before)
  })
})

describe('a set that is renamed', () => {
  it('keeps its Applications without a Tombstone in between', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const documents = await hub.documents(id)
    const ids = hub.names().map(name => hub.application(name).id)
    await hub.push(CONFIG, { 'sets/shop.json': null, 'sets/store.json': set('store') })
    expect(hub.names().map(name => hub.application(name))).toMatchObject(
      ids.map(each => ({ id: each, set: 'store', state: 'active', hold: undefined })),
    )
    expect(await hub.documents(id)).toEqual(documents)
  })

  it('removes nothing while the repository that its successor reads has not been reached', async () => {
    const other = 'https://git.example.com/moved.git'
    const hub = await started()
    const id = await hub.join('eu-1')
    await hub.push(CONFIG, { 'sets/shop.json': null, 'sets/store.json': set('store').replaceAll(APPS, other) })
    await hub.clock.advance(3_600_000)
    expect(hub.application('web-eu-1').state).toBe('active')
    expect((await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')).toEqual([])
    hub.git.commit(other, { 'apps/api/cm.json': configMap('api', {}) })
    await hub.refresh(other)
    // What the successor does not yield is what the removed set left behind: nobody takes it along by itself.
    expect(hub.application('web-eu-1')).toMatchObject({ state: 'active', hold: { code: 'SET_REMOVED' } })
    expect(hub.application('api-eu-1').set).toBe('store')
  })
})

describe('Clusters that come and go', () => {
  it('an Application bound for a Cluster that is declared later goes there', async () => {
    const hub = await started()
    await hub.join('eu-1')
    await hub.push(CONFIG, {
      'sets/shop.json': set('shop', { clusters: ['eu-1'] }).replaceAll('"{{cluster}}"', '"mars"'),
    })
    expect(hub.application('web-eu-1').hold?.code).toBe('CLUSTER_REMOVED')
    await hub.push(CONFIG, { 'clusters/mars.json': cluster('mars') })
    expect(hub.application('web-eu-1')).toMatchObject({ clusterName: 'mars', hold: { code: 'CLUSTER_NOT_JOINED' } })
  })

  it('a Cluster that is removed and declared again sends no Tombstone', async () => {
    const generated = set('shop').replace('"list":{"elements":[{"cluster":"eu-1"}]}', '"clusters":{"values":{}}')
    const hub = await started({ ...FLEET, 'sets/shop.json': generated.replaceAll('{{cluster}}', '{{name}}') })
    const id = await hub.join('eu-1')
    const documents = await hub.documents(id)
    expect(documents).toHaveLength(2)
    await hub.push(CONFIG, { 'clusters/eu-1.json': null })
    expect(hub.application('web-eu-1').hold?.code).toBe('CLUSTER_REMOVED')
    await hub.push(CONFIG, { 'clusters/eu-1.json': cluster('eu-1') })
    expect(hub.application('web-eu-1')).toMatchObject({ state: 'active', hold: undefined })
    expect(await hub.documents(id)).toEqual(documents)
  })

  it('what moved away and comes back has its id and its Offer again', async () => {
    const hub = await started({ ...FLEET, 'clusters/eu-2.json': cluster('eu-2') })
    const ids = [await hub.join('eu-1'), await hub.join('eu-2')]
    const first = hub.application('web-eu-1')
    const at = (name: string) => set('shop').replaceAll('"name":"{{cluster}}"', `"name":"${name}"`)
    await hub.push(CONFIG, { 'sets/shop.json': at('eu-2') })
    expect(hub.application('web-eu-1')).toMatchObject({ clusterName: 'eu-2', hold: undefined })
    await hub.push(CONFIG, { 'sets/shop.json': at('eu-1') })
    expect(hub.application('web-eu-1')).toMatchObject({ id: first.id, clusterName: 'eu-1', hold: undefined })
    expect(await hub.documents(ids[0]!)).toHaveLength(2)
    expect(hub.names()).toHaveLength(2)
  })
})

describe('what is held for approval', () => {
  it('stays held when its Cluster, its set or the hub is looked at again', async () => {
    const names = Array.from({ length: 6 }, (_, index) => `app-${index}`)
    const clusters = ['eu-1', 'eu-2', 'eu-3']
    const hub = await started(
      {
        ...FLEET,
        ...Object.fromEntries(clusters.map(name => [`clusters/${name}.json`, cluster(name)])),
        'sets/shop.json': set('shop', { clusters }),
      },
      Object.fromEntries(names.map(name => [`apps/${name}/cm.json`, configMap(name, {})])),
    )
    for (const name of clusters) await hub.join(name)
    await hub.push(APPS, Object.fromEntries(names.slice(0, 2).map(name => [`apps/${name}/cm.json`, null])))
    const states = () => hub.names().map(name => [hub.application(name).state, hub.application(name).hold?.code])
    const before = states()
    expect(before.filter(([, code]) => code === 'DELETION_BUDGET')).toHaveLength(6)
    await hub.push(CONFIG, { 'clusters/eu-1.json': cluster('eu-1', { tier: 'gold' }) })
    await hub.restart()
    await hub.refresh(APPS)
    await hub.push(CONFIG, { 'sets/shop.json': set('shop', { clusters, automated: null }) })
    expect(states().map(([state]) => state)).toEqual(before.map(() => 'active'))
    expect(states().filter(([, code]) => code === 'DELETION_BUDGET')).toHaveLength(6)
  })

  it('of a config source that was away from the settings goes on when it is back', async () => {
    const source = { name: 'platform', repository: CONFIG, revision: 'main', path: '', trust: { kind: 'all' } as const }
    const hub = await started()
    await hub.join('eu-1')
    await hub.restart([])
    expect(hub.application('web-eu-1').hold?.code).toBe('SOURCE_REMOVED')
    await hub.restart([source])
    await hub.refresh(APPS)
    expect(hub.application('web-eu-1').hold).toBeUndefined()
  })
})

describe('a source with a prefix', () => {
  it('has one prefix, when the last good result is taken too', async () => {
    const source = {
      name: 'platform',
      repository: CONFIG,
      revision: 'main',
      path: '',
      trust: { kind: 'all' } as const,
      namePrefix: 'p-',
    }
    const hub = new LoopHarness([source])
    hub.git.commit(CONFIG, FLEET)
    hub.git.commit(APPS, WEB)
    await hub.start()
    await hub.refresh(APPS)
    const names = hub.names()
    hub.git.away.add(APPS)
    await hub.restart()
    expect(hub.names()).toEqual(names)
  })
})

describe('a name that two config sources declare', () => {
  it('stays with the first of them after a restart, whatever their order', async () => {
    const other = 'https://git.example.com/other.git'
    const trust = { kind: 'all' } as const
    const sources = [
      { name: 'a', repository: other, revision: 'main', path: '', trust },
      { name: 'b', repository: CONFIG, revision: 'main', path: '', trust },
    ]
    const hub = new LoopHarness(sources)
    hub.git.commit(other, { 'README.md': 'nothing yet' })
    hub.git.commit(CONFIG, FLEET)
    hub.git.commit(APPS, WEB)
    await hub.start()
    await hub.refresh(APPS)
    const id = await hub.join('eu-1')
    const before = [hub.application('web-eu-1'), await hub.documents(id)]
    await hub.push(other, { 'sets/shop.json': set('shop').replace('"path":"{{path}}"', '"path":"other"') })
    await hub.restart(undefined, 'kept')
    expect([hub.application('web-eu-1'), await hub.documents(id)]).toEqual(before)
    await hub.push(CONFIG, { 'sets/shop.json': null })
    expect(hub.application('web-eu-1').source).toBe('a')
  })
})
