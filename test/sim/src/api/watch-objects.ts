import type { Json } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Timer } from '@flotilla/core/ports/clock'
import { ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts'
import type { StoreEvent } from '../store/object-store.ts'
import type { Matches } from '../store/selectors.ts'
import { ApiError } from './api-error.ts'
import type { Core } from './core.ts'
import { revisionOf, selectorOf } from './list-objects.ts'
import { type Form, presentObject } from './present.ts'
import { type ApiRequest, flag } from './request.ts'
import { type ApiResponse, encode, jsonText } from './response.ts'

/** A consumer this far behind is cut off, as a slow watcher of the real server is. */
const MAXIMUM_PENDING = 20_000
const DEFAULT_TIMEOUT_MS = 30 * 60_000

/** An open watch, as faults and counters see it. */
export interface OpenWatch {
  /** Ends it as a lost connection does. */
  drop(): void
}

/** Opens a watch; it lives until its time is over, its consumer leaves, or the network is cut. */
export function watchObjects(
  core: Core,
  request: ApiRequest,
  type: ResourceType,
  namespace: string,
  name: string | undefined,
  form: Form,
  open: Set<OpenWatch>,
): ApiResponse {
  const { query } = request
  const asked = query.get('resourceVersion') ?? ''
  const initial = sendsInitialEvents(query)
  const matches = selectorOf(request, type, name)
  const stream = new WatchStream(core, type, namespace, matches, form, flag(query, 'allowWatchBookmarks'), open)
  const timeout = Number(query.get('timeoutSeconds') ?? '0')
  stream.start(asked === '' ? 0 : revisionOf(asked), initial, timeout > 0 ? timeout * 1000 : DEFAULT_TIMEOUT_MS)
  return { kind: 'stream', body: stream }
}

function sendsInitialEvents(query: URLSearchParams): boolean {
  const given = query.get('sendInitialEvents')
  const match = query.get('resourceVersionMatch') ?? ''
  const refuse = (field: string, reason: string) => {
    const message = `ListOptions.meta.k8s.io "" is invalid: ${field}: ${reason}`
    throw new ApiError(422, 'Invalid', message, { group: 'meta.k8s.io', kind: 'ListOptions' })
  }
  if (given === null) {
    if (match !== '')
      refuse(
        'resourceVersionMatch',
        'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      )
    return false
  }
  if (match !== 'NotOlderThan')
    refuse('resourceVersionMatch', 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  return flag(query, 'sendInitialEvents')
}

/** The body of a watch: one line an event, until it ends, is cut, or is closed. */
export class WatchStream implements AsyncIterable<Uint8Array>, OpenWatch {
  private readonly core: Core
  private readonly type: ResourceType
  private readonly namespace: string
  private readonly matches: Matches
  private readonly form: Form
  private readonly bookmarks: boolean
  private readonly open: Set<OpenWatch>
  private readonly pending: Uint8Array[] = []
  private timeout: Timer | undefined
  private unsubscribe: () => void = () => {}
  private endBookmarks: () => void = () => {}
  private wake: (() => void) | undefined
  private state: 'open' | 'ended' | 'cut' = 'open'
  private closeReason: unknown

  constructor(
    core: Core,
    type: ResourceType,
    namespace: string,
    matches: Matches,
    form: Form,
    bookmarks: boolean,
    open: Set<OpenWatch>,
  ) {
    this.core = core
    this.type = type
    this.namespace = namespace
    this.matches = matches
    this.form = form
    this.bookmarks = bookmarks
    this.open = open
  }

  start(revision: number, initialEvents: boolean, timeoutMs: number): void {
    const { store, clock } = this.core
    if (revision > store.revision) {
      this.fail(504, 'Timeout', `Too large resource version: ${revision}, current: ${store.revision}`)
      return
    }
    if (revision === 0 || initialEvents) {
      for (const object of store.list(this.type.storageKey, this.namespace)) {
        if (this.matches(object)) this.send('ADDED', object)
      }
      if (initialEvents && this.bookmarks) this.bookmark({ 'k8s.io/initial-events-end': 'true' })
    } else {
      const missed = revision < (this.type.custom?.servedFrom ?? 0) ? undefined : store.since(revision)
      if (missed === undefined) {
        this.fail(410, 'Expired', `too old resource version: ${revision} (${store.compactedRevision + 1})`)
        return
      }
      for (const event of missed) this.consider(event)
    }
    this.open.add(this)
    this.unsubscribe = store.subscribe(event => this.consider(event))
    this.timeout = clock.setTimer(timeoutMs, () => this.finish())
    if (this.bookmarks) this.endBookmarks = this.core.bookmarks.subscribe(() => this.bookmark())
  }

  drop(): void {
    this.end('cut')
  }

  /** The consumer's own abort: reading throws `reason`. */
  close(reason: unknown): void {
    this.closeReason = reason
    this.pending.length = 0
    this.end('cut')
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.pending.shift()
        if (chunk) yield chunk
        else if (this.state === 'ended') return
        else if (this.state === 'cut') throw this.closeReason ?? new ClusterUnreachable('the watch was cut')
        else await new Promise<void>(resolve => (this.wake = resolve))
      }
    } finally {
      this.end('ended')
    }
  }

  private finish(): void {
    if (this.bookmarks && this.state === 'open') this.bookmark()
    this.end('ended')
  }

  private end(state: 'ended' | 'cut'): void {
    if (this.state === 'open') this.state = state
    this.unsubscribe()
    this.endBookmarks()
    this.timeout?.cancel()
    this.open.delete(this)
    this.wake?.()
  }

  private fail(code: number, reason: string, message: string): void {
    this.push({ type: 'ERROR', object: new ApiError(code, reason, message).status })
    this.end('ended')
  }

  private consider(event: StoreEvent): void {
    if (event.storageKey !== this.type.storageKey || this.state !== 'open') return
    if (this.namespace !== '' && event.object.metadata.namespace !== this.namespace) return
    const before = event.previous !== undefined && this.matches(event.previous)
    const after = event.kind !== 'deleted' && this.matches(event.object)
    if (after) this.send(before ? 'MODIFIED' : 'ADDED', event.object)
    else if (before) this.send('DELETED', withRevisionOf(event.previous!, event.object))
  }

  private send(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubernetesObject): void {
    this.push({ type, object: presentObject(this.form, this.type, object, this.core.clock.now()) })
  }

  private bookmark(annotations?: Readonly<Record<string, string>>): void {
    const metadata = { resourceVersion: String(this.core.store.revision), ...(annotations ? { annotations } : {}) }
    const bare = { kind: this.type.kind, apiVersion: apiVersionOf(this.type), metadata } as KubernetesObject
    const object =
      this.form === 'object' ? bare : { ...bare, kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' }
    this.push({ type: 'BOOKMARK', object })
  }

  private push(event: Json): void {
    if (this.pending.length >= MAXIMUM_PENDING) {
      this.end('cut')
      return
    }
    this.pending.push(encode(`${jsonText(event)}\n`))
    const wake = this.wake
    this.wake = undefined
    wake?.()
  }
}

/** A deletion shows the object as it was, at the revision of the deletion. */
function withRevisionOf(object: KubernetesObject, event: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: event.metadata.resourceVersion ?? '' } }
}
