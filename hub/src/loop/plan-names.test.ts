import { setPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { DEFAULT_DELETION_BUDGET } from '@flotilla/core/decide/deletion-guard'
import type { Application } from '@flotilla/core/model/application'
import type { ClusterSpec, Declared } from '@flotilla/core/model/fleet'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { describe, expect, it } from 'vitest'
import { EMPTY_FLEET, indexFleet } from './fleet-index.ts'
import { type Origin, planNames } from './plan-names.ts'
import { World } from './world.ts'

const NOW = 1_000

function declared<Spec>(kind: string, name: string, spec: Spec): Declared<Spec> {
  const position = { file: `${name}.yaml`, line: 1, column: 1 }
  return {
    group: 'flotilla.dev',
    apiVersion: 'flotilla.dev/v1alpha1',
    kind,
    name,
    labels: {},
    annotations: {},
    finalizers: [],
    spec,
    document: {},
    source: 'platform',
    trust: { kind: 'all' },
    index: 0,
    contentDigest: '',
    position,
    positionOf: () => position,
  }
}

function world(clusters: readonly string[] = ['eu-1', 'us-1']): World {
  const made = new World()
  const specs = clusters.map(name =>
    declared<ClusterSpec>('Cluster', name, { timeZone: 'UTC', servers: [], local: false }),
  )
  made.fleet = indexFleet({ ...EMPTY_FLEET, clusters: specs }, [])
  return made
}

function application(
  name: string,
  change: { set?: string; cluster?: string; project?: string; file?: string } = {},
): Application {
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Application',
    metadata: { name },
    spec: { project: change.project ?? 'shop', destination: { name: change.cluster ?? 'eu-1', namespace: 'shop' } },
    provenance: {
      source: 'platform',
      file: change.file ?? 'sets.yaml',
      line: 1,
      column: 1,
      set: change.set ?? 'shop',
      generator: '0',
    },
  }
}

let ids = 0
function from(kind: 'current' | 'stale' | 'pending', applicationsSync?: string): Origin {
  return { kind, policy: setPolicy(applicationsSync), budget: DEFAULT_DELETION_BUDGET, declaredGone: false }
}

function plan(names: readonly string[], given: World, origin: Origin = from('current'), setsPending = false) {
  return planNames(names, given, {
    now: NOW,
    setsPending,
    newId: () => `id-${++ids}`,
    origin: () => origin,
    keepRules: () => undefined,
    endOfSet: () => ({ deletion: 'detach', mayRemove: true }),
    projectBudget: () => DEFAULT_DELETION_BUDGET,
  })
}

/** A world in which these Applications are stored and claimed. */
function settled(applications: readonly Application[], change: Partial<ApplicationRow> = {}): World {
  const made = world()
  for (const each of applications) made.setClaims(`set/platform/${each.provenance.set}`, applications)
  const { put } = plan(
    applications.map(each => each.metadata.name),
    made,
  )
  for (const row of put) made.putApplication({ ...row, clusterId: `cluster-${row.clusterName}`, ...change })
  return made
}

