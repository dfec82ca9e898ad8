import { type ConfigFile, type ConfigLoad, load } from '@flotilla/config/load'
import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { ClusterRow } from '@flotilla/core/ports/store'
import type { FleetIndex } from './fleet-index.ts'

/** What stands where others have the name of a config source; no source of hub.yaml can be called so. */
export const REGISTERED_SOURCE = '(registered)'

/**
 * Clusters that no document declares and that an operator approved from a pending token, read as documents of the hub's
 * own: generators, destinations and Projects see them like any others. A document of the config repository of the same
 * name stands above the record, whatever that says.
 *
 * Undefined when there is none.
 */
export function registeredClusters(
  clusters: Iterable<ClusterRow>,
  loads: readonly ConfigLoad[],
): ConfigLoad | undefined {
  const declared = new Set(loads.flatMap(({ fleet }) => fleet.clusters.map(({ name }) => name)))
  const files: ConfigFile[] = []
  for (const { name, registered } of clusters) {
    if (!registered || declared.has(name)) continue
    const document = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'Cluster',
      metadata: { name, labels: { ...registered.labels } },
      spec: {},
    }
    files.push({ path: `clusters/${name}.yaml`, text: canonicalJson(document) })
  }
  if (files.length === 0) return undefined
  return load({ source: REGISTERED_SOURCE, trust: { kind: 'all' }, files })
}

/** Whether a document, and not the hub's own record, says what this Cluster is. */
export function declares(fleet: FleetIndex, name: string): boolean {
  const document = fleet.clusters.get(name)?.document
  return document !== undefined && document.source !== REGISTERED_SOURCE
}
