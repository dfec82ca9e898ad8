import type { HubSetPolicy } from '@flotilla/core/decide/set-policy'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Renderer } from '@flotilla/core/ports/renderer'
import type { ClusterRow, Store } from '@flotilla/core/ports/store'
import { compareNumbers } from '@flotilla/core/protocol/documents'
import type { DeclaredCluster } from '@flotilla/core/view/application-view'
import type { ClusterFacts } from '@flotilla/core/view/cluster-states'
import type { HostedRequest } from '@flotilla/generators/inputs'
import { AccessKeeper, type OwnPolicy } from './access/access-keeper.ts'
import { FleetView } from './api/fleet-view.ts'
import { hiddenDigest } from './bundle/hidden-digest.ts'
import { sweepBundles } from './bundle/sweep-bundles.ts'
import type { Expand } from './expand/expand-in-worker.ts'
import { type GateDeskSettings, openGateDesk } from './gate-desk/open-gate-desk.ts'
import { HubGates } from './gates/hub-gates.ts'
import type { GateSettings } from './gates/rules-in-force.ts'
import { AgentGateway } from './gateway/agent-gateway.ts'
import { ClusterAdmissions } from './gateway/cluster-admissions.ts'
import { HubKeyRing, type HubKeys } from './gateway/hub-keys.ts'
import { sweepCommands } from './gateway/issue-command.ts'
import type { GatewayLimits } from './gateway/limits.ts'
import { memoryRevocations, type Revocations } from './gateway/revocations.ts'
import { HubKeyRotation } from './gateway/rotate-hub-key.ts'
import { Hosts, type HostsParts } from './hosts/hosts.ts'
import type { ConfigSource } from './loop/config-sources.ts'
import { Loop } from './loop/loop.ts'
import { declares, REGISTERED_SOURCE } from './loop/registered-clusters.ts'
import { OperationDesk } from './operations/operation-desk.ts'
import type { Preview } from './preview/preview.ts'
import { type ChangeRequest, HubPreviewer } from './preview/preview-of-hub.ts'
import { Recovery } from './recovery/recovery.ts'
import { ProofTaker } from './recovery/take-proofs.ts'
import { takeReturn } from './recovery/take-return.ts'
import { SourceIntegrity } from './signature/source-integrity.ts'
import type { RepositoryMirrors } from './source/mirror.ts'
import { Poller } from './source/poller.ts'
import { MirroredRepositories } from './source/repositories.ts'
import type { Ticker } from './source/ticker.ts'
import type { Staged } from './telemetry/stages.ts'
import type { WebhookEvent } from './webhooks/event.ts'
import { addressKey, isAboutKey } from './webhooks/match-event.ts'
import { concernedBy } from './webhooks/requests-concerned-by.ts'

/** What a hub stands on: every part of the outside world, so that a simulation can bring its own. */
export interface HubParts extends Staged {
  readonly store: Store
  readonly bundles: BundleStore
  readonly mirrors: RepositoryMirrors
  readonly ticker: Ticker
  readonly renderer: Renderer
  /** How sets are expanded; here and now without it. */
  readonly expand?: Expand
  readonly keys: HubKeys
  /** What is refused whatever the store says; remembered by this process alone without it. */
  readonly revocations?: Revocations
  /** The store is new and the keys are not: whatever they have signed is not remembered. */
  readonly lostStore?: boolean
  /** How services over the network are asked, and which; without it none is. */
  readonly hosts?: Pick<HostsParts, 'http' | 'settings' | 'others'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface HubSettings extends GateDeskSettings {
  readonly configSources: readonly ConfigSource[]
  /** Continuous absence after which a withdrawn Application may be removed; ten minutes by default. */
  readonly removalGraceMs?: number
  /** What the settings say of gates: the organisation's time zone, global Projects. */
  readonly gates?: GateSettings
  /** What sets may do with what they generated; absent: what each says itself. */
  readonly setPolicy?: HubSetPolicy
  readonly gatewayLimits?: Partial<GatewayLimits>
  /** Rights that do not depend on any document. */
  readonly access?: OwnPolicy
}

const REMOVAL_GRACE_MS = 10 * 60_000
const VIEW_TICK_MS = 5_000
const SWEEP_MS = 60 * 60_000

/**
 * The hub without sockets: loop, agents' gateway and the fleet as people read it, wired to each other. The process
 * (`start-hub.ts`) puts HTTP in front of it; simulation calls it directly.
 */
export class Hub {
  readonly loop: Loop
  readonly hosts: Hosts
  readonly gateway: AgentGateway
  readonly view: FleetView
  /** The gates at work: what they do, and what is told of it. */
  readonly gates: HubGates
  /** Whether the store may be trusted. */
  readonly recovery: Recovery
  /** Who is a cluster of this fleet. */
  readonly admissions: ClusterAdmissions
  /** Absent where the keys are for ever. */
  readonly hubKeys: HubKeyRotation | undefined
  /** Who may do what. */
  readonly access: AccessKeeper
  /** What people want of gates: freezes, break-glass, imported calendars. */
  readonly gateDesk: ReturnType<typeof openGateDesk>
  /** What people do to Applications by hand. */
  readonly desk: OperationDesk
  readonly #parts: HubParts
  readonly #signatures: SourceIntegrity
  readonly #poller: Poller
  readonly #previewer: HubPreviewer
  readonly #timers = new Map<string, Timer>()
  readonly #connected = new Set<string>()
  #refreshes: Promise<void> = Promise.resolve()
  #stopped = false