describe('planNames', () => {
  it('makes an Application of a claim, with an id of its own', () => {
    const given = world()
    given.setClaims('set/platform/shop', [application('web')])
    const { put } = plan(['web'], given)
    expect(put).toMatchObject([
      { name: 'web', state: 'active', clusterName: 'eu-1', project: 'shop', set: 'shop', createdAt: NOW },
    ])
    expect(put[0]?.id).toMatch(/^id-/)
  })

  it('changes nothing when nothing changed', () => {
    expect(plan(['web'], settled([application('web')]))).toEqual({ put: [], moved: [], refused: [], postponed: [] })
  })

  it('does not write a row of which only the place in the file moved', () => {
    const given = settled([application('web')])
    given.setClaims('set/platform/shop', [application('web', { file: 'moved.yaml' })])
    expect(plan(['web'], given)).toMatchObject({ put: [], moved: [{ provenance: { file: 'moved.yaml' } }] })
  })

  it('keeps the id when the set is renamed', () => {
    const given = settled([application('web')])
    const id = given.applicationNamed('web')?.id
    given.setClaims('set/platform/shop', [])
    given.setClaims('set/platform/store', [application('web', { set: 'store' })])
    expect(plan(['web'], given).put).toMatchObject([{ id, set: 'store', state: 'active' }])
  })

  it('never disturbs the first claimant, and tells the second', () => {
    const given = settled([application('web', { set: 'shop' })])
    given.setClaims('set/platform/a-set', [application('web', { set: 'a-set', cluster: 'us-1' })])
    const { put, refused } = plan(['web'], given)
    expect(put).toEqual([])
    expect(refused).toMatchObject([{ claim: { claimant: 'set/platform/a-set' } }])
    expect(refused[0]?.diagnostic).toMatchObject({ source: 'platform', message: expect.stringContaining('web') })
  })

  it('makes another Application where the destination changed, and holds the old one', () => {
    const given = settled([application('web')])
    const id = given.applicationNamed('web')?.id
    given.setClaims('set/platform/shop', [application('web', { cluster: 'us-1' })])
    const { put } = plan(['web'], given)
    expect(put).toMatchObject([
      { id, state: 'orphaned', clusterName: 'eu-1', hold: { code: 'DESTINATION_CHANGED' } },
      { state: 'active', clusterName: 'us-1' },
    ])
    expect(put[1]?.id).not.toBe(id)
  })

  it('moves freely what was never offered anywhere', () => {
    const given = settled([application('web')], { clusterId: undefined })
    const id = given.applicationNamed('web')?.id
    given.setClaims('set/platform/shop', [application('web', { cluster: 'us-1' })])
    expect(plan(['web'], given).put).toMatchObject([{ id, clusterName: 'us-1', state: 'active' }])
  })

  it('withdraws what nobody claims any more', () => {
    const given = settled([application('web'), application('api')])
    given.setClaims('set/platform/shop', [application('api')])
    expect(plan(['web'], given).put).toMatchObject([
      { name: 'web', state: 'withdrawn', removal: { since: NOW, policy: 'prune' } },
    ])
  })

  it('holds the last one of a set: a listing that went empty looks like that', () => {
    const given = settled([application('web')])
    given.setClaims('set/platform/shop', [])
    const { put } = plan(['web'], given)
    expect(put).toMatchObject([{ state: 'active', hold: { code: 'DELETION_BUDGET' } }])
    expect(put[0]?.hold?.reason).toContain('nothing would be left')
  })

  const kept: readonly [sentence: string, origin: Origin][] = [
    ['while an input is away', from('stale')],
    ['under create-only', from('current', 'create-only')],
    ['under create-update', from('current', 'create-update')],
  ]
  it.each(kept)('withdraws nothing %s', (_sentence, origin) => {
    const given = settled([application('web')])
    given.setClaims('set/platform/shop', [])
    expect(plan(['web'], given, origin).put).toEqual([])
  })

  it('holds what comes from a source that is configured no more', () => {
    const given = settled([application('web')])
    given.setClaims('set/platform/shop', [])
    expect(plan(['web'], given, { kind: 'source-removed' }).put).toMatchObject([
      { state: 'active', hold: { code: 'SOURCE_REMOVED' } },
    ])
  })

  it('holds what was bound for a Cluster that is declared no more', () => {
    const given = settled([application('web')])
    given.setClaims('set/platform/shop', [])
    given.fleet = world(['us-1']).fleet
    expect(plan(['web'], given).put).toMatchObject([{ state: 'active', hold: { code: 'CLUSTER_REMOVED' } }])
  })

  it('holds a mass deletion with the counts, once', () => {
    const names = ['a', 'b', 'c', 'd']
    const given = settled(names.map(name => application(name)))
    given.setClaims('set/platform/shop', [])
    const { put } = plan(names, given)
    expect(put.map(row => [row.state, row.hold?.code])).toEqual(names.map(() => ['active', 'DELETION_BUDGET']))
    expect(put[0]?.hold?.reason).toContain('4 of its 4')
    for (const row of put) given.putApplication(row)
    expect(plan(names, given).put).toEqual([])
  })

  it('lets go of the hold when the set yields it again', () => {
    const names = ['a', 'b', 'c']
    const given = settled(names.map(name => application(name)))
    given.setClaims('set/platform/shop', [])
    for (const row of plan(names, given).put) given.putApplication(row)
    given.setClaims(
      'set/platform/shop',
      names.map(name => application(name)),
    )
    expect(plan(names, given).put.map(row => [row.state, row.hold])).toEqual(names.map(() => ['active', undefined]))
  })

  it('takes a withdrawn Application back under its id', () => {
    const given = settled([application('web')])
    const id = given.applicationNamed('web')?.id
    given.setClaims('set/platform/shop', [])
    for (const row of plan(['web'], given).put) given.putApplication(row)
    given.setClaims('set/platform/shop', [application('web')])
    expect(plan(['web'], given).put).toMatchObject([{ id, state: 'active' }])
  })

  it('leaves the spec alone under create-only', () => {
    const given = settled([application('web')])
    given.setClaims('set/platform/shop', [application('web', { project: 'other' })])
    expect(plan(['web'], given, from('current', 'create-only')).put).toEqual([])
    expect(plan(['web'], given).put).toMatchObject([{ project: 'other' }])
  })

  describe('what moved away and comes back', () => {
    function movedAway() {
      const given = settled([application('web')])
      const id = given.applicationNamed('web')!.id
      given.setClaims('set/platform/shop', [application('web', { cluster: 'us-1' })])
      for (const row of plan(['web'], given).put) given.putApplication(row)
      given.setClaims('set/platform/shop', [application('web')])
      return { given, id }
    }

    it('is what it was, and what it left elsewhere is held', () => {
      const { given, id } = movedAway()
      const elsewhere = given.applicationNamed('web')!
      given.putApplication({ ...elsewhere, clusterId: 'cluster-us-1' })
      const { put } = plan(['web'], given)
      expect(put).toMatchObject([
        { id: elsewhere.id, state: 'orphaned', clusterName: 'us-1' },
        { id, state: 'active', clusterName: 'eu-1' },
      ])
      expect(put[1]?.hold).toBeUndefined()
    })

    it('leaves nothing behind where it was never offered', () => {
      const { given, id } = movedAway()
      const elsewhere = given.applicationNamed('web')!
      const { put } = plan(['web'], given)
      expect(put).toMatchObject([
        { id: elsewhere.id, state: 'withdrawn' },
        { id, state: 'active' },
      ])
      for (const row of [...put].reverse()) given.putApplication(row)
      expect(given.applicationNamed('web')?.id).toBe(id)
      given.removeApplication(elsewhere.id)
      expect(given.applicationNamed('web')?.id).toBe(id)
    })
  })

  describe('while a claimant is not known', () => {
    const others = () => {
      const given = settled([application('web')])
      given.setClaims('set/platform/shop', [])
      given.setClaims('set/platform/a-set', [application('web', { set: 'a-set' })])
      return given
    }

    it('nobody takes its place: its inputs are away', () => {
      expect(plan(['web'], others(), from('stale'))).toMatchObject({ put: [], postponed: [] })
    })

    it('nobody takes its place: it is still to be expanded', () => {
      expect(plan(['web'], others(), from('current'), true)).toMatchObject({ put: [], postponed: ['web'] })
    })

    it('a new name is given when all who may want it are known', () => {
      const given = world()
      given.setClaims('set/platform/shop', [application('web')])
      expect(plan(['web'], given, from('current'), true)).toMatchObject({ put: [], postponed: ['web'] })
    })

    it('its policy holds all the same', () => {
      const given = settled([application('web')])
      given.setClaims('set/platform/shop', [application('web', { project: 'other' })])
      expect(plan(['web'], given, from('stale', 'create-only')).put).toEqual([])
    })
  })

  describe('the deletion budget', () => {
    const names = Array.from({ length: 20 }, (_, index) => `app-${index}`)
    const gone = names.slice(0, 5)
    const rest = names.slice(5).map(name => application(name))
    const heldBudget = () => {
      const given = settled(names.map(name => application(name)))
      given.setClaims('set/platform/shop', rest)
      for (const row of plan(gone, given).put) given.putApplication(row)
      return given
    }

    it('counts what is missing, not what is looked at', () => {
      const given = settled(names.map(name => application(name)))
      given.setClaims('set/platform/shop', rest)
      expect(plan(['app-0'], given).put.map(row => [row.state, row.hold?.code])).toEqual([
        ['active', 'DELETION_BUDGET'],
      ])
    })

    it('does not let go of what it held, however it is looked at and the set grows', () => {
      const given = heldBudget()
      expect(plan(['app-0'], given).put).toEqual([])
      const more = Array.from({ length: 100 }, (_, index) => application(`more-${index}`))
      given.setClaims('set/platform/shop', [...rest, ...more])
      const made = more.map(({ metadata }) => metadata.name)
      for (const row of plan(made, given).put) given.putApplication(row)
      expect(plan(gone, given).put).toEqual([])
    })

    it('does not count what is an orphan, or going already', () => {
      const given = settled(['a', 'b', 'c'].map(name => application(name)))
      for (let index = 0; index < 50; index++) {
        const row = { ...given.applicationNamed('a')!, id: `orphan-${index}`, clusterName: 'us-1' }
        given.putApplication({ ...row, state: index % 2 === 0 ? 'orphaned' : 'withdrawn' })
      }
      given.setClaims('set/platform/shop', [])
      expect(plan(['a', 'b', 'c'], given).put.map(({ hold }) => hold?.code)).toEqual(
        Array.from({ length: 3 }, () => 'DELETION_BUDGET'),
      )
    })

    it('holds for what is written by hand, within its source and Project', () => {
      const given = settled(names.map(name => application(name)))
      for (const name of names) given.putApplication({ ...given.applicationNamed(name)!, set: undefined })
      given.setClaims('set/platform/shop', [])
      expect(new Set(plan(names, given).put.map(({ hold }) => hold?.code))).toEqual(new Set(['DELETION_BUDGET']))
    })

    it('holds for a Project, whatever the number of sets', () => {
      const sets = Array.from({ length: 12 }, (_, index) => `set-${index}`)
      const of = (name: string) => [application(`${name}-a`, { set: name }), application(`${name}-b`, { set: name })]
      const given = world()
      for (const name of sets) given.setClaims(`set/platform/${name}`, of(name))
      const all = sets.flatMap(name => of(name).map(({ metadata }) => metadata.name))
      for (const row of plan(all, given).put) given.putApplication({ ...row, clusterId: 'cluster' })
      for (const name of sets) given.setClaims(`set/platform/${name}`, of(name).slice(0, 1))
      const { put } = plan(all, given)
      expect(put.map(({ hold }) => hold?.code)).toEqual(sets.map(() => 'DELETION_BUDGET'))
      expect(put[0]?.hold?.reason).toContain('project "shop"')
    })

    it('does not count what no cluster was ever offered, and holds none of it', () => {
      const given = settled(names.map(name => application(name)))
      const mistakes = Array.from({ length: 30 }, (_, index) => `mistake-${index}`)
      for (const name of mistakes) {
        const row = { ...given.applicationNamed('app-0')!, id: name, name, clusterId: undefined }
        given.putApplication(row)
      }
      given.setClaims('set/platform/shop', rest)
      const { put } = plan([...gone, ...mistakes], given)
      const byName = new Map(put.map(row => [row.name, row]))
      expect(new Set(mistakes.map(name => byName.get(name)?.state))).toEqual(new Set(['withdrawn']))
      // Thirty more would have made five of fifty a small share.
      expect(gone.map(name => byName.get(name)?.hold?.code)).toEqual(gone.map(() => 'DELETION_BUDGET'))
    })

    it('lets go of the hold when the set may not remove any more', () => {
      const given = heldBudget()
      const { put } = plan(gone, given, from('current', 'create-update'))
      expect(put.map(({ state, hold }) => [state, hold])).toEqual(gone.map(() => ['active', undefined]))
    })
  })

  it('lets go of the hold when the config source is back', () => {
    const given = settled([application('web')])
    given.setClaims('set/platform/shop', [])
    for (const row of plan(['web'], given, { kind: 'source-removed' }).put) given.putApplication(row)
    given.setClaims('set/platform/shop', [application('web')])
    const { put } = plan(['web'], given)
    expect(put).toMatchObject([{ state: 'active' }])
    expect(put[0]?.hold).toBeUndefined()
  })
})
