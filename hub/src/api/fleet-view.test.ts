import type { ApplicationRow } from '@flotilla/core/ports/store'
import { AGENT_SILENT_AFTER_MS } from '@flotilla/core/view/application-view'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import {
  digestOf,
  sampleApplication,
  sampleCluster,
  sampleReport,
  sampleSet,
  sampleSource,
} from '../store/sample-rows.ts'
import { type ApplicationQuery, type Position, SORTS } from './application-query.ts'
import { FleetView } from './fleet-view.ts'

const NOW = 10_000_000
const everything: ApplicationQuery = {
  filters: {},
  words: [],
  labels: [],
  sort: 'name',
  descending: false,
  limit: 1000,
}
const declared = (name: string, environment: string) => ({
  name,
  environment,
  labels: {},
  timeZone: 'UTC',
  servers: [],
  local: false,
})
const running = (id: string, over: Partial<ApplicationRow> = {}): ApplicationRow =>
  sampleApplication({
    id,
    name: `name-${id}`,
    clusterId: 'cluster-1',
    digest: digestOf('bundle'),
    holdsSecrets: false,
    ...over,
  })
const reportOf = (id: string, receivedAt = NOW) =>
  sampleReport({ applicationId: id, receivedAt }, { held: digestOf('bundle') })

function newView(): FleetView {
  return new FleetView({ run: 'run', now: NOW })
}

function told(view: FleetView, after = 0): string[] {
  const texts: string[] = []
  for (let change = view.changes.after(after); change; change = view.changes.after(change.number)) {
    texts.push(`${change.action} ${change.kind} ${change.name}`)
  }
  return texts
}

describe('FleetView', () => {
  it('is what the store has, and tells of nothing that was there before', async () => {
    const store = new MemoryStore()
    await store.write(async rows => {
      await rows.putCluster(sampleCluster())
      await rows.putApplication(running('a', { set: 'shop' }))
      await rows.putReport(reportOf('a'))
      await rows.putSet(sampleSet())
      await rows.putSource(sampleSource())
    })
    const view = await FleetView.load(store, { run: 'run', now: NOW })
    expect(view.application('name-a', NOW)?.sync.status).toBe('Synced')
    expect(view.applicationSets()[0]?.applications.total).toBe(1)
    expect(view.configSources()).toHaveLength(1)
    expect(view.clusters(NOW)[0]?.applications.sync.Synced).toBe(1)
    expect(told(view)).toEqual([])
  })

  it('refresh reads the changed rows again and drops those that are gone', async () => {
    const store = new MemoryStore()
    await store.write(async rows => {
      await rows.putApplication(running('a'))
      await rows.putApplication(running('b'))
    })
    const view = await FleetView.load(store, { run: 'run', now: NOW })
    await store.write(async rows => {
      await rows.deleteApplication('a')
      await rows.putApplication(running('b', { namespace: 'moved' }))
    })
    await view.refresh(store, { applications: ['a', 'b'] }, () => NOW)
    expect(view.applications(everything, NOW).items.map(item => [item.name, item.namespace])).toEqual([
      ['name-b', 'moved'],
    ])
    expect(told(view)).toEqual(['put applications name-b', 'delete applications name-a'])
  })

  it('a report that comes before its Application is not lost', () => {
    const view = newView()
    view.apply({ reports: [reportOf('a')] }, NOW)
    view.apply({ applications: [running('a')] }, NOW)
    expect(view.application('name-a', NOW)?.sync.status).toBe('Synced')
  })

  it('a silent agent ages to Unknown by time alone, counted and told, and comes back when it is heard', () => {
    const view = newView()
    view.apply({ clusters: [sampleCluster()], applications: [running('a')], reports: [reportOf('a')] }, NOW)
    const late = NOW + AGENT_SILENT_AFTER_MS + 1
    const before = view.changes.newest
    expect(view.counted().all.sync).toEqual({ Synced: 1, OutOfSync: 0, Unknown: 0 })
    expect(view.application('name-a', late)?.health.status).toBe('Unknown')
    expect(view.counted().all.sync).toEqual({ Synced: 0, OutOfSync: 0, Unknown: 1 })
    expect(told(view, before)).toEqual(['put applications name-a', 'put clusters eu-1'])
    view.apply({ connections: [{ clusterId: 'cluster-1', connected: true, lastSeenAt: late }] }, late)
    expect(view.application('name-a', late)?.sync.status).toBe('Synced')
    expect(view.cluster('eu-1', late)?.agent).toMatchObject({ connected: true, silent: false })
  })

  it('a heartbeat that changes nothing else tells nobody', () => {
    const view = newView()
    view.apply({ clusters: [sampleCluster()], applications: [running('a')], reports: [reportOf('a')] }, NOW)
    view.apply({ connections: [{ clusterId: 'cluster-1', connected: true, lastSeenAt: NOW }] }, NOW)
    const before = view.changes.newest
    view.apply({ connections: [{ clusterId: 'cluster-1', connected: true, lastSeenAt: NOW + 90_000 }] }, NOW + 90_000)
    view.apply({ applications: [running('a')], reports: [reportOf('a')] }, NOW + 90_000)
    expect(told(view, before)).toEqual([])
    expect(view.application('name-a', NOW + 90_000)?.agent.lastSeen).toBe('1970-01-01T02:48:00.000Z')
  })

  it("a Cluster's environment reaches its Applications, and leaves them with its declaration", () => {
    const view = newView()
    view.apply({ applications: [running('a')], declaredClusters: [declared('eu-1', 'prod')] }, NOW)
    expect(view.application('name-a', NOW)?.environment).toBe('prod')
    expect(view.counted().by.by('environment')).toMatchObject({ prod: { total: 1 } })
    const before = view.changes.newest
    view.apply({ declaredClusters: [] }, NOW)
    expect(view.application('name-a', NOW)?.environment).toBeNull()
    expect(view.counted().by.by('environment')).toEqual({})
    expect(told(view, before)).toEqual(['put applications name-a', 'delete clusters eu-1'])
  })

  it('repositories are one however they are spelt, without their credentials, and known to webhooks', () => {
    const view = newView()
    const document = { spec: { source: { repoURL: 'https://user:pw@Git.example.com/shop.git' } } }
    view.apply(
      {
        applications: [running('a', { document })],
        sources: [sampleSource({ repository: 'https://git.example.com/fleet' })],
        repositories: [{ url: 'https://git.example.com/fleet.git', fetchedAt: 0 }],
      },
      NOW,
    )
    expect(view.repositories().map(item => [item.url, item.applications, item.sources, item.fetchedAt])).toEqual([
      ['https://git.example.com/fleet', 0, ['platform'], '1970-01-01T00:00:00.000Z'],
      ['https://Git.example.com/shop.git', 1, [], null],
    ])
    expect(view.knownRepository('https://git.example.com/fleet.git/')).toBe('https://git.example.com/fleet')
    expect(view.knownRepository('https://git.example.com/strange')).toBeUndefined()
    view.apply({ removedApplications: ['a'] }, NOW)
    expect(view.repositories()).toHaveLength(1)
  })

  it('an agent that is heard before its cluster is told still brings its Applications to life', () => {
    const view = newView()
    view.apply({ applications: [running('a')] }, NOW)
    expect(view.application('name-a', NOW)?.agent.silent).toBe(true)
    view.apply({ connections: [{ clusterId: 'cluster-1', connected: true, lastSeenAt: NOW }] }, NOW)
    expect(view.application('name-a', NOW)?.agent).toMatchObject({ connected: true, silent: false })
    expect(view.counted().all.sync).toEqual({ Synced: 0, OutOfSync: 1, Unknown: 0 })
  })

  it('of several Applications of one name the incumbent is meant', () => {
    const view = newView()
    view.apply(
      {
        applications: [
          running('late', { name: 'x', createdAt: 5 }),
          running('first', { name: 'x', createdAt: 1 }),
          running('old', { name: 'x', createdAt: 0, state: 'orphaned' }),
        ],
      },
      NOW,
    )
    expect(view.application('x', NOW)?.id).toBe('first')
  })
})

