import type { ConfigFile } from '@flotilla/config/load'
import { groupOf, type KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ApplicationRow, SourceRow } from '@flotilla/core/ports/store'
import { sourcesOf } from '@flotilla/core/project/permit'
import { prettyYaml } from '@flotilla/core/yaml/print-yaml'
import type { ConfigSource } from './config-sources.ts'
import { applicationOf, type World } from './world.ts'

/**
 * Applications that bring Applications (decision 24), as Argo CD's users bootstrap: what an Application bound for the
 * Cluster marked `local` renders of the fleet's own language leaves its Bundle and is a config source of its own. That
 * source may declare for the Project of the Application that brings it, and for no other.
 */

/** How often bringing may be repeated: what the third brings may not bring any more. */
export const MOST_LEVELS = 3

const PREFIX = 'application:'
const ARGO_KINDS: ReadonlySet<string> = new Set(['Application', 'ApplicationSet', 'AppProject'])

/** Argo CD's group holds more than its fleet (Rollouts, Workflows …): that is for the cluster. */
export function isFleetDocument({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  return group === 'flotilla.dev' || (group === 'argoproj.io' && ARGO_KINDS.has(kind))
}

export interface Parted {
  /** For the fleet. */
  readonly documents: readonly KubernetesObject[]
  /** For the cluster. */
  readonly objects: readonly KubernetesObject[]
}

/** @param name The Application's own: one that brings itself, as many an Argo CD root does, is declared already. */
export function partObjects(all: readonly KubernetesObject[], name: string): Parted {
  const { documents = [], objects = [] } = Object.groupBy(all, ({ apiVersion, kind }) =>
    isFleetDocument({ group: groupOf(apiVersion), kind }) ? 'documents' : 'objects',
  )
  const itself = ({ kind, metadata }: KubernetesObject): boolean => kind === 'Application' && metadata.name === name
  return { documents: documents.filter(document => !itself(document)), objects }
}

/** No Kubernetes name has a colon, so that no configured source and no other Application can mean the same. */
export function broughtSourceName(application: string): string {
  return `${PREFIX}${application}`
}

export function isBroughtSource(source: string): boolean {
  return source.startsWith(PREFIX)
}

/** The source that an Application's documents are: its own place in Git, trusted for its Project alone. */
export function broughtSource(row: ApplicationRow, namePrefix: string | undefined): ConfigSource {
  const [source] = sourcesOf(applicationOf(row))
  return {
    name: broughtSourceName(row.name),
    repository: source?.repoURL ?? '',
    revision: source?.targetRevision || 'HEAD',
    path: source?.path ?? '',
    trust: { kind: 'projects', projects: [row.project] },
    ...(namePrefix !== undefined && { namePrefix }),
    broughtBy: row.name,
  }
}

/** As it was stored: its Application may be gone, and then it declares for nobody. */
export function storedBroughtSource(row: SourceRow, world: World): ConfigSource {
  const application = world.applicationNamed(row.name.slice(PREFIX.length))
  const { name, repository, revision, path } = row
  const projects = application?.state === 'active' ? [application.project] : []
  return {
    name,
    repository,
    revision,
    path,
    trust: { kind: 'projects', projects },
    broughtBy: name.slice(PREFIX.length),
  }
}

/** How many Applications stand above one, each brought by the next. */
export function levelOf(row: ApplicationRow, world: World): number {
  let level = 0
  let source = row.source
  while (isBroughtSource(source) && level <= MOST_LEVELS) {
    level++
    source = world.applicationNamed(source.slice(PREFIX.length))?.source ?? ''
  }
  return level
}

/** A file for each document, so that a mistake in one is said of it alone. */
export function broughtFiles(name: string, documents: readonly KubernetesObject[]): readonly ConfigFile[] {
  return documents.map(document => {
    const { kind, metadata } = document
    const path = `${broughtSourceName(name)}/${kind}/${metadata.namespace ?? ''}/${metadata.name ?? ''}.yaml`
    return { path: path.replaceAll('//', '/'), text: prettyYaml(document) }
  })
}
