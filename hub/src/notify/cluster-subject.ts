const CLUSTER = 'cluster:'

/** How a cluster is called among the subjects of alerts; no Application's name has a colon. */
export function clusterSubject(name: string): string {
  return `${CLUSTER}${name}`
}

/** The cluster's name; undefined for an Application. */
export function clusterOf(subject: string): string | undefined {
  return subject.startsWith(CLUSTER) ? subject.slice(CLUSTER.length) : undefined
}
