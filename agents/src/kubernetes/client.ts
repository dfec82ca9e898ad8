import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import {
  type KubernetesObject,
  keyOf,
  type ObjectKey,
  objectKeyText,
  versionOf,
} from '@flotilla/core/model/kubernetes-object'
import { FIELD_MANAGER } from '@flotilla/core/plan/tracking'
import { Discovery, type ServedKind } from './discovery.ts'
import { isKubernetesError, KubernetesError } from './kubernetes-error.ts'
import { Requester, type RequesterOptions } from './requester.ts'

const PAGE_SIZE = 250
export const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

const METADATA_LIST_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

export interface ApplyOptions {
  /** Nothing is stored; the answer says what would be. */
  readonly dryRun?: boolean
  /** Default `flotilla`. */
  readonly fieldManager?: string
  /** Takes fields from other managers. Default true. */
  readonly force?: boolean
  /** Unknown and doubled fields are refused. Default true. */
  readonly strict?: boolean
  readonly signal?: AbortSignal
}

export interface ListOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly version?: string
  readonly metadataOnly?: boolean
  readonly signal?: AbortSignal
}

export interface DeleteOptions {
  /** Deletes only the very object that was seen. */
  readonly uid?: string
  readonly resourceVersion?: string
  readonly propagation?: 'foreground' | 'background' | 'orphan'
}

/** The Kubernetes API as the agent uses it. Every method throws {@link KubernetesError}. */
export class KubernetesClient {
  readonly requester: Requester
  readonly discovery: Discovery
  readonly cluster: string

  readonly #options: RequesterOptions

  constructor(options: RequesterOptions, discovery?: Discovery) {
    this.#options = options
    this.requester = new Requester(options)
    this.discovery = discovery ?? new Discovery(this.requester)
    this.cluster = options.cluster
  }

