import { type KubernetesObject, keyOf, objectKeyText } from '@flotilla/core/model/kubernetes-object'

export const CONFIG = 'https://git.example.com/fleet.git'
export const APPS = 'https://git.example.com/apps.git'
export const NAMESPACE = 'shop'

/** How long the first of two waves takes, at least. */
const WAVE_SECONDS = 60

/** Files to write; null removes one. */
export type Changes = { readonly [path: string]: string | null }

/**
 * How an Application is declared: `folder` by a set that makes one of each folder `clusters/<cluster>/<name>`,
 * `shared` by a set that brings each folder `shared/<name>` to every cluster, `solo` by a document of its own.
 */
export type DeclaredKind = 'folder' | 'shared' | 'solo'

/** One folder of manifests, as its author means it. */
export interface DeclaredFolder {
  readonly kind: DeclaredKind
  readonly name: string
  /** The one cluster; `*` for shared ones. */
  readonly cluster: string
  readonly version: number
  /** One ConfigMap each. */
  readonly parts: readonly string[]
  /** Replicas of a Deployment with a Service; none: no workload. */
  readonly replicas?: number
  /** The Deployment comes in a wave before everything else, and takes a while to be ready. */
  readonly waves?: boolean
}

/** An Application as it has to be in a cluster. */
export interface WantedApplication {
  readonly name: string
  readonly cluster: string
  readonly objects: readonly KubernetesObject[]
}

/** What the two repositories declare when every file is whole: the truth that the fleet is held against. */
export class DeclaredFleet {
  readonly clusters: readonly string[]
  readonly #folders = new Map<string, DeclaredFolder>()

  constructor(clusters: readonly string[]) {
    this.clusters = clusters
  }

  get folders(): readonly DeclaredFolder[] {
    return [...this.#folders.values()]
  }

  folder(name: string): DeclaredFolder | undefined {
    return this.#folders.get(name)
  }

  /** Adds or replaces a folder; what has to be committed for that. */
  put(folder: DeclaredFolder): { readonly config: Changes; readonly apps: Changes } {
    const before = this.#folders.get(folder.name)
    this.#folders.set(folder.name, folder)
    const gone = Object.keys(before ? filesOf(before) : {}).map(path => [path, null])
    return {
      config: folder.kind === 'solo' ? { [soloPath(folder.name)]: soloDocument(folder) } : {},
      apps: { ...Object.fromEntries(gone), ...filesOf(folder) },
    }
  }

  remove(name: string): { readonly config: Changes; readonly apps: Changes } {
    const folder = this.#folders.get(name)
    if (!folder) return { config: {}, apps: {} }
    this.#folders.delete(name)
    return {
      config: folder.kind === 'solo' ? { [soloPath(name)]: null } : {},
      apps: Object.fromEntries(Object.keys(filesOf(folder)).map(path => [path, null])),
    }
  }

  /** The text that a file has to have; undefined when it has to be away. */
  text(repository: string, path: string): string | undefined {
    if (repository === CONFIG) {
      const solo = [...this.#folders.values()].find(({ kind, name }) => kind === 'solo' && soloPath(name) === path)
      return solo ? soloDocument(solo) : this.base()[path]
    }
    for (const folder of this.#folders.values()) {
      const text = filesOf(folder)[path]
      if (text !== undefined) return text
    }
    return undefined
  }

  /** Every file of the applications' repository. */
  files(): readonly string[] {
    return [...this.#folders.values()].flatMap(folder => Object.keys(filesOf(folder)))
  }

  /** The config repository without the documents of `solo` Applications. */
  base(): { readonly [path: string]: string } {
    return {
      'projects/shop.yaml': document('Project', 'shop', {
        sourceRepos: ['*'],
        destinations: [{ name: '*', namespace: NAMESPACE }],
        clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }],
      }),
      ...Object.fromEntries(this.clusters.map(name => [`clusters/${name}.yaml`, document('Cluster', name, {})])),
      'sets/folders.yaml': document('ApplicationSet', 'folders', {
        generators: [gitFolders('clusters/*/*')],
        template: template('{{path.basename}}-{{path[1]}}', '{{path[1]}}', '{{path}}'),
      }),
      'sets/shared.yaml': document('ApplicationSet', 'shared', {
        generators: [{ matrix: { generators: [gitFolders('shared/*'), { clusters: {} }] } }],
        template: template('{{path.basename}}-{{name}}', '{{name}}', '{{path}}'),
      }),
    }
  }

  wanted(): readonly WantedApplication[] {
    return [...this.#folders.values()].flatMap(folder => {
      const clusters = folder.kind === 'shared' ? this.clusters : [folder.cluster]
      return clusters.map(cluster => ({
        name: folder.kind === 'solo' ? folder.name : `${folder.name}-${cluster}`,
        cluster,
        objects: objectsOf(folder),
      }))
    })
  }
}

