import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { ClusterRequest, ClusterResponse, ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { Watch } from './watch.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Parsed without losing digits; undefined when the body is not JSON. */
  readonly body: Json | undefined
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface SendOptions {
  readonly query?: Query
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface ApplyOptions {
  readonly manager?: string
  readonly force?: boolean
  readonly query?: Query
  readonly subresource?: string
}

/** What kind of patch a body is. */
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

/**
 * The Kubernetes API in as few words as the rows of the contract need. A resource is named by its path below `/apis`
 * (`apps/v1/deployments`), one of the core group by its plural alone (`configmaps`); names resolve in `namespace`,
 * which `inCluster()` takes away.
 */
export class Api {
  readonly transport: ClusterTransport
  readonly namespace: string | undefined

  constructor(transport: ClusterTransport, namespace: string | undefined) {
    this.transport = transport
    this.namespace = namespace
  }

  /** For resources without a namespace, and for lists over all namespaces. */
  inCluster(): Api {
    return new Api(this.transport, undefined)
  }

  inNamespace(namespace: string): Api {
    return new Api(this.transport, namespace)
  }

  path(resource: string, name?: string, subresource?: string, query: Query = {}): string {
    const cut = resource.lastIndexOf('/')
    const base = cut < 0 ? '/api/v1' : `/apis/${resource.slice(0, cut)}`
    const parts = [
      base,
      ...(this.namespace === undefined ? [] : ['namespaces', this.namespace]),
      resource.slice(cut + 1),
      ...(name === undefined ? [] : [encodeURIComponent(name)]),
      ...(subresource === undefined ? [] : [subresource]),
    ]
    return parts.join('/') + queryText(query)
  }

  async send(method: ClusterRequest['method'], path: string, options: SendOptions = {}): Promise<Answer> {
    return readAnswer(await this.open(method, path + queryText(options.query ?? {}), options))
  }

  private open(
    method: ClusterRequest['method'],
    path: string,
    options: SendOptions & { readonly signal?: AbortSignal },
  ): Promise<ClusterResponse> {
    const { body, signal } = options
    return this.transport.request({
      method,
      path,
      headers: {
        accept: options.accept ?? 'application/json',
        ...(body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  get(resource: string, name: string, options: SendOptions & { readonly subresource?: string } = {}): Promise<Answer> {
    return this.send('GET', this.path(resource, name, options.subresource), options)
  }

  list(resource: string, query: Query = {}, accept?: string): Promise<Answer> {
    return this.send('GET', this.path(resource), { query, ...(accept === undefined ? {} : { accept }) })
  }

  create(resource: string, body: unknown, query: Query = {}): Promise<Answer> {
    return this.send('POST', this.path(resource), { body, query })
  }

  replace(resource: string, name: string, body: unknown, query: Query = {}, subresource?: string): Promise<Answer> {
    return this.send('PUT', this.path(resource, name, subresource), { body, query })
  }

  patch(
    type: keyof typeof patchTypes,
    resource: string,
    name: string,
    body: unknown,
    query: Query = {},
    subresource?: string,
  ): Promise<Answer> {
    return this.send('PATCH', this.path(resource, name, subresource), { body, query, contentType: patchTypes[type] })
  }

  /** Server-side apply; the object's name is taken from the document. */
  apply(resource: string, document: unknown, options: ApplyOptions = {}): Promise<Answer> {
    const name = String(at(document as Json, 'metadata', 'name'))
    const query = { fieldManager: options.manager ?? 'flotilla', force: options.force, ...options.query }
    return this.patch('apply', resource, name, document, query, options.subresource)
  }

  delete(resource: string, name: string, body?: unknown, query: Query = {}): Promise<Answer> {
    return this.send('DELETE', this.path(resource, name), { query, ...(body === undefined ? {} : { body }) })
  }

  /** Opens a watch. Close it, or the test does not end. */
  async watch(resource: string, query: Query = {}, accept?: string): Promise<Watch> {
    const path = this.path(resource, undefined, undefined, { watch: true, ...query })
    const controller = new AbortController()
    const { signal } = controller
    return new Watch(await this.open('GET', path, accept === undefined ? { signal } : { signal, accept }), controller)
  }
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

async function readAnswer(response: ClusterResponse): Promise<Answer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  // The media type does not tell: the OpenAPI index is JSON and calls itself text/plain.
  const isJson = text.startsWith('{') || text.startsWith('[')
  return { status: response.status, headers: response.headers, text, body: isJson ? parseJson(text) : undefined }
}

/** The value at a path; undefined when something on the way is not there. */
export function at(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  let current: Json | undefined = value
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined
    current = (current as JsonObject)[step]
  }
  return current
}
