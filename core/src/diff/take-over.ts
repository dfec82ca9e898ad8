import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'

/** Tools whose objects we adopt (decision 26): what they set and Git does not say must not stay for ever. */
const PREDECESSORS: readonly RegExp[] = [
  /^kubectl/,
  /^before-first-apply$/,
  /^argocd-controller$/,
  /^argocd-application-controller$/,
  /^kustomize-controller$/,
  /^helm$/,
  /^helm-controller$/,
  /^fleet/,
]

/** What people did by hand, before anything else kept the object. */
const KUBECTL = /^(kubectl|before-first-apply$)/

/**
 * Managers whose fields become ours before the first apply; none once we have applied, because from then on a field
 * set with `kubectl edit` is either ours (and drift) or nobody's business.
 */
export function managersToTakeOver(
  live: KubernetesObject,
  manager: string,
  { kubectl = true }: { readonly kubectl?: boolean } = {},
): readonly string[] {
  const entries = live.metadata.managedFields ?? []
  if (entries.some(entry => entry['manager'] === manager && entry['operation'] === 'Apply')) return []
  const names = new Set(entries.filter(isPredecessor).map(entry => String(entry['manager'])))
  return [...names].filter(name => kubectl || !KUBECTL.test(name)).sort()
}

/**
 * The object's managedFields with the predecessors' entries merged into one of ours. Written with the resourceVersion
 * that was read; the apply that follows then drops what Git does not say.
 */
export function takeOverFields(
  live: KubernetesObject,
  manager: string,
  predecessors: readonly string[],
): readonly JsonObject[] {
  const entries = live.metadata.managedFields ?? []
  const isTaken = (entry: JsonObject) => isPredecessor(entry) && predecessors.includes(String(entry['manager']))
  const taken = entries.filter(isTaken)
  let fields: JsonObject = {}
  for (const entry of taken) fields = mergeFields(fields, isJsonObject(entry['fieldsV1']) ? entry['fieldsV1'] : {})
  const newest = taken.at(-1)
  const ours: JsonObject = {
    manager,
    operation: 'Apply',
    apiVersion: newest?.['apiVersion'] ?? live.apiVersion,
    ...(newest?.['time'] === undefined ? {} : { time: newest['time'] }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
  }
  return [ours, ...entries.filter(entry => !isTaken(entry))]
}

/** A status that somebody wrote stays theirs. */
function isPredecessor(entry: JsonObject): boolean {
  const name = entry['manager']
  return typeof name === 'string' && !entry['subresource'] && PREDECESSORS.some(pattern => pattern.test(name))
}

function mergeFields(a: JsonObject, b: JsonObject): JsonObject {
  const merged: MutableJsonObject = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const known: Json | undefined = Object.hasOwn(merged, key) ? merged[key] : undefined
    setKey(merged, key, isJsonObject(known) && isJsonObject(value) ? mergeFields(known, value) : value)
  }
  return merged
}
