import { compileGlob } from '../glob/glob.ts'
import type { Application, ApplicationSource } from '../model/application.ts'
import type { GroupKindRule, ProjectDestination, ProjectSpec } from '../model/fleet.ts'
import type { Ceiling } from '../protocol/documents.ts'
import { forbiddenNamespaceMetadata } from './namespace-metadata.ts'
import { normaliseRepositoryUrl, repositorySpellings } from './repository-url.ts'
import { serviceAccountFor } from './service-account.ts'

/** The Cluster that an Application's destination was resolved to. */
export interface DestinationCluster {
  readonly name: string
  readonly servers: readonly string[]
  /** The Project that alone may use it; absent: every one whose destinations name it. */
  readonly project?: string | undefined
}

export type Permission =
  | { readonly kind: 'permitted'; readonly ceiling: Ceiling }
  | {
      readonly kind: 'refused'
      readonly code:
        | 'SOURCE_FORBIDDEN'
        | 'DESTINATION_FORBIDDEN'
        | 'SERVICE_ACCOUNT_MISSING'
        | 'NAMESPACE_METADATA_FORBIDDEN'
      readonly reason: string
      readonly hint: string
    }

/**
 * Whether a Project lets an Application use its sources and destination, and the ceiling that the agent enforces
 * again inside the cluster. Kinds are checked against the rendered Bundle, by {@link kindPermitted}.
 *
 * The rules are Argo CD's for AppProjects, their order of refusal included (docs/projects.md).
 */
export function permit(
  project: { readonly name: string; readonly spec: ProjectSpec },
  application: Application,
  cluster: DestinationCluster,
): Permission {
  for (const source of sourcesOf(application)) {
    if (!sourcePermitted(project.spec.sourceRepos, source.repoURL)) {
      return {
        kind: 'refused',
        code: 'SOURCE_FORBIDDEN',
        reason: `project "${project.name}" may not use repository ${source.repoURL}`,
        hint: `add "${source.repoURL}" to sourceRepos of project "${project.name}"`,
      }
    }
  }
  const namespace = application.spec.destination.namespace ?? ''
  if (!destinationPermitted(project.spec.destinations, cluster, namespace)) {
    return {
      kind: 'refused',
      code: 'DESTINATION_FORBIDDEN',
      reason: `project "${project.name}" may not deploy to cluster "${cluster.name}", namespace "${namespace}"`,
      hint: `add cluster "${cluster.name}" with namespace "${namespace}" to destinations of project "${project.name}"`,
    }
  }
  const foreign = foreignCluster(project, cluster)
  if (foreign !== undefined) return { kind: 'refused', code: 'DESTINATION_FORBIDDEN', ...foreign }
  const forbidden = forbiddenNamespaceMetadata(
    application.spec.syncPolicy?.managedNamespaceMetadata ?? {},
    project.spec.allowedNamespaceMetadata ?? [],
  )
  if (forbidden.length > 0) {
    return {
      kind: 'refused',
      code: 'NAMESPACE_METADATA_FORBIDDEN',
      reason: `managedNamespaceMetadata may not set ${forbidden.join(', ')}: it decides about more than this Application`,
      hint: `remove it, or name it in allowedNamespaceMetadata of project "${project.name}"`,
    }
  }
  const { destinationServiceAccounts: accounts = [], impersonation } = project.spec
  const account = serviceAccountFor({ accounts, required: impersonation === 'required' }, cluster.servers, namespace)
  if (account.kind === 'mistake') {
    return {
      kind: 'refused',
      code: 'SERVICE_ACCOUNT_MISSING',
      reason: `project "${project.name}" is applied as service accounts: ${account.message}`,
      hint: `add an entry for cluster "${cluster.name}", namespace "${namespace}" to its destinationServiceAccounts`,
    }
  }
  const ceiling = ceilingOf(project.spec, cluster)
  return {
    kind: 'permitted',
    ceiling: account.kind === 'account' ? { ...ceiling, serviceAccount: account.user } : ceiling,
  }
}

/** A cluster that belongs to another Project, or to none where this one keeps to clusters of its own. */
function foreignCluster(
  { name, spec }: { readonly name: string; readonly spec: ProjectSpec },
  cluster: DestinationCluster,
): { readonly reason: string; readonly hint: string } | undefined {
  if (cluster.project !== undefined && cluster.project !== name) {
    const reason = `cluster "${cluster.name}" is for another project alone`
    return { reason, hint: `deploy it from that project, or remove "project" of Cluster "${cluster.name}"` }
  }
  const onlyOwnClusters = spec['permitOnlyProjectScopedClusters'] === true
  if (clusterScopePermitted({ name, onlyOwnClusters }, cluster.project)) return undefined
  const reason = `project "${name}" keeps to clusters of its own, and cluster "${cluster.name}" is not one`
  return { reason, hint: `write project: ${name} into Cluster "${cluster.name}"` }
}

export function sourcesOf(application: Application): readonly ApplicationSource[] {
  const { source, sources } = application.spec
  return sources && sources.length > 0 ? sources : source ? [source] : []
}