/** What a folder holds is asked for at every commit; a folder that changes is another value. */
const objects = new WeakMap<DeclaredFolder, readonly KubernetesObject[]>()
const files = new WeakMap<DeclaredFolder, { readonly [path: string]: string }>()

function remembered<T>(
  made: WeakMap<DeclaredFolder, T>,
  folder: DeclaredFolder,
  make: (folder: DeclaredFolder) => T,
): T {
  const known = made.get(folder)
  if (known !== undefined) return known
  const value = make(folder)
  made.set(folder, value)
  return value
}

export function objectsOf(folder: DeclaredFolder): readonly KubernetesObject[] {
  return remembered(objects, folder, makeObjects)
}

function makeObjects(folder: DeclaredFolder): readonly KubernetesObject[] {
  const { name, cluster, version, parts, replicas } = folder
  const made: KubernetesObject[] = parts.map(part => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${name}-${part}` },
    data: { cluster, part, version: String(version) },
  }))
  if (replicas !== undefined) made.push(deployment(folder, replicas), service(name, cluster))
  return made
}

const keys = new WeakMap<KubernetesObject, string>()

/** The text of {@link placed}. */
export function placedText(object: KubernetesObject): string {
  let text = keys.get(object)
  if (text === undefined) {
    text = objectKeyText(placed(object))
    keys.set(object, text)
  }
  return text
}

/** The key that an object of a Bundle has in the cluster: everything here is namespaced. */
export function placed(object: KubernetesObject) {
  return { ...keyOf(object), namespace: object.metadata.namespace ?? NAMESPACE }
}

function filesOf(folder: DeclaredFolder): { readonly [path: string]: string } {
  return remembered(files, folder, makeFiles)
}

function makeFiles(folder: DeclaredFolder): { readonly [path: string]: string } {
  const place = folder.kind === 'folder' ? `clusters/${folder.cluster}` : folder.kind
  return Object.fromEntries(
    objectsOf(folder).map(object => [
      `${place}/${folder.name}/${object.kind.toLowerCase()}-${object.metadata.name}.yaml`,
      JSON.stringify(object, undefined, 2),
    ]),
  )
}

function soloPath(name: string): string {
  return `applications/${name}.yaml`
}

function soloDocument({ name, cluster }: DeclaredFolder): string {
  return document('Application', name, template('', cluster, `solo/${name}`).spec)
}

function gitFolders(path: string) {
  return { git: { repoURL: APPS, revision: 'main', directories: [{ path }] } }
}

function template(name: string, cluster: string, path: string) {
  return {
    metadata: { name },
    spec: {
      project: 'shop',
      source: { repoURL: APPS, targetRevision: 'main', path },
      destination: { name: cluster, namespace: NAMESPACE },
      syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
    },
  }
}

/** With waves every version of it is rolled out anew: the second wave always has something to wait for. */
function deployment({ name, cluster, version, waves = false }: DeclaredFolder, replicas: number): KubernetesObject {
  const labels = { app: name }
  const wave: Record<string, string> = waves ? { 'argocd.argoproj.io/sync-wave': '-1' } : {}
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, annotations: { 'example.com/cluster': cluster, ...wave } },
    spec: {
      replicas,
      ...(waves && { minReadySeconds: WAVE_SECONDS }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: `registry.example/${name}:${waves ? version : 1}` }] },
      },
    },
  }
}

function service(name: string, cluster: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations: { 'example.com/cluster': cluster } },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  }
}

function document(kind: string, name: string, spec: object): string {
  return `${JSON.stringify({ apiVersion: 'flotilla.dev/v1alpha1', kind, metadata: { name }, spec }, undefined, 2)}\n`
}
