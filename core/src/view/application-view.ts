import type { Digest } from '../json/canonical-json.ts'
import type { JsonObject } from '../json/json.ts'
import type { RemovalPolicy } from '../model/deletion-plan.ts'
import type { HoldBlocker, HoldCode } from '../model/hold.ts'
import { objectKeyText } from '../model/kubernetes-object.ts'
import { type Pause, pauseInForce } from '../model/pause.ts'
import { type Pin, pinInForce } from '../model/pin.ts'
import type { HealthStatus, OperationPhase, SyncStatus } from '../model/status.ts'
import { orphanMessage } from '../orphans/orphan-report.ts'
import type { HeldPrunes } from '../plan/held-prunes.ts'
import type { ApplicationRow, ApplicationState, ReportRow } from '../ports/store.ts'
import { type EpochMs, isoTime } from '../time/epoch-ms.ts'
import { type FailedHookView, failedHooks } from './failed-hooks.ts'
import { withoutCredentials } from './shown-url.ts'

/** An agent that has not been heard for so long is silent: three heartbeats of 30 s, and a little. */
export const AGENT_SILENT_AFTER_MS = 100_000

/** What the hub knows of an agent's line; not durable, it starts anew with the hub. */
export interface AgentConnection {
  readonly connected: boolean
  readonly lastSeenAt?: EpochMs
}

/** What the config repo says of a cluster, as far as people are shown it. */
export interface DeclaredCluster {
  readonly name: string
  readonly labels: { readonly [key: string]: string }
  readonly environment?: string
  readonly timeZone: string
  readonly servers: readonly string[]
  readonly local: boolean
  /** Approved from a pending token; no document declares it. */
  readonly registered?: true
}

/** An Application as people read it: API, UI and command show this. Times are ISO 8601 in UTC. */
export interface ApplicationView {
  readonly id: string
  readonly name: string
  readonly state: ApplicationState
  readonly project: string
  readonly cluster: string
  readonly environment: string | null
  readonly namespace: string
  readonly set: string | null
  readonly labels: { readonly [key: string]: string }
  readonly source: JsonObject | null
  readonly revision: string | null
  /** What it is to hold; a stand-in for a Bundle with Secrets, null where there is none to show. */
  readonly digest: string | null
  readonly sync: { readonly status: SyncStatus; readonly message?: string }
  readonly health: { readonly status: HealthStatus; readonly since: string | null; readonly message?: string }
  readonly hold: HoldView | null
  /** Of a withdrawn one: since when nobody wants it, what becomes of its objects, and the plan that let it go. */
  readonly removal: {
    readonly since: string
    readonly policy: RemovalPolicy
    readonly plan: string | null
  } | null
  /** Prunes that wait for a person; `flotilla confirmation list` has them with all others. */
  readonly heldPrunes: HeldPrunes | null
  /** What somebody should know, and what changes neither sync status nor health. */
  readonly conditions: readonly ConditionView[]
  /** What people have laid over what Git says. */
  readonly interventions: readonly InterventionView[]
  readonly operation: OperationView | null
  readonly agent: { readonly connected: boolean; readonly silent: boolean; readonly lastSeen: string | null }
  readonly images: readonly string[]
  readonly provenance: JsonObject
  readonly createdAt: string
  readonly changedAt: string
}

/** Argo CD's word for it, and what is meant here. */
export interface ConditionView {
  readonly type: 'OrphanedResourceWarning'
  readonly message: string
}

/** A person's word that stands beside Git's, until it ends. */
interface InterventionBase {
  readonly id: string
  readonly by: string
  readonly since: string
  readonly until: string | null
  readonly reason: string
}

export type InterventionView =
  | (InterventionBase & {
      readonly kind: 'pin'
      /** How it came about: pinned as it was, rolled back, or synced to another revision. */
      readonly origin: 'pin' | 'rollback' | 'sync'
      readonly revision: string
      /** The tag or branch that was asked for. */
      readonly asked: string | null
    })
  /** Nothing of it starts by itself, and nothing is healed. */
  | (InterventionBase & { readonly kind: 'pause' })

export interface HoldView {
  readonly code: HoldCode
  readonly reason: string
  readonly nextOpening: string | null
  /** Of gates: everything that holds, and when each lets go. */
  readonly blockers?: readonly (Omit<HoldBlocker, 'opensAt'> & { readonly opensAt: string | null })[]
  readonly at: { readonly file: string; readonly line: number; readonly column: number } | null
}

