import { createServer as createHttpServer, type Server, setMaxIdleHTTPParsers } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo, Server as ListeningServer } from 'node:net'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { AdminRights } from './access/admin-rights.ts'
import { knownProjects } from './access/known-projects.ts'
import { applicationObject } from './access/objects.ts'
import { recordGateEvents } from './activity/record-gate-events.ts'
import { tellActivity } from './activity/tell-activity.ts'
import { createApi } from './api/create-api.ts'
import type { ReadinessCheck } from './api/route.ts'
import { openAuditTrail } from './audit/audit-trail.ts'
import { measureGates } from './gates/measure-gates.ts'
import { createAgentHandler } from './gateway/http-adapter.ts'
import type { HubKeys } from './gateway/hub-keys.ts'
import { createJoinToken, type JoinTokenWish } from './gateway/join-tokens.ts'
import { limitBody } from './gateway/limit-body.ts'
import { measureGateway } from './gateway/measure-gateway.ts'
import { DEFAULT_CONNECTION_LIMITS, limitConnections } from './gateway/stranger-connections.ts'
import { createAgentUpgrade } from './gateway/ws-adapter.ts'
import type { Hub } from './hub.ts'
import { createMetrics, type HubMetrics } from './metrics.ts'
import type { Notifier } from './notify/notifier.ts'
import { PauseDesk } from './operations/pause-desk.ts'
import { PinDesk } from './operations/pin-desk.ts'
import { endInterruptedBulks } from './operations/run-bulk.ts'
import { measureRecovery } from './recovery/measure-recovery.ts'
import { Authenticator } from './sign-in/authenticator.ts'
import { openSignIn } from './sign-in/open-sign-in.ts'
import { tokenRolesOf } from './sign-in/project-roles.ts'
import type { SignIn } from './sign-in/sign-in.ts'
import type { HubProcessOptions } from './start-hub.ts'
import type { WriteWatch } from './store/write-watch.ts'
import type { Tracing } from './telemetry/tracing.ts'
import { listenWithFirstBytes } from './tls/first-bytes.ts'
import type { CertificateKeeper, ShownCertificate } from './tls/hub-certificate.ts'

const JOIN_TOKEN_MS = 24 * 60 * 60_000
const LISTEN_BACKLOG = 4_096
/** How long open requests may take to end when the hub stops. */
const MOST_IDLE_PARSERS = 64
const CLOSE_WITHIN_MS = 5_000

export interface ServedHub {
  readonly url: string
  /** Where it listens itself, also where people reach it by another URL. */
  readonly listensAt: string
  createJoinToken(clusterName: string, by: string, expiresInMs?: number): Promise<string>
  close(): Promise<void>
}

