import type { ClusterRow } from '@flotilla/core/ports/store'
import { compareNumbers } from '@flotilla/core/protocol/documents'
import type { ClusterFacts } from '@flotilla/core/view/cluster-states'
import { AccessKeeper } from './access/access-keeper.ts'
import { FleetView } from './api/fleet-view.ts'
import { hiddenDigest } from './bundle/hidden-digest.ts'
import { sweepBundles } from './bundle/sweep-bundles.ts'
import { openGateDesk } from './gate-desk/open-gate-desk.ts'
import { HubGates } from './gates/hub-gates.ts'
import { AgentGateway } from './gateway/agent-gateway.ts'
import { ClusterAdmissions } from './gateway/cluster-admissions.ts'
import { HubKeyRing } from './gateway/hub-keys.ts'
import { sweepCommands } from './gateway/issue-command.ts'
import { memoryRevocations } from './gateway/revocations.ts'
import { HubKeyRotation } from './gateway/rotate-hub-key.ts'
import { AgentGreeter } from './greet-agents.ts'
import { Hosts } from './hosts/hosts.ts'
import type { HubParts, HubSettings } from './hub-parts.ts'
import { ViewKeeper } from './keep-view.ts'
import { Loop } from './loop/loop.ts'
import { declares } from './loop/registered-clusters.ts'
import { OperationDesk } from './operations/operation-desk.ts'
import type { Preview } from './preview/preview.ts'
import { type ChangeRequest, HubPreviewer } from './preview/preview-of-hub.ts'
import { Recovery } from './recovery/recovery.ts'
import { ProofTaker } from './recovery/take-proofs.ts'
import { takeReturn } from './recovery/take-return.ts'
import { SourceIntegrity } from './signature/source-integrity.ts'
import { clockTicker } from './source/clock-ticker.ts'
import { Poller } from './source/poller.ts'
import { MirroredRepositories } from './source/repositories.ts'
import type { WebhookEvent } from './webhooks/event.ts'
import { hearEvents, refreshPlugin } from './webhooks/hear-events.ts'

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
  readonly #shown: ViewKeeper
  readonly #ticking: { stop(): void }[] = []

  private constructor(parts: HubParts, settings: HubSettings, view: FleetView, recovery: Recovery) {
    const { store, bundles, mirrors, ticker, renderer, clock, random, log } = parts
    // Whoever signs here signs by these: nothing tells an agent to act while the store is behind.
    const keys = recovery.guard(parts.keys)
    this.#parts = parts
    this.#signatures = new SourceIntegrity(clock)
    this.view = view
    this.recovery = recovery
    this.#shown = new ViewKeeper({
      ...{ view, store, mirrors, clock, log },
      world: () => this.loop.world,
      connections: () => this.gateway.connections(),
    })
    const shown = this.#shown
    const agents = new AgentGreeter({ ...{ store, log, shown }, loop: () => this.loop, hubKeys: () => this.hubKeys })
    const revocations = parts.revocations ?? memoryRevocations()
    recovery.onChange(() => this.#doubtChanged())
    this.hosts = new Hosts({
      ...(parts.hosts ?? { settings: { enabled: true, allowedProviders: [], secrets: [] } }),
      ...{ clock, random, log },
      changed: readers => this.loop.hostedChanged(readers),
    })
    this.access = new AccessKeeper(settings.access)
    this.access.onChange(() => {
      for (const { subject, text } of this.access.held) {
        log.warn('a row is not in force: nobody agreed to the administrator it makes', {
          subject,
          row: text,
        })
      }
    })
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
          applications: ids => shown.refresh({ applications: ids }),
          sets: keys => shown.refresh({ sets: keys }),
          sources: names => {
            shown.refresh({ sources: names })
            shown.tellDeclared()
          },
          clusters: names => shown.refresh({ clusters: names }),
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
      adopt: (cluster, documents) => this.loop.adopt(cluster, documents),
      caughtUp: name => this.loop.lookAgain([name]),
    })
    this.gateway = new AgentGateway({
      proofs,
      returned: async (body, remoteAddress) => {
        const returned = await takeReturn(body, remoteAddress, { ...parts, revocations, keys, recovery })
        if (returned.clusterId !== undefined) {
          // Whoever speaks for it by a key that gave way to this one.
          this.gateway.closeCluster(returned.clusterId)
          void agents.joined(returned.clusterId)
        }
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
          shown.refresh({ applications: ids })
          this.loop.reported(ids)
        },
        connected: clusterId => agents.came(clusterId),
        joined: clusterId => void agents.joined(clusterId),
        identified: clusterId => void agents.joined(clusterId),
        knowsKey: (clusterId, kid) => void agents.knowsKey(clusterId, kid),
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
        void agents.joined(row.id)
        // A cluster that was revoked holds no new key back.
        void agents.knowsKey(row.id, parts.keys.newest)
      },
    })
    this.desk = new OperationDesk({
      ...{ store, keys, clock, random },
      gate: this.gates.forPeople(),
      told: clusterIds => this.gateway.changed(clusterIds),
      changed: ids => {
        shown.refresh({ applications: ids })
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
    await hub.gates.catchUp()
    hub.gates.start(parts.ticker)
    hub.gateDesk.start()
    hub.#shown.tellDeclared()
    const every = (ms: number, work: () => void) => hub.#ticking.push(clockTicker(clock, ms).start(work))
    every(VIEW_TICK_MS, () => hub.#shown.tick())
    every(SWEEP_MS, () => void hub.sweep())
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
    this.#shown.stopping()
    for (const ticking of this.#ticking) ticking.stop()
    this.#poller.stop()
    this.gates.stop()
    await this.gateDesk.stop()
    this.hosts.stop()
    this.gateway.stop(spreadMs)
    await this.loop.stop()
    await this.#shown.settled()
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

  /** Looks again at whatever these events concern. @returns Whether they concern anything. */
  heard(events: readonly WebhookEvent[]): boolean {
    return hearEvents(events, this)
  }

  /** Asks a plugin again, for every set that names it. @returns Whether any does. */
  refreshPlugin(name: string): boolean {
    return refreshPlugin(name, this)
  }

  /** Resolves when the loop is idle and the view shows what it did. */
  async settled(): Promise<void> {
    await this.loop.idle()
    await this.#shown.settled()
  }

  /** What was held back is looked at again, and agents are asked anew. */
  #doubtChanged(): void {
    this.gateway.doubted()
    this.loop.lookAgain()
  }

  /** Agents that are connected ask anew. */
  #tellAll(): void {
    this.gateway.changed(this.gateway.connections().map(({ clusterId }) => clusterId))
  }
}