const anyRow = fc.record({
  id: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  project: fc.constantFrom('p', 'q'),
  clusterName: fc.constantFrom('eu-1', 'eu-2'),
  namespace: fc.constantFrom('n', 'm'),
  set: fc.option(fc.constantFrom('s', 't'), { nil: undefined }),
  held: fc.boolean(),
})

const anyStep = fc.oneof(
  anyRow.map(put => ({ put })),
  fc.constantFrom('1', '2', '3').map(remove => ({ remove })),
  fc.constantFrom('1', '2', '3').map(report => ({ report })),
  fc.constantFrom('eu-1', 'eu-2').map(declare => ({ declare })),
  fc.integer({ min: 0, max: 2 * AGENT_SILENT_AFTER_MS }).map(wait => ({ wait })),
)

describe('laws of the fleet view', () => {
  it('counts kept step by step equal counts made anew, and pages laid end to end are the whole list', () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 40 }),
        fc.constantFrom(...SORTS),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        (steps, sort, descending, limit) => {
          const view = newView()
          view.apply({ clusters: [sampleCluster()] }, NOW)
          let now = NOW
          for (const step of steps) {
            if ('put' in step) {
              const { held, ...row } = step.put
              view.apply(
                {
                  applications: [
                    running(row.id, { ...row, ...(held && { hold: { code: 'RENDER_FAILED', reason: 'x' } }) }),
                  ],
                },
                now,
              )
            } else if ('remove' in step) view.apply({ removedApplications: [step.remove] }, now)
            else if ('report' in step) view.apply({ reports: [reportOf(step.report, now)] }, now)
            else if ('declare' in step) view.apply({ declaredClusters: [declared(step.declare, 'prod')] }, now)
            else now += step.wait
          }
          const { items } = view.applications(everything, now)
          const counted = view.counted()
          expect(counted.all.total).toBe(items.length)
          expect(counted.all.held).toBe(items.filter(item => item.hold !== null).length)
          for (const status of ['Synced', 'OutOfSync', 'Unknown'] as const) {
            expect(counted.all.sync[status]).toBe(items.filter(item => item.sync.status === status).length)
          }
          for (const [name, tally] of Object.entries(counted.by.by('cluster'))) {
            expect(tally.total).toBe(items.filter(item => item.cluster === name).length)
          }
          const walked: string[] = []
          const query = { ...everything, sort, descending, limit }
          let after: Position | undefined
          for (;;) {
            const page = view.applications(after === undefined ? query : { ...query, after }, now)
            expect(page.total).toBe(items.length)
            walked.push(...page.items.map(item => item.id))
            if (page.next === undefined) break
            after = page.next
          }
          const whole = view.applications({ ...query, limit: 1000 }, now).items.map(item => item.id)
          expect(walked).toEqual(whole)
          expect([...walked].sort()).toEqual(items.map(item => item.id).sort())
        },
      ),
    )
  })
})
