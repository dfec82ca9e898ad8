import { describe, expect, it } from 'vitest'
import { APPS, application, CONFIG, cluster, configMap, LoopHarness, project } from './testing/loop-harness.ts'

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
})
