import { describe, expect, it } from 'vitest'
import { expandHere, refused } from '../expand/expand-in-worker.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project } from './testing/loop-harness.ts'

function set(name: string): string {
  return JSON.stringify({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name },
    spec: {
      generators: [{ clusters: {} }],
      template: {
        engine: 'handlebars',
        metadata: { name: `${name}-{{lower name}}` },
        spec: {
          project: 'shop',
          source: { repoURL: APPS, targetRevision: 'main', path: 'apps/web' },
          destination: { name: '{{name}}', namespace: 'shop' },
        },
      },
    },
  })
}

describe('a set that takes too long', () => {
  it('keeps what it gave before, says so, and keeps no other set from its turn', async () => {
    const hub = new LoopHarness()
    hub.git.commit(CONFIG, {
      'clusters/eu.json': cluster('eu-1'),
      'projects/shop.json': project('shop'),
      'sets/slow.json': set('slow'),
      'sets/web.json': set('web'),
    })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
    await hub.start()
    await hub.refresh(APPS)
    await hub.clock.advance(1_000)
    expect(hub.names()).toEqual(['slow-eu-1', 'web-eu-1'])

    hub.expand = (one, inputs, answers) =>
      one.name === 'slow' ? Promise.resolve(refused(one, 'it takes more than 20 s')) : expandHere(one, inputs, answers)
    await hub.push(CONFIG, { 'clusters/us.json': cluster('us-1') })
    await hub.clock.advance(3_600_000)
    expect(hub.names()).toEqual(['slow-eu-1', 'web-eu-1', 'web-us-1'])
    const sets = await hub.store.read(rows => rows.sets())
    expect(sets.find(({ name }) => name === 'slow')).toMatchObject({
      generators: [{ status: 'stale', applications: 1 }],
      errors: [{ code: 'TEMPLATE_TIMEOUT', stale: true }],
    })
    expect(hub.complaints).toEqual([])
  })
})
