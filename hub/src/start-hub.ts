import { mkdir } from 'node:fs/promises'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { GitBackend, GitCredentials } from '@flotilla/core/ports/git'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import { createApi } from './api/create-api.ts'
import type { ReadinessCheck } from './api/route.ts'
import { ensureAdminToken } from './api/tokens.ts'
import { BundleFiles } from './bundle/bundle-files.ts'
import { createAgentHandler } from './gateway/http-adapter.ts'
import { type HubKeys, loadOrCreateHubKeys } from './gateway/hub-keys.ts'
import { createJoinToken } from './gateway/join-tokens.ts'
import { createAgentUpgrade } from './gateway/ws-adapter.ts'
import { Hub, type HubSettings } from './hub.ts'
import { createMetrics } from './metrics.ts'
import { directoryRenderer } from './render/directory-renderer.ts'
import { chooseBackend } from './source/git/choose-backend.ts'
import { isomorphicBackend } from './source/git/isomorphic-backend.ts'
import { findNativeGit, nativeBackend } from './source/git/native-backend.ts'
import { RepositoryMirrors } from './source/mirror.ts'
import { cronTicker } from './source/ticker.ts'
import { openSqliteStore } from './store/sqlite-store.ts'

/** What the server shows of itself at the TLS handshake; absent, it speaks plain HTTP. */
export interface ServerCertificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
  /** SHA-256 of the hub's own CA, for join tokens; absent for a certificate that the machine trusts. */
  readonly ca?: Digest
}

export interface HubProcessOptions extends HubSettings {
  readonly dataDirectory: string
  /** Default `hub.key` in the data folder. */
  readonly keyFile?: string
  readonly listen: { readonly host: string; readonly port: number }
  /** The URL at which agents and people reach the hub; default: where it listens. */
  readonly publicUrl?: string
  certificate?(keys: HubKeys): Promise<ServerCertificate | undefined>
  readonly version: string
  credentialsFor?(url: string): Promise<GitCredentials | undefined>
  pollIntervalMs?(url: string): number
  /** How often is looked whether a poll is due, as a cron expression with seconds. */
  readonly tick?: string
  /** The git program; `false` to do without. */
  readonly gitBinary?: string | false
  readonly webhookSecret?: string
  readonly trustProxy?: string
  readonly maxStoreBytes?: number
}

export interface RunningHub {
  readonly hub: Hub
  readonly url: string
  /** Only at the very first start: it is kept nowhere. */
  readonly adminToken: string | undefined
  createJoinToken(clusterName: string, by: string, expiresInMs?: number): Promise<string>
  /** Ends in order: agents are told when to come back, open requests are answered, the store is closed. */
  stop(): Promise<void>
}

const JOIN_TOKEN_MS = 24 * 60 * 60_000
/** A thousand agents that all redial at once would be a storm. */
const REDIAL_SPREAD_MS = 30_000
const LISTEN_BACKLOG = 4_096

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
  const keys = await loadOrCreateHubKeys(options.keyFile ?? join(dataDirectory, 'hub.key'), random, clock)
  const certificate = await options.certificate?.(keys)
  const store = await openSqliteStore({ directory: dataDirectory, clock, log, maxBytes: options.maxStoreBytes })
  const mirrors = await openMirrors(options, ports)
  const bundles = new BundleFiles({ dataDirectory, key: keys.bundleKey, random, clock })
  try {
    const adminToken = await ensureAdminToken(store, clock, random)
    const parts = {
      ...ports,
      store,
      bundles,
      mirrors,
      keys,
      renderer: directoryRenderer(),
      ticker: cronTicker(options.tick),
    }
    const hub = await Hub.start(parts, options)
    const served = await serve(hub, store, bundles, keys, certificate, options, ports).catch(async (error: unknown) => {
      await hub.stop()
      throw error
    })
    log.info('the hub is up', { url: served.url })
    return {
      hub,
      url: served.url,
      adminToken,
      createJoinToken: served.createJoinToken,
      stop: async () => {
        await hub.stop(REDIAL_SPREAD_MS)
        await served.close()
        await mirrors.close()
        await store.close()
        log.info('the hub has stopped')
      },
    }
  } catch (error) {
    await mirrors.close()
    await store.close()
    throw error
  }
}

