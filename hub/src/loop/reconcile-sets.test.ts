import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}

async function started(): Promise<LoopHarness> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, FLEET)
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.clock.advance(1_000)
  return hub
}

async function expandedAt(hub: LoopHarness): Promise<number | undefined> {
  return (await hub.store.read(rows => rows.sets()))[0]?.expandedAt
}

/** Whether the push made the set expand again. */
async function expandsAfter(
  hub: LoopHarness,
  url: string,
  changes: { readonly [path: string]: string | null },
): Promise<boolean> {
  const before = await expandedAt(hub)
  await hub.push(url, changes)
  return (await expandedAt(hub)) !== before
}

describe('when a set is expanded again', () => {
  const rows: readonly [string, string, { readonly [path: string]: string | null }, expected: boolean][] = [
    ['a file in a folder changes: no', APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hi' }) }, false],
    ['a folder comes: yes', APPS, { 'apps/search/cm.json': configMap('search', {}) }, true],
    ['a folder goes: yes', APPS, { 'apps/web/cm.json': null, 'other/cm.json': configMap('web', {}) }, true],
    ['the set itself changes: yes', CONFIG, { 'sets/shop.json': set('shop', { clusters: ['eu-1', 'eu-2'] }) }, true],
  ]
  it.each(rows)('%s', async (_sentence, url, changes, expected) => {
    expect(await expandsAfter(await started(), url, changes)).toBe(expected)
  })

  it('a Cluster gets another label: yes, where a clusters generator may see it', async () => {
    const hub = await started()
    const overClusters = set('shop')
      .replace(/"list":\{.*?\]\}/, '"clusters":{}')
      .replaceAll('{{cluster}}', '{{name}}')
    await hub.push(CONFIG, { 'sets/shop.json': overClusters })
    expect(hub.names()).toEqual(['web-eu-1'])
    await hub.clock.advance(1_000)
    expect(await expandsAfter(hub, CONFIG, { 'clusters/eu-1.json': cluster('eu-1', { env: 'prod' }) })).toBe(true)
    await hub.clock.advance(1_000)
    expect(await expandsAfter(hub, APPS, { 'apps/web/cm.json': configMap('web', { a: 'b' }) })).toBe(false)
  })

  it('the Project that a git generator lacked comes: yes', async () => {
    const hub = new LoopHarness()
    const { 'projects/shop.json': shop, ...rest } = FLEET
    hub.git.commit(CONFIG, rest)
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}) })
    await hub.start()
    await hub.refresh(APPS)
    expect(hub.names()).toEqual([])
    await hub.push(CONFIG, { 'projects/shop.json': shop })
    expect(hub.names()).toEqual(['web-eu-1'])
  })

  it('what it made before a folder came and went is there again', async () => {
    const hub = await started()
    await hub.push(APPS, { 'apps/search/cm.json': configMap('search', {}) })
    expect(hub.names()).toEqual(['search-eu-1', 'web-eu-1'])
    await hub.push(APPS, { 'apps/search/cm.json': null })
    await hub.push(APPS, { 'apps/search/cm.json': configMap('search', {}) })
    expect(hub.application('search-eu-1').state).toBe('active')
    expect(hub.complaints).toEqual([])
  })

  it('a folder that changes is rendered all the same', async () => {
    const hub = await started()
    const before = hub.application('web-eu-1').digest
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hi' }) })
    expect(hub.application('web-eu-1').digest).not.toBe(before)
  })

  it('templates see the time and the chance of the hub', async () => {
    const hub = new LoopHarness()
    const timed = set('shop')
      .replace('"generators"', '"goTemplate":true,"generators"')
      .replaceAll('{{cluster}}', '{{.cluster}}')
      .replaceAll('{{path}}', '{{.path.path}}')
      .replaceAll('{{path.basename}}', '{{ now.Year }}-{{ randNumeric 3 | len }}')
    hub.git.commit(CONFIG, { ...FLEET, 'sets/shop.json': timed })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}) })
    await hub.start()
    await hub.refresh(APPS)
    expect(hub.names()).toEqual([`${new Date(hub.clock.now()).getUTCFullYear()}-3-eu-1`])
  })
})
