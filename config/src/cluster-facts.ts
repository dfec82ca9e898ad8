import type { ClusterSpec, Declared } from '@flotilla/core/model/fleet'
import { aliasServer } from '@flotilla/core/project/destination'
import type { ClusterFacts } from '@flotilla/generators/inputs'
import { SECRET_TYPE_LABEL } from './schema/argo-secret.ts'

/**
 * Clusters as generators and destinations see them, sorted by name. Every one carries the label of Argo CD's cluster
 * Secrets, because selectors of real sets ask for it.
 */
export function clusterFacts(clusters: readonly Declared<ClusterSpec>[]): readonly ClusterFacts[] {
  return clusters
    .map(
      ({ name, labels, annotations, spec }): ClusterFacts => ({
        name,
        server: spec.servers[0] ?? aliasServer(name),
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
