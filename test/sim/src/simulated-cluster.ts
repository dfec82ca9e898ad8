import type { KubernetesObject, ObjectKey } from '@flotilla/core/model/kubernetes-object'
import type { Clock } from '@flotilla/core/ports/clock'
import {
  type ClusterRequest,
  type ClusterResponse,
  type ClusterTransport,
  ClusterUnreachable,
} from '@flotilla/core/ports/cluster-transport'
import type { Random } from '@flotilla/core/ports/random'
import { ApiError, forbidden } from './api/api-error.ts'
import { isAllowed } from './api/authorize.ts'
import { Core } from './api/core.ts'
import { handleRequest, targetOf } from './api/handle-request.ts'
import { type ResourceTarget, verbOf } from './api/handle-resource.ts'
import { type ApiRequest, MAXIMUM_BODY_BYTES, parseRequest, type User } from './api/request.ts'
import { type ApiResponse, toClusterResponse } from './api/response.ts'
import { type OpenWatch, WatchStream } from './api/watch-objects.ts'
import { bootstrap } from './bootstrap.ts'
import { Controllers } from './controllers/controllers.ts'
import { Faults } from './faults.ts'
import { type LoggedRequest, type RequestCounters, RequestLog } from './request-log.ts'

export interface SimulatedClusterOptions {
  /** For people; the cluster does not use it. */
  readonly name: string
  /** Every delay and every controller runs on it. */
  readonly clock: Clock
  /** Ids and name suffixes. */
  readonly random: Random
  /** The uid of the `kube-system` namespace, by which clusters are told apart. Made up when missing. */
  readonly uid?: string
}

/** May do everything. */
export const ADMINISTRATOR: User = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }

/**
 * A Kubernetes cluster in memory: the API as a real one speaks it, and controllers enough that workloads come up, fail
 * and go away. Deterministic for a given clock and random; no sockets, no timers of its own.
 */
export class SimulatedCluster {
  readonly name: string
  readonly faults: Faults
  private readonly core: Core
  private readonly controllers: Controllers
  private readonly watches = new Set<OpenWatch>()
  private readonly log = new RequestLog()

  constructor(options: SimulatedClusterOptions) {
    this.name = options.name
    this.core = new Core(options.clock, options.random, options.uid)
    this.faults = new Faults({
      dropWatches: () => {
        for (const watch of [...this.watches]) watch.drop()
      },
      compactWatchHistory: () => this.core.store.compact(),
    })
    this.controllers = new Controllers(this.core)
    bootstrap(this.core)
  }

  /** The uid of `kube-system`: who this cluster is. */
  get uid(): string {
    return this.core.store.get('/namespaces', '', 'kube-system')?.metadata.uid ?? ''
  }

  /** The API as `user` reaches it, in process. Closing it ends the watches that were opened through it. */
  transport(user: User = ADMINISTRATOR): ClusterTransport {
    let closed = false
    const opened = new Set<WatchStream>()
    return {
      request: async request => {
        if (closed) throw new ClusterUnreachable('this transport is closed')
        const response = await this.handle(request, user)
        if (response.body instanceof WatchStream) {
          for (const earlier of opened) if (!this.watches.has(earlier)) opened.delete(earlier)
          opened.add(response.body)
        }
        return response
      },
      close: async () => {
        closed = true
        for (const watch of opened) watch.drop()
      },
    }
  }

  /** Answers one request. @throws ClusterUnreachable under a partition; the signal's reason when aborted. */
  async handle(request: ClusterRequest, user: User = ADMINISTRATOR): Promise<ClusterResponse> {
    request.signal?.throwIfAborted()
    const { faults, core } = this
    if (faults.latencyMs > 0) await core.clock.sleep(faults.latencyMs, request.signal)
    if (faults.partitioned) throw new ClusterUnreachable(`${this.name} is cut off`)
    const failure = faults.takeFailure(request)
    if (failure?.status === 0) throw new ClusterUnreachable(`${this.name}: connection reset`)
    const response = failure ? failed(failure.status, failure.retryAfterSeconds) : this.answer(request, user)
    return request.signal ? abortable(response, request.signal) : response
  }

  /** The live object, whatever version it was written in. */
  read(key: ObjectKey): KubernetesObject | undefined {
    const type = this.core.registry.findKind(key.group, key.kind)
    return type && this.core.store.get(type.storageKey, key.namespace, key.name)
  }

  /** A container of a Pod prints something; false when there is no such Pod. */
  print(namespace: string, pod: string, container: string, text: string): boolean {
    const { logs, clock } = this.core
    const uid = this.core.store.get('/pods', namespace, pod)?.metadata.uid
    if (uid !== undefined) logs.print(uid, container, text, clock.now())
    return uid !== undefined
  }

  /** Another cluster with the same objects, uids included, as one that was made from an image of the disk. */
  copy(options: Omit<SimulatedClusterOptions, 'uid'>): SimulatedCluster {
    const copy = new SimulatedCluster({ ...options, uid: this.uid })
    for (const key of this.core.store.storageKeys()) {
      for (const object of this.core.store.list(key)) copy.core.store.put(key, object)
    }
    return copy
  }

