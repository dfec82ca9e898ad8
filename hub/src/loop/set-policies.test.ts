import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, LoopHarness, project, set } from './testing/loop-harness.ts'
import { applicationsOf, FLEET, folders, names, plans, started, states, waiting } from './testing/twelve-folders.ts'

describe('what a provider declares gone', () => {
  const PULLS = { kind: 'pull-requests' } as const
  const pull = (number: number) => ({
    ...{ number: String(number), title: '', branch: `b-${number}`, targetBranch: 'main', headSha: 'f'.repeat(40) },
    ...{ author: 'ana', labels: [] },
  })
  const previews = JSON.stringify({
    ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'ApplicationSet', metadata: { name: 'previews' } },
    spec: {
      generators: [{ pullRequest: { github: { owner: 'acme', repo: 'web' }, requeueAfterSeconds: 60 } }],
      template: {
        metadata: { name: 'preview-{{number}}' },
        spec: {
          project: 'shop',
          source: { repoURL: APPS, targetRevision: 'main', path: 'apps/app-00' },
          destination: { name: 'eu-1', namespace: 'preview' },
          syncPolicy: { automated: {} },
        },
      },
    },
  })

  async function previewing() {
    const hub = new LoopHarness()
    const pulls = { open: names.map((_, index) => pull(index)), away: false }
    hub.hosted = {
      answer: async () =>
        pulls.away
          ? { kind: 'failed', code: 'HOST_UNAVAILABLE', message: 'away', retry: true }
          : { ...PULLS, pullRequests: pulls.open },
    }
    hub.git.commit(CONFIG, {
      'clusters/eu-1.json': cluster('eu-1'),
      'projects/shop.json': project('shop'),
      'sets/previews.json': previews,
    })
    hub.git.commit(APPS, folders(names))
    await hub.restart()
    await hub.refresh(APPS)
    await hub.join('eu-1')
    expect(hub.names()).toHaveLength(12)
    return { hub, pulls }
  }
  /** The set is looked at again: a commit brings its document as it is, with another line. */
  const look = (hub: LoopHarness, document = previews) => hub.push(CONFIG, { 'sets/previews.json': `${document} ` })

  it('does not count, to the last one', async () => {
    const { hub, pulls } = await previewing()
    pulls.open = []
    await hub.restart(undefined, 'kept')
    expect(new Set(Object.values(states(hub)))).toEqual(new Set(['withdrawn']))
    expect(await plans(hub)).toEqual([])
  })

  it('counts when it is the set that was edited', async () => {
    const { hub, pulls } = await previewing()
    pulls.open = []
    await look(hub, previews.replace('"acme"', '"other"'))
    expect(await waiting(hub)).toMatchObject([{ count: { removed: 12, total: 12 } }])
  })

  it('is not believed of a host that does not answer', async () => {
    const { hub, pulls } = await previewing()
    pulls.away = true
    await hub.restart(undefined, 'kept')
    expect(new Set(Object.values(states(hub)))).not.toContain('withdrawn')
    const row = await hub.store.read(rows => rows.set('platform/previews'))
    expect(row?.generators).toMatchObject([{ status: 'stale', applications: 12 }])
    expect(row?.conditions?.at(-1)).toMatchObject({ type: 'Ready', status: 'False', reason: 'GeneratorStale' })
  })
})

describe('what a set keeps of an Application that is there', () => {
  const keeping = (change: object, own: object = {}) => {
    const document = JSON.parse(set('shop')) as { spec: { template: { spec: object; metadata: object } } }
    const { template } = document.spec
    const metadata = { ...template.metadata, labels: { tier: 'new' } }
    return JSON.stringify({
      ...document,
      spec: { ...document.spec, ...own, template: { metadata, spec: { ...template.spec, ...change } } },
    })
  }
  const info = (value: string) => ({ info: [{ name: 'owner', value }] })

  it.each([
    ['everything follows the set', {}, 'new', 'new'],
    ['a label that is preserved', { preservedFields: { labels: ['tier'] } }, 'old', 'new'],
    [
      'a field that is ignored',
      { ignoreApplicationDifferences: [{ jqPathExpressions: ['.spec.info[].value'] }] },
      'new',
      'old',
    ],
    ['under create-only all of it', { syncPolicy: { applicationsSync: 'create-only' } }, 'old', 'old'],
    ['under create-delete as well', { syncPolicy: { applicationsSync: 'create-delete' } }, 'old', 'old'],
  ] as const)('%s', async (_sentence, own, label, value) => {
    const { hub } = await started({
      ...FLEET,
      'sets/shop.json': keeping(info('old'), own).replace('"tier":"new"', '"tier":"old"'),
    })
    await hub.push(CONFIG, { 'sets/shop.json': keeping(info('new'), own) })
    const row = hub.application(applicationsOf(names)[0]!)
    expect(row.labels['tier']).toBe(label)
    expect(row.document['spec']).toMatchObject(info(value))
  })
})

describe('the policy of the hub', () => {
  it.each([
    ['keeps what sets would remove', { policy: 'create-update', allowOverride: false }, 'sync', 'active'],
    ['unless they may say otherwise', { policy: 'create-update', allowOverride: true }, 'sync', 'withdrawn'],
    ['and none lets each set decide', undefined, 'create-only', 'active'],
  ] as const)('%s', async (_sentence, setPolicy, own, expected) => {
    const document = JSON.parse(set('shop')) as { spec: object }
    const spec = { ...document.spec, syncPolicy: { applicationsSync: own } }
    const hub = new LoopHarness()
    hub.setPolicy = setPolicy
    hub.git.commit(CONFIG, { ...FLEET, 'sets/shop.json': JSON.stringify({ ...document, spec }) })
    hub.git.commit(APPS, folders(names))
    await hub.restart()
    await hub.refresh(APPS)
    await hub.join('eu-1')
    await hub.push(APPS, folders(names.slice(0, 1), null))
    expect(hub.application(applicationsOf(names)[0]!)).toMatchObject({ state: expected })
    expect(await plans(hub)).toEqual([])
  })
})