  /**
   * The same client with the rights of somebody else: what a Project's service account may not do is refused. What the
   * cluster serves is asked with the agent's own.
   *
   * @param user `system:serviceaccount:NAMESPACE:NAME`. No name at all would mean the agent's rights, and is a mistake.
   */
  as(user: string): KubernetesClient {
    if (!/^system:serviceaccount:[^:\s]+:[^:\s]+$/.test(user)) {
      const detail = `"${user}" is no service account to act as`
      throw new KubernetesError('FORBIDDEN', this.cluster, 'impersonate', detail, { retry: false, status: 0 })
    }
    return new KubernetesClient({ ...this.#options, impersonate: user }, this.discovery)
  }

  /** The same client for work that ends with `stopping`: after it nothing new begins. */
  until(stopping: AbortSignal): KubernetesClient {
    return new KubernetesClient({ ...this.#options, stopping })
  }

  /** The object, or undefined when it is not there. */
  async get(key: ObjectKey, version?: string, signal?: AbortSignal): Promise<KubernetesObject | undefined> {
    const served = await this.#served(key)
    const path = pathOf(served, version ?? served.versions[0]!, key.namespace, key.name)
    try {
      const body = await this.requester.json({ method: 'GET', path, ...this.#about(key, 'get'), ...withSignal(signal) })
      return this.#object(body, key, 'get')
    } catch (error) {
      if (isKubernetesError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /** Pages of a kind, each with the list's resourceVersion. A token that expired meanwhile is `EXPIRED`. */
  async *list(group: string, kind: string, options: ListOptions = {}): AsyncGenerator<ListPage> {
    const subject = { group, kind, namespace: options.namespace ?? '', name: '' }
    const served = await this.#served(subject)
    const version = options.version ?? served.versions[0]!
    let continueToken = ''
    do {
      const query = new URLSearchParams({ limit: String(PAGE_SIZE) })
      if (options.labelSelector) query.set('labelSelector', options.labelSelector)
      if (continueToken !== '') query.set('continue', continueToken)
      const path = `${pathOf(served, version, options.namespace ?? '', '')}?${query}`
      const headers: Record<string, string> = options.metadataOnly
        ? { accept: `${METADATA_LIST_ONLY},application/json` }
        : {}
      const about = this.#about(subject, 'list')
      const page = await this.requester.json({ method: 'GET', path, headers, ...about, ...withSignal(options.signal) })
      // Items of a list leave out what the list says once.
      const common = { apiVersion: group === '' ? version : `${group}/${version}`, kind }
      const objects = listAt(page, 'items').map(item => ({ ...(item as JsonObject), ...common }) as KubernetesObject)
      yield { objects, resourceVersion: textAt(page, 'metadata', 'resourceVersion') }
      continueToken = textAt(page, 'metadata', 'continue')
    } while (continueToken !== '')
  }

  /** Server-side apply: creates or updates, and answers with the object as stored (or as it would be). */
  async apply(object: KubernetesObject, options: ApplyOptions = {}): Promise<KubernetesObject> {
    const key = keyOf(object)
    const served = await this.#served(key)
    const manager = encodeURIComponent(options.fieldManager ?? FIELD_MANAGER)
    const validation = options.strict === false ? 'Ignore' : 'Strict'
    const dryRun = options.dryRun ? '&dryRun=All' : ''
    const query = `fieldManager=${manager}&force=${options.force ?? true}&fieldValidation=${validation}${dryRun}`
    const path = `${pathOf(served, versionOf(object.apiVersion), key.namespace, key.name)}?${query}`
    const body = await this.requester.json({
      method: 'PATCH',
      path,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: object as Json,
      ...this.#about(key, options.dryRun ? 'dry run' : 'apply'),
      ...withSignal(options.signal),
    })
    return this.#object(body, key, 'apply')
  }

  /** Creates, and fails with `ALREADY_EXISTS` when it is there. Not repeated after a lost answer. */
  async create(object: KubernetesObject): Promise<KubernetesObject> {
    const key = keyOf(object)
    const served = await this.#served(key)
    const path = `${pathOf(served, versionOf(object.apiVersion), key.namespace, '')}?fieldManager=${FIELD_MANAGER}`
    const about = { ...this.#about(key, 'create'), idempotent: false }
    const body = await this.requester.json({ method: 'POST', path, body: object as Json, ...json, ...about })
    return this.#object(body, key, 'create')
  }

  /** Replaces the object as last read: its resourceVersion has to be the present one, or `CONFLICT`. */
  async replace(object: KubernetesObject, options: { readonly strict?: boolean } = {}): Promise<KubernetesObject> {
    const key = keyOf(object)
    const served = await this.#served(key)
    const path = pathOf(served, versionOf(object.apiVersion), key.namespace, key.name)
    const about = this.#about(key, 'replace')
    const validation = options.strict === false ? 'Ignore' : 'Strict'
    const query = `?fieldManager=${FIELD_MANAGER}&fieldValidation=${validation}`
    const body = await this.requester.json({
      method: 'PUT',
      path: path + query,
      body: object as Json,
      ...json,
      ...about,
    })
    return this.#object(body, key, 'replace')
  }

  /** A JSON patch (RFC 6902). */
  async patchJson(key: ObjectKey, version: string, operations: readonly JsonObject[]): Promise<KubernetesObject> {
    const served = await this.#served(key)
    const body = await this.requester.json({
      method: 'PATCH',
      path: `${pathOf(served, version, key.namespace, key.name)}?fieldManager=${FIELD_MANAGER}`,
      headers: { 'content-type': 'application/json-patch+json' },
      body: operations,
      ...this.#about(key, 'patch'),
    })
    return this.#object(body, key, 'patch')
  }

  /** Asks for deletion. `absent`: it was not there, or another object has its name now. */
  async delete(key: ObjectKey, options: DeleteOptions = {}): Promise<'deleted' | 'absent'> {
    const served = await this.#served(key)
    const propagation = options.propagation ?? 'foreground'
    const { uid, resourceVersion } = options
    const body: JsonObject = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: `${propagation[0]!.toUpperCase()}${propagation.slice(1)}`,
      ...(uid || resourceVersion ? { preconditions: { uid, resourceVersion } } : {}),
    }
    const path = pathOf(served, served.versions[0]!, key.namespace, key.name)
    try {
      await this.requester.json({ method: 'DELETE', path, body, ...json, ...this.#about(key, 'delete') })
      return 'deleted'
    } catch (error) {
      if (isKubernetesError(error, 'NOT_FOUND')) return 'absent'
      if (isKubernetesError(error, 'CONFLICT') && uid && resourceVersion === undefined) {
        const present = await this.get(key)
        if (present?.metadata.uid !== uid) return 'absent'
      }
      throw error
    }
  }

  async #served(key: ObjectKey): Promise<ServedKind> {
    const subject = key.name === '' ? this.cluster : `${this.cluster} ${objectKeyText(key)}`
    return this.discovery.find(key.group, key.kind, subject)
  }

  #about(key: ObjectKey, verb: string) {
    const secret = key.group === '' && key.kind === 'Secret'
    return { subject: objectKeyText(key).trim(), verb, secret, idempotent: true }
  }

  #object(body: Json, key: ObjectKey, verb: string): KubernetesObject {
    if (isJsonObject(body) && isJsonObject(body['metadata'])) return body as KubernetesObject
    const options = { retry: false, status: 200 }
    const subject = `${this.cluster} ${objectKeyText(key)}`
    throw new KubernetesError('RESPONSE_INVALID', subject, verb, 'the answer is not an object', options)
  }
}

export interface ListPage {
  readonly objects: readonly KubernetesObject[]
  readonly resourceVersion: string
}

const json = { headers: { 'content-type': 'application/json' } }

function withSignal(signal: AbortSignal | undefined) {
  return signal ? { signal } : {}
}

/** Path of an object, or of the collection when `name` is empty. */
export function pathOf(served: ServedKind, version: string, namespace: string, name: string): string {
  const root = served.group === '' ? `/api/${version}` : `/apis/${served.group}/${version}`
  const scope = served.namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${served.resource}${name === '' ? '' : `/${encodeURIComponent(name)}`}`
}
