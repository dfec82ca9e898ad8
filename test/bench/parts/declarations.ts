export interface DeclaredFleet {
  /** Of Project and ApplicationSet; `shop` by default. */
  readonly name?: string
  /** Where the folders are; the Project takes any. */
  readonly repository: string
  readonly clusters: readonly string[]
  /** YAML in one line: what the set's parameters come from. */
  readonly generator: string
  /** What each Application is called, by the set's parameters. */
  readonly application: string
  /** On which cluster it is, and in which namespace. */
  readonly destination: { readonly cluster: string; readonly namespace: string }
  /** To which namespaces the Project lets one deploy; where `destination` says, by default. */
  readonly namespaces?: string
  /** YAML in one line. */
  readonly syncPolicy?: string
}

/** Every change is synced by itself, and drift is corrected. */
export const AUTOMATED = 'automated: {prune: true, selfHeal: true}'

/** A fleet as it is declared: one Project, one ApplicationSet, and Clusters. */
export function declarations(fleet: DeclaredFleet): string {
  const { name = 'shop', repository, clusters, generator, application, destination, syncPolicy } = fleet
  const { namespaces = destination.namespace } = fleet
  return `apiVersion: flotilla.dev/v1alpha1
kind: Project
metadata: {name: ${name}}
spec:
  sourceRepos: ['*']
  destinations: [{name: '*', namespace: '${namespaces}'}]
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}}
spec:
  generators:
  - ${generator}
  template:
    metadata: {name: '${application}'}
    spec:
      project: ${name}
      source: {repoURL: '${repository}', targetRevision: main, path: '{{path}}'}
      destination: {name: '${destination.cluster}', namespace: '${destination.namespace}'}
${syncPolicy === undefined ? '' : `      syncPolicy: {${syncPolicy}}\n`}${clusters.map(clusterDocument).join('')}`
}

/** One Application a folder of `apps`, all on one cluster, each in a namespace of its name that the agent makes. */
export function foldersOfOneCluster(repository: string, cluster: string): string {
  return declarations({
    name: 'bench',
    repository,
    clusters: [cluster],
    generator: folders(repository, 'apps/*'),
    application: '{{path.basename}}',
    destination: { cluster, namespace: '{{path.basename}}' },
    namespaces: '*',
    syncPolicy: `${AUTOMATED}, syncOptions: [CreateNamespace=true]`,
  })
}

/** One Cluster, beginning with its separator. */
export function clusterDocument(name: string): string {
  return `---\napiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}, labels: {env: prod}}\n`
}

/** A generator of one folder a parameter set: `path: apps/*`. */
export function folders(repository: string, path: string): string {
  return `git: {repoURL: '${repository}', revision: main, directories: [{path: ${path}}]}`
}

/** A generator of every folder on every cluster. */
export function foldersOnClusters(repository: string, path: string): string {
  return `matrix: {generators: [{clusters: {}}, {${folders(repository, path)}}]}`
}
