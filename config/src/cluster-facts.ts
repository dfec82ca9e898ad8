import type { ClusterSpec, Declared } from '@flotilla/core/model/fleet'
import type { ClusterFacts } from '@flotilla/generators/inputs'
import { SECRET_TYPE_LABEL } from './schema/argo-secret.ts'

/** The URL by which documents may name a Cluster that declares none (decision 15). */
export function clusterAlias(name: string): string {
  return `https://${name}.clusters.flotilla.invalid`
}

/**
 * Clusters as generators and destinations see them, sorted by name. Every one carries the label of Argo CD's cluster
 * Secrets, because selectors of real sets ask for it.
 */
export function clusterFacts(clusters: readonly Declared<ClusterSpec>[]): readonly ClusterFacts[] {
  return clusters
    .map(
      ({ name, labels, annotations, spec }): ClusterFacts => ({
        name,
        server: spec.servers[0] ?? clusterAlias(name),
        servers: spec.servers,
        local: spec.local,
        project: spec.project ?? '',
        labels: { [SECRET_TYPE_LABEL]: 'cluster', ...labels },
        annotations,
        ...(spec.environment === undefined ? {} : { environment: spec.environment }),
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
