import { describe, expect, it } from 'vitest'
import type { DeletionAnswer } from './decide-deletion.ts'
import { APPS, application, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'
import { applicationsOf, FLEET, folders, names, plans, started, states, waiting } from './testing/twelve-folders.ts'

async function approve(hub: LoopHarness, id: string, digest?: string): Promise<DeletionAnswer> {
  const answer = await hub.loop.decideDeletion(id, { verdict: 'approve', by: 'ana', reason: 'meant', digest })
  await hub.loop.idle()
  return answer
}

async function reject(hub: LoopHarness, id: string): Promise<DeletionAnswer> {
  const answer = await hub.loop.decideDeletion(id, { verdict: 'reject', by: 'ben', reason: 'a mistake' })
  await hub.loop.idle()
  return answer
}

describe('a listing that shrinks', () => {
  it('to nothing is held, with every Application named and both counts', async () => {
    const { hub, id } = await started()
    await hub.push(APPS, folders(names, null))
    const [plan, ...others] = await waiting(hub)
    expect(others).toEqual([])
    expect(plan).toMatchObject({
      claimant: 'set/platform/shop',
      set: 'shop',
      kind: 'shrink',
      count: { removed: 12, total: 12 },
      projects: [{ project: 'shop', removed: 12, total: 12 }],
      since: hub.clock.now(),
    })
    expect(plan?.applications.map(({ name }) => name)).toEqual(applicationsOf(names))
    expect(plan?.applications[0]).toMatchObject({ cluster: 'eu-1', namespace: 'shop', policy: 'prune' })
    expect(plan?.reason).toContain('nothing would be left')
    expect(new Set(Object.values(states(hub)))).toEqual(new Set(['DELETION_BUDGET']))
    await hub.clock.advance(24 * 3_600_000)
    expect((await hub.documents(id)).filter(each => 'policy' in each)).toEqual([])
    expect(hub.complaints).toHaveLength(1)
  })

  it('is the same plan as long as its list is the same, whatever else is looked at and over a restart', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const before = await plans(hub)
    expect(before).toHaveLength(1)
    await hub.push(APPS, folders([names[5]!], 'changed'))
    await hub.push(APPS, folders(['more-1', 'more-2']))
    await hub.restart(undefined, 'kept')
    await hub.restart()
    await hub.refresh(APPS)
    expect(await plans(hub)).toEqual(before)
  })

  it('lets exactly the approved ones go, with who, when and why', async () => {
    const { hub, id } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [plan] = await waiting(hub)
    const answer = await approve(hub, plan!.id, plan!.digest)
    expect(answer).toMatchObject({
      kind: 'decided',
      plan: { id: plan!.id, state: 'approved', decision: { by: 'ana', at: hub.clock.now(), reason: 'meant' } },
    })
    const gone = applicationsOf(names.slice(0, 4))
    expect(states(hub)).toMatchObject(Object.fromEntries(gone.map(name => [name, 'withdrawn'])))
    for (const name of applicationsOf(names.slice(4))) expect(hub.application(name).state).toBe('active')
    expect(hub.application(gone[0]!).removal).toEqual({
      since: hub.clock.now(),
      policy: 'prune',
      plan: plan!.id,
    })
    const tombstones = (await hub.documents(id)).filter(each => 'policy' in each)
    expect(tombstones).toHaveLength(4)
    const [entry] = await hub.store.read(rows => rows.audit({ limit: 1 }))
    expect(entry).toMatchObject({ actor: 'ana', action: 'deletion.approve', subject: 'set/platform/shop' })
    expect(entry?.detail['applications']).toHaveLength(4)
  })

  it('holds again when more goes after an approval, and never more than was shown', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [first] = await waiting(hub)
    await approve(hub, first!.id)
    await hub.push(APPS, folders(names.slice(4, 8), null))
    const [second] = await waiting(hub)
    expect(second?.id).not.toBe(first!.id)
    expect(second?.applications.map(({ name }) => name)).toEqual(applicationsOf(names.slice(4, 8)))
    expect(hub.application(applicationsOf(names)[4]!).state).toBe('active')
    // Whoever approves the first one again approves nothing new.
    expect(await approve(hub, first!.id)).toMatchObject({ kind: 'decided', plan: { id: first!.id } })
    expect(hub.application(applicationsOf(names)[4]!).state).toBe('active')
  })

  it('refuses to approve a list that is another one now', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [first] = await waiting(hub)
    await hub.push(APPS, folders([names[4]!], null))
    const [second] = await waiting(hub)
    expect(second?.applications).toHaveLength(5)
    expect(await approve(hub, first!.id)).toMatchObject({ kind: 'changed', current: { id: second!.id } })
    expect(await approve(hub, second!.id, first!.digest)).toMatchObject({ kind: 'changed' })
    expect(await approve(hub, 'no-such-plan')).toEqual({ kind: 'unknown' })
    expect(Object.values(states(hub))).not.toContain('withdrawn')
  })

  it('needs another approval for a shorter list as well, and keeps what came back', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [first] = await waiting(hub)
    await hub.push(APPS, folders([names[0]!]))
    expect(await approve(hub, first!.id)).toMatchObject({ kind: 'changed' })
    const [second] = await waiting(hub)
    await approve(hub, second!.id)
    expect(hub.application(applicationsOf(names)[0]!)).toMatchObject({ state: 'active', hold: undefined })
    expect(hub.application(applicationsOf(names)[1]!).state).toBe('withdrawn')
  })

  it('keeps what comes back within the grace period, under its id', async () => {
    const { hub, id } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [name] = applicationsOf(names)
    const before = hub.application(name!).id
    await approve(hub, (await waiting(hub))[0]!.id)
    await hub.clock.advance(300_000)
    await hub.push(APPS, folders([names[0]!]))
    expect(hub.application(name!)).toMatchObject({ id: before, state: 'active' })
    expect(hub.application(name!).removal).toBeUndefined()
    await hub.clock.advance(600_000)
    const removals = (await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')
    expect(removals).toHaveLength(3)
    expect(removals.map(({ application: of }) => of)).not.toContain(before)
  })

  it('stays when it was rejected, until the list changes', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [plan] = await waiting(hub)
    expect(await reject(hub, plan!.id)).toMatchObject({ plan: { state: 'rejected', decision: { by: 'ben' } } })
    expect(await reject(hub, plan!.id)).toMatchObject({ kind: 'decided' })
    const [name] = applicationsOf(names)
    expect(hub.application(name!).hold?.reason).toContain('ben rejected this, so they stay until the list changes')
    await hub.restart(undefined, 'kept')
    await hub.clock.advance(3_600_000)
    expect(await plans(hub)).toMatchObject([{ id: plan!.id, state: 'rejected' }])
    expect(hub.application(name!).state).toBe('active')
    await hub.push(APPS, folders([names[4]!], null))
    expect(await plans(hub)).toMatchObject([{ id: plan!.id, state: 'superseded' }, { state: 'held' }])
    const [, next] = await plans(hub)
    expect(hub.application(name!).hold?.reason).toBe(next?.reason)
    expect(next?.reason).toBe('set "shop" would remove 5 of its 12 Applications: more than 20 %')
  })

  it('may be approved after all while the list is the same, and not rejected when it is done', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [plan] = await waiting(hub)
    await reject(hub, plan!.id)
    expect(await approve(hub, plan!.id)).toMatchObject({ plan: { state: 'approved' } })
    expect(await reject(hub, plan!.id)).toMatchObject({ kind: 'too-late' })
  })

  it('is not approved while an input is away: nobody knows whether the list is right', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [plan] = await waiting(hub)
    await hub.push(CONFIG, { 'sets/shop.json': set('shop').replaceAll(APPS, 'https://git.example.com/away.git') })
    expect(await approve(hub, plan!.id)).toMatchObject({ kind: 'stale' })
    expect(Object.values(states(hub))).not.toContain('withdrawn')
  })

  it('is written down later when the store was full', async () => {
    const { hub } = await started()
    // The Applications are written at once; the plan, a row alone, is not.
    hub.refuseCommit = rows => rows === 1
    await hub.push(APPS, folders(names.slice(0, 4), null))
    expect(await plans(hub)).toEqual([])
    expect(hub.application(applicationsOf(names)[0]!).hold?.code).toBe('DELETION_BUDGET')
    hub.refuseCommit = () => false
    await hub.clock.advance(600_000)
    await hub.loop.idle()
    expect(await waiting(hub)).toMatchObject([{ count: { removed: 4, total: 12 } }])
  })

  it('lets nothing go when the decision could not be written down', async () => {
    const { hub } = await started()
    await hub.push(APPS, folders(names.slice(0, 4), null))
    const [plan] = await waiting(hub)
    hub.refuseCommit = () => true
    await expect(approve(hub, plan!.id)).rejects.toThrow('no space is left')
    hub.refuseCommit = () => false
    expect(Object.values(states(hub))).not.toContain('withdrawn')
    expect(await waiting(hub)).toMatchObject([{ id: plan!.id }])
    expect(await approve(hub, plan!.id)).toMatchObject({ kind: 'decided' })
  })
})

