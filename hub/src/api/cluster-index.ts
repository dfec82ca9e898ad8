import { equalJson, type Json } from '@flotilla/core/json/json'
import type { ClusterRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type AgentConnection, type DeclaredCluster, isSilent } from '@flotilla/core/view/application-view'
import { type ClusterView, type Tally, viewCluster } from '@flotilla/core/view/fleet-parts'

const MINUTE_MS = 60_000

export interface Line extends AgentConnection {
  readonly lastSeenAt: EpochMs
  /** To the minute: as Applications tell it, or every heartbeat would change every one of them. */
  readonly lastSeenMinute: EpochMs
  /** As of the last time it was looked at. */
  readonly silent: boolean
}

/** What is known of each cluster: who joined, what the config repo declares, when its agent was last heard. */
export class ClusterIndex {
  private readonly rows = new Map<string, ClusterRow>()
  private readonly namesById = new Map<string, string>()
  private readonly declarations = new Map<string, DeclaredCluster>()
  private readonly lines = new Map<string, Line>()
  /** Counts changes of any line's minute. */
  minutesHeard = 0

  put(row: ClusterRow): void {
    this.rows.set(row.name, row)
    this.namesById.set(row.id, row.name)
  }

  /** Replaces all that is declared; returns the names of clusters that are declared otherwise now, or no longer. */
  declare(clusters: readonly DeclaredCluster[]): readonly {
    readonly name: string
    readonly gone: boolean
    /** Whether its Applications look different too. */
    readonly environmentChanged: boolean
  }[] {
    const before = new Map(this.declarations)
    this.declarations.clear()
    for (const cluster of clusters) this.declarations.set(cluster.name, cluster)
    return [...new Set([...before.keys(), ...this.declarations.keys()])].flatMap(name => {
      const [old, current] = [before.get(name), this.declarations.get(name)]
      if (equalJson(old as unknown as Json, current as unknown as Json)) return []
      const environmentChanged = old?.environment !== current?.environment
      return [{ name, gone: current === undefined, environmentChanged }]
    })
  }

  /** An agent was heard, or its line changed; true when it connected, disconnected, spoke up or fell silent. */
  hear(
    clusterId: string,
    heard: { readonly connected?: boolean; readonly lastSeenAt: EpochMs },
    now: EpochMs,
  ): boolean {
    const before = this.lines.get(clusterId)
    const lastSeenAt = Math.max(heard.lastSeenAt, before?.lastSeenAt ?? 0)
    const connected = heard.connected ?? before?.connected ?? false
    const silent = isSilent(lastSeenAt, now)
    const lastSeenMinute = Math.floor(lastSeenAt / MINUTE_MS) * MINUTE_MS
    if (before?.lastSeenMinute !== lastSeenMinute) this.minutesHeard++
    this.lines.set(clusterId, { connected, lastSeenAt, lastSeenMinute, silent })
    return before?.connected !== connected || before.silent !== silent
  }

  /** How many clusters that have joined are in which state, without a look at what else is known of them. */
  agentStates(now: EpochMs): { readonly connected: number; readonly away: number; readonly silent: number } {
    let [connected, away, silent] = [0, 0, 0]
    for (const row of this.rows.values()) {
      if (row.agentKey === undefined) continue
      const line = this.lines.get(row.id)
      if (line === undefined || isSilent(line.lastSeenAt, now)) silent++
      else if (line.connected) connected++
      else away++
    }
    return { connected, away, silent }
  }

  /** Lines that look otherwise by time alone. */
  aged(now: EpochMs): readonly (Line & { readonly clusterId: string })[] {
    const aged: (Line & { readonly clusterId: string })[] = []
    for (const [clusterId, line] of this.lines) {
      if (isSilent(line.lastSeenAt, now) !== line.silent) aged.push({ clusterId, ...line })
    }
    return aged
  }

  line(clusterId: string | undefined): Line | undefined {
    return clusterId === undefined ? undefined : this.lines.get(clusterId)
  }

  declared(name: string): DeclaredCluster | undefined {
    return this.declarations.get(name)
  }

  nameOf(clusterId: string): string | undefined {
    const name = this.namesById.get(clusterId) ?? ''
    return this.rows.get(name)?.id === clusterId ? name : undefined
  }

  names(): readonly string[] {
    return [...new Set([...this.rows.keys(), ...this.declarations.keys()])].sort()
  }

  view(name: string, applications: Tally, now: EpochMs): ClusterView | undefined {
    const row = this.rows.get(name)
    const declared = this.declarations.get(name)
    if (row === undefined && declared === undefined) return undefined
    const connection = this.line(row?.id)
    return viewCluster({
      name,
      ...(row !== undefined && { row }),
      ...(declared !== undefined && { declared }),
      ...(connection !== undefined && { connection }),
      applications,
      now,
    })
  }
}
