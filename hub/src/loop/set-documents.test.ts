import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

type Files = { readonly [path: string]: string | null }

/** A set that makes a Project for each team in the files `teams/*.json` of the repository of apps. */
function teams(change: object = {}): string {
  return JSON.stringify({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'teams' },
    spec: {
      generators: [{ git: { repoURL: APPS, revision: 'main', files: [{ path: 'teams/*.json' }] } }],
      documents: [
        {
          apiVersion: 'flotilla.dev/v1alpha1',
          kind: 'Project',
          metadata: { name: '{{team}}' },
          spec: {
            sourceRepos: [APPS],
            destinations: [{ name: '{{cluster}}', namespace: '*' }],
            clusterResourceWhitelist: [{ group: '*', kind: '*' }],
          },
        },
      ],
      ...change,
    },
  })
}

const team = (name: string, on = 'eu-1'): string => JSON.stringify({ team: name, cluster: on })

async function started(config: { readonly [path: string]: string }, apps: { readonly [path: string]: string }) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, { 'clusters/eu-1.json': cluster('eu-1'), ...config })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }), ...apps })
  await hub.start()
  await hub.refresh(APPS)
  await hub.clock.advance(1_000)
  return hub
}

const projects = (hub: LoopHarness): readonly string[] => [...hub.loop.world.fleet.projects.keys()].sort()
const clustersOf = (hub: LoopHarness, name: string): unknown =>
  hub.loop.world.fleet.projects.get(name)?.spec.destinations.map(each => each.name)

async function errorsOf(hub: LoopHarness, name: string): Promise<readonly object[]> {
  const rows = await hub.store.read(rows => rows.sets())
  return rows.filter(row => row.name === name).flatMap(({ errors }) => errors)
}

describe('a set that makes Projects', () => {
  it('puts them in force, and Applications of other sets are released under them', async () => {
    const hub = await started(
      { 'sets/teams.json': teams(), 'sets/shop.json': set('shop') },
      { 'teams/a.json': team('shop') },
    )
    expect(projects(hub)).toEqual(['shop'])
    expect(hub.names()).toEqual(['web-eu-1'])
    expect(hub.application('web-eu-1').hold?.code).toBe('CLUSTER_NOT_JOINED')
    expect(hub.complaints).toEqual([])
  })

  it('follows its inputs', async () => {
    const hub = await started({ 'sets/teams.json': teams() }, { 'teams/a.json': team('shop') })
    const pushes: readonly (readonly [Files, readonly string[]])[] = [
      [{ 'teams/b.json': team('bank') }, ['bank', 'shop']],
      [{ 'teams/a.json': null }, ['bank']],
      [{ 'teams/a.json': team('shop') }, ['bank', 'shop']],
    ]
    for (const [changes, expected] of pushes) {
      await hub.push(APPS, changes)
      expect(projects(hub)).toEqual(expected)
    }
    await hub.push(APPS, { 'teams/a.json': team('shop', 'us-1') })
    expect(clustersOf(hub, 'shop')).toEqual(['us-1'])
  })

  it('that has a mistake in one keeps all as they were, and says where', async () => {
    const hub = await started({ 'sets/teams.json': teams() }, { 'teams/a.json': team('shop') })
    await hub.push(APPS, { 'teams/a.json': team('shop', 'us-1'), 'teams/b.json': team('Not A Name') })
    expect(projects(hub)).toEqual(['shop'])
    expect(clustersOf(hub, 'shop')).toEqual(['eu-1'])
    expect(await errorsOf(hub, 'teams')).toMatchObject([
      {
        code: 'INVALID_NAME',
        message: 'Project "Not A Name": "Not A Name" is not a Kubernetes name',
        generator: '0',
        element: 1,
        position: { file: 'sets/teams.json' },
      },
    ])
    await hub.push(APPS, { 'teams/b.json': team('bank') })
    expect(projects(hub)).toEqual(['bank', 'shop'])
    expect(clustersOf(hub, 'shop')).toEqual(['us-1'])
    expect(await errorsOf(hub, 'teams')).toEqual([])
  })

  it('whose input is away keeps what it made, through a restart too', async () => {
    const hub = await started({ 'sets/teams.json': teams() }, { 'teams/a.json': team('shop') })
    await hub.push(APPS, { 'teams/a.json': '{"team": [' })
    expect(projects(hub)).toEqual(['shop'])
    await hub.restart()
    expect(projects(hub)).toEqual(['shop'])
  })

  it('that lets a Project go removes no workload', async () => {
    const hub = await started(
      { 'sets/teams.json': teams(), 'sets/shop.json': set('shop') },
      { 'teams/a.json': team('shop') },
    )
    await hub.push(APPS, { 'teams/a.json': null })
    expect(projects(hub)).toEqual([])
    await hub.clock.advance(3_600_000)
    expect(hub.application('web-eu-1').state).toBe('active')
    expect(hub.loop.world.projectsLastSeen.has('shop')).toBe(true)
  })

  it('takes them along when it goes, or makes none any more', async () => {
    for (const change of [null, teams({ documents: undefined, template: JSON.parse(set('x')).spec.template })]) {
      const hub = await started({ 'sets/teams.json': teams() }, { 'teams/a.json': team('shop') })
      await hub.push(CONFIG, { 'sets/teams.json': change })
      expect(projects(hub)).toEqual([])
    }
  })

  it('was removed while the hub was down', async () => {
    const hub = await started({ 'sets/teams.json': teams() }, { 'teams/a.json': team('shop') })
    await hub.loop.stop()
    hub.git.commit(CONFIG, { 'sets/teams.json': null })
    await hub.restart()
    await hub.refresh(CONFIG)
    await hub.clock.advance(1_000)
    expect(projects(hub)).toEqual([])
  })

  it('never takes a name that a file has', async () => {
    const hub = await started(
      { 'sets/teams.json': teams(), 'projects/shop.json': project('shop') },
      { 'teams/a.json': team('shop') },
    )
    expect(clustersOf(hub, 'shop')).toEqual(['*'])
  })

  it('of a source that may declare for one project alone is refused', async () => {
    const source = { name: 'team', repository: CONFIG, revision: 'main', path: '' }
    const hub = new LoopHarness([{ ...source, trust: { kind: 'projects', projects: ['shop'] } }])
    hub.git.commit(CONFIG, { 'sets/teams.json': teams() })
    hub.git.commit(APPS, { 'teams/a.json': team('shop') })
    await hub.start()
    await hub.refresh(APPS)
    expect(projects(hub)).toEqual([])
    expect(await errorsOf(hub, 'teams')).toMatchObject([{ code: 'NOT_TRUSTED', position: { file: 'sets/teams.json' } }])
  })
})

