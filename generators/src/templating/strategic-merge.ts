import {
  equalJson,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import { TemplateError } from '../failure.ts'

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList/'
const ELEMENT_ORDER = '$setElementOrder/'

/** How a list at a path is merged; every other list is replaced as a whole. */
export type ListStrategy = { readonly kind: 'set' } | { readonly kind: 'byKey'; readonly key: string }

/** An Application has almost no merge keys: its finalizers are a set, its owners are told apart by uid. */
const LIST_STRATEGIES: { readonly [path: string]: ListStrategy } = {
  'metadata.finalizers': { kind: 'set' },
  'metadata.ownerReferences': { kind: 'byKey', key: 'uid' },
}

/**
 * Kubernetes' strategic merge patch onto an Application (applicationsets.md 6): objects merge, null deletes, lists replace.
 *
 * @throws TemplateError `PATCH_INVALID` for a directive that cannot be followed.
 */
export function strategicMerge(original: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(original, patch, '')
}

function mergeObject(original: JsonObject, patch: JsonObject, path: string): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) {
    const directive = patch[DIRECTIVE]
    if (directive === 'replace') return withoutNulls(withoutDirectives(patch)) as JsonObject
    if (directive === 'delete') return {}
    if (directive !== 'merge') throw invalid(`unknown patch type: ${String(directive)}`)
  }
  const result: MutableJsonObject = {}
  const retained = retainedKeys(patch)
  for (const key of Object.keys(original)) {
    if (retained === undefined || retained.has(key)) setKey(result, key, original[key])
  }
  for (const key of Object.keys(patch)) {
    if (key.startsWith(DELETE_FROM)) deleteFromList(result, key.slice(DELETE_FROM.length), patch[key])
  }
  for (const key of Object.keys(patch)) {
    if (isDirective(key)) continue
    mergeMember(result, key, patch[key], path === '' ? key : `${path}.${key}`)
  }
  for (const key of Object.keys(patch)) {
    if (key.startsWith(ELEMENT_ORDER)) orderList(result, key.slice(ELEMENT_ORDER.length), patch[key])
  }
  return result
}

function mergeMember(result: MutableJsonObject, key: string, change: Json | undefined, path: string): void {
  if (change === undefined) return
  if (change === null) {
    delete result[key]
    return
  }
  const before = Object.hasOwn(result, key) ? result[key] : undefined
  if (isJsonObject(change)) {
    setKey(result, key, mergeObject(isJsonObject(before) ? before : {}, change, path))
  } else if (Array.isArray(change)) {
    const strategy = Object.hasOwn(LIST_STRATEGIES, path) ? LIST_STRATEGIES[path] : undefined
    const list = Array.isArray(before) ? (before as readonly Json[]) : []
    setKey(result, key, strategy === undefined ? replaceList(change) : mergeList(list, change, strategy, path))
  } else {
    setKey(result, key, change)
  }
}

/** A list may begin again by an element that says `$patch: replace`. */
function replaceList(change: readonly Json[]): Json[] {
  return change.filter(item => !isReplaceMarker(item)).map(item => withoutNulls(item))
}

/** The items of a change, merged into those that are there. @throws TemplateError `PATCH_INVALID` */
export function mergeList(
  before: readonly Json[],
  change: readonly Json[],
  strategy: ListStrategy,
  path: string,
): Json[] {
  if (change.some(isReplaceMarker)) return replaceList(change)
  if (strategy.kind === 'set') {
    return [...before, ...change.filter((item, index) => !before.includes(item) && change.indexOf(item) === index)]
  }
  const result = [...before]
  for (const item of change) {
    const id = isJsonObject(item) ? item[strategy.key] : undefined
    if (!isJsonObject(item) || id === undefined)
      throw invalid(`map: ${path}: does not contain declared merge key: ${strategy.key}`)
    const at = result.findIndex(other => isJsonObject(other) && equalJson(other[strategy.key], id))
    if (item[DIRECTIVE] === 'delete') {
      if (at >= 0) result.splice(at, 1)
    } else if (at >= 0) result[at] = mergeObject(result[at] as JsonObject, item, path)
    else result.push(withoutNulls(withoutDirectives(item)))
  }
  return result
}

function isReplaceMarker(item: Json): boolean {
  return isJsonObject(item) && item[DIRECTIVE] === 'replace' && Object.keys(item).length === 1
}

function retainedKeys(patch: JsonObject): ReadonlySet<string> | undefined {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return undefined
  const list = patch[RETAIN_KEYS]
  if (!isTexts(list)) throw invalid(`${RETAIN_KEYS} must be a list of texts`)
  const missing = Object.keys(patch).find(key => !isDirective(key) && patch[key] !== null && !list.includes(key))
  if (missing !== undefined) throw invalid(`${RETAIN_KEYS} must name every key of the patch; "${missing}" is not there`)
  return new Set(list)
}

function deleteFromList(result: MutableJsonObject, key: string, values: Json | undefined): void {
  if (!Array.isArray(values)) throw invalid(`${DELETE_FROM}${key} must be a list`)
  const list = Object.hasOwn(result, key) ? result[key] : undefined
  if (Array.isArray(list)) setKey(result, key, list.filter(item => !values.includes(item as Json)) as Json[])
}

/** Named elements in the order given; the others keep their places behind those that they followed. */
function orderList(result: MutableJsonObject, key: string, order: Json | undefined): void {
  if (!Array.isArray(order)) throw invalid(`${ELEMENT_ORDER}${key} must be a list`)
  const list = Object.hasOwn(result, key) ? result[key] : undefined
  if (!Array.isArray(list)) return
  const named = order.filter(item => list.includes(item as Json)) as Json[]
  let next = 0
  setKey(
    result,
    key,
    list.map(item => (named.includes(item as Json) ? named[next++]! : (item as Json))),
  )
}

function isDirective(key: string): boolean {
  return key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER)
}

function withoutDirectives(patch: JsonObject): JsonObject {
  const result: MutableJsonObject = {}
  for (const key of Object.keys(patch)) if (!isDirective(key)) setKey(result, key, patch[key])
  return result
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(item => withoutNulls(item as Json))
  if (!isJsonObject(value)) return value
  const result: MutableJsonObject = {}
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member !== undefined && member !== null) setKey(result, key, withoutNulls(member))
  }
  return result
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

function invalid(message: string): TemplateError {
  return new TemplateError('PATCH_INVALID', message)
}
