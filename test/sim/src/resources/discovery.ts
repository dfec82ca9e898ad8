import type { JsonObject } from '@flotilla/core/json/json'
import type { ResourceRegistry } from './registry.ts'
import { compareVersions } from './registry.ts'
import type { ResourceType } from './resource-type.ts'

/** Discovery documents of one cluster; those of clusters without custom resources are shared by all. */
export interface Discovery {
  readonly groups: JsonObject
  readonly aggregatedCore: JsonObject
  readonly aggregatedGroups: JsonObject
  /** Legacy resource lists by `v1` or `group/version`. */
  readonly lists: ReadonlyMap<string, JsonObject>
}

let shared: Discovery | undefined

export function discoveryOf(registry: ResourceRegistry): Discovery {
  if (registry.customTypes().length > 0) return describe(registry.all())
  shared ??= describe(registry.all())
  return shared
}

const SUBRESOURCE_VERBS = ['get', 'patch', 'update']
const SCALE_KIND = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

interface Subresource {
  readonly name: string
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly verbs: readonly string[]
}

function subresourcesOf(type: ResourceType): readonly Subresource[] {
  const self = { group: type.group, version: type.version, kind: type.kind }
  const found: Subresource[] = []
  if (type.hasStatus) found.push({ name: 'status', kind: self, verbs: SUBRESOURCE_VERBS })
  if (type.scale) found.push({ name: 'scale', kind: SCALE_KIND, verbs: SUBRESOURCE_VERBS })
  if (type.group === '' && type.plural === 'namespaces') found.push({ name: 'finalize', kind: self, verbs: ['update'] })
  return found
}

function describe(types: readonly ResourceType[]): Discovery {
  const byVersion = new Map<string, ResourceType[]>()
  for (const type of types) {
    const name = type.group === '' ? type.version : `${type.group}/${type.version}`
    const list = byVersion.get(name)
    if (list) list.push(type)
    else byVersion.set(name, [type])
  }
  const lists = new Map<string, JsonObject>()
  for (const [name, list] of byVersion) lists.set(name, legacyList(name, list))
  const groups = [...new Set(types.map(type => type.group))].filter(group => group !== '')
  const versionsOf = (group: string) =>
    [...new Set(types.filter(type => type.group === group).map(type => type.version))].sort(compareVersions)
  return {
    lists,
    groups: {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups.map(group => apiGroup(group, versionsOf(group))),
    },
    aggregatedCore: aggregated([''], versionsOf, types),
    aggregatedGroups: aggregated(groups, versionsOf, types),
  }
}

/** The document at `/apis/<group>`. */
export function apiGroup(group: string, versions: readonly string[]): JsonObject {
  const entries = versions.map(version => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions: entries, preferredVersion: entries[0]! }
}

function legacyList(groupVersion: string, types: readonly ResourceType[]): JsonObject {
  const resources: JsonObject[] = []
  for (const type of types) {
    resources.push({
      name: type.plural,
      singularName: type.singular,
      namespaced: type.namespaced,
      kind: type.kind,
      verbs: type.verbs,
      ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
      ...(type.categories.length > 0 ? { categories: type.categories } : {}),
    })
    for (const { name, kind, verbs } of subresourcesOf(type)) {
      const foreign = kind === SCALE_KIND ? { group: kind.group, version: kind.version } : {}
      resources.push({
        name: `${type.plural}/${name}`,
        singularName: '',
        namespaced: type.namespaced,
        ...foreign,
        kind: kind.kind,
        verbs,
      })
    }
  }
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources }
}

function aggregated(
  groups: readonly string[],
  versionsOf: (group: string) => readonly string[],
  types: readonly ResourceType[],
): JsonObject {
  const items = groups.map(group => ({
    metadata: group === '' ? {} : { name: group },
    versions: versionsOf(group).map(version => ({
      version,
      resources: types.filter(type => type.group === group && type.version === version).map(aggregatedResource),
      freshness: 'Current',
    })),
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items }
}

function aggregatedResource(type: ResourceType): JsonObject {
  const subresources = subresourcesOf(type).map(({ name, kind, verbs }) => ({
    subresource: name,
    responseKind: kind,
    verbs,
  }))
  return {
    resource: type.plural,
    responseKind: { group: type.group, version: type.version, kind: type.kind },
    scope: type.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: type.singular,
    verbs: type.verbs,
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
    ...(type.categories.length > 0 ? { categories: type.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  }
}
