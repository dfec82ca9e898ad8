import { describe, expect, it } from 'vitest'
import { APPS, application, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const SOURCE = { name: 'platform', repository: CONFIG, revision: 'main', path: '', trust: { kind: 'all' } as const }

async function started(files: { readonly [path: string]: string }): Promise<LoopHarness> {
  const hub = new LoopHarness([SOURCE])
  hub.git.commit(CONFIG, { 'shop.json': project('shop'), 'eu-1.json': cluster('eu-1'), ...files })
  hub.git.commit(APPS, { 'web/a.json': configMap('web', { a: '1' }) })
  await hub.start()
  return hub
}

async function source(hub: LoopHarness) {
  return (await hub.store.read(rows => rows.sources()))[0]
}

describe('what a config source is told of documents that contradict each other', () => {
  it('a server that two Clusters claim, and an Application bound for nowhere', async () => {
    const hub = await started({})
    const claim = (name: string) => cluster(name).replace('"spec":{', '"spec":{"servers":["https://eu.example.com"]')
    const lost = application('lost', APPS, 'web', { destination: { name: 'nowhere', namespace: 'shop' } })
    await hub.push(CONFIG, { 'a.json': claim('a'), 'b.json': claim('b'), 'lost.json': lost })
    expect(await source(hub)).toMatchObject({
      diagnostics: [
        { code: 'DUPLICATE_SERVER', file: 'b.json', severity: 'error' },
        { code: 'DESTINATION_UNKNOWN', file: 'lost.json', severity: 'warning' },
      ],
    })
    await hub.push(CONFIG, { 'b.json': cluster('b'), 'lost.json': application('lost', APPS, 'web') })
    expect(await source(hub)).toMatchObject({ diagnostics: [] })
  })

  it('a name that an Application of a set has already: the set keeps it, the document is told, until one is renamed', async () => {
    const hub = await started({ 'set.json': set('shop') })
    await hub.push(APPS, { 'apps/web/a.json': configMap('web', { a: '1' }) })
    await hub.join('eu-1')
    const before = hub.application('web-eu-1')
    expect(before).toMatchObject({ set: 'shop' })
    // It stands before the set in the order of files, and would have won on a cold start.
    await hub.push(CONFIG, { 'a.json': application('web-eu-1', APPS, 'web') })
    expect(hub.application('web-eu-1')).toEqual(before)
    expect(await source(hub)).toMatchObject({
      diagnostics: [
        {
          code: 'NAME_TAKEN',
          severity: 'error',
          file: 'a.json',
          line: 1,
          message: expect.stringMatching(/"web-eu-1" is taken: set "shop".* has it, a\.json:1:1 is refused/),
          hint: 'give one of the two another name',
        },
      ],
    })
    await hub.restart()
    expect(await source(hub)).toMatchObject({ diagnostics: [{ code: 'NAME_TAKEN' }] })
    await hub.push(CONFIG, { 'a.json': application('web-by-hand', APPS, 'web') })
    expect(await source(hub)).toMatchObject({ diagnostics: [] })
    expect(hub.application('web-by-hand')).toMatchObject({ state: 'active' })
  })
})

describe('an Application that is held says where to look', () => {
  it('when its Project is unknown, with the nearest name', async () => {
    const change = { project: 'shpo' }
    const hub = await started({ 'web.json': application('web', APPS, 'web', change) })
    await hub.join('eu-1')
    expect(hub.application('web').hold).toEqual({
      code: 'PROJECT_MISSING',
      reason: 'no Project is named "shpo"; declare it; or did you mean "shop"?',
      at: { file: 'web.json', line: 1, column: 1 },
    })
  })
})
