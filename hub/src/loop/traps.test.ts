import { describe, expect, it } from 'vitest'
import { APPS, application, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

/** Rows of docs/applicationsets.md, Traps, that are about names, updates and removal: what surprises, and what is here. */

const names = ['a', 'b', 'c', 'd']
const folders = (which: readonly string[], content: string | null = 'here') =>
  Object.fromEntries(
    which.map(name => [`apps/${name}/cm.json`, content === null ? null : configMap(name, { content })]),
  )

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}

async function started(config: { readonly [path: string]: string } = FLEET): Promise<LoopHarness> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, config)
  hub.git.commit(APPS, { ...folders(names), 'README.md': '' })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  return hub
}

/** The set with these generators in the place of its own. */
function withGenerators(...generators: readonly object[]): string {
  const document = JSON.parse(set('shop')) as { spec: { generators: readonly object[] } }
  return JSON.stringify({ ...document, spec: { ...document.spec, generators } })
}

const listOf = (...apps: readonly string[]) => ({
  list: {
    elements: apps.map(app => ({ 'path.basename': app, path: `apps/${app}`, cluster: 'eu-1' })),
  },
})
const away = {
  matrix: {
    generators: [
      { git: { repoURL: 'https://git.example.com/away.git', revision: 'main', directories: [{ path: '*' }] } },
      listOf('a'),
    ],
  },
}

describe('1: one generator’s error does not freeze the set', () => {
  it('what the others yield comes, and nothing goes meanwhile', async () => {
    const hub = await started({ ...FLEET, 'sets/shop.json': withGenerators(listOf('a', 'b'), listOf('c')) })
    await hub.push(CONFIG, { 'sets/shop.json': withGenerators(listOf('a', 'd'), away) })
    expect(hub.application('d-eu-1').state).toBe('active')
    expect(['b', 'c'].map(name => hub.application(`${name}-eu-1`)).map(({ state, hold }) => [state, hold])).toEqual([
      ['active', undefined],
      ['active', undefined],
    ])
    const row = await hub.store.read(rows => rows.set('platform/shop'))
    expect(row?.generators).toMatchObject([
      { generator: '0', status: 'ok', applications: 2 },
      { generator: '1', status: 'stale', applications: 1 },
    ])
    expect(row?.errors).toMatchObject([
      { generator: '1.matrix.0', stage: 'generate', position: { file: 'sets/shop.json', line: 1 } },
    ])
    expect(row?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ reason: 'GeneratorStale' })
  })
})

describe('30, 31: who has a name keeps it', () => {
  it('of two in one set the first stays, and the second is told both places', async () => {
    const hub = await started({ ...FLEET, 'sets/shop.json': withGenerators(listOf('a'), listOf('a', 'b')) })
    expect(hub.names()).toEqual(['a-eu-1', 'b-eu-1'])
    const row = await hub.store.read(rows => rows.set('platform/shop'))
    expect(row?.errors).toMatchObject([{ code: 'APPLICATION_NAME_DUPLICATE', generator: '1', element: 0 }])
    expect(row?.errors[0]?.['hint']).toMatch(/generator 0 element 0 .* keeps the name, .* generator 1 element 0 .*/)
  })

  it('an Application that is there is never taken over, and the newcomer is told both places', async () => {
    const byHand = application('a-eu-1', APPS, 'apps/a')
    const hub = await started({ ...FLEET, 'sets/shop.json': withGenerators(listOf('b')), 'by-hand.json': byHand })
    const before = hub.application('a-eu-1')
    await hub.push(CONFIG, { 'sets/shop.json': withGenerators(listOf('a', 'b')) })
    expect(hub.application('a-eu-1')).toEqual(before)
    const row = await hub.store.read(rows => rows.set('platform/shop'))
    expect(row?.errors).toMatchObject([{ code: 'NAME_TAKEN', name: 'a-eu-1' }])
    expect(row?.errors[0]?.['message']).toMatch(/by-hand\.json:1:1 has it, set "shop" generator 0 .*is refused/)
  })
})

describe('32: a listing that comes back empty', () => {
  it('deletes nothing: every Application waits for approval', async () => {
    const hub = await started()
    await hub.push(APPS, folders(names, null))
    expect(hub.names().map(name => hub.application(name).hold?.code)).toEqual(names.map(() => 'DELETION_BUDGET'))
  })
})

describe('33: whether a set may override the hub’s policy', () => {
  it.each([
    ['is no by default', undefined, 'active'],
    ['is yes where the settings say so', true, 'withdrawn'],
  ])('%s', async (_sentence, allowOverride, expected) => {
    const document = JSON.parse(set('shop')) as { spec: object }
    const spec = { ...document.spec, syncPolicy: { applicationsSync: 'sync' } }
    const hub = new LoopHarness()
    hub.setPolicy = { policy: 'create-update', allowOverride: allowOverride ?? false }
    hub.git.commit(CONFIG, { ...FLEET, 'sets/shop.json': JSON.stringify({ ...document, spec }) })
    hub.git.commit(APPS, folders(names))
    await hub.restart()
    await hub.refresh(APPS)
    await hub.join('eu-1')
    await hub.push(APPS, folders(['a'], null))
    expect(hub.application('a-eu-1').state).toBe(expected)
  })
})

describe('34: a set that is removed', () => {
  it.each(['create-only', 'create-update'])(
    'whose policy is %s leaves every workload, approved or not',
    async policy => {
      const document = JSON.parse(set('shop')) as { spec: object }
      const spec = { ...document.spec, syncPolicy: { applicationsSync: policy } }
      const argo = JSON.stringify({ ...document, apiVersion: 'argoproj.io/v1alpha1', spec })
      const hub = await started({ ...FLEET, 'sets/shop.json': argo })
      await hub.push(CONFIG, { 'sets/shop.json': null })
      expect(hub.application('a-eu-1')).toMatchObject({ state: 'active', hold: { code: 'SET_REMOVED' } })
      const [plan] = await hub.store.read(rows => rows.deletionPlans())
      await hub.loop.decideDeletion(plan!.id, { verdict: 'approve', by: 'ana', reason: '' })
      expect(hub.application('a-eu-1').removal?.policy).toBe('detach')
    },
  )
})
