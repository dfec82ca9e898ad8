import { BundleStoreError } from '@flotilla/core/ports/bundle-store'
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

describe('after the store took nothing for a while', () => {
  /** Every way that a failing commit can fall between two steps of a handler. */
  const failures = Array.from({ length: 12 }, (_, index) => index)
  it.each(failures)('a push is worked off as if nothing had been, when commit %i of it fails', async index => {
    const hub = await started()
    const id = await hub.join('eu-1')
    let commits = 0
    hub.refuseCommit = () => commits++ === index
    await hub.push(CONFIG, {
      'projects/old.json': project('old'),
      'sets/other.json': set('other', { clusters: ['eu-2'] }),
      'clusters/eu-2.json': cluster('eu-2'),
    })
    await hub.clock.advance(60_000)
    await hub.push(CONFIG, { 'projects/old.json': null })
    await hub.push(APPS, { 'apps/api/cm.json': configMap('api', {}) })
    await hub.clock.advance(3_600_000)
    expect(hub.names()).toEqual(['api-eu-1', 'api-eu-2', 'web-eu-1', 'web-eu-2'])
    expect(hub.names().map(name => hub.application(name).hold?.code)).toEqual([
      undefined,
      'CLUSTER_NOT_JOINED',
      undefined,
      'CLUSTER_NOT_JOINED',
    ])
    expect(await hub.documents(id)).toHaveLength(3)
    const sets = await hub.store.read(rows => rows.sets())
    expect(sets.map(({ name, errors }) => [name, errors])).toEqual([
      ['other', []],
      ['shop', []],
    ])
  })

  it.each(failures)('a Project and a set that leave are let go, when commit %i of it fails', async index => {
    const hub = await started({
      ...FLEET,
      'sets/other.json': set('other', { clusters: ['eu-2'] }),
      'clusters/eu-2.json': cluster('eu-2'),
      'projects/old.json': project('old'),
    })
    await hub.join('eu-1')
    let commits = 0
    hub.refuseCommit = () => commits++ === index
    await hub.push(CONFIG, {
      'projects/old.json': null,
      'sets/other.json': null,
      'clusters/eu-3.json': cluster('eu-3'),
    })
    await hub.clock.advance(3_600_000)
    expect(hub.names()).toEqual(['web-eu-1'])
    expect((await hub.store.read(rows => rows.sets())).map(({ name }) => name)).toEqual(['shop'])
    expect((await hub.store.read(rows => rows.clusters())).map(({ name }) => name)).toEqual(['eu-1', 'eu-2', 'eu-3'])
    expect([...hub.loop.world.projectsLastSeen.keys()]).toEqual(['old'])
  })

  it('many new Applications have one row each, when a later chunk of them fails', async () => {
    const hub = await started()
    const names = Array.from({ length: 1_200 }, (_, index) => `app-${String(index).padStart(4, '0')}`)
    let refusals = 1
    hub.refuseCommit = rows => rows > 100 && rows < 500 && refusals-- > 0
    await hub.push(APPS, Object.fromEntries(names.map(name => [`apps/${name}/cm.json`, configMap(name, {})])))
    await hub.clock.advance(3_600_000)
    expect(refusals).toBeLessThan(1)
    const rows = await hub.store.read(reader => reader.applications())
    expect(rows).toHaveLength(1_201)
    expect(rows.filter(({ digest }) => digest === undefined)).toEqual([])
  }, 60_000)
})

describe('when commits and readers come at awkward moments', () => {
  it('what asked in vain is told, though another found the commit first', async () => {
    const other = 'https://git.example.com/other.git'
    const hub = await started()
    const elsewhere = set('other', { clusters: ['eu-1'] }).replaceAll(APPS, other)
    await hub.push(CONFIG, { 'sets/other.json': elsewhere })
    expect(hub.names()).toEqual(['web-eu-1'])
    hub.git.commit(other, { 'apps/api/cm.json': configMap('api', {}) })
    await hub.mirrors.refresh(other)
    // An Application asks for the revision between the fetch and the telling.
    await hub.push(CONFIG, { 'applications/single.json': application('single', other, 'apps/api') })
    expect(hub.application('single').digest).toBeDefined()
    await hub.refresh(other)
    expect(hub.names()).toEqual(['api-eu-1', 'single', 'web-eu-1'])
  })

  it('a set that read the commit before is told of this one, though an Application saw this one first', async () => {
    const hub = await started(FLEET, { 'README.md': 'no apps yet' })
    hub.git.commit(APPS, { ...WEB, 'other/cm.json': configMap('other', {}) })
    await hub.mirrors.refresh(APPS)
    await hub.push(CONFIG, { 'applications/single.json': application('single', APPS, 'other') })
    await hub.refresh(APPS)
    expect(hub.names()).toEqual(['single', 'web-eu-1'])
  })

  it('a commit that was rewritten and cannot be read any more holds nobody up', async () => {
    const hub = await started()
    await hub.join('eu-1')
    const before = hub.application('web-eu-1').digest
    hub.loop.world.heads.move(APPS, 'main', 'f'.repeat(40))
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'rewritten' }) })
    expect(hub.application('web-eu-1').digest).not.toBe(before)
  })

  it('a source says no more that its repository is away once it answers again', async () => {
    const hub = await started()
    const source = async () => (await hub.store.read(rows => rows.sources()))[0]
    hub.git.away.add(CONFIG)
    await hub.refresh(CONFIG)
    expect((await source())?.error?.code).toBe('REPOSITORY_UNREACHABLE')
    hub.git.away.delete(CONFIG)
    await hub.refresh(CONFIG)
    expect((await source())?.error).toBeUndefined()
  })
})

describe('when a Bundle is lost or damaged', () => {
  it.each(['lost', 'damaged'] as const)('one that is %s is made again when its agent asks for it', async how => {
    const hub = await started()
    await hub.join('eu-1')
    const { digest } = hub.application('web-eu-1')
    if (how === 'lost') await hub.bundles.delete(digest!)
    const get = hub.bundles.get.bind(hub.bundles)
    let damaged = how === 'damaged'
    hub.bundles.get = async wanted => {
      if (damaged && wanted === digest)
        throw new BundleStoreError('BUNDLE_CORRUPT', wanted, 'it is torn', { retry: false })
      return await get(wanted)
    }
    const put = hub.bundles.put.bind(hub.bundles)
    hub.bundles.put = async (wanted, bytes) => {
      damaged = false
      await put(wanted, bytes)
    }
    hub.loop.bundleMissing(digest!)
    await hub.loop.idle()
    expect(await hub.bundles.get(digest!)).toBeDefined()
    expect(hub.application('web-eu-1').digest).toBe(digest)
  })

  it('an Application that cannot be decided holds up no other', async () => {
    const hub = await started(FLEET, { ...WEB, 'apps/api/cm.json': configMap('api', {}) })
    await hub.join('eu-1')
    const before = hub.application('api-eu-1').digest
    const put = hub.bundles.put.bind(hub.bundles)
    hub.bundles.put = async (digest, bytes) => {
      if (Buffer.from(bytes).includes('broken')) throw new Error('the disk has a bad block')
      await put(digest, bytes)
    }
    await hub.push(APPS, {
      'apps/web/cm.json': configMap('web', { broken: 'yes' }),
      'apps/api/cm.json': configMap('api', { changed: 'yes' }),
    })
    expect(hub.application('api-eu-1').digest).not.toBe(before)
    hub.bundles.put = put
    const stuck = hub.application('web-eu-1').digest
    await hub.clock.advance(600_000)
    expect(hub.application('web-eu-1').digest).not.toBe(stuck)
  })
})
