import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { GitCredentials } from '@flotilla/core/ports/git'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { ApiSettings } from './api/route.ts'
import { ensureAdminToken } from './api/tokens.ts'
import { auditedStore } from './audit/audited-store.ts'
import { BundleFiles } from './bundle/bundle-files.ts'
import { createExpandInWorker } from './expand/expand-in-worker.ts'
import { type HubKeys, loadOrCreateHubKeys } from './gateway/hub-keys.ts'
import { openRevocations } from './gateway/revocations.ts'
import { openHosts } from './hosts/open-hosts.ts'
import { type ConfiguredServices, openServices } from './hosts/open-services.ts'
import { Hub } from './hub.ts'
import type { HubSettings } from './hub-parts.ts'
import type { HubMetrics } from './metrics.ts'
import { openNotifier } from './notify/open-notifier.ts'
import { directoryRenderer } from './render/directory-renderer.ts'
import { serveHub } from './serve-hub.ts'
import type { ConfiguredHosts } from './settings/read-hosts.ts'
import type { ConfiguredSignIn } from './settings/read-sign-in.ts'
import { openMirrors } from './source/open-mirrors.ts'
import { cronTicker } from './source/ticker.ts'
import { openSqliteStore } from './store/sqlite-store.ts'
import { STORE_FILE } from './store/store-files.ts'
import { WriteWatch } from './store/write-watch.ts'
import { measureHub } from './telemetry/measure-hub.ts'
import { ObservedStages, observedExpand, observedRenderer } from './telemetry/observed-stages.ts'
import { tracedStore } from './telemetry/traced-store.ts'
import { openTracing } from './telemetry/tracing.ts'
import type { CertificateKeeper } from './tls/hub-certificate.ts'

export interface HubProcessOptions extends HubSettings, ConfiguredServices {
  readonly dataDirectory: string
  /** Default `hub.key` in the data folder. */
  readonly keyFile?: string
  readonly listen: { readonly host: string; readonly port: number }
  /** The URL at which agents and people reach the hub; default: where it listens. */
  readonly publicUrl?: string
  /** What is shown at the TLS handshake, and looked after while the hub runs; without it, plain HTTP is spoken. */
  certificate?(keys: HubKeys): Promise<CertificateKeeper>
  readonly version: string
  credentialsFor?(url: string): Promise<GitCredentials | undefined>
  /** Git hosts that documents may ask; without it none is asked, and no plugin and no management cluster either. */
  readonly hosts?: ConfiguredHosts
  /** How people sign in; without it, tokens alone prove who asks. */
  readonly signIn?: ConfiguredSignIn
  /** How often repositories are polled that nobody says otherwise of. Default three minutes. */
  readonly pollIntervalMs?: number
  /** Lets documents name repositories on this machine; otherwise only config sources may be there. */
  readonly localRepositories?: 'all'
  /** How often is looked whether a poll is due, as a cron expression with seconds. */
  readonly tick?: string
  /** The git program; `false` to do without. */
  readonly gitBinary?: string | false
  readonly webhookSecret?: string
  readonly webhooksPerMinute?: number
  /** What people's API lets through; its defaults without it. */
  readonly api?: Pick<
    ApiSettings,
    'requestLimits' | 'allowedOrigins' | 'maxWatchers' | 'auditedReads' | 'denialsPerMinute'
  >
  /** How long a new join token is good. Default a day. */
  readonly joinTokenLifeMs?: number
  readonly trustProxy?: string
  readonly maxStoreBytes?: number
  /** Special networks (loopback, link-local, metadata) that notifications may go to all the same. */
  readonly notificationNetworks?: readonly string[]
  /** An OpenTelemetry collector; without it, as the environment's `OTEL_…` say. */
  readonly tracingEndpoint?: string
}

export interface RunningHub {
  readonly hub: Hub
  readonly url: string
  /** Where it listens itself, also where people reach it by another URL. */
  readonly listensAt: string
  /** SHA-256 of the hub's own authority, where it has signed the certificate that is shown. */
  readonly ca: Digest | undefined
  /** Only at the very first start: it is kept nowhere. */
  readonly adminToken: string | undefined
  createJoinToken(clusterName: string, by: string, expiresInMs?: number): Promise<string>
  /** Ends in order: agents are told when to come back, open requests are answered, the store is closed. */
  stop(): Promise<void>
}

/** A thousand agents that all redial at once would be a storm. */
const REDIAL_SPREAD_MS = 30_000
const DEFAULT_POLL_MS = 3 * 60_000

/** Said of a store whose keys are gone: a volume that is not mounted looks the same, and is mended more easily. */
const LOST_KEYS =
  'there is a store and hub.key is missing: new keys were made. Agents that joined before do not know them, and have to join again with new tokens; to avoid that, stop the hub and put the old hub.key back'

