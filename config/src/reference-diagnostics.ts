import type { Diagnostic, Position } from '@flotilla/core/model/diagnostic'
import type { ClusterSpec, Declared, Fleet } from '@flotilla/core/model/fleet'
import { projectNames } from '@flotilla/core/project/default-project'
import { aliasServer, LOCAL_SERVER, type NamedCluster, resolveDestination } from '@flotilla/core/project/destination'

/** Names of documents that are there and not in force. */
export interface RefusedNames {
  readonly projects: ReadonlySet<string>
  readonly clusters: ReadonlySet<string>
}

/**
 * What documents say about each other: two Clusters with one server, an Application bound for nowhere.
 *
 * @param refused Documents that are there and not in force: their own mistake is told, and not again at each
 * Application that names them.
 */
export function referenceDiagnostics(fleet: Fleet, refused: RefusedNames): Diagnostic[] {
  const { diagnostics, lookUp } = readClusters(fleet.clusters)
  const projects = new Set(projectNames(fleet.projects))
  for (const application of fleet.applications) {
    const { project, destination } = application.spec
    if (!projects.has(project) && !refused.projects.has(project)) {
      diagnostics.push(projectUnknown(project, placeOf(application, ['spec', 'project'])))
    }
    const resolved = resolveDestination(destination, lookUp)
    if (resolved.kind === 'unknown' && !refused.clusters.has(destination.name ?? '')) {
      const at = placeOf(application, ['spec', 'destination', destination.name ? 'name' : 'server'])
      diagnostics.push(destinationUnknown(resolved, at))
    }
  }
  return [...diagnostics, ...teamsUnknown(fleet)]
}

/** A route that has nobody's eyes tells nobody anything. */
function teamsUnknown({ notificationRoutes = [], teams = [] }: Fleet): Diagnostic[] {
  return notificationRoutes.flatMap((route): Diagnostic[] => {
    const { team } = route.spec
    if (team === undefined || teams.some(({ name }) => name === team)) return []
    const message = `no document declares team "${team}"; the route tells nobody anything`
    const at = placeOf(route, ['spec', 'team'])
    return [{ severity: 'warning', code: 'TEAM_UNKNOWN', ...at, message, hint: 'declare the Team' }]
  })
}

export type Place = Position & Pick<Diagnostic, 'source'>

/** With the config source, where there are several: each shows its own. */
export function placeOf(declared: Declared<unknown>, path: readonly (string | number)[]): Place {
  return { ...declared.positionOf(path), ...(declared.source === '' ? {} : { source: declared.source }) }
}

/** The look-up of a destination, as the hub resolves it; and the Clusters that claim what another has. */
export function readClusters(clusters: readonly Declared<ClusterSpec>[]) {
  const diagnostics: Diagnostic[] = []
  const byName = new Map<string, NamedCluster>()
  const byServer = new Map<string, NamedCluster>()
  let local: NamedCluster | undefined
  for (const declared of clusters) {
    const cluster: NamedCluster = { name: declared.name, servers: declared.spec.servers, local: declared.spec.local }
    byName.set(cluster.name, cluster)
    for (const [index, server] of cluster.servers.entries()) {
      const owner = byServer.get(server)
      if (owner === undefined) byServer.set(server, cluster)
      else diagnostics.push(taken(owner.name, server, placeOf(declared, ['spec', 'servers', index])))
    }
    if (!byServer.has(aliasServer(cluster.name))) byServer.set(aliasServer(cluster.name), cluster)
    if (!cluster.local) continue
    if (local === undefined) local = cluster
    else diagnostics.push(taken(local.name, LOCAL_SERVER, placeOf(declared, ['spec', 'local'])))
  }
  const lookUp = {
    byName: (name: string) => byName.get(name),
    byServer: (server: string) => byServer.get(server),
    local: () => local,
  }
  return { diagnostics, lookUp }
}

function taken(owner: string, server: string, at: Place): Diagnostic {
  const message = `Cluster "${owner}" has ${server} already, and keeps it`
  const local = server === LOCAL_SERVER ? { hint: 'only one Cluster is local' } : {}
  return { severity: 'error', code: 'DUPLICATE_SERVER', ...at, message, ...local }
}

export function projectUnknown(project: string, at: Place): Diagnostic {
  const message = `no document declares project "${project}"; the Application will be held`
  return { severity: 'warning', code: 'PROJECT_UNKNOWN', ...at, message, hint: 'declare the Project' }
}

export function destinationUnknown(
  { reason, hint }: { readonly reason: string; readonly hint: string },
  at: Place,
): Diagnostic {
  const message = `${reason}; the Application will be held`
  return { severity: 'warning', code: 'DESTINATION_UNKNOWN', ...at, message, hint }
}
