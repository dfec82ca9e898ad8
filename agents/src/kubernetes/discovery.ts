import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { isKubernetesError, KubernetesError } from './kubernetes-error.ts'
import type { Requester } from './requester.ts'

/** How one kind is served. */
export interface ServedKind {
  readonly group: string
  readonly kind: string
  /** Plural, as in paths. */
  readonly resource: string
  readonly namespaced: boolean
  /** Served versions, the preferred one first. */
  readonly versions: readonly string[]
  /** Whether it can be watched at all; a few virtual kinds cannot. */
  readonly watchable: boolean
  /** Whether its status is a subresource, which a controller writes. */
  readonly hasStatus: boolean
}

/** What a cluster serves, as far as it is known at this moment. */
export interface ServedKinds {
  lookup(group: string, kind: string): ServedKind | undefined
}

/**
 * Whether a kind that is not served may still have objects. `absent`: positively not there, so it has none. `away`: its
 * group is known to be missing or incomplete for the moment. `unproven`: we may not look.
 */
export type Absence =
  | { readonly kind: 'absent' }
  | { readonly kind: 'away' | 'unproven'; readonly reason: string; readonly stale: boolean }

/** A burst of unknown kinds asks once; a definition made a moment ago is seen on the next try. */
const SHORTEST_REFRESH_MS = 500
const METADATA_LIST_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
/** Where a group stands registered, by objects named `<version or plural>.<group>`. */
const REGISTRIES = [
  { path: '/apis/apiregistration.k8s.io/v1/apiservices', resource: 'apiservices' },
  { path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', resource: 'customresourcedefinitions' },
] as const
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** The cluster's kinds: read once, and again when somebody asks for one that is not known. */
export class Discovery implements ServedKinds {
  readonly #requester: Requester
  #kinds: ReadonlyMap<string, ServedKind> | undefined
  /** What the last reading said of each group: whether all of it was there. */
  #groups: ReadonlyMap<string, 'complete' | 'incomplete'> = new Map()
  readonly #absences = new Map<string, { readonly generation: number; readonly absence: Absence }>()
  #readAtMs = Number.NEGATIVE_INFINITY
  /** Rises whenever the kinds were read; what was derived from them is of one generation. */
  generation = 0
  #reading: Promise<void> | undefined

  constructor(requester: Requester) {
    this.#requester = requester
  }

  lookup(group: string, kind: string): ServedKind | undefined {
    return this.#kinds?.get(`${group}/${kind}`)
  }

  /** The kinds that can be listed, as far as they are known. */
  listable(): readonly ServedKind[] {
    return [...(this.#kinds?.values() ?? [])].filter(({ watchable }) => watchable)
  }

  /** Reads what is served when nothing is known yet. @throws KubernetesError */
  async load(): Promise<void> {
    if (!this.#kinds) await this.refresh()
  }

  /** Reads again, unless that was done a moment ago. @throws KubernetesError */
  async refresh(): Promise<void> {
    if (this.#reading) return this.#reading
    if (this.#requester.clock.monotonicMs() - this.#readAtMs < SHORTEST_REFRESH_MS) return
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** @throws KubernetesError `KIND_UNKNOWN` when the cluster does not serve it, even after asking again. */
  async find(group: string, kind: string, subject: string): Promise<ServedKind> {
    await this.load()
    if (!this.lookup(group, kind)) await this.refresh()
    const served = this.lookup(group, kind)
    if (served) return served
    const name = group === '' ? kind : `${group}/${kind}`
    throw new KubernetesError('KIND_UNKNOWN', subject, 'look-up', `the cluster does not serve ${name}`, {
      retry: true,
      status: 0,
    })
  }

  /**
   * What it means that {@link find} does not know a kind. A group that is merely left out proves nothing: servers leave
   * out what is away for a moment. @throws KubernetesError when the cluster does not answer.
   */
  async absenceOf(group: string, kind: string): Promise<Absence> {
    await this.load()
    const name = group === '' ? kind : `${group}/${kind}`
    const state = this.#groups.get(group)
    if (this.lookup(group, kind) || state === 'incomplete' || (group === '' && state === undefined)) {
      return { kind: 'away', stale: true, reason: `the cluster serves the group of ${name} incompletely at the moment` }
    }
    if (state === 'complete') return { kind: 'absent' }
    const known = this.#absences.get(group)
    if (known?.generation === this.generation) return known.absence
    const { generation } = this
    const absence = await this.#lookUpGroup(group)
    this.#absences.set(group, { generation, absence })
    return absence
  }

  /** The group is not served at all: gone only when nothing registers it any more. */
  async #lookUpGroup(group: string): Promise<Absence> {
    for (const [index, { path, resource }] of REGISTRIES.entries()) {
      try {
        const list = await this.#get(path, METADATA_LIST_ONLY)
        const names = listAt(list, 'items').map(item => textAt(item, 'metadata', 'name'))
        if (!names.some(name => name.slice(name.indexOf('.') + 1) === group)) continue
        return { kind: 'away', stale: false, reason: `the API group ${group} is registered, but not served` }
      } catch (error) {
        if (!isKubernetesError(error, 'FORBIDDEN', 'NOT_FOUND')) throw error
        // Servers register the groups of definitions as well: the first list alone is proof.
        if (index > 0) continue
        const reason = `the API group ${group} is not served; whether it is gone cannot be told without listing ${resource}`
        return { kind: 'unproven', stale: false, reason }
      }
    }
    return { kind: 'absent' }
  }

  async #read(): Promise<void> {
    const kinds = new Map<string, ServedKind>()
    const groups = new Map<string, 'complete' | 'incomplete'>()
    for (const path of ['/api', '/apis']) {
      const document = await this.#get(path, AGGREGATED)
      if (textAt(document, 'kind') === 'APIGroupDiscoveryList') readAggregated(document, kinds, groups)
      else await this.#readGroups(path, document, kinds, groups)
    }
    // A group whose server is away keeps what was known of it: asking for its objects then fails, as it should.
    for (const [name, known] of this.#kinds ?? []) {
      if (groups.get(known.group) === 'incomplete' && !kinds.has(name)) kinds.set(name, known)
    }
    this.#kinds = kinds
    this.#groups = groups
    this.generation++
    this.#readAtMs = this.#requester.clock.monotonicMs()
  }

  /** The older way: one document a group and version. */
  async #readGroups(path: string, document: Json, kinds: Map<string, ServedKind>, groups: GroupStates): Promise<void> {
    const versions =
      path === '/api'
        ? listAt(document, 'versions').map(version => ({ group: '', path: `/api/${String(version)}` }))
        : listAt(document, 'groups').flatMap(group =>
            preferredFirst(group).map(version => ({ group: textAt(group, 'name'), path: `/apis/${version}` })),
          )
    for (const { group, path: versionPath } of versions) {
      try {
        const list = await this.#get(versionPath, 'application/json')
        if (!groups.has(group)) groups.set(group, 'complete')
        const version = versionPath.slice(versionPath.lastIndexOf('/') + 1)
        const resources = listAt(list, 'resources')
        const names = new Set(resources.map(resource => textAt(resource, 'name')))
        for (const resource of resources) {
          const name = textAt(resource, 'name')
          if (name.includes('/')) continue
          add(kinds, group, version, resource, textAt(resource, 'kind'), names.has(`${name}/status`))
        }
      } catch (error) {
        if (!isKubernetesError(error, 'SERVER_ERROR', 'NOT_FOUND')) throw error
        groups.set(group, 'incomplete')
      }
    }
  }

  #get(path: string, accept: string): Promise<Json> {
    const headers = { accept: `${accept},application/json` }
    return this.#requester.json({ method: 'GET', path, headers, subject: path, verb: 'discovery', idempotent: true })
  }
}

function preferredFirst(group: Json): string[] {
  const preferred = textAt(group, 'preferredVersion', 'groupVersion')
  const all = listAt(group, 'versions').map(version => textAt(version, 'groupVersion'))
  return [...all.filter(version => version === preferred), ...all.filter(version => version !== preferred)]
}

type GroupStates = Map<string, 'complete' | 'incomplete'>

function readAggregated(document: Json, kinds: Map<string, ServedKind>, groups: GroupStates): void {
  for (const item of listAt(document, 'items')) {
    const group = textAt(item, 'metadata', 'name')
    const stale = listAt(item, 'versions').some(version => textAt(version, 'freshness') === 'Stale')
    groups.set(group, stale ? 'incomplete' : 'complete')
    // Versions stand in the order of preference.
    for (const version of listAt(item, 'versions')) {
      for (const resource of listAt(version, 'resources')) {
        const kind = textAt(resource, 'responseKind', 'kind')
        const hasStatus = listAt(resource, 'subresources').some(each => textAt(each, 'subresource') === 'status')
        if (isJsonObject(resource)) add(kinds, group, textAt(version, 'version'), resource, kind, hasStatus)
      }
    }
  }
}

function add(
  kinds: Map<string, ServedKind>,
  group: string,
  version: string,
  resource: Json,
  kind: string,
  hasStatus: boolean,
): void {
  const name = textAt(resource, 'name') || textAt(resource, 'resource')
  const namespaced = (resource as JsonObject)['namespaced'] === true || textAt(resource, 'scope') === 'Namespaced'
  const verbs = listAt(resource, 'verbs')
  if (kind === '' || name === '') return
  const known = kinds.get(`${group}/${kind}`)
  // Two resources may answer with one kind (`deployments`, and `scale` of another): the first, a top-level one, counts.
  if (known && known.resource !== name) return
  kinds.set(`${group}/${kind}`, {
    group,
    kind,
    resource: name,
    namespaced,
    versions: known ? [...known.versions, version] : [version],
    watchable: verbs.includes('watch') && verbs.includes('list'),
    hasStatus: hasStatus || known?.hasStatus === true,
  })
}
