import type { ApplicationRow, ClusterRow, ReportRow, SetRow, SourceRow, StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { DeclaredCluster } from '@flotilla/core/view/application-view'

/** A repository's mirror, as far as people are told. */
export interface RepositoryState {
  readonly url: string
  readonly fetchedAt?: EpochMs
  readonly failure?: { readonly code: string; readonly message: string; readonly since: EpochMs }
}

/** What the fleet view has to be told after a commit; everything is optional, order does not matter. */
export interface FleetChanges {
  readonly applications?: readonly ApplicationRow[]
  readonly removedApplications?: readonly string[]
  readonly reports?: readonly ReportRow[]
  /** Application ids. */
  readonly removedReports?: readonly string[]
  readonly sets?: readonly SetRow[]
  /** Keys: `source/name`. */
  readonly removedSets?: readonly string[]
  readonly sources?: readonly SourceRow[]
  readonly removedSources?: readonly string[]
  readonly clusters?: readonly ClusterRow[]
  /** All that the config repo declares; replaces what was declared before. */
  readonly declaredClusters?: readonly DeclaredCluster[]
  readonly connections?: readonly {
    readonly clusterId: string
    readonly connected: boolean
    readonly lastSeenAt: EpochMs
  }[]
  /** Replaces what is known of these repositories. */
  readonly repositories?: readonly RepositoryState[]
}

/** Which rows of the store are to be read again. */
export interface ChangedNames {
  /** Ids; their reports are read as well. */
  readonly applications?: readonly string[]
  /** Keys: `source/name`. */
  readonly sets?: readonly string[]
  readonly sources?: readonly string[]
  /** Names. */
  readonly clusters?: readonly string[]
}

/** The rows of those names as changes: what is not there any more counts as removed. */
export async function readChanges(rows: StoreReader, names: ChangedNames): Promise<FleetChanges> {
  const found = async <Row>(
    keys: readonly string[] | undefined,
    read: (key: string) => Promise<Row | undefined>,
  ): Promise<{ readonly rows: Row[]; readonly missing: string[] }> => {
    const result = { rows: [] as Row[], missing: [] as string[] }
    for (const key of keys ?? []) {
      const row = await read(key)
      if (row === undefined) result.missing.push(key)
      else result.rows.push(row)
    }
    return result
  }
  const applications = await found(names.applications, id => rows.application(id))
  const reports = await found(names.applications, id => rows.report(id))
  const sets = await found(names.sets, key => rows.set(key))
  const clusters = await found(names.clusters, name => rows.clusterByName(name))
  const all = names.sources === undefined ? [] : await rows.sources()
  const sources = all.filter(({ name }) => names.sources?.includes(name))
  return {
    applications: applications.rows,
    removedApplications: applications.missing,
    reports: reports.rows,
    removedReports: reports.missing,
    sets: sets.rows,
    removedSets: sets.missing,
    sources,
    removedSources: (names.sources ?? []).filter(name => !sources.some(row => row.name === name)),
    clusters: clusters.rows,
  }
}