async function openMirrors(
  options: HubProcessOptions,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<RepositoryMirrors> {
  const isomorphic = isomorphicBackend()
  let native: GitBackend | undefined
  if (options.gitBinary !== false) {
    const found = await findNativeGit(options.gitBinary)
    if (found.kind === 'found') native = nativeBackend({ gitBinary: options.gitBinary })
    else log.info('Git in JavaScript reads all repositories; ssh needs the git program', { reason: found.reason })
  }
  return new RepositoryMirrors({
    dataDirectory: options.dataDirectory,
    backendFor: url => chooseBackend(url, { native, isomorphic }),
    credentialsFor: options.credentialsFor,
    pollIntervalMs: options.pollIntervalMs,
    clock,
    random,
    log,
  })
}

async function serve(
  hub: Hub,
  store: Store,
  bundles: BundleFiles,
  keys: HubKeys,
  certificate: ServerCertificate | undefined,
  options: HubProcessOptions,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log },
) {
  const stopping = new AbortController()
  let url = ''
  const joinToken = (clusterName: string, by: string, expiresInMs: number) =>
    store.write(async writer => {
      const made = await createJoinToken(writer, keys, clock, random, {
        clusterName,
        hubUrl: options.publicUrl ?? url,
        expiresInMs,
        ca: certificate?.ca,
      })
      await writer.appendAudit({
        at: clock.now(),
        actor: by,
        action: 'join-token.create',
        subject: clusterName,
        detail: { id: made.row.id, expiresAt: made.row.expiresAt },
      })
      return made
    })
  const api = createApi({
    store,
    view: hub.view,
    bundles,
    clock,
    random,
    log,
    metrics: createMetrics({ process: true }),
    signal: stopping.signal,
    settings: { version: options.version, webhookSecret: options.webhookSecret, trustProxy: options.trustProxy },
    readiness: () => readinessOf(hub),
    actions: {
      refreshSource: async name => void hub.loop.refreshSource(name),
      refreshRepository: async repository => hub.loop.refreshRepository(repository),
      createJoinToken: async (clusterName, by) => {
        const { token, row } = await joinToken(clusterName, by, JOIN_TOKEN_MS)
        return { id: row.id, token, expiresAt: row.expiresAt }
      },
    },
  })
  const agents = createAgentHandler(hub.gateway)
  const upgrade = createAgentUpgrade(hub.gateway, log)
  const server = createServer(certificate, (request, response) => {
    if (request.url?.startsWith('/agent/')) agents(request, response)
    else api(request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    if (!upgrade.handle(request, socket, head)) socket.destroy()
  })
  await listen(server, options.listen)
  const { port } = server.address() as AddressInfo
  const host = options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host
  url = options.publicUrl ?? `${certificate ? 'https' : 'http'}://${host}:${port}`
  return {
    url,
    createJoinToken: async (clusterName: string, by: string, expiresInMs = JOIN_TOKEN_MS) =>
      (await joinToken(clusterName, by, expiresInMs)).token,
    close: async () => {
      stopping.abort()
      upgrade.close()
      server.closeIdleConnections()
      await new Promise<void>(resolve => {
        const timer = clock.setTimer(5_000, () => server.closeAllConnections())
        server.close(() => {
          timer.cancel()
          resolve()
        })
      })
    },
  }
}

function createServer(
  certificate: ServerCertificate | undefined,
  listener: Parameters<typeof createHttpServer>[1] & object,
): Server {
  // Agents and watchers keep connections for long; bodies have limits and time-outs of their own.
  const settings = { keepAliveTimeout: 75_000, headersTimeout: 20_000, requestTimeout: 120_000 }
  return certificate
    ? createHttpsServer({ ...settings, cert: certificate.certificatePem, key: certificate.privateKeyPem }, listener)
    : createHttpServer(settings, listener)
}

function listen(server: Server, { host, port }: HubProcessOptions['listen']): Promise<void> {
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
