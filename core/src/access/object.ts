import type { ClusterObject } from './authorise-object.ts'

/**
 * What somebody wants to act on, as it is stored: never as a request describes it, whose author may name a project of
 * his own.
 */
export interface AccessObject {
  /** One of `RESOURCE_ACTIONS`. */
  readonly resource: string
  /** The project that it belongs to; of a project, the project itself. */
  readonly project?: string
  /** Namespace of an Application that lives outside the control plane's, for policies that come from Argo CD. */
  readonly namespace?: string
  /** Name, URL or host; for logs and exec the Application's. */
  readonly name: string
  /** For scopes of bindings, and for agents. */
  readonly cluster?: string
  readonly environment?: string
  readonly labels?: { readonly [key: string]: string }
  /** Of `objects`: which one of its cluster. */
  readonly inCluster?: ClusterObject
}

/**
 * The object as rows of a policy name it.
 *
 * @example
 * objectText({ resource: 'applications', project: 'shop', name: 'web' }) // => 'shop/web'
 */
export function objectText({ resource, project, namespace, name }: AccessObject): string {
  if (resource === 'projects' || project === undefined || project === '') return name
  return namespace === undefined || namespace === '' ? `${project}/${name}` : `${project}/${namespace}/${name}`
}

const OF_PROJECTS: ReadonlySet<string> = new Set([
  'applications',
  'applicationsets',
  'repositories',
  'clusters',
  'logs',
  'exec',
])

/**
 * The project whose roles have a say about an object; undefined when none has.
 *
 * @example
 * projectOfRequest('applications', 'shop/web') // => 'shop'
 */
export function projectOfRequest(resource: string, object: string): string | undefined {
  if (resource === 'projects') return object
  if (!OF_PROJECTS.has(resource)) return undefined
  const slash = object.indexOf('/')
  return slash < 0 ? undefined : object.slice(0, slash)
}
