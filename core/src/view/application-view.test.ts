import { describe, expect, it } from 'vitest'
import { sha256 } from '../json/canonical-json.ts'
import type { ApplicationRow, ReportRow } from '../ports/store.ts'
import { AGENT_SILENT_AFTER_MS, type ApplicationViewInput, viewApplication } from './application-view.ts'
import { withoutCredentials } from './shown-url.ts'

const NOW = Date.UTC(2030, 0, 1, 12)
const wanted = sha256('wanted')

const row: ApplicationRow = {
  id: 'app-1',
  name: 'shop-eu-1',
  state: 'active',
  project: 'shop',
  set: 'shop',
  source: 'platform',
  clusterName: 'eu-1',
  clusterId: 'cluster-1',
  namespace: 'shop',
  labels: { env: 'prod' },
  document: { spec: { source: { repoURL: 'https://user:secret@git/shop', path: 'apps' } } },
  provenance: { source: 'platform', file: 'fleet/shop.yaml', line: 7 },
  digest: wanted,
  holdsSecrets: false,
  revision: 'r1',
  images: ['web:1'],
  createdAt: NOW - 1000,
  changedAt: NOW - 500,
}
const report: ReportRow = {
  applicationId: 'app-1',
  clusterId: 'cluster-1',
  admission: 1,
  hash: sha256('entry'),
  receivedAt: NOW - 60_000,
  entry: {
    application: 'app-1',
    inc: 1,
    n: 1,
    gone: false,
    held: wanted,
    sync: { status: 'Synced' },
    health: { status: 'Healthy', since: NOW - 90_000 },
    objects: [],
    objectsCut: 0,
    objectCount: 3,
    images: [],
    observedAt: NOW - 60_000,
  },
}
const heard = { connected: true, lastSeenAt: NOW - 5_000 }

interface Case {
  readonly given: Partial<ApplicationViewInput>
  readonly sync: string
  readonly health: string
  readonly message?: string
}
const CASES: { readonly [sentence: string]: Case } = {
  'a fresh report about the wanted Bundle is shown as it is': { given: { report }, sync: 'Synced', health: 'Healthy' },
  'a report about another Bundle is never Synced': {
    given: { report: { ...report, entry: { ...report.entry, held: sha256('older') } } },
    sync: 'OutOfSync',
    health: 'Healthy',
    message: 'the agent does not hold the wanted revision yet',
  },
  'without a report nothing was applied': {
    given: {},
    sync: 'OutOfSync',
    health: 'Missing',
    message: 'not applied yet',
  },
  'before the cluster joined nothing is known': {
    given: { row: { ...row, clusterId: undefined } as unknown as ApplicationRow },
    sync: 'Unknown',
    health: 'Unknown',
    message: 'the cluster has not joined',
  },
  'an Application that is gone from its cluster is Missing': {
    given: { report: { ...report, entry: { ...report.entry, gone: true } } },
    sync: 'Synced',
    health: 'Missing',
  },
  'a withdrawn one is OutOfSync until it is gone': {
    given: { report, row: { ...row, state: 'withdrawn' } },
    sync: 'OutOfSync',
    health: 'Healthy',
  },
}

describe('viewApplication', () => {
  for (const [sentence, { given, sync, health, message }] of Object.entries(CASES)) {
    it(sentence, () => {
      const view = viewApplication({ row, connection: heard, now: NOW, ...given })
      expect([view.sync.status, view.health.status]).toEqual([sync, health])
      if (message !== undefined) expect(view.sync.message).toBe(message)
    })
  }

  it('an agent that fell silent makes both Unknown, with the time it was heard', () => {
    const silent = (now: number) => viewApplication({ row, report, now })
    const last = report.receivedAt + AGENT_SILENT_AFTER_MS
    expect(silent(last).sync.status).toBe('Synced')
    expect(silent(last).agent).toEqual({ connected: false, silent: false, lastSeen: '2030-01-01T11:59:00.000Z' })
    const view = silent(last + 1)
    expect([view.sync.status, view.health.status]).toEqual(['Unknown', 'Unknown'])
    expect(view.health.since).toBe('2030-01-01T11:59:00.000Z')
    expect(view.sync.message).toBe('the agent was last heard at 2030-01-01T11:59:00.000Z')
  })

  it('shows no digest of a Bundle that holds Secrets, or may, but its stand-in', () => {
    const digest = (holdsSecrets: boolean | undefined, hiddenDigest?: () => string) =>
      viewApplication({
        row: {
          ...row,
          ...(holdsSecrets === undefined ? { holdsSecrets: undefined } : { holdsSecrets }),
        } as ApplicationRow,
        now: NOW,
        ...(hiddenDigest && { hiddenDigest }),
      }).digest
    expect(digest(false, () => 'hmac:1')).toBe(wanted)
    expect(digest(true, () => 'hmac:1')).toBe('hmac:1')
    expect(digest(undefined, () => 'hmac:1')).toBe('hmac:1')
    expect(digest(true)).toBeNull()
  })

  it('never shows the credentials of a repository', () => {
    expect(viewApplication({ row, now: NOW }).source).toEqual({ repoURL: 'https://git/shop', path: 'apps' })
  })
})

describe('withoutCredentials', () => {
  const URLS: { readonly [url: string]: string } = {
    'https://user:p%40ss@host/x.git': 'https://host/x.git',
    'https://token@host/x': 'https://host/x',
    'https://host/x@y': 'https://host/x@y',
    'ssh://git@host:22/x': 'ssh://git@host:22/x',
    'ssh://git:pw@host/x': 'ssh://git@host/x',
    'git@host:x.git': 'git@host:x.git',
    'file:///srv/x': 'file:///srv/x',
  }
  for (const [url, shown] of Object.entries(URLS))
    it(`${url} is shown as ${shown}`, () => expect(withoutCredentials(url)).toBe(shown))
})
