import { isJsonObject, type Json, type JsonObject } from '../json/json.ts'
import { groupOf, type KubernetesObject } from '../model/kubernetes-object.ts'

/** Lists of which the server takes no two entries with the same key: by name of the list, the fields of that key. */
const OF_POD: { readonly [list: string]: readonly string[] } = {
  volumes: ['name'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
}
const OF_CONTAINER: { readonly [list: string]: readonly string[] } = {
  env: ['name'],
  ports: ['containerPort', 'protocol'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
}
const CONTAINERS = ['containers', 'initContainers', 'ephemeralContainers'] as const
/** What the server takes for a field that is left out. */
const DEFAULTS: { readonly [field: string]: string } = { protocol: 'TCP' }

/** Where the spec of a Pod stands, by group and kind. */
const POD_SPECS: { readonly [kind: string]: readonly string[] } = {
  '/Pod': ['spec'],
  '/PodTemplate': ['template', 'spec'],
  '/ReplicationController': ['spec', 'template', 'spec'],
  'apps/Deployment': ['spec', 'template', 'spec'],
  'apps/StatefulSet': ['spec', 'template', 'spec'],
  'apps/DaemonSet': ['spec', 'template', 'spec'],
  'apps/ReplicaSet': ['spec', 'template', 'spec'],
  'batch/Job': ['spec', 'template', 'spec'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
}

/**
 * The object with the last of several entries of one key: two `env` entries of one name were taken by client-side
 * apply, where the last counts, and are refused by server-side apply.
 *
 * @returns the same object where nothing stands twice; and the paths of what was left out.
 */
export function lastOfEachKey(object: KubernetesObject): {
  readonly object: KubernetesObject
  readonly dropped: readonly string[]
} {
  const dropped: string[] = []
  const kind = `${groupOf(object.apiVersion)}/${object.kind}`
  const path = Object.hasOwn(POD_SPECS, kind) ? POD_SPECS[kind] : undefined
  if (path) {
    const changed = changeAt(object, path, spec => podSpec(spec, `.${path.join('.')}`, dropped))
    return { object: changed as unknown as KubernetesObject, dropped }
  }
  if (kind !== '/Service') return { object, dropped }
  const lists = { ports: ['port', 'protocol'] }
  const changed = changeAt(object, ['spec'], spec => unique(spec, lists, '.spec', dropped))
  return { object: changed as unknown as KubernetesObject, dropped }
}

function podSpec(spec: JsonObject, path: string, dropped: string[]): JsonObject {
  let changed = unique(spec, OF_POD, path, dropped)
  for (const list of CONTAINERS) {
    const containers = changed[list]
    if (!Array.isArray(containers)) continue
    const each = containers.map((container: Json) => {
      if (!isJsonObject(container)) return container
      return unique(
        container,
        OF_CONTAINER,
        `${path}.${list}[name=${JSON.stringify(container['name'] ?? '')}]`,
        dropped,
      )
    })
    if (each.some((container, index) => container !== containers[index])) changed = { ...changed, [list]: each }
  }
  return changed
}

function unique(
  value: JsonObject,
  lists: { readonly [list: string]: readonly string[] },
  path: string,
  dropped: string[],
): JsonObject {
  let changed = value
  for (const [name, fields] of Object.entries(lists)) {
    const list = Object.hasOwn(value, name) ? value[name] : undefined
    if (!Array.isArray(list)) continue
    const last = new Map<string, number>()
    for (const [index, entry] of list.entries()) last.set(keyOfEntry(entry, fields, index), index)
    const kept = list.filter((entry: Json, index: number) => last.get(keyOfEntry(entry, fields, index)) === index)
    if (kept.length === list.length) continue
    const twice = list.filter((entry: Json) => !kept.includes(entry)).map((entry: Json) => shownKey(entry, fields))
    dropped.push(...new Set(twice.map(key => `${path}.${name}[${key}]`)))
    changed = { ...changed, [name]: kept }
  }
  return changed
}

/** What has no key is like nothing else; the server says what it thinks of it. */
function keyOfEntry(entry: Json, fields: readonly string[], index: number): string {
  if (!isJsonObject(entry) || entry[fields[0]!] === undefined) return `#${index}`
  return JSON.stringify(fields.map(field => String(entry[field] ?? DEFAULTS[field] ?? '')))
}

function shownKey(entry: Json, fields: readonly string[]): string {
  const of = isJsonObject(entry) ? entry : {}
  return fields.map(field => `${field}=${JSON.stringify(of[field] ?? DEFAULTS[field] ?? '')}`).join(',')
}

/** The same value where nothing changes, or nothing stands at that path. */
function changeAt(value: Json, path: readonly string[], change: (at: JsonObject) => JsonObject): Json {
  if (!isJsonObject(value)) return value
  const [first, ...rest] = path
  if (first === undefined) return change(value)
  const before = Object.hasOwn(value, first) ? value[first] : undefined
  if (before === undefined) return value
  const after = changeAt(before, rest, change)
  return after === before ? value : { ...value, [first]: after }
}