/** Puts people's API and the agents' gateway on one socket, with TLS where there is a certificate. */
export async function serveHub(served: {
  readonly hub: Hub
  readonly store: Store
  readonly bundles: BundleStore
  readonly keys: HubKeys
  readonly certificate: CertificateKeeper | undefined
  readonly writes: WriteWatch
  readonly notifier: Notifier
  /** Figures of what was opened beside the hub. */
  readonly measure: (metrics: HubMetrics) => void
  readonly tracing?: Tracing | undefined
  readonly options: HubProcessOptions
  readonly ports: { readonly clock: Clock; readonly random: Random; readonly log: Log }
}): Promise<ServedHub> {
  const { hub, store, bundles, keys, certificate, writes, notifier, measure, tracing, options, ports } = served
  const { clock, random, log } = ports
  const stopping = new AbortController()
  let url = ''
  const joinToken = (clusterName: string, by: string, expiresInMs: number) =>
    makeToken({ clusterName }, by, expiresInMs)
  const makeToken = (wish: Pick<JoinTokenWish, 'clusterName' | 'pending'>, by: string, expiresInMs: number) =>
    store.write(async writer => {
      const made = await createJoinToken(writer, keys, clock, random, {
        ...wish,
        by,
        hubUrl: options.publicUrl ?? url,
        expiresInMs,
        ca: certificate?.current().ca,
      })
      await writer.appendAudit({
        at: clock.now(),
        actor: by,
        action: 'join-token.create',
        subject: wish.clusterName ?? 'pending',
        detail: { id: made.row.id, expiresAt: made.row.expiresAt, ...wish.pending },
      })
      return made
    })
  const metrics = createMetrics({ process: true })
  metrics.gauge(
    'flotilla_writes_refused',
    'Whether the last write was refused, by what was to be written.',
    ['what'],
    () => {
      const refused = new Set(writes.troubles.map(({ what }) => what))
      return (['store', 'bundles'] as const).map(what => ({ labels: { what }, value: refused.has(what) ? 1 : 0 }))
    },
  )
  const waiting = () => [{ labels: {}, value: hub.loop.depth }]
  metrics.gauge('flotilla_loop_waiting', 'Applications, sets and sources that wait to be looked at.', [], waiting)
  measureGateway(hub.gateway, metrics)
  measureRecovery(hub.recovery, metrics)
  measureGates(metrics, hub.gates.measured())
  measure(metrics)
  const opened =
    options.signIn &&
    (await openSignIn(
      options.signIn,
      {
        ...{ store, clock, random, log, key: keys.bundleKey, url: () => url },
        projectRoles: project => tokenRolesOf(hub.loop.world, project),
        groupClaims: () => hub.access.now.scopes,
      },
      process.env,
    ))
  const stopRecording = recordGateEvents(hub.gates.events, store, log, hub.gates)
  const teller = await tellActivity(store, hub.view.changes, clock, log)
  const proof = opened?.signIn.authenticator ?? new Authenticator({ store, clock, log })
  hub.gateDesk.schedule.judgeBy(async ({ application, ...asked }) => {
    const asker = await proof.standing(asked)
    const view = hub.view.application(application, clock.now())
    if (asker === undefined || view === undefined) return false
    return hub.access.rightsOf(asker, clock.now()).may('sync', applicationObject(view))
  })
  await endInterruptedBulks({ store, clock, log })
  const { auditedReads: reads, denialsPerMinute } = options.api ?? {}
  const auditTrail = openAuditTrail(
    { store, clock, random, log },
    { ...(reads !== undefined && { reads }), ...(denialsPerMinute !== undefined && { denialsPerMinute }) },
  )
  const api = createApi({
    store,
    auditTrail,
    view: hub.view,
    bundles,
    clock,
    random,
    log,
    metrics,
    desk: hub.desk,
    pins: new PinDesk({ store, clock, random, desk: hub.desk, interventions: hub.loop.interventions }),
    pauses: new PauseDesk({ store, keys, clock, random, interventions: hub.loop.interventions }),
    uploads: hub.gateway.uploads,
    signal: stopping.signal,
    settings: {
      version: options.version,
      webhookSecret: options.webhookSecret,
      webhooksPerMinute: options.webhooksPerMinute,
      ...options.api,
      trustProxy: options.trustProxy,
    },
    access: hub.access,
    adminRights: new AdminRights({ access: hub.access, store, clock }),
    projects: () => knownProjects(hub.loop.world.fleet.projects, hub.loop.world.projectsLastSeen),
    trustOf: name => hub.loop.sources.config(name)?.trust,
    recovery: hub.recovery,
    clusterFacts: row => hub.clusterFacts(row),
    admissions: hub.admissions,
    ...(hub.hubKeys && { hubKeys: hub.hubKeys }),
    gates: hub.gateDesk,
    notifications: notifier,
    ...(opened && { signIn: opened.signIn }),
    readiness: () => [
      ...readinessOf(hub),
      ...doubtsOf(hub),
      ...calendarsOf(hub),
      ...providerOf(opened?.signIn),
      ...troublesOf(writes),
    ],
    actions: {
      refreshSource: async name => void hub.loop.refreshSource(name),
      refreshRepository: async repository => hub.loop.refreshRepository(repository),
      heard: async events => hub.heard(events),
      refreshPlugin: async name => hub.refreshPlugin(name),
      createPendingToken: async ({ labels, max, expiresInMs, by }) => {
        const { token, row } = await makeToken({ pending: { labels, max } }, by, expiresInMs)
        return { id: row.id, token, expiresAt: row.expiresAt }
      },
      previewChange: request => hub.preview(request),
      decideDeletion: (id, decision) => hub.loop.decideDeletion(id, decision),
      renderAgain: (id, operation) => hub.loop.interventions.renderAgain(id, operation),
      waitingAdoptions: () => hub.loop.waitingAdoptions(),
      decideAdoption: (id, decision) => hub.loop.decideAdoption(id, decision),
      confirmRemoval: (id, confirmation) => hub.loop.confirmRemoval(id, confirmation),
      releaseCluster: (name, wish) => hub.loop.releaseCluster(name, wish),
      createJoinToken: async (clusterName, by) => {
        const { token, row } = await joinToken(clusterName, by, options.joinTokenLifeMs ?? JOIN_TOKEN_MS)
        return { id: row.id, token, expiresAt: row.expiresAt }
      },
    },
  })
  // Node keeps a thousand, of 10 KB each: as many as agents once asked at the same time.
  setMaxIdleHTTPParsers(MOST_IDLE_PARSERS)
  const agents = createAgentHandler(hub.gateway)
  const server = createServer(certificate?.current(), (request, response) => {
    limitBody(request, response, clock)
    const answer = () => (request.url?.startsWith('/agent/') ? agents(request, response) : api(request, response))
    if (tracing === undefined) answer()
    else tracing.request(request, response, answer)
  })
  // Behind a proxy that is trusted, every connection is that proxy's.
  const { maxConnections, maxStrangersOfOneAddress } = DEFAULT_CONNECTION_LIMITS
  const strangers = options.trustProxy === undefined ? maxStrangersOfOneAddress : 0
  const listening = certificate ? listenWithFirstBytes(server) : server
  const granted = limitConnections(server, { maxConnections, maxStrangersOfOneAddress: strangers }, listening)
  const upgrade = createAgentUpgrade(hub.gateway, log, { granted })
  certificate?.onChange(shown => (server as HttpsServer).setSecureContext(secureContextOf(shown)))
  server.on('upgrade', (request, socket, head) => {
    if (!upgrade.handle(request, socket, head)) socket.destroy()
  })
  await listen(listening, options.listen)
  const { port } = listening.address() as AddressInfo
  const host = options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host
  const listensAt = `${certificate ? 'https' : 'http'}://${host}:${port}`
  url = options.publicUrl ?? listensAt
  return {
    url,
    listensAt,
    createJoinToken: async (clusterName: string, by: string, expiresInMs = options.joinTokenLifeMs ?? JOIN_TOKEN_MS) =>
      (await joinToken(clusterName, by, expiresInMs)).token,
    close: async () => {
      stopping.abort()
      teller.stop()
      await stopRecording()
      opened?.close()
      upgrade.close()
      server.closeIdleConnections()
      await new Promise<void>(resolve => {
        const timer = clock.setTimer(CLOSE_WITHIN_MS, () => server.closeAllConnections())
        listening.close(() => {
          timer.cancel()
          resolve()
        })
      })
      // Nobody asks any more: what was read and denied until now is written before the store is closed.
      await auditTrail.close()
    },
  }
}

