import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Team } from '@flotilla/core/access/teams'
import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { sha256 } from '@flotilla/core/json/canonical-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import type { Express } from 'express'
import { AdminRights } from '../access/admin-rights.ts'
import type { KnownProject } from '../access/known-projects.ts'
import { policyOf } from '../access/testing/policy-of.ts'
import { auditedStore } from '../audit/audited-store.ts'
import { MemoryBundles } from '../bundle/memory-bundles.ts'
import type { CalendarParts } from '../gate-desk/calendar-desk.ts'
import { type DeskOverStore, deskOverStore } from '../gate-desk/testing/desk-over-store.ts'
import { ClusterAdmissions } from '../gateway/cluster-admissions.ts'
import { hubKeysOf, newHubKeyFile } from '../gateway/hub-keys.ts'
import { memoryRevocations } from '../gateway/revocations.ts'
import { HubKeyRotation } from '../gateway/rotate-hub-key.ts'
import { createMetrics } from '../metrics.ts'
import { notifierOverStore } from '../notify/testing/notifier-over-store.ts'
import { OperationDesk } from '../operations/operation-desk.ts'
import { Recovery } from '../recovery/recovery.ts'
import { openSqliteStore } from '../store/sqlite-store.ts'
import { silentLog } from '../store/test-store.ts'
import { createApi } from './create-api.ts'
import type { ChangedNames } from './fleet-changes.ts'
import { FleetView } from './fleet-view.ts'
import type { ApiServices, ApiSettings } from './route.ts'
import { checkedApp } from './testing/checked-app.ts'
import { ensureAdminToken, makeToken } from './tokens.ts'

/** A clock that the test moves; timers run when their time has come. */
export class TestClock implements Clock {
  private at = Date.UTC(2030, 0, 1, 12)
  private readonly timers = new Set<{ readonly due: number; readonly run: () => void }>()

  now(): number {
    return this.at
  }

  monotonicMs(): number {
    return this.at
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { due: this.at + delayMs, run: callback }
    this.timers.add(timer)
    return { cancel: () => this.timers.delete(timer) }
  }

  sleep(): Promise<void> {
    throw new Error('nothing here sleeps')
  }

  move(ms: number): void {
    this.at += ms
    for (const timer of [...this.timers]) {
      if (timer.due > this.at || !this.timers.delete(timer)) continue
      timer.run()
    }
  }
}

export interface TestApi {
  readonly app: Express
  /** The same without holding each answer against its description: for figures. */
  readonly unchecked: Express
  readonly store: Store
  readonly view: FleetView
  readonly clock: TestClock
  readonly random: Random
  readonly bundles: MemoryBundles
  readonly admin: string
  readonly readonly: string
  /** Of a person who may everything: `ben`. */
  readonly person: string
  /** What the API asked others to do. */
  readonly done: string[]
  readonly stop: AbortController
  readonly gates: DeskOverStore
  readonly recovery: Recovery
  /** Writes, then tells the view as the hub's loop does. */
  write(work: Parameters<Store['write']>[0], names: ChangedNames): Promise<void>
  putBundle(objects: readonly KubernetesObject[]): Promise<Digest>
  close(): Promise<void>
}

const HOLIDAYS: CalendarParts = {
  settings: [
    {
      name: 'bank-holidays-de',
      from: { kind: 'url', url: 'https://example.com/de.ics?key=secret' },
      refreshMs: 3_600_000,
    },
  ],
  fetch: async () => ({
    kind: 'text',
    text: 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:May Day\r\nDTSTART;VALUE=DATE:20300501\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
  }),
}

const SHOP: Team = {
  ...{ name: 'shop', users: ['ana'], groups: ['sso:shop'], owns: ['shop', 'shop-*'], watches: ['platform'] },
  place: { source: 'platform', file: 'teams/shop.yaml', line: 4, column: 7 },
}

function project(name: string): KnownProject {
  const lists = { sourceRepos: ['*'], destinations: [{ name: '*', namespace: '*' }] }
  const kinds = { clusterResourceWhitelist: [], clusterResourceBlacklist: [], namespaceResourceBlacklist: [] }
  const spec = { ...lists, ...kinds, roles: [{ name: 'dev', policies: [], groups: ['sso:shop'] }] }
  return { name, spec, declared: { source: 'platform', file: `projects/${name}.yaml`, line: 1 } }
}

