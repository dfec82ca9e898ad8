import type { AccessObject } from '@flotilla/core/access/object'
import type { GateTarget } from '@flotilla/core/gates/rules'
import type { ApplicationView } from '@flotilla/core/view/application-view'

/** What rights on an Application are about, as it is stored: never as a request describes it. */
export type ApplicationFacts = Pick<ApplicationView, 'name' | 'project' | 'labels' | 'cluster' | 'environment'>

/** @param resource `applications`; or `logs`, `exec`, `confirmations` and the like of one. */
export function applicationObject(
  { name, project, labels, cluster, environment }: ApplicationFacts,
  resource = 'applications',
): AccessObject {
  return { resource, project, name, labels, cluster, ...(environment !== null && { environment }) }
}

/** The same of an Application as gates see it. */
export function targetObject({ name, project, labels, cluster }: GateTarget, resource = 'applications'): AccessObject {
  return {
    ...{ resource, project, name, labels },
    ...(cluster !== undefined && { cluster: cluster.name }),
    ...(cluster?.environment !== undefined && { environment: cluster.environment }),
  }
}

/** What rights on a cluster are about; policies of Argo CD name it by a URL of its API server. */
export interface ClusterNames {
  readonly name: string
  readonly labels?: { readonly [key: string]: string }
  readonly environment?: string | null
  readonly servers?: readonly string[]
}

/** A cluster by each of its names: a row may name any of them. */
export function clusterObjects({ name, labels, environment, servers = [] }: ClusterNames): readonly AccessObject[] {
  return [name, ...servers].map(each => ({
    ...{ resource: 'clusters', name: each, cluster: name },
    ...(labels !== undefined && { labels }),
    ...(environment !== undefined && environment !== null && { environment }),
  }))
}

/** The agent of a cluster, by the cluster's name. */
export function agentObject(cluster: string): AccessObject {
  return { resource: 'agents', name: cluster, cluster }
}

/** What belongs to no Project, by its name. */
export function namedObject(resource: string, name: string, project?: string): AccessObject {
  return { resource, name, ...(project !== undefined && { project }) }
}