describe('a set that makes Clusters', () => {
  const machines = JSON.stringify({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'machines' },
    spec: {
      generators: [{ list: { elements: [{ name: 'edge-1' }, { name: 'edge-2' }] } }],
      documents: [
        {
          apiVersion: 'flotilla.dev/v1alpha1',
          kind: 'Cluster',
          metadata: { name: '{{name}}', labels: { of: 'edge' } },
          spec: { environment: 'prod' },
        },
      ],
    },
  })
  it('is seen by the generators of other sets', async () => {
    const overClusters = set('shop')
      .replace(/"list":\{.*?\]\}/, '"clusters":{"selector":{"matchLabels":{"of":"edge"}}}')
      .replaceAll('{{cluster}}', '{{name}}')
    const files = {
      'sets/machines.json': machines,
      'sets/shop.json': overClusters,
      'projects/shop.json': project('shop'),
    }
    const hub = await started(files, {})
    expect(hub.names()).toEqual(['web-edge-1', 'web-edge-2'])
    expect(hub.complaints).toEqual([])
  })
})

describe('a set that makes windows and Teams', () => {
  const document = (kind: string, name: string, spec: object): object => ({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind,
    metadata: { name },
    spec,
  })
  const frozen = document('FreezePeriod', 'freeze-{{team}}', {
    level: 'hard',
    reason: 'year end',
    scope: { projects: ['{{team}}'] },
    when: [{ from: '2027-01-01', through: '2027-01-31' }],
  })
  const members = document('Team', '{{team}}', {
    members: { groups: ['sso:{{team}}'] },
    owns: { projects: ['{{team}}'] },
  })

  it('puts them in force, and takes them back with what they came from', async () => {
    const hub = await started(
      {
        'sets/teams.json': teams({ documents: [frozen, members] }),
        'projects/shop.json': project('shop'),
        'sets/shop.json': set('shop'),
      },
      { 'teams/a.json': team('shop') },
    )
    expect(await errorsOf(hub, 'teams')).toEqual([])
    const rules = () => hub.loop.world.gates.current.rules.rules.map(({ name }) => name)
    expect(rules()).toEqual(['FreezePeriod/freeze-shop'])
    await hub.push(APPS, { 'teams/a.json': null })
    await hub.clock.advance(1_000)
    expect(rules()).toEqual([])
  })
})