/** The whole API over a real store in a folder of its own. */
export async function openTestApi(
  settings: Partial<ApiSettings> = {},
  over: Partial<ApiServices> = {},
): Promise<TestApi> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-api-'))
  const clock = new TestClock()
  const random = seededRandom(7)
  const store = auditedStore(await openSqliteStore({ directory, clock, log: silentLog }))
  const admin = await ensureAdminToken(store, clock, random)
  const { text: readonly, row } = makeToken(random, { name: 'reader', role: 'readonly', now: clock.now() })
  const ben = makeToken(random, { name: 'ben', role: 'admin', kind: 'person', now: clock.now() })
  await store.write(async rows => {
    await rows.putToken(row)
    await rows.putToken(ben.row)
  })
  const view = await FleetView.load(store, { run: 'run', now: clock.now(), hiddenDigest: () => 'hmac:hidden' })
  const bundles = new MemoryBundles(() => clock.now())
  const done: string[] = []
  const stop = new AbortController()
  const gates = await deskOverStore(store, { clock, random }, { calendars: HOLIDAYS })
  const recovery = await Recovery.load({ store, clock, log: silentLog })
  const keys = hubKeysOf(newHubKeyFile(random, clock.now(), '01890000-0000-7000-8000-00000000aaaa'))
  const access = policyOf('', { teams: [SHOP] })
  const app = createApi({
    recovery,
    gates: gates.desk,
    notifications: await notifierOverStore(store, view, { clock, random }),
    desk: new OperationDesk({
      ...{ store, clock, random, keys: hubKeysOf(newHubKeyFile(random, clock.now(), 'hub-1')) },
      told: clusterIds => void done.push(`told ${clusterIds.join()}`),
      changed: () => undefined,
    }),
    // What they do is tested over a loop (pins.integration.test.ts).
    pins: {
      rollback: async () => ({ kind: 'accepted', id: 'operation-1' }),
      planRollback: async () => ({ kind: 'refused', code: 'NO_TARGET', message: 'there is nothing before it' }),
      syncRevision: async () => ({ kind: 'accepted', id: 'operation-1' }),
      pin: async () => ({ kind: 'done' }),
      unpin: async () => ({ kind: 'done' }),
    },
    pauses: {
      ...{ pause: async () => ({ kind: 'done' }), resume: async () => ({ kind: 'done' }) },
      ...{ wouldPause: async () => ({ kind: 'done' }), wouldResume: async () => ({ kind: 'done' }) },
    },
    store,
    view,
    bundles,
    clock,
    random,
    log: silentLog,
    metrics: createMetrics({ process: false }),
    settings: { version: '0.1.0', ...settings },
    signal: stop.signal,
    admissions: new ClusterAdmissions({
      ...{ store, keys, clock, random },
      revocations: memoryRevocations(),
      declares: () => false,
      closeCluster: id => void done.push(`close ${id}`),
      changed: ({ name }) => void done.push(`changed ${name}`),
    }),
    hubKeys: new HubKeyRotation({ keys, store, clock, random, log: silentLog, changed: () => undefined }),
    actions: {
      createPendingToken: async ({ max, by }) => {
        done.push(`join-token for ${max} by ${by}`)
        return { id: 'join-2', token: 'flj1.x.y', expiresAt: clock.now() + 1000 }
      },
      refreshSource: async name => void done.push(`source ${name}`),
      refreshRepository: async url => void done.push(`repository ${url}`),
      heard: async events => {
        for (const { kind, host, repository } of events) done.push(`${kind} ${host} ${repository.urls[0]}`)
        return true
      },
      refreshPlugin: async name => {
        done.push(`plugin ${name}`)
        return true
      },
      previewChange: async ({ source }) => {
        done.push(`preview of ${source}`)
        return { created: [], updated: [], deleted: [], held: [], unchanged: 3, diagnostics: [] }
      },
      waitingAdoptions: async () => [],
      decideAdoption: async () => undefined,
      confirmRemoval: async () => ({ kind: 'unknown' }),
      releaseCluster: async (_name, { dryRun }) => ({
        kind: dryRun ? 'planned' : 'released',
        list: { released: [], kept: [], digest: sha256('nothing') },
      }),
      decideDeletion: async id => {
        done.push(`deletion ${id}`)
        const plan = await store.read(rows => rows.deletionPlan(id))
        return plan === undefined ? { kind: 'unknown' } : { kind: 'decided', plan }
      },
      createJoinToken: async (cluster, by) => {
        done.push(`join-token ${cluster} by ${by}`)
        return { id: 'join-1', token: 'flj1.x.y', expiresAt: clock.now() + 1000 }
      },
    },
    access,
    adminRights: new AdminRights({ access, store, clock }),
    projects: () => [project('shop'), project('platform')],
    ...over,
  })
  return {
    app: checkedApp(app),
    unchecked: app,
    recovery,
    gates,
    store,
    view,
    clock,
    random,
    bundles,
    admin: admin!,
    readonly,
    person: ben.text,
    done,
    stop,
    async write(work, names) {
      await store.write(work)
      await view.refresh(store, names, () => clock.now())
      await gates.refresh()
    },
    async putBundle(objects) {
      const { digest, bytes } = encodeBundle(objects)
      await bundles.put(digest, bytes)
      return digest
    },
    async close() {
      stop.abort()
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
