import type { ApplicationView } from '@flotilla/core/view/application-view'
import { EMPTY_TALLY } from '@flotilla/core/view/fleet-parts'
import { describe, expect, it } from 'vitest'
import { demoClusters, demoFiles, demoFileToEdit } from './demo-content.ts'
import { FleetNews } from './fleet-news.ts'
import { summarise } from './fleet-summary.ts'
import { liveTable, Screen } from './live-table.ts'

const PLAIN = { enabled: false, red: same, yellow: same, green: same, bold: same, dim: same }

function same(text: string): string {
  return text
}

function application(name: string, change: Partial<ApplicationView> = {}): ApplicationView {
  return {
    id: name,
    name,
    state: 'active',
    project: 'shop',
    cluster: 'eu-1',
    environment: 'prod',
    namespace: 'shop',
    set: null,
    heldPrunes: null,
    conditions: [],
    labels: {},
    source: null,
    revision: 'a'.repeat(40),
    digest: null,
    sync: { status: 'Synced' },
    health: { status: 'Healthy', since: null },
    hold: null,
    removal: null,
    interventions: [],
    operation: null,
    agent: { connected: true, silent: false, lastSeen: null },
    images: [],
    provenance: {},
    createdAt: '',
    changedAt: '',
    ...change,
  }
}

function cluster(name: string, connected = true) {
  return {
    name,
    id: name,
    declared: true,
    registered: false,
    environment: 'prod',
    labels: {},
    timeZone: null,
    servers: [],
    local: false,
    joined: true,
    admission: 1,
    joinedAt: null,
    revokedAt: null,
    uid: null,
    keySince: null,
    cloned: null,
    agent: { connected, silent: false, lastSeen: null, incarnation: 1, versions: {} },
    applications: EMPTY_TALLY,
  }
}

const HELD = { code: 'PATH_MISSING', reason: 'there is no such folder', nextOpening: null, at: null } as const

describe('liveTable', () => {
  const draw = (clusters: ReturnType<typeof cluster>[], applications: ApplicationView[], mostClusters = 10) => {
    const summary = summarise({ clusters, applications, expected: 1, elapsedMs: 0 })
    return liveTable({ clusters, applications, summary, news: [], hints: ['edit'], colours: PLAIN, mostClusters })
  }

  it('counts what is Synced, Healthy and held, by cluster', () => {
    const text = draw(
      [cluster('eu-1'), cluster('us-1', false)],
      [application('a'), application('b', { hold: HELD, sync: { status: 'OutOfSync' } })],
    )
    expect(text).toMatch(/eu-1 +prod +connected +1\/2 +2\/2 +1 \(PATH_MISSING\)/)
    expect(text).toMatch(/us-1 +prod +away +0\/0/)
  })

  it('shows first what is not in order when there is no room for all', () => {
    const text = draw([cluster('a'), cluster('b'), cluster('c', false)], [], 1)
    expect(text).toContain('c  ')
    expect(text).toContain('and 2 more clusters')
  })
})

describe('Screen', () => {
  it('goes up by the lines that the terminal really has, wrapped ones counted', () => {
    const written: string[] = []
    const screen = new Screen(
      text => written.push(text),
      () => 10,
      () => 24,
    )
    screen.draw(`short\n${'x'.repeat(25)}\n`)
    screen.draw('again\n')
    expect(written[1]).toContain('\u001b[4A')
  })

  it('draws no more than a low terminal can draw over', () => {
    const written: string[] = []
    const screen = new Screen(
      text => written.push(text),
      () => 10,
      () => 4,
    )
    screen.draw(`one\n${'x'.repeat(11)}\nlast\n`)
    screen.draw('again\n')
    expect(written[0]).toBe(`\r\u001b[0Jone\n${'x'.repeat(11)}\n`)
    expect(written[1]).toContain('\u001b[3A')
  })
})

describe('summarise', () => {
  it('is complete when everything expected is Synced and Healthy', () => {
    const of = (applications: ApplicationView[]) =>
      summarise({ clusters: [], applications, expected: 2, elapsedMs: 1.4 }).complete
    expect(of([application('a')])).toBe(false)
    expect(of([application('a'), application('b')])).toBe(true)
    expect(of([application('a'), application('b', { health: { status: 'Progressing', since: null } })])).toBe(false)
  })
})

describe('FleetNews', () => {
  it('says what changed, what is held and what is gone', () => {
    const news = new FleetNews()
    expect(news.look([application('web'), application('api')])).toEqual([])
    expect(
      news.look([
        application('web', { revision: 'b'.repeat(40), sync: { status: 'OutOfSync' } }),
        application('api', { hold: HELD }),
      ]),
    ).toEqual(['web changes at bbbbbbb', 'api is held, PATH_MISSING: there is no such folder'])
    expect(news.look([application('web', { revision: 'b'.repeat(40) })])).toEqual([
      'web is Synced and Healthy at bbbbbbb',
      'api is gone',
    ])
  })
})

describe('the file that the demo says to edit', () => {
  it.each([1, 2, 3, 12])('of %i clusters is one that some of them run', clusters => {
    const path = demoFileToEdit(clusters)
    expect(demoFiles({ clusters, repoURL: 'file:///fleet' }).get(path)).toContain('greeting')
    expect(demoFiles({ clusters, repoURL: 'file:///fleet' }).get('README.md')).toContain(path)
    expect(demoClusters(clusters).map(({ environment }) => environment)).toContain(path.split('/')[2])
  })
})