  /** Every live object, by kind, then namespace and name. */
  objects(): readonly KubernetesObject[] {
    const { store } = this.core
    return [...store.storageKeys()].sort().flatMap(key => store.list(key))
  }

  /** The last writes (dry runs too), oldest first; bounded. */
  get requests(): readonly LoggedRequest[] {
    return this.log.writes
  }

  clearRequests(): void {
    this.log.clear()
  }

  get counters(): RequestCounters {
    return { byVerb: this.log.byVerb, byStatus: this.log.byStatus, openWatches: this.watches.size }
  }

  /** The revision of the last change. */
  get revision(): number {
    return this.core.store.revision
  }

  /** Stops the controllers and cuts every watch; requests are still answered. */
  stop(): void {
    this.controllers.stop()
    this.faults.dropWatches()
  }

  private answer(raw: ClusterRequest, user: User): ClusterResponse {
    const warnings: string[] = []
    let verb = 'other'
    let request: ApiRequest | undefined
    let response: ApiResponse
    try {
      if ((raw.body?.length ?? 0) > MAXIMUM_BODY_BYTES) throw tooLarge()
      request = parseRequest(raw, user)
      this.checkImpersonation(request, user)
      const handling = { core: this.core, request, warnings, watches: this.watches, denied: this.faults.denied }
      const target = targetOf(handling)
      if (target) {
        verb = verbOf(request, target)
        this.authorize(request, target, verb)
      }
      response = handleRequest(handling, target)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      response = { kind: 'json', status: error.code, value: error.status, headers: error.headers }
    }
    this.record(raw, request, verb, response.kind === 'stream' ? 200 : response.status)
    return toClusterResponse(response, warnings)
  }

  private authorize(request: ApiRequest, target: ResourceTarget, verb: string): void {
    const { type, namespace, name = '', subresource } = target
    const resource = subresource === '' ? type.plural : `${type.plural}/${subresource}`
    const attempt = { verb, group: type.group, resource, namespace, name }
    if (type.verbs.length === 1 || isAllowed(this.core, this.faults.denied, request.user, attempt)) return
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
    const subject = `User "${request.user.name}" cannot ${verb} resource "${resource}" in API group "${type.group}" ${where}`
    throw forbidden({ group: type.group, plural: type.plural }, name, subject)
  }

  private checkImpersonation(request: ApiRequest, user: User): void {
    if (request.user === user) return
    const [, namespace = '', account = ''] = /^system:serviceaccount:([^:]+):(.+)$/.exec(request.user.name) ?? []
    const resource = account === '' ? 'users' : 'serviceaccounts'
    const name = account === '' ? request.user.name : account
    const attempt = { verb: 'impersonate', group: '', resource, namespace, name }
    if (isAllowed(this.core, this.faults.denied, user, attempt)) return
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
    const subject = `User "${user.name}" cannot impersonate resource "${resource}" in API group "" ${where}`
    throw forbidden({ group: '', plural: resource }, name, subject)
  }

  private record(raw: ClusterRequest, request: ApiRequest | undefined, verb: string, status: number): void {
    const entry: LoggedRequest = {
      verb,
      path: request?.path ?? raw.path,
      dryRun: (request?.query.getAll('dryRun').length ?? 0) > 0,
      fieldManager: request?.query.get('fieldManager') ?? '',
      status,
    }
    this.log.add(entry, raw.method !== 'GET')
  }
}

function tooLarge(): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAXIMUM_BODY_BYTES}`)
}

const REASONS: Readonly<Record<number, readonly [string, string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden'],
  409: ['Conflict', 'the object has been modified; please apply your changes to the latest version and try again'],
  429: ['TooManyRequests', 'Too many requests, please try again later.'],
  500: ['InternalError', 'Internal error occurred: simulated'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
}

function failed(status: number, retryAfterSeconds: number | undefined): ClusterResponse {
  const [reason, message] = REASONS[status] ?? ['', 'simulated failure']
  const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds }
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  const error = new ApiError(status, reason, message, details, headers)
  return toClusterResponse({ kind: 'json', status, value: error.status, headers }, [])
}

/** Ends a body with the signal's reason as soon as it aborts; a watch is closed then even if no one reads it. */
function abortable(response: ClusterResponse, signal: AbortSignal): ClusterResponse {
  const { body } = response
  if (!(body instanceof WatchStream)) {
    const isLog = response.headers['content-type'] === 'text/plain'
    return isLog ? { ...response, body: untilAborted(body, signal) } : response
  }
  signal.addEventListener('abort', () => body.close(signal.reason), { once: true })
  return response
}

async function* untilAborted(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body[Symbol.asyncIterator]()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  for (;;) {
    signal.throwIfAborted()
    const next = await Promise.race([reader.next(), aborted])
    if (next.done === true) return
    yield next.value
  }
}