export interface OperationView {
  readonly id: string
  readonly phase: OperationPhase
  readonly trigger: string
  readonly by: string
  readonly revision: string
  readonly message: string
  readonly startedAt: string
  readonly finishedAt: string | null
  /** How often it was tried. */
  readonly attempts: number
  /** When it goes on: a gate opens, or the next attempt begins. */
  readonly resumesAt: string | null
  /** What it has waited for without any change, and since when; absent while something changes. */
  readonly stalled?: {
    readonly since: string
    readonly blocking: readonly { readonly object: string; readonly message: string }[]
  }
  /** Hooks that failed, with the last lines of their logs; absent: none. */
  readonly failedHooks?: readonly FailedHookView[]
}

export interface ApplicationViewInput {
  readonly row: ApplicationRow
  readonly report?: ReportRow
  readonly cluster?: DeclaredCluster
  readonly connection?: AgentConnection
  readonly now: EpochMs
  /**
   * What people see instead of the digest of a Bundle that holds Secrets (decision 17): an HMAC. Without it they see
   * nothing.
   */
  readonly hiddenDigest?: (digest: Digest) => string
}

/**
 * State + now → what is shown. A silent agent's Applications are Unknown, with the time it was last heard
 * (decision 10); a report about another Bundle than the wanted one is never shown as Synced.
 */
export function viewApplication(input: ApplicationViewInput): ApplicationView {
  const { row, report, cluster, now } = input
  const lastSeenAt = lastSeen(input.connection, report)
  const silent = isSilent(lastSeenAt, now)
  const entry = report?.entry
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    project: row.project,
    cluster: row.clusterName,
    environment: cluster?.environment ?? null,
    namespace: row.namespace,
    set: row.set ?? null,
    labels: row.labels,
    source: sourceOf(row.document),
    revision: row.revision ?? null,
    digest: digestText(input),
    sync: syncOf(row, report, silent, lastSeenAt),
    health: healthOf(row, report, silent, lastSeenAt),
    hold: row.hold
      ? {
          code: row.hold.code,
          reason: row.hold.reason,
          nextOpening: row.hold.nextOpening === undefined ? null : isoTime(row.hold.nextOpening),
          ...(row.hold.blockers && {
            blockers: row.hold.blockers.map(({ opensAt, ...blocker }) => ({
              ...blocker,
              opensAt: opensAt === undefined ? null : isoTime(opensAt),
            })),
          }),
          at: row.hold.at ?? null,
        }
      : null,
    removal: row.removal
      ? { since: isoTime(row.removal.since), policy: row.removal.policy, plan: row.removal.plan ?? null }
      : null,
    heldPrunes: entry?.heldPrunes ?? null,
    conditions: conditionsOf(row, report),
    interventions: interventionsOf(row, now),
    operation: entry?.operation ? viewOperation(entry.operation) : null,
    agent: {
      connected: input.connection?.connected ?? false,
      silent,
      lastSeen: lastSeenAt === undefined ? null : isoTime(lastSeenAt),
    },
    images: entry && entry.images.length > 0 ? entry.images : row.images,
    provenance: row.provenance,
    createdAt: isoTime(row.createdAt),
    changedAt: isoTime(row.changedAt),
  }
}

/** Whether a Project still warns is known before its agent has heard of it; what was found is not told any more then. */
function conditionsOf(
  { namespace, warnsOfOrphans }: ApplicationRow,
  report: ReportRow | undefined,
): readonly ConditionView[] {
  const orphans = report?.entry.orphans
  if (!warnsOfOrphans || orphans === undefined || orphans.count === 0) return []
  return [{ type: 'OrphanedResourceWarning', message: orphanMessage(orphans, namespace) }]
}

function interventionsOf(row: ApplicationRow, now: EpochMs): readonly InterventionView[] {
  const pin = pinInForce(row, now)
  const pause = pauseInForce(row, now)
  return [...(pin ? [viewPin(pin)] : []), ...(pause ? [{ ...interventionBase(pause), kind: 'pause' } as const] : [])]
}

function viewPin(pin: Pin): InterventionView {
  const { origin, revision, asked = null } = pin
  return { ...interventionBase(pin), kind: 'pin', origin, revision, asked }
}