describe('budgets', () => {
  const budgeted = (kind: 'sets' | 'projects', spec: object, annotations: object = {}) => {
    const path = `${kind}/shop.json` as const
    const document = JSON.parse(FLEET[path as keyof typeof FLEET]) as { spec: object; metadata: object }
    return {
      ...FLEET,
      [path]: JSON.stringify({
        ...document,
        metadata: { ...document.metadata, annotations },
        spec: { ...document.spec, ...spec },
      }),
    }
  }

  it.each([
    ['the default: three of twelve', FLEET, 3, 'DELETION_BUDGET'],
    ['the default: two of twelve', FLEET, 2, 'withdrawn'],
    [
      'a wider one of the set and of its Project',
      {
        ...budgeted('sets', { deletionBudget: { percent: 50 } }),
        'projects/shop.json': budgeted('projects', { deletionBudget: { percent: 50 } })['projects/shop.json']!,
      },
      3,
      'withdrawn',
    ],
    [
      'of which the Project allows less',
      {
        ...budgeted('sets', { deletionBudget: { percent: 50 } }),
        'projects/shop.json': budgeted('projects', { deletionBudget: { percent: 10 } })['projects/shop.json']!,
      },
      3,
      'DELETION_BUDGET',
    ],
    ['a set that wants to be asked for each', budgeted('sets', { deletionBudget: { count: 0 } }), 1, 'DELETION_BUDGET'],
    ['an annotation', budgeted('sets', {}, { 'flotilla.dev/deletion-budget': '1' }), 2, 'DELETION_BUDGET'],
  ] as const)('%s', async (_sentence, config, removed, expected) => {
    const { hub } = await started(config)
    await hub.push(APPS, folders(names.slice(0, removed), null))
    expect(states(hub)[applicationsOf(names)[0]!]).toBe(expected)
  })

  it('a Project counts what goes of all its sets in one round', async () => {
    const one = (name: string) =>
      set(name).replaceAll('apps/*', `${name}/*`).replaceAll('{{path.basename}}', `${name}-{{path.basename}}`)
    const { hub } = await started({
      'clusters/eu-1.json': cluster('eu-1'),
      'projects/shop.json': project('shop'),
      ...Object.fromEntries(['a', 'b', 'c'].map(name => [`sets/${name}.json`, one(name)])),
    })
    const files = (content: string | null) =>
      Object.fromEntries(
        ['a', 'b', 'c'].flatMap(name =>
          Array.from({ length: 20 }, (_, index) => [
            `${name}/${index}/cm.json`,
            content === null ? (index < 4 ? null : configMap('x', {})) : configMap('x', {}),
          ]),
        ),
      )
    await hub.push(APPS, files('here') as { [path: string]: string })
    await hub.push(APPS, files(null) as { [path: string]: string | null })
    const held = await waiting(hub)
    expect(held.map(({ set: of, count }) => [of, count.removed]).sort()).toEqual([
      ['a', 4],
      ['b', 4],
      ['c', 4],
    ])
    expect(held[0]?.reason).toContain('project "shop"')
  })

  it('a set has a grace period of its own', async () => {
    const { hub, id } = await started(budgeted('sets', { deletionBudget: { grace: '2h' } }))
    await hub.push(APPS, folders(names.slice(0, 1), null))
    await hub.clock.advance(3_600_000)
    expect((await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')).toEqual([])
    await hub.clock.advance(3_700_000)
    expect((await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')).toHaveLength(1)
  })

  it('Applications written by hand share one within their source and Project, and may end with the last', async () => {
    const byHand = Object.fromEntries(
      names.map(name => [`applications/${name}.json`, application(`${name}-eu-1`, APPS, `apps/${name}`)]),
    )
    const { 'sets/shop.json': _, ...rest } = FLEET
    const { hub } = await started({ ...rest, ...byHand })
    const files = (which: readonly string[]) =>
      Object.fromEntries(which.map(name => [`applications/${name}.json`, null]))
    await hub.push(CONFIG, files(names.slice(0, 5)))
    const [plan] = await waiting(hub)
    expect(plan).toMatchObject({ claimant: 'documents/platform/shop', count: { removed: 5, total: 12 } })
    await approve(hub, plan!.id)
    for (const name of names.slice(5)) await hub.push(CONFIG, files([name]))
    expect(new Set(Object.values(states(hub)))).toEqual(new Set(['withdrawn']))
  })
})

describe('a set that is removed', () => {
  it('takes nothing along: its Applications wait, with a count of what they are', async () => {
    const { hub, id } = await started()
    await hub.push(CONFIG, { 'sets/shop.json': null })
    const [plan] = await waiting(hub)
    expect(plan).toMatchObject({ kind: 'set-removed', count: { removed: 12, total: 12 } })
    expect(new Set(plan?.applications.map(({ policy }) => policy))).toEqual(new Set(['detach']))
    expect(plan?.reason).toContain('12 Applications on 1 clusters')
    expect(new Set(Object.values(states(hub)))).toEqual(new Set(['SET_REMOVED']))
    expect((await hub.store.read(rows => rows.set('platform/shop')))?.removedAt).toBe(hub.clock.now())
    await hub.clock.advance(3_600_000)
    await hub.restart()
    await hub.refresh(APPS)
    expect(await waiting(hub)).toEqual([plan])
    await approve(hub, plan!.id)
    const tombstones = (await hub.documents(id)).filter(each => 'policy' in each)
    expect(tombstones).toHaveLength(12)
    expect(tombstones.every(each => 'policy' in each && each.policy === 'detach')).toBe(true)
    expect(await hub.store.read(rows => rows.sets())).toEqual([])
  })

  it('deletes objects when it said so, and then too only when that is approved', async () => {
    const document = JSON.parse(set('shop')) as { spec: object }
    const { hub, id } = await started({
      ...FLEET,
      'sets/shop.json': JSON.stringify({ ...document, spec: { ...document.spec, deletion: 'prune' } }),
    })
    await hub.push(CONFIG, { 'sets/shop.json': null })
    const [plan] = await waiting(hub)
    expect(new Set(plan?.applications.map(({ policy }) => policy))).toEqual(new Set(['prune']))
    expect((await hub.documents(id)).filter(each => 'policy' in each)).toEqual([])
    await approve(hub, plan!.id)
    const tombstones = (await hub.documents(id)).filter(each => 'policy' in each)
    expect(tombstones.every(each => 'policy' in each && each.policy === 'prune')).toBe(true)
  })

  it.each([
    ['under Argo CD’s group its finalizers decide', {}, 'prune'],
    [
      'and a policy that forbids to remove holds, with a finalizer or without',
      { applicationsSync: 'create-update' },
      'detach',
    ],
    ['as does preserveResourcesOnDeletion', { preserveResourcesOnDeletion: true }, 'detach'],
  ] as const)('%s', async (_sentence, syncPolicy, expected) => {
    const document = JSON.parse(set('shop')) as { spec: object }
    const argo = { ...document, apiVersion: 'argoproj.io/v1alpha1', spec: { ...document.spec, syncPolicy } }
    const { hub } = await started({ ...FLEET, 'sets/shop.json': JSON.stringify(argo) })
    await hub.push(CONFIG, { 'sets/shop.json': null })
    const [plan] = await waiting(hub)
    expect(new Set(plan?.applications.map(({ policy }) => policy))).toEqual(new Set([expected]))
  })

  it('that comes back finds everything as it was', async () => {
    const { hub, id } = await started()
    const documents = await hub.documents(id)
    await hub.push(CONFIG, { 'sets/shop.json': null })
    await hub.push(CONFIG, { 'sets/shop.json': FLEET['sets/shop.json'] })
    expect(await hub.documents(id)).toEqual(documents)
    expect(await waiting(hub)).toEqual([])
    expect(hub.application(applicationsOf(names)[0]!).hold).toBeUndefined()
    expect((await hub.store.read(rows => rows.set('platform/shop')))?.removedAt).toBeUndefined()
  })

  it('while the hub was down waits as well', async () => {
    const { hub } = await started()
    await hub.loop.stop()
    hub.git.commit(CONFIG, { 'sets/shop.json': null })
    await hub.restart()
    expect(await waiting(hub)).toMatchObject([{ kind: 'set-removed', count: { removed: 12, total: 12 } }])
  })

  it('is forgotten at once when no cluster had anything of it', async () => {
    const hub = new LoopHarness()
    hub.git.commit(CONFIG, FLEET)
    hub.git.commit(APPS, folders(names))
    await hub.start()
    await hub.refresh(APPS)
    await hub.push(CONFIG, { 'sets/shop.json': null })
    expect(await hub.store.read(rows => rows.sets())).toEqual([])
    expect(hub.names()).toEqual([])
  })
})
