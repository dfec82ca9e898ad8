import type { ProjectSpec } from '../model/fleet.ts'

/** The Project that Applications without one are in, as in Argo CD. */
export const DEFAULT_PROJECT = 'default'

/** Argo CD's `default` is open, and there without a document; declaring a Project of that name closes it. */
export const DEFAULT_PROJECT_SPEC: ProjectSpec = {
  sourceRepos: ['*'],
  destinations: [{ server: '*', namespace: '*' }],
  clusterResourceWhitelist: [{ group: '*', kind: '*' }],
  clusterResourceBlacklist: [],
  namespaceResourceBlacklist: [],
}

/** Names of the Projects in force: what is declared, and `default`. */
export function projectNames(projects: Iterable<{ readonly name: string }>): readonly string[] {
  return [...new Set([DEFAULT_PROJECT, ...Array.from(projects, ({ name }) => name)])].sort()
}