function createServer(
  certificate: ShownCertificate | undefined,
  listener: Parameters<typeof createHttpServer>[1] & object,
): Server {
  // Bodies have a time of their own: a stream for people is one, and takes as long as it is read.
  const settings = { headersTimeout: 20_000, requestTimeout: 0 }
  // Behind a proxy it must not be the hub that ends a kept connection: that one would send into nothing. Without one,
  // each that is kept costs the memory of its encryption, and a thousand agents keep a socket besides.
  return certificate
    ? createHttpsServer({ ...settings, keepAliveTimeout: 5_000, ...secureContextOf(certificate) }, listener)
    : createHttpServer({ ...settings, keepAliveTimeout: 75_000 }, listener)
}

function listen(server: ListeningServer, { host, port }: HubProcessOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: LISTEN_BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function readinessOf(hub: Hub): readonly ReadinessCheck[] {
  return hub.loop.sources.configs.map(({ name }) => {
    const ready = hub.loop.sources.loaded(name)
    return { name: `config source ${name}`, ready, message: ready ? undefined : 'it has never been loaded' }
  })
}

/** A hub that is behind still answers, and lets agents keep what they have; a load balancer must not hide it. */
function doubtsOf({ recovery }: Hub): readonly ReadinessCheck[] {
  const { state } = recovery
  if (state.kind === 'settled') return []
  const message =
    state.kind === 'behind'
      ? `STORE_BEHIND since ${isoTime(state.since)} (${state.reason}): nothing is issued until flotilla hub recover`
      : `recovered at ${isoTime(state.since)}: automated syncs wait for flotilla hub recover --acknowledge`
  return [{ name: 'recovery', ready: true, message }]
}

/** Who is signed in stays so for a while, and tokens go on: the hub is ready, and says that nobody can sign in. */
function providerOf(signIn: SignIn | undefined): readonly ReadinessCheck[] {
  const trouble = signIn?.provider?.trouble
  return trouble === undefined ? [] : [{ name: 'identity provider', ready: true, message: trouble }]
}

/** What could not be fetched keeps its last snapshot; what never was makes freezes hold: both need somebody's eye. */
function calendarsOf({ gateDesk }: Hub): readonly ReadinessCheck[] {
  return gateDesk.calendars.troubles.map(({ name, message, since, kept }) => {
    const what = kept ? 'the last one stays' : 'it was never loaded: freezes that name it hold'
    return { name: `calendar ${name}`, ready: true, message: `${message} since ${isoTime(since)}; ${what}` }
  })
}

/** A hub that cannot write still answers, so it stays ready, and says what is wrong. */
function troublesOf(writes: WriteWatch): readonly ReadinessCheck[] {
  return writes.troubles.map(({ what, code, since }) => {
    return { name: `writing to ${what}`, ready: true, message: `refused since ${isoTime(since)} (${code})` }
  })
}

function secureContextOf({ certificatePem, privateKeyPem }: ShownCertificate) {
  return { cert: certificatePem, key: privateKeyPem, minVersion: 'TLSv1.2' as const }
}