/**
 * The hub as a process: its folder, its keys, its sockets around {@link Hub}.
 *
 * @throws StoreError, HubKeyError, or the error of `listen`, with everything opened before closed again.
 */
export async function startHub(
  options: HubProcessOptions,
  ports: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<RunningHub> {
  const { clock, random, log } = ports
  const { dataDirectory } = options
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  const keyFile = options.keyFile ?? join(dataDirectory, 'hub.key')
  const hadStore = existsSync(join(dataDirectory, STORE_FILE))
  const hadKeys = existsSync(keyFile)
  const lostKeys = hadStore && !hadKeys
  const keys = await loadOrCreateHubKeys(keyFile, random, clock)
  const revocations = await openRevocations(keyFile)
  if (lostKeys) log.warn(LOST_KEYS, { file: keyFile })
  // Whatever fails below, what was opened before it is closed again, the last one first.
  const closing: (() => Promise<void> | void)[] = []
  let running: Hub | undefined
  const closeAll = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close()
  }
  try {
    const certificate = await options.certificate?.(keys)
    closing.push(() => certificate?.stop())
    const opened = await openSqliteStore({ directory: dataDirectory, clock, log, maxBytes: options.maxStoreBytes })
    closing.push(() => opened.close())
    const tracing = await openTracing({
      ...(options.tracingEndpoint !== undefined && { endpoint: options.tracingEndpoint }),
      environment: process.env,
      version: options.version,
    })
    closing.push(() => tracing?.close())
    const stages = new ObservedStages(clock, tracing)
    const pollIntervalMs = options.pollIntervalMs ?? DEFAULT_POLL_MS
    const mirrors = await openMirrors(
      {
        dataDirectory,
        gitBinary: options.gitBinary,
        credentialsFor: options.credentialsFor,
        pollIntervalMs: url => running?.loop.pollIntervalMs(url, pollIntervalMs) ?? pollIntervalMs,
        localRepositories: options.localRepositories ?? options.configSources.map(({ repository }) => repository),
        stages,
      },
      ports,
    )
    closing.push(() => mirrors.close())
    const hosts = options.hosts && (await openHosts(options.hosts, clock, process.env))
    closing.push(() => hosts?.http.close())
    const sets = createExpandInWorker({ clock })
    closing.push(() => sets.close())
    const writes = new WriteWatch(clock)
    // Outermost: what a request wrote is known to be the request's, whoever did the writing.
    const written = writes.store(opened)
    const store = auditedStore(tracing === undefined ? written : tracedStore(written, tracing, clock))
    const files = new BundleFiles({ dataDirectory, key: keys.bundleKey, random, clock })
    await files.removeLeftovers()
    const bundles = writes.bundles(files)
    const parts = {
      ...ports,
      store,
      bundles,
      mirrors,
      keys,
      revocations,
      lostStore: hadKeys && !hadStore,
      ...(hosts && { hosts: { ...hosts, others: openServices(options, hosts.settings, { http: hosts.http, clock }) } }),
      stages,
      renderer: observedRenderer(directoryRenderer(), stages),
      expand: observedExpand(sets.expand, stages),
      ticker: cronTicker(options.tick),
    }
    const hub = await Hub.start(parts, options)
    running = hub
    closing.push(() => hub.stop(REDIAL_SPREAD_MS))
    let url = ''
    const { secretsFolder, secrets = [], allowedProviders = [] } = options.hosts ?? {}
    const notifier = openNotifier(
      {
        ...{ ...ports, store, view: hub.view, fleet: () => hub.loop.world.fleet.fleet },
        hubUrl: () => options.publicUrl ?? url,
      },
      {
        secrets: { ...(secretsFolder !== undefined && { secretsFolder }), secrets, allowedProviders },
        allowedNetworks: options.notificationNetworks ?? [],
        environment: process.env,
      },
    )
    const measure = (metrics: HubMetrics) =>
      measureHub(metrics, { view: hub.view, loop: hub.loop, mirrors, notifier, stages, clock })
    const parted = { hub, store, bundles, keys, certificate, writes, notifier, measure, tracing, options, ports }
    const served = await serveHub(parted)
    url = served.url
    await notifier.start()
    // Whatever is told while the hub stops is written before the store is closed.
    closing.splice(-1, 0, () => notifier.stop())
    // Agents hear from the hub when to come back before their sockets are cut.
    closing.splice(-1, 0, () => served.close())
    // Last: a start that fails, say because the port is taken, must not use up the only showing of the token.
    const adminToken = await ensureAdminToken(store, clock, random)
    log.info('the hub is up', { url: served.url })
    return {
      hub,
      url: served.url,
      listensAt: served.listensAt,
      ca: certificate?.current().ca,
      adminToken,
      createJoinToken: served.createJoinToken,
      stop: async () => {
        await closeAll()
        log.info('the hub has stopped')
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}