/** rbac of AppProject.sourceRepos: `!pattern` refuses wherever it stands; not matching it counts as a match. */
export function sourcePermitted(patterns: readonly string[], url: string): boolean {
  const spellings = repositorySpellings(url)
  let permitted = false
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!')
    const bare = negated ? pattern.slice(1) : pattern
    // What is refused is refused under each of its names.
    const wanted = negated ? spellings : spellings.slice(0, 1)
    const matches = bare === '*' || wanted.some(one => globMatches(normaliseRepositoryUrl(bare), one, '/'))
    if (negated && matches) return false
    if (negated !== matches) permitted = true
  }
  return permitted
}

/** Argo CD's order: a negated name or server that hits refuses at once; else one entry that matches is enough. */
export function destinationPermitted(
  entries: readonly ProjectDestination[],
  cluster: DestinationCluster,
  namespace: string,
): boolean {
  let permitted = false
  for (const entry of entries) {
    const byName = entry.name !== undefined && patternMatches(entry.name, cluster.name)
    const byServer =
      entry.server !== undefined &&
      (isNegated(entry.server)
        ? cluster.servers.every(server => patternMatches(entry.server!, server))
        : entry.server === '*' || cluster.servers.some(server => patternMatches(entry.server!, server)))
    const byNamespace = patternMatches(entry.namespace ?? '', namespace)
    if ((byServer || byName) && byNamespace) permitted = true
    else if (entry.name !== undefined && isNegated(entry.name) && !byName) return false
    else if (entry.server !== undefined && isNegated(entry.server) && !byServer && byNamespace) return false
    else if (isNegated(entry.namespace ?? '') && !byNamespace && byServer) return false
  }
  return permitted
}

/**
 * Whether a Project that keeps to clusters of its own (`permitOnlyProjectScopedClusters`) may use this one, beside what
 * its destinations say. A cluster of which it is not known whose it is belongs to nobody.
 *
 * @param clusterProject The Project that the Cluster names, if it names one.
 */
export function clusterScopePermitted(
  project: { readonly name: string; readonly onlyOwnClusters: boolean },
  clusterProject: string | undefined,
): boolean {
  return !project.onlyOwnClusters || (clusterProject !== undefined && clusterProject === project.name)
}

/** What the agent is told: kinds as written, and the namespaces of this cluster that the entries name. */
export function ceilingOf(spec: ProjectSpec, cluster: DestinationCluster): Ceiling {
  const namespaces = spec.destinations
    .filter(
      entry =>
        (entry.name !== undefined && patternMatches(entry.name, cluster.name)) ||
        (entry.server !== undefined &&
          (entry.server === '*' || cluster.servers.some(server => patternMatches(entry.server!, server)))),
    )
    .map(entry => entry.namespace ?? '')
  return {
    clusterKindsAllowed: spec.clusterResourceWhitelist,
    clusterKindsDenied: spec.clusterResourceBlacklist,
    namespacedKindsAllowed: spec.namespaceResourceWhitelist,
    namespacedKindsDenied: spec.namespaceResourceBlacklist,
    namespaces: [...new Set(namespaces)],
  }
}

/**
 * A cluster-scoped kind has to be listed, with a name that matches where the entry has one; a namespaced one has to be
 * left alone (absent list) or listed.
 */
export function kindPermitted(
  ceiling: Ceiling,
  group: string,
  kind: string,
  namespaced: boolean,
  name: string,
): boolean {
  const listed = (rules: readonly GroupKindRule[]): boolean =>
    rules.some(
      rule =>
        globMatches(rule.group, group, '') &&
        globMatches(rule.kind, kind, '') &&
        (namespaced || rule.name === undefined || rule.name === '' || globMatches(rule.name, name, '/')),
    )
  if (namespaced) {
    if (listed(ceiling.namespacedKindsDenied)) return false
    return ceiling.namespacedKindsAllowed === undefined || listed(ceiling.namespacedKindsAllowed)
  }
  return !listed(ceiling.clusterKindsDenied) && listed(ceiling.clusterKindsAllowed)
}

/** `!pattern` takes a namespace away; otherwise one pattern has to match. */
export function namespacePermitted(ceiling: Ceiling, namespace: string): boolean {
  const negated = ceiling.namespaces.filter(isNegated)
  if (negated.some(pattern => !patternMatches(pattern, namespace))) return false
  return negated.length > 0 || ceiling.namespaces.some(pattern => patternMatches(pattern, namespace))
}

function isNegated(pattern: string): boolean {
  return pattern.startsWith('!')
}

function patternMatches(pattern: string, text: string): boolean {
  return isNegated(pattern) ? !globMatches(pattern.slice(1), text, '') : globMatches(pattern, text, '')
}

/** A pattern that is no glob matches only its own text: it must never open a door. */
function globMatches(pattern: string, text: string, separator: string): boolean {
  if (pattern === text) return true
  try {
    return compileGlob(pattern, separator)(text)
  } catch {
    return false
  }
}
