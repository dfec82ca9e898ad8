import type { JsonObject } from '../json/json.ts'
import { HEALTH_STATUSES, type HealthStatus, type SyncStatus } from '../model/status.ts'
import type { ClusterRow, SetRow, SourceRow } from '../ports/store.ts'
import type { Cloned, CloneReason } from '../protocol/order-incarnation.ts'
import { type EpochMs, isoTime } from '../time/epoch-ms.ts'
import { type AgentConnection, type DeclaredCluster, isSilent } from './application-view.ts'
import { withoutCredentials } from './shown-url.ts'

/** How many Applications there are, and in which state. */
export interface Tally {
  readonly total: number
  readonly held: number
  readonly sync: { readonly [Status in SyncStatus]: number }
  readonly health: { readonly [Status in HealthStatus]: number }
}

export const EMPTY_TALLY: Tally = {
  total: 0,
  held: 0,
  sync: { Synced: 0, OutOfSync: 0, Unknown: 0 },
  health: Object.fromEntries(HEALTH_STATUSES.map(status => [status, 0])) as { [Status in HealthStatus]: number },
}

/** A Cluster as people read it: what the config repo declares, who joined, how its Applications are. */
export interface ClusterView {
  readonly name: string
  readonly id: string | null
  readonly declared: boolean
  /** Approved from a pending token; no document declares it. */
  readonly registered: boolean
  readonly environment: string | null
  readonly labels: { readonly [key: string]: string }
  readonly timeZone: string | null
  readonly servers: readonly string[]
  readonly local: boolean
  readonly joined: boolean
  readonly admission: number
  readonly joinedAt: string | null
  readonly revokedAt: string | null
  readonly uid: string | null
  /** Since when the agent's key is this one. */
  readonly keySince: string | null
  /** Two agents speak for it; every instance that took part. */
  readonly cloned: {
    readonly since: string
    readonly why: CloneReason
    readonly instances: readonly {
      readonly incarnation: number
      readonly instance: string
      readonly lastHeard: string
    }[]
  } | null
  readonly agent: {
    readonly connected: boolean
    readonly silent: boolean
    readonly lastSeen: string | null
    readonly incarnation: number
    readonly versions: { readonly [key: string]: string }
  }
  readonly applications: Tally
}

export function viewCluster(input: {
  readonly name: string
  readonly row?: ClusterRow
  readonly declared?: DeclaredCluster
  readonly connection?: AgentConnection
  readonly applications: Tally
  readonly now: EpochMs
}): ClusterView {
  const { row, declared, connection } = input
  return {
    name: input.name,
    id: row?.id ?? null,
    declared: declared !== undefined && declared.registered !== true,
    registered: declared?.registered ?? false,
    environment: declared?.environment ?? null,
    labels: declared?.labels ?? {},
    timeZone: declared?.timeZone ?? null,
    servers: declared?.servers ?? [],
    local: declared?.local ?? false,
    joined: row?.agentKey !== undefined,
    admission: row?.admission ?? 0,
    joinedAt: row?.joinedAt === undefined ? null : isoTime(row.joinedAt),
    revokedAt: row?.revokedAt === undefined ? null : isoTime(row.revokedAt),
    uid: row?.uid ?? null,
    keySince: row?.keySince === undefined ? null : isoTime(row.keySince),
    cloned: row?.cloned ? viewClone(row.cloned) : null,
    agent: {
      connected: connection?.connected ?? false,
      silent: isSilent(connection?.lastSeenAt, input.now),
      lastSeen: connection?.lastSeenAt === undefined ? null : isoTime(connection.lastSeenAt),
      incarnation: row?.incarnation ?? 0,
      versions: row?.versions ?? {},
    },
    applications: input.applications,
  }
}

function viewClone({ since, why, instances }: Cloned): NonNullable<ClusterView['cloned']> {
  const shown = instances.map(({ inc, inst, at }) => ({ incarnation: inc, instance: inst, lastHeard: isoTime(at) }))
  return { since: isoTime(since), why, instances: shown }
}

/** An ApplicationSet as people read it. */
export interface SetView {
  readonly name: string
  readonly source: string
  readonly expandedAt: string
  /** Per generator: what it last yielded, and whether that is stale. */
  readonly generators: readonly JsonObject[]
  readonly errors: readonly JsonObject[]
  /** Argo CD's, and `Ready`. */
  readonly conditions: readonly JsonObject[]
  readonly health: JsonObject | null
  readonly removedAt: string | null
  readonly applications: Tally
}

export function viewSet(row: SetRow, applications: Tally): SetView {
  return {
    name: row.name,
    source: row.source,
    expandedAt: isoTime(row.expandedAt),
    generators: row.generators,
    errors: row.errors,
    conditions: row.conditions ?? [],
    health: row.health ?? null,
    removedAt: row.removedAt === undefined ? null : isoTime(row.removedAt),
    applications,
  }
}

/** A config source as people read it: which commit is in force, which was seen, and what is wrong with it. */
export interface SourceView {
  readonly name: string
  readonly repository: string
  readonly revision: string
  readonly path: string
  readonly commit: string | null
  readonly loadedAt: string | null
  readonly seenCommit: string | null
  readonly seenAt: string | null
  /** Whether something of an older commit is in force: the repository is away, or the newest commit has errors. */
  readonly stale: boolean
  readonly error: { readonly code: string; readonly message: string; readonly since: string } | null
  readonly diagnostics: readonly JsonObject[]
  /** How many documents are in force. */
  readonly documentCount: number
  /** Documents that are not in force as written: `last-good` (an earlier version is) or `refused` (none is), and why. */
  readonly documents: readonly JsonObject[]
}

export function viewSource(row: SourceRow): SourceView {
  return {
    name: row.name,
    repository: withoutCredentials(row.repository),
    revision: row.revision,
    path: row.path,
    commit: row.commit ?? null,
    loadedAt: row.loadedAt === undefined ? null : isoTime(row.loadedAt),
    seenCommit: row.seenCommit ?? null,
    seenAt: row.seenAt === undefined ? null : isoTime(row.seenAt),
    stale: row.error !== undefined || row.diagnostics.some(diagnostic => diagnostic['severity'] === 'error'),
    error: row.error ? { ...row.error, since: isoTime(row.error.since) } : null,
    diagnostics: row.diagnostics,
    documentCount: row.documentCount ?? 0,
    documents: row.documents ?? [],
  }
}