  private constructor(parts: HubParts, settings: HubSettings, view: FleetView, recovery: Recovery) {
    const { store, bundles, mirrors, ticker, renderer, clock, random, log } = parts
    // Whoever signs here signs by these: nothing tells an agent to act while the store is behind.
    const keys = recovery.guard(parts.keys)
    this.#parts = parts
    this.#signatures = new SourceIntegrity(clock)
    this.view = view
    this.recovery = recovery
    const revocations = parts.revocations ?? memoryRevocations()
    recovery.onChange(() => this.#doubtChanged())
    this.hosts = new Hosts({
      ...(parts.hosts ?? { settings: { enabled: true, allowedProviders: [], secrets: [] } }),
      ...{ clock, random, log },
      changed: readers => this.loop.hostedChanged(readers),
    })
    this.access = new AccessKeeper(settings.access)
    this.gates = new HubGates({
      ...{ store, clock, log },
      loop: () => this.loop,
      connections: () => this.gateway.connections(),
    })
    this.loop = new Loop(
      {
        store,
        bundles,
        renderer,
        repositories: new MirroredRepositories(mirrors),
        hosted: this.hosts,
        ...(parts.expand && { expand: parts.expand }),
        ...(parts.stages && { stages: parts.stages }),
        keys,
        clock,
        random,
        log,
        removalGraceMs: settings.removalGraceMs ?? REMOVAL_GRACE_MS,
        setPolicy: settings.setPolicy,
        recovery,
        signatures: this.#signatures,
        gates: settings.gates,
        clockDoubt: () => this.gates.clockDoubt(),
        gateNews: this.gates.watch,
        access: this.access,
        announce: {
          applications: ids => this.#refresh({ applications: ids }),
          sets: keys => this.#refresh({ sets: keys }),
          sources: names => {
            this.#refresh({ sources: names })
            this.#tellDeclared()
          },
          clusters: names => this.#refresh({ clusters: names }),
          documents: clusterIds => this.gateway.changed(clusterIds),
        },
      },
      settings.configSources,
    )
    const proofs = new ProofTaker({
      store,
      clock,
      recovery,
      keys: () => keys.publicKeys,
      adopt: (cluster, shown) => this.loop.adopt(cluster, shown),
      caughtUp: name => this.loop.lookAgain([name]),
    })
    this.gateway = new AgentGateway({
      proofs,
      returned: async (body, remoteAddress) => {
        const returned = await takeReturn(body, remoteAddress, { ...parts, revocations, keys, recovery })
        if (returned.clusterId !== undefined) void this.#joined(returned.clusterId)
        return returned
      },
      store,
      bundles,
      keys,
      revocations,
      clock,
      random,
      log,
      limits: settings.gatewayLimits,
      clusters: () => this.loop.world.fleet.clusters.size,
      events: {
        reported: (_clusterId, ids) => {
          this.#refresh({ applications: ids })
          this.loop.reported(ids)
        },
        connected: clusterId => this.#agentCame(clusterId),
        joined: clusterId => void this.#joined(clusterId),
        identified: clusterId => void this.#joined(clusterId),
        knowsKey: (clusterId, kid) => void this.#knowsKey(clusterId, kid),
        bundleMissing: digest => this.loop.bundleMissing(digest),
        answered: () => this.gateway.uploads.answered(),
        heartbeat: () => undefined,
      },
    })
    const rotating = { store, clock, random, log, changed: () => this.#tellAll() }
    this.hubKeys = parts.keys instanceof HubKeyRing ? new HubKeyRotation({ ...rotating, keys: parts.keys }) : undefined
    this.admissions = new ClusterAdmissions({
      ...{ store, keys, clock, random, revocations },
      declares: name => declares(this.loop.world.fleet, name),
      closeCluster: clusterId => this.gateway.closeCluster(clusterId),
      changed: row => {
        void this.#joined(row.id)
        // A cluster that was revoked holds no new key back.
        void this.#knowsKey(row.id, parts.keys.newest)
      },
    })
    this.desk = new OperationDesk({
      ...{ store, keys, clock, random },
      gate: this.gates.forPeople(),
      told: clusterIds => this.gateway.changed(clusterIds),
      changed: ids => {
        this.#refresh({ applications: ids })
        this.loop.reported(ids)
      },
    })
    this.gateDesk = openGateDesk(this, parts, settings)
    this.#previewer = new HubPreviewer({
      setPolicy: settings.setPolicy,
      gates: settings.gates,
      signatures: this.#signatures,
      breathe: () => clock.sleep(0),
      configSources: settings.configSources,
      store,
      bundles,
      mirrors,
      renderer,
      hosted: this.hosts.readOnly(),
      ...(parts.expand && { expand: parts.expand }),
      clock,
    })
    this.#poller = new Poller({
      mirrors,
      ticker,
      repositories: () => this.loop.repositories(),
      onDue: url => this.loop.refreshRepository(url),
    })
  }

  /** Builds the view from what is stored, starts the loop and begins to poll. */
  static async start(parts: HubParts, settings: HubSettings): Promise<Hub> {
    const { store, keys, clock, random } = parts
    const run = Buffer.from(random.bytes(9)).toString('base64url')
    const view = await FleetView.load(store, { run, now: clock.now(), hiddenDigest: hiddenDigest(keys.bundleKey) })
    const recovery = await Recovery.load({ store, clock, log: parts.log }, parts.lostStore)
    const hub = new Hub(parts, settings, view, recovery)
    await hub.loop.start()
    hub.gates.start(parts.ticker)
    hub.gateDesk.start()
    hub.#tellDeclared()
    hub.#every('view', VIEW_TICK_MS, () => hub.#tick())
    hub.#every('sweep', SWEEP_MS, () => void hub.sweep())
    hub.#poller.start()
    return hub
  }

  /** What is known of a cluster's agent beside what is stored. */
  clusterFacts({ id, epoch, lastNumber, hubKid }: ClusterRow): Partial<ClusterFacts> {
    const connection = this.gateway.connection(id)
    const { newest } = this.#parts.keys
    const isKnown = hubKid === undefined || hubKid === newest
    const versionRefused = this.gateway.isVersionRefused(id)
    const ofHub = { hubBehind: this.recovery.behind, keysBehind: !isKnown, versionRefused }
    if (!connection) return ofHub
    const { skewMs, heldUpTo, unclaimed, differs } = connection
    const holdsAll = heldUpTo === undefined || compareNumbers(heldUpTo, { epoch, n: lastNumber }) >= 0
    return { ...ofHub, ...(skewMs !== undefined && { skewMs }), unclaimed, differs, holdsAll }
  }

  /** Tells agents when to come back, ends what runs, takes nothing new. The parts are closed by who made them. */
  async stop(spreadMs = 0): Promise<void> {
    this.#stopped = true
    this.#poller.stop()
    this.gates.stop()
    await this.gateDesk.stop()
    for (const timer of this.#timers.values()) timer.cancel()
    this.hosts.stop()
    this.gateway.stop(spreadMs)
    await this.loop.stop()
    await this.#refreshes
  }

  /** What a change would do to the fleet as it is now. @throws PreviewError */
  preview(request: ChangeRequest): Promise<Preview> {
    return this.#previewer.preview(request)
  }

  /** Removes Bundles that nothing names and that are a day old, and closes mirrors that nobody reads any more. */
  async sweep(): Promise<void> {
    const { store, bundles, clock, log } = this.#parts
    try {
      await sweepBundles(store, bundles, clock.now())
      await sweepCommands(store, clock.now())
      await this.#parts.mirrors.retain(this.loop.repositories())
    } catch (error) {
      log.error('sweeping failed; it is tried again in an hour', { error })
    }
  }

  /**
   * Looks again at whatever these events concern: repositories that anything reads are fetched, and listings of hosts
   * that any set asked for are asked for again. What comes of it is as if it had been time to look anyway.
   *
   * @returns Whether they concern anything.
   */
  heard(events: readonly WebhookEvent[]): boolean {
    const pushed = [...new Set(events.filter(({ kind }) => kind === 'push').map(({ repository }) => repository))]
    const urls = this.loop.repositories().filter(url => {
      const key = addressKey(url)
      return pushed.some(repository => isAboutKey(repository, key))
    })
    for (const url of urls) this.loop.refreshRepository(url)
    return this.#askAgain(concernedBy(events)) || urls.length > 0
  }

  /** Asks a plugin again, for every set that names it. @returns Whether any does. */
  refreshPlugin(name: string): boolean {
    return this.#askAgain(request => request.kind === 'plugin' && request.configMapRef === name)
  }

  #askAgain(concerned: (request: HostedRequest) => boolean): boolean {
    let any = false
    this.hosts.invalidate(request => {
      const hit = concerned(request)
      any ||= hit
      return hit
    })
    return any
  }

  /** Resolves when the loop is idle and the view shows what it did. */
  async settled(): Promise<void> {
    await this.loop.idle()
    await this.#refreshes
  }

  /** What was held back is looked at again, and agents are asked anew. */
  #doubtChanged(): void {
    this.gateway.doubted()
    this.loop.lookAgain()
  }

  #refresh(names: Parameters<FleetView['refresh']>[1]): void {
    const { store, clock, log } = this.#parts
    const refreshed = this.view
      .refresh(store, names, () => clock.now())
      .catch((error: unknown) => {
        if (!this.#stopped) log.error('the view could not be refreshed', { error })
      })
    this.#refreshes = Promise.all([this.#refreshes, refreshed]).then(() => undefined)
  }

  /** Agents that are connected ask anew. */
  #tellAll(): void {
    this.gateway.changed(this.gateway.connections().map(({ clusterId }) => clusterId))
  }

  async #knowsKey(clusterId: string, kid: string): Promise<void> {
    try {
      await this.hubKeys?.known(clusterId, kid)
    } catch (error) {
      // It is said again with the next connection.
      this.#parts.log.error('which hub key an agent knows could not be kept', { cluster: clusterId, error })
    }
  }

  #agentCame(clusterId: string): void {
    const cluster = this.loop.world.clusterById(clusterId)
    // This one alone: when a thousand come back, each would otherwise be told of with all the others.
    const now = this.#parts.clock.now()
    this.#connected.add(clusterId)
    this.view.apply({ connections: [{ clusterId, connected: true, lastSeenAt: now }] }, now)
    if (cluster) this.loop.connected(cluster.name)
    else void this.#joined(clusterId)
  }

  async #joined(clusterId: string): Promise<void> {
    const { store, log } = this.#parts
    try {
      const row = await store.read(rows => rows.cluster(clusterId))
      if (!row) return
      this.loop.world.putCluster(row)
      this.#refresh({ clusters: [row.name] })
      if (row.registered) this.loop.clusterRegistered()
      this.loop.connected(row.name)
    } catch (error) {
      log.error('a cluster that joined could not be looked at', { cluster: clusterId, error })
    }
  }

  /** Connections and ages are not stored: they are told from here, and silence shows without a message. */
  #tick(): void {
    const now = this.#parts.clock.now()
    const connections = this.gateway.connections()
    const present = new Set(connections.map(({ clusterId }) => clusterId))
    const gone = [...this.#connected].filter(clusterId => !present.has(clusterId))
    this.#connected.clear()
    for (const clusterId of present) this.#connected.add(clusterId)
    this.view.apply(
      {
        connections: [
          ...connections.map(({ clusterId, lastSeenAt }) => ({ clusterId, connected: true, lastSeenAt })),
          ...gone.map(clusterId => ({ clusterId, connected: false, lastSeenAt: now })),
        ],
        repositories: this.#parts.mirrors.list(),
      },
      now,
    )
    this.view.age(now)
  }

  #tellDeclared(): void {
    const declaredClusters = [...this.loop.world.fleet.clusters.values()].map(
      ({ name, servers, local, document }): DeclaredCluster => ({
        name,
        servers,
        local,
        ...(document.source === REGISTERED_SOURCE && { registered: true as const }),
        labels: document.labels,
        environment: document.spec.environment,
        timeZone: document.spec.timeZone,
      }),
    )
    this.view.apply({ declaredClusters }, this.#parts.clock.now())
  }

  #every(name: string, ms: number, work: () => void): void {
    const { clock } = this.#parts
    const arm = (): void => {
      this.#timers.set(
        name,
        clock.setTimer(ms, () => {
          if (this.#stopped) return
          work()
          arm()
        }),
      )
    }
    arm()
  }
}
