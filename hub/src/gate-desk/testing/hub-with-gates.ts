import type { Express } from 'express'
import { policyOf } from '../../access/testing/policy-of.ts'
import { createApi } from '../../api/create-api.ts'
import { FleetView } from '../../api/fleet-view.ts'
import type { ApiActions } from '../../api/route.ts'
import { ensureAdminToken, makeToken } from '../../api/tokens.ts'
import { auditedStore } from '../../audit/audited-store.ts'
import { gateForPeople } from '../../gates/gate-for-people.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from '../../loop/testing/loop-harness.ts'
import { createMetrics } from '../../metrics.ts'
import { OperationDesk } from '../../operations/operation-desk.ts'
import { silentLog } from '../../store/test-store.ts'
import type { CalendarAnswer, CalendarSetting } from '../calendar-desk.ts'
import type { GateDesk } from '../gate-desk.ts'
import { LoggedEvents } from '../logged-events.ts'
import { openGateDesk } from '../open-gate-desk.ts'

/** The harness begins on 2027-01-15 at 08:00 UTC. */
export const START = 1_800_000_000_000
export const HOUR_MS = 3_600_000

export interface HubWithGates {
  readonly hub: LoopHarness
  readonly app: Express
  readonly desk: GateDesk
  readonly events: LoggedEvents
  /** Tokens: of the first start, of people, of a program. */
  readonly tokens: Readonly<Record<'admin' | 'ana' | 'ben' | 'eve' | 'robot' | 'reader', string>>
  /** Lets time go by, and what it brings happen. */
  wait(ms: number): Promise<void>
  stop(): Promise<void>
}

/** A FreezePeriod as people write it; times are from {@link START}. */
export function freezeDocument(name: string, fromMs: number, untilMs: number, spec: object = {}) {
  const at = (ms: number): string => new Date(START + ms).toISOString()
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'FreezePeriod',
    metadata: { name },
    spec: {
      level: 'hard',
      reason: 'closing',
      scope: { all: true },
      when: [{ from: at(fromMs), until: at(untilMs) }],
      ...spec,
    },
  }
}

/** The API over a hub's loop: `web` and `checkout` on `eu-1`, and the documents given. */
export async function hubWithGates(
  documents: { readonly [path: string]: string } = {},
  more: {
    /** Rows of a policy beside the built-in ones. */
    readonly rows?: string
    readonly calendars?: readonly CalendarSetting[]
    readonly http?: (url: URL) => Promise<CalendarAnswer & { readonly status?: number }>
  } = {},
): Promise<HubWithGates> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'sets/shop.json': set('shop'),
    ...documents,
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}), 'apps/checkout/cm.json': configMap('checkout', {}) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  const { clock, random } = hub
  const store = auditedStore(hub.store)
  const admin = (await ensureAdminToken(store, clock, random))!
  const made = async (name: string, role: 'admin' | 'readonly', kind: 'person' | 'robot'): Promise<string> => {
    const { text, row } = makeToken(random, { name, role, kind, madeBy: 'admin', now: clock.now() })
    await store.write(rows => rows.putToken(row))
    return text
  }
  const events = new LoggedEvents(silentLog)
  const parts = { store, clock, random, log: silentLog, mirrors: hub.mirrors, ...(more.http && httpOf(more.http)) }
  const operations = new OperationDesk({
    ...{ store, keys: hub.keys, clock, random },
    gate: gateForPeople(
      hub.loop.world.gates,
      () => clock.now(),
      () => undefined,
    ),
    told: () => undefined,
    changed: ids => hub.loop.reported(ids),
  })
  const calendarReach = async (clusters: ReadonlySet<string>) => {
    return { inForce: clusters.size, latestStart: clock.now() + 60_000 }
  }
  const ofHub = { loop: hub.loop, desk: operations, gates: { events, calendarReach } }
  const desk = openGateDesk(ofHub, parts, { calendars: more.calendars ?? [] })
  desk.start()
  const view = await FleetView.load(store, { run: 'run', now: clock.now(), hiddenDigest: () => 'hidden' })
  // Nothing else is asked for here; what is, fails.
  const actions: Partial<ApiActions> = {
    createJoinToken: async () => ({ id: 'join-1', token: 'flj1.x.y', expiresAt: clock.now() + 1_000 }),
  }
  const app = createApi({
    ...{ store, view, bundles: hub.bundles, clock, random, log: silentLog, gates: desk, desk: operations },
    ...(more.rows !== undefined && { access: policyOf(more.rows) }),
    metrics: createMetrics({ process: false }),
    settings: { version: '0.1.0' },
    actions: actions as ApiActions,
  })
  const tokens = {
    admin,
    ana: await made('ana', 'admin', 'person'),
    ben: await made('ben', 'admin', 'person'),
    eve: await made('eve', 'admin', 'person'),
    robot: await made('ci', 'admin', 'robot'),
    reader: await made('reader', 'readonly', 'robot'),
  }
  await hub.loop.idle()
  return {
    ...{ hub, app, desk, events, tokens },
    async wait(ms) {
      await clock.advance(ms)
      await hub.loop.idle()
    },
    async stop() {
      await desk.stop()
      await hub.loop.stop()
    },
  }
}

function httpOf(answer: (url: URL) => Promise<CalendarAnswer & { readonly status?: number }>) {
  const send = async ({ url }: { readonly url: URL }) => {
    const given = await answer(url)
    const text = given.kind === 'text' ? given.text : ''
    const headers = new Map(given.kind === 'text' && given.etag !== undefined ? [['etag', given.etag]] : [])
    return { status: given.status ?? (given.kind === 'text' ? 200 : 304), headers, text }
  }
  return { hosts: { http: { send } } }
}
