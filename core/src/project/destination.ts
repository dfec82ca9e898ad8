import type { Destination } from '../model/application.ts'

/** How Argo CD's documents name the cluster that the control plane runs in. */
export const LOCAL_SERVER = 'https://kubernetes.default.svc'
const LOCAL_NAME = 'in-cluster'

/** A declared Cluster, as destinations see it. */
export interface NamedCluster {
  readonly name: string
  readonly servers: readonly string[]
  readonly local: boolean
}

/** The URL that a Cluster without declared servers goes by (decision 15). */
export function aliasServer(name: string): string {
  return `https://${name}.clusters.flotilla.invalid`
}

export type ResolvedDestination<C extends NamedCluster> =
  | { readonly kind: 'cluster'; readonly cluster: C }
  | { readonly kind: 'unknown'; readonly reason: string; readonly hint: string }

/**
 * The Cluster an Application is bound for: by name, or by one of the URLs that the Cluster documents declare.
 * `https://kubernetes.default.svc` and `in-cluster` mean the Cluster marked `local: true`.
 */
export function resolveDestination<C extends NamedCluster>(
  destination: Destination,
  clusters: { byName(name: string): C | undefined; byServer(server: string): C | undefined; local(): C | undefined },
): ResolvedDestination<C> {
  const { name, server } = destination
  if (name && server) {
    return {
      kind: 'unknown',
      reason: `the destination names both a cluster ("${name}") and a server ("${server}")`,
      hint: 'keep one of destination.name and destination.server',
    }
  }
  if (!name && !server) {
    return { kind: 'unknown', reason: 'the destination names no cluster', hint: 'set destination.name to a Cluster' }
  }
  const found = name
    ? (clusters.byName(name) ?? (name === LOCAL_NAME ? clusters.local() : undefined))
    : (clusters.byServer(trimSlash(server!)) ?? (trimSlash(server!) === LOCAL_SERVER ? clusters.local() : undefined))
  if (found) return { kind: 'cluster', cluster: found }
  if (name === LOCAL_NAME || (server && trimSlash(server) === LOCAL_SERVER)) {
    return {
      kind: 'unknown',
      reason: `the destination is "${name ?? server}", the local cluster, and no Cluster is marked local`,
      hint: 'set spec.local: true on the Cluster that the hub runs in, or name another cluster',
    }
  }
  return name
    ? { kind: 'unknown', reason: `no Cluster is named "${name}"`, hint: `declare a Cluster named "${name}"` }
    : {
        kind: 'unknown',
        reason: `no Cluster declares the server ${server}`,
        hint: `add "${server}" to spec.servers of the Cluster that it is`,
      }
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
