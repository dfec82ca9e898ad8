import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts'
import { applyDefaults, foldStringData } from './default-kinds.ts'
import type { Draft } from './drafts.ts'
import { emptyObject, newReport, type ReadReport, readMember, readObject } from './read-object.ts'

/** A copy of a well-formed object, free to be changed. */
export function readStored(type: ResourceType, object: JsonObject): Draft {
  return readObject(type.schema, object, { ...newReport(), keepsNulls: true }) as Draft
}

/** Reads what a client sent: as its type, defaulted. What was dropped or wrong stands in the report. */
export function settleObject(type: ResourceType, json: JsonObject, report: ReadReport): KubernetesObject {
  const draft = readObject(type.schema, json, report) as Draft
  draft['apiVersion'] = apiVersionOf(type)
  draft['kind'] = type.kind
  if (!type.custom) applyDefaults(type.group, type.kind, draft)
  if (type.group === '' && type.kind === 'Secret') foldStringData(draft)
  return draft as KubernetesObject
}

/** A stored object of a built-in kind with another status; nothing else of it is read again, and the rest is shared. */
export function settleStatus(type: ResourceType, live: KubernetesObject, status: JsonObject): KubernetesObject {
  return { ...live, status: readMember(type.schema, 'status', status, newReport()) }
}

const empties = new WeakMap<ResourceType, KubernetesObject>()

/** The object of this type before anything is said of it. */
export function emptyOf(type: ResourceType): KubernetesObject {
  let empty = empties.get(type)
  if (!empty) {
    const bare = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: {} }
    empty = type.custom ? bare : emptyObject(type.schema, bare.apiVersion, bare.kind)
    empties.set(type, empty)
  }
  return empty
}
