import { clusterFacts } from '@flotilla/config/cluster-facts'
import type { DeclaredGate, UnsupportedGate } from '@flotilla/config/declared-gate'
import type { ApplicationSpec, Destination } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, ClusterSpec, Declared, Fleet, ProjectSpec } from '@flotilla/core/model/fleet'
import type { ResourceCustomizations } from '@flotilla/core/model/resource-customizations'
import {
  aliasServer,
  type NamedCluster,
  type ResolvedDestination,
  resolveDestination,
} from '@flotilla/core/project/destination'
import { repositorySpellings } from '@flotilla/core/project/repository-url'
import type { SignaturePolicy, SigningKeys } from '@flotilla/core/project/source-integrity'
import type { ClusterFacts } from '@flotilla/generators/inputs'

/** The declared fleet with the look-ups that the loop needs; made anew when any document changes. */
export interface FleetIndex {
  readonly fleet: Fleet
  /** By {@link setKey}. */
  readonly sets: ReadonlyMap<string, Declared<ApplicationSetSpec>>
  /** Applications written by hand, by {@link documentKey}. */
  readonly applications: ReadonlyMap<string, Declared<ApplicationSpec>>
  readonly projects: ReadonlyMap<string, Declared<ProjectSpec>>
  readonly clusters: ReadonlyMap<string, DeclaredCluster>
  /** What the clusters generator sees, sorted by name. */
  readonly clusterFacts: readonly ClusterFacts[]
  /** SyncWindows and FreezePeriods as they were found, those with mistakes too. */
  readonly declaredGates: readonly DeclaredGate[]
  /** Restrictions of Projects that are declared and not built: what they cover is held. */
  readonly unsupportedGates: readonly UnsupportedGate[]
  /** Public keys of everybody who signs, and what Repositories want signed, by each spelling of their URL. */
  readonly signingKeys: SigningKeys
  readonly repositorySignatures: ReadonlyMap<string, readonly SignaturePolicy[]>
  /** What the installation says of kinds. */
  readonly customizations: ResourceCustomizations
  destination(destination: Destination): ResolvedDestination<DeclaredCluster>
}

export interface DeclaredCluster extends NamedCluster {
  readonly document: Declared<ClusterSpec>
}

export function setKey(set: Declared<ApplicationSetSpec>): string {
  return `${set.source}/${set.name}`
}

export function documentKey(document: Declared<unknown>): string {
  return `${document.source}/${document.kind}/${document.name}`
}

export const EMPTY_FLEET: Fleet = {
  applicationSets: [],
  applications: [],
  projects: [],
  clusters: [],
  repositories: [],
}

export function indexFleet(
  fleet: Fleet,
  unsupportedGates: readonly UnsupportedGate[],
  declaredGates: readonly DeclaredGate[] = [],
): FleetIndex {
  const clusters = new Map<string, DeclaredCluster>()
  const byServer = new Map<string, DeclaredCluster>()
  for (const document of fleet.clusters) {
    const { name, spec } = document
    const cluster = { name, servers: spec.servers, local: spec.local, document }
    clusters.set(name, cluster)
    for (const server of [...spec.servers.map(url => url.replace(/\/+$/, '')), aliasServer(name)]) {
      if (!byServer.has(server)) byServer.set(server, cluster)
    }
  }
  const local = [...clusters.values()].find(cluster => cluster.local)
  const lookup = {
    byName: (name: string) => clusters.get(name),
    byServer: (server: string) => byServer.get(server),
    local: () => local,
  }
  return {
    fleet,
    sets: new Map(fleet.applicationSets.map(set => [setKey(set), set])),
    applications: new Map(fleet.applications.map(application => [documentKey(application), application])),
    projects: new Map(fleet.projects.map(project => [project.name, project])),
    clusters,
    clusterFacts: clusterFacts(fleet.clusters),
    declaredGates,
    unsupportedGates,
    signingKeys: {
      openpgp: (fleet.signingKeys ?? []).flatMap(({ spec }) => spec.openpgp),
      ssh: (fleet.signingKeys ?? []).flatMap(({ spec }) => spec.ssh),
    },
    repositorySignatures: repositorySignatures(fleet),
    customizations: {
      health: (fleet.resourceCustomizations ?? []).flatMap(({ spec }) => spec.health),
      ignoreDifferences: (fleet.resourceCustomizations ?? []).flatMap(({ spec }) => spec.ignoreDifferences),
    },
    destination: destination => resolveDestination(destination, lookup),
  }
}

/** Two Repositories of one URL ask both: else whoever declares another one would take the first one's back. */
function repositorySignatures({ repositories }: Fleet): ReadonlyMap<string, readonly SignaturePolicy[]> {
  const policies = new Map<string, SignaturePolicy[]>()
  for (const { name, spec } of repositories) {
    const { url, signatures } = spec
    if (signatures === undefined || signatures.mode === 'none') continue
    const policy = { ...signatures, mode: signatures.mode, by: `Repository "${name}"` }
    for (const spelling of new Set(repositorySpellings(url))) {
      policies.set(spelling, [...(policies.get(spelling) ?? []), policy])
    }
  }
  return policies
}

/** What differs between two fleets, by name: documents with equal content are equal wherever they stand. */
export interface FleetChange {
  readonly sets: readonly string[]
  readonly applications: readonly string[]
  readonly projects: readonly string[]
  readonly clusters: readonly string[]
}

export function compareFleets(before: FleetIndex, after: FleetIndex): FleetChange {
  return {
    sets: changed(before.sets, after.sets),
    applications: changed(before.applications, after.applications),
    projects: changed(before.projects, after.projects),
    clusters: changed(mapDocuments(before.clusters), mapDocuments(after.clusters)),
  }
}

function mapDocuments(clusters: ReadonlyMap<string, DeclaredCluster>): ReadonlyMap<string, Declared<ClusterSpec>> {
  return new Map([...clusters].map(([name, cluster]) => [name, cluster.document]))
}

function changed(
  before: ReadonlyMap<string, Declared<unknown>>,
  after: ReadonlyMap<string, Declared<unknown>>,
): string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])]
  return keys.filter(key => {
    const left = before.get(key)
    const right = after.get(key)
    return left?.contentDigest !== right?.contentDigest || left?.group !== right?.group
  })
}
