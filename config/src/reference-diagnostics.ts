import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { ClusterSpec, Declared, Fleet } from '@flotilla/core/model/fleet'
import { clusterAlias } from './cluster-facts.ts'

/** What documents say about each other: two Clusters with one server, an Application bound for nowhere. */
export function referenceDiagnostics(fleet: Fleet): Diagnostic[] {
  const { diagnostics, servers } = clusterServers(fleet.clusters)
  const names = new Set(fleet.clusters.map(cluster => cluster.name))
  const projects = new Set(fleet.projects.map(project => project.name))
  for (const { spec, positionOf } of fleet.applications.map(withPositions)) {
    if (!projects.has(spec.project)) {
      diagnostics.push(projectUnknown(spec.project, positionOf(['spec', 'project'])))
    }
    const { name, server } = spec.destination
    if (name ? !names.has(name) : server !== undefined && !servers.has(server)) {
      const at = positionOf(['spec', 'destination', name ? 'name' : 'server'])
      diagnostics.push(destinationUnknown(name || server!, at))
    }
  }
  return diagnostics
}

function withPositions<Spec>(declared: Declared<Spec>) {
  return { spec: declared.spec, positionOf: (path: readonly string[]) => declared.positionOf(path) }
}

function clusterServers(clusters: readonly Declared<ClusterSpec>[]) {
  const owners = new Map<string, string>()
  const diagnostics: Diagnostic[] = []
  for (const cluster of clusters) {
    const { servers, local } = cluster.spec
    const claims = servers.map((server, index) => ({ server, path: ['spec', 'servers', index] }))
    if (local) claims.push({ server: 'https://kubernetes.default.svc', path: ['spec', 'local'] })
    for (const { server, path } of claims) {
      const owner = owners.get(server)
      if (owner === undefined) owners.set(server, cluster.name)
      else if (owner !== cluster.name) {
        diagnostics.push({
          severity: 'error',
          code: 'DUPLICATE_SERVER',
          ...cluster.positionOf(path),
          message: `Cluster "${owner}" has ${server} already, and keeps it`,
          hint: server.startsWith('https://kubernetes.default.svc') ? 'only one Cluster is local' : undefined,
        })
      }
    }
    owners.set(clusterAlias(cluster.name), cluster.name)
  }
  return { diagnostics, servers: owners }
}

function projectUnknown(project: string, at: Omit<Diagnostic, 'severity' | 'code' | 'message'>): Diagnostic {
  const message = `no document declares project "${project}"; the Application will be held`
  return { severity: 'warning', code: 'PROJECT_UNKNOWN', ...at, message, hint: 'declare the Project' }
}

function destinationUnknown(cluster: string, at: Omit<Diagnostic, 'severity' | 'code' | 'message'>): Diagnostic {
  const message = `no document declares cluster "${cluster}"; the Application will be held`
  const hint = 'declare the Cluster, or list the URL among the servers of one'
  return { severity: 'warning', code: 'DESTINATION_UNKNOWN', ...at, message, hint }
}