function interventionBase({ id, by, at, until, reason }: Pin | Pause): InterventionBase {
  return { id, by, since: isoTime(at), until: until === undefined ? null : isoTime(until), reason }
}

/** Whether an agent counts as silent; one that was never heard does. */
export function isSilent(lastSeenAt: EpochMs | undefined, now: EpochMs): boolean {
  return lastSeenAt === undefined || now - lastSeenAt > AGENT_SILENT_AFTER_MS
}

export function viewOperation(operation: NonNullable<ReportRow['entry']['operation']>): OperationView {
  const { stalled, resumesAt = operation.retryAt } = operation
  const hooks = failedHooks(operation)
  return {
    id: operation.id,
    phase: operation.phase,
    trigger: operation.trigger,
    by: operation.by,
    revision: operation.revision,
    message: operation.message,
    startedAt: isoTime(operation.startedAt),
    finishedAt: operation.finishedAt === undefined ? null : isoTime(operation.finishedAt),
    attempts: operation.attempts ?? 1,
    resumesAt: resumesAt === undefined ? null : isoTime(resumesAt),
    ...(stalled
      ? {
          stalled: {
            since: isoTime(stalled.since),
            blocking: stalled.blocking.map(({ key, message }) => ({ object: objectKeyText(key), message })),
          },
        }
      : {}),
    ...(hooks.length > 0 ? { failedHooks: hooks } : {}),
  }
}

function lastSeen(connection: AgentConnection | undefined, report: ReportRow | undefined): EpochMs | undefined {
  const times = [connection?.lastSeenAt, report?.receivedAt].filter(time => time !== undefined)
  return times.length > 0 ? Math.max(...times) : undefined
}

function sourceOf(document: JsonObject): JsonObject | null {
  const spec = document['spec'] as JsonObject | undefined
  const sources = spec?.['sources'] as readonly JsonObject[] | undefined
  const source = (spec?.['source'] as JsonObject | undefined) ?? sources?.[0]
  if (source === undefined) return null
  const url = source['repoURL']
  return typeof url === 'string' ? { ...source, repoURL: withoutCredentials(url) } : source
}

function digestText({ row, hiddenDigest }: ApplicationViewInput): string | null {
  if (row.digest === undefined) return null
  // Whether it holds Secrets has to be known before the digest is shown.
  if (row.holdsSecrets === false) return row.digest
  return hiddenDigest?.(row.digest) ?? null
}

function syncOf(
  row: ApplicationRow,
  report: ReportRow | undefined,
  silent: boolean,
  lastSeenAt: EpochMs | undefined,
): ApplicationView['sync'] {
  if (row.clusterId === undefined) return { status: 'Unknown', message: 'the cluster has not joined' }
  if (silent) return { status: 'Unknown', message: silenceText(lastSeenAt) }
  if (report === undefined) {
    return row.digest === undefined
      ? { status: 'Unknown', message: 'nothing was rendered yet' }
      : { status: 'OutOfSync', message: 'not applied yet' }
  }
  if (row.state === 'withdrawn') return { status: 'OutOfSync', message: 'withdrawn, not removed yet' }
  if (row.digest !== undefined && report.entry.held !== row.digest) {
    return { status: 'OutOfSync', message: 'the agent does not hold the wanted revision yet' }
  }
  return report.entry.sync
}

function healthOf(
  row: ApplicationRow,
  report: ReportRow | undefined,
  silent: boolean,
  lastSeenAt: EpochMs | undefined,
): ApplicationView['health'] {
  if (row.clusterId === undefined) {
    return { status: 'Unknown', since: null, message: 'the cluster has not joined' }
  }
  if (silent) {
    const since = lastSeenAt === undefined ? null : isoTime(lastSeenAt)
    return { status: 'Unknown', since, message: silenceText(lastSeenAt) }
  }
  if (report === undefined) return { status: 'Missing', since: null, message: 'not applied yet' }
  if (report.entry.gone) return { status: 'Missing', since: isoTime(report.entry.health.since) }
  const { status, since, message } = report.entry.health
  return { status, since: isoTime(since), ...(message !== undefined && { message }) }
}

function silenceText(lastSeenAt: EpochMs | undefined): string {
  return lastSeenAt === undefined ? 'the agent was not heard yet' : `the agent was last heard at ${isoTime(lastSeenAt)}`
}
