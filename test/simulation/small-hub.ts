import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { EncodedBundle } from '@flotilla/core/model/bundle'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { OPEN_CEILING, SAMPLE_OPTIONS } from '@flotilla/core/protocol/samples'
import type { ServedVersions } from '@flotilla/core/protocol/versions'
import { MemoryBundles } from '@flotilla/hub/bundle/memory-bundles'
import { AgentGateway } from '@flotilla/hub/gateway/agent-gateway'
import type { GatewayEvents } from '@flotilla/hub/gateway/gateway-options'
import { type HubKeys, hubKeysOf, newHubKeyFile } from '@flotilla/hub/gateway/hub-keys'
import {
  type GrantContent,
  issueCalendar,
  issueGrant,
  issueOffer,
  issueTombstone,
  type OfferContent,
} from '@flotilla/hub/gateway/issue-documents'
import { createJoinToken } from '@flotilla/hub/gateway/join-tokens'
import type { GatewayLimits } from '@flotilla/hub/gateway/limits'
import { MemoryStore } from '@flotilla/hub/store/memory-store'

const HOUR_MS = 60 * 60 * 1000

/** A log that keeps what was said, for tests to read. */
export class KeptLog implements Log {
  readonly lines: { level: string; message: string; fields?: Readonly<Record<string, unknown>> }[] = []
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'debug', message, fields })
  }
  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'info', message, fields })
  }
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'warn', message, fields })
  }
  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push({ level: 'error', message, fields })
  }
  child(): Log {
    return this
  }
  /** Warnings and errors, as text. */
  complaints(): readonly string[] {
    return this.lines
      .filter(line => line.level === 'warn' || line.level === 'error')
      .map(line => `${line.message} ${JSON.stringify(line.fields ?? {})}`)
  }
}

/**
 * A hub that consists of its gateway, its store and its Bundles: what an agent talks to, without Git, renderer and
 * loop. The test plays the loop.
 */
export class SmallHub {
  readonly store = new MemoryStore()
  readonly bundles: MemoryBundles
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  readonly log = new KeptLog()
  readonly reported: { clusterId: string; applicationIds: readonly string[] }[] = []
  readonly heartbeats: string[] = []
  gateway: AgentGateway
  readonly #limits: Partial<GatewayLimits>
  #served: ServedVersions | undefined

  constructor(options: { readonly clock: Clock; readonly random: Random; readonly limits?: Partial<GatewayLimits> }) {
    this.clock = options.clock
    this.random = options.random
    this.#limits = options.limits ?? {}
    this.bundles = new MemoryBundles(() => options.clock.now())
    this.keys = hubKeysOf(newHubKeyFile(options.random, options.clock.now(), '01890000-0000-7000-8000-00000000aaaa'))
    this.gateway = this.#newGateway()
  }

  /** The process ends and begins again over the same store; as a newer program, with other protocol versions. */
  restart(served = this.#served): void {
    this.#served = served
    this.gateway.stop(0)
    this.gateway = this.#newGateway()
  }

  async joinToken(clusterName: string): Promise<string> {
    const { keys, clock, random } = this
    const wish = { clusterName, hubUrl: 'https://hub.example', expiresInMs: HOUR_MS }
    return (await this.store.write(rows => createJoinToken(rows, keys, clock, random, wish))).token
  }

  async clusterId(name: string): Promise<string> {
    const cluster = await this.store.read(rows => rows.clusterByName(name))
    if (!cluster) throw new Error(`cluster ${name} has not joined`)
    return cluster.id
  }

  /** Offers an Application with these objects, as the loop would; the calendar is open. */
  async offer(
    clusterName: string,
    applicationId: string,
    objects: readonly KubernetesObject[],
  ): Promise<EncodedBundle> {
    const clusterId = await this.clusterId(clusterName)
    const encoded = encodeBundle(objects)
    await this.bundles.put(encoded.digest, encoded.bytes)
    await this.store.write(async rows => {
      await rows.putApplication(applicationRow(applicationId, clusterName, clusterId, this.clock.now()))
      await issueCalendar(rows, this.keys, this.clock, clusterId, { intervals: [], void: [], horizonMs: 48 * HOUR_MS })
      const content = offerContent(applicationId, encoded.digest, encoded.bytes.byteLength)
      await issueOffer(rows, this.keys, this.clock, clusterId, content)
    })
    this.gateway.changed([clusterId])
    return encoded
  }

  async tombstone(clusterName: string, applicationId: string): Promise<void> {
    const clusterId = await this.clusterId(clusterName)
    const application = { id: applicationId, name: applicationId, project: 'shop' }
    await this.store.write(rows =>
      issueTombstone(rows, this.keys, this.clock, clusterId, { application, policy: 'prune', reason: 'left its set' }),
    )
    this.gateway.changed([clusterId])
  }

  async grant(clusterName: string, applicationId: string, content: Partial<GrantContent> = {}): Promise<string> {
    const clusterId = await this.clusterId(clusterName)
    const issued = await this.store.write(rows =>
      issueGrant(rows, this.keys, this.clock, this.random, clusterId, {
        applicationId,
        trigger: 'automated',
        by: 'hub',
        options: { dryRun: false, prune: true, revision: 'abc' },
        passes: [],
        ...content,
      }),
    )
    this.gateway.changed([clusterId])
    if (issued.kind !== 'issued') throw new Error(`no Grant: ${issued.kind}`)
    return issued.grant.id
  }

  #newGateway(): AgentGateway {
    const events: GatewayEvents = {
      reported: (clusterId, applicationIds) => void this.reported.push({ clusterId, applicationIds }),
      connected: () => undefined,
      heartbeat: clusterId => void this.heartbeats.push(clusterId),
    }
    const { store, bundles, keys, clock, random, log } = this
    const clusters = (): number => 1
    const options = { limits: this.#limits, served: this.#served, clusters, events }
    return new AgentGateway({ store, bundles, keys, clock, random, log, ...options })
  }
}

export function configMap(name: string, data: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}

/** A whole report entry; every field can be given. */
export function reportEntry(
  application: string,
  at: { readonly inc: number; readonly n: number },
  over: Partial<ReportEntry> = {},
): ReportEntry {
  return {
    application,
    ...at,
    gone: false,
    sync: { status: 'Synced' },
    health: { status: 'Healthy', since: 0 },
    objects: [],
    objectsCut: 0,
    objectCount: 1,
    images: [],
    observedAt: 0,
    ...over,
  }
}

function offerContent(applicationId: string, digest: Digest, size: number): OfferContent {
  return {
    application: { id: applicationId, name: applicationId, project: 'shop' },
    digest,
    size,
    revision: sha256(applicationId).slice(7, 47),
    namespace: 'shop',
    options: SAMPLE_OPTIONS,
    ceiling: OPEN_CEILING,
    ignoreDifferences: [],
  }
}

function applicationRow(id: string, clusterName: string, clusterId: string, at: number): ApplicationRow {
  return {
    id,
    name: id,
    state: 'active',
    project: 'shop',
    source: 'platform',
    clusterName,
    clusterId,
    namespace: 'shop',
    labels: {},
    document: { spec: { project: 'shop' } },
    provenance: { source: 'platform', file: 'fleet/shop.yaml', line: 1, column: 1 },
    images: [],
    createdAt: at,
    changedAt: at,
  }
}
