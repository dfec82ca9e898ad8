import { getKey, isJsonObject, type Json, type JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'

/** What keeps a value from being a Kubernetes object, and at which node. */
export interface ManifestProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint?: string
}

export type ManifestCheck =
  | { readonly kind: 'object'; readonly object: KubernetesObject }
  /** `kind: List`: its items stand for themselves; `path` is where each stands in the document. */
  | { readonly kind: 'list'; readonly items: readonly Json[] }
  | { readonly kind: 'invalid'; readonly problems: readonly ManifestProblem[] }

/**
 * Whether a value can be sent to an API server at all: `apiVersion`, `kind` and a name (or `generateName`), labels
 * and annotations that are maps of strings. What a kind's own schema says is the cluster's to judge.
 *
 * Every problem is returned, not the first one alone.
 */
export function checkManifest(value: Json): ManifestCheck {
  if (!isJsonObject(value)) return invalid([], `a manifest must be a map, this is ${describe(value)}`)
  const problems: ManifestProblem[] = []
  requireText(value, 'apiVersion', problems)
  requireText(value, 'kind', problems)
  if (problems.length > 0) return { kind: 'invalid', problems }
  const list = listItems(value)
  if (list) return list
  checkMetadata(value, problems)
  if (problems.length > 0) return { kind: 'invalid', problems }
  return { kind: 'object', object: value as KubernetesObject }
}

/** `v1 List` and typed lists (`ConfigMapList` with `items`), as kubectl and Argo CD expand them. */
function listItems(value: JsonObject): Exclude<ManifestCheck, { kind: 'object' }> | undefined {
  const items = getKey(value, 'items')
  const kind = value['kind'] as string
  const isList = (kind === 'List' && value['apiVersion'] === 'v1') || (kind.endsWith('List') && Array.isArray(items))
  if (!isList) return undefined
  if (items === undefined || items === null) return { kind: 'list', items: [] }
  if (!Array.isArray(items)) return invalid(['items'], `items of a ${kind} must be a list, this is ${describe(items)}`)
  return { kind: 'list', items }
}

function checkMetadata(value: JsonObject, problems: ManifestProblem[]): void {
  const metadata = getKey(value, 'metadata')
  if (!isJsonObject(metadata)) {
    problems.push({
      path: metadata === undefined ? [] : ['metadata'],
      message: metadata === undefined ? 'metadata is missing' : `metadata must be a map, this is ${describe(metadata)}`,
      hint: 'every object needs metadata.name',
    })
    return
  }
  const name = getKey(metadata, 'name')
  const generateName = getKey(metadata, 'generateName')
  const hasName = typeof name === 'string' && name !== ''
  const hasGenerateName = typeof generateName === 'string' && generateName !== ''
  if (!hasName && !hasGenerateName) {
    const given = name ?? generateName
    problems.push({
      path: name !== undefined ? ['metadata', 'name'] : ['metadata'],
      message:
        given === undefined || given === null || given === ''
          ? 'metadata.name is missing'
          : `metadata.name must be a string, this is ${describe(given)}`,
      // A map's own `toString` may be anything.
      ...(given !== undefined && given !== null && given !== '' && typeof given !== 'object'
        ? { hint: `write it in quotes: "${String(given)}"` }
        : {}),
    })
  }
  const namespace = getKey(metadata, 'namespace')
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
    problems.push({
      path: ['metadata', 'namespace'],
      message: `metadata.namespace must be a string, this is ${describe(namespace)}`,
    })
  }
  checkStringMap(metadata, 'labels', problems)
  checkStringMap(metadata, 'annotations', problems)
}

function checkStringMap(metadata: JsonObject, field: 'labels' | 'annotations', problems: ManifestProblem[]): void {
  const map = getKey(metadata, field)
  if (map === undefined || map === null) return
  if (!isJsonObject(map)) {
    problems.push({
      path: ['metadata', field],
      message: `metadata.${field} must be a map of strings, this is ${describe(map)}`,
    })
    return
  }
  for (const key of Object.keys(map)) {
    const entry = getKey(map, key)
    if (typeof entry === 'string' || entry === undefined || entry === null) continue
    problems.push({
      path: ['metadata', field, key],
      message: `the value of ${field.slice(0, -1)} "${key}" must be a string, this is ${describe(entry)}`,
      ...(typeof entry === 'object' ? {} : { hint: `write it in quotes: "${String(entry)}"` }),
    })
  }
}

function requireText(value: JsonObject, field: 'apiVersion' | 'kind', problems: ManifestProblem[]): void {
  const text = getKey(value, field)
  if (typeof text === 'string' && text !== '') return
  problems.push({
    path: text === undefined ? [] : [field],
    message:
      text === undefined || text === null || text === ''
        ? `${field} is missing`
        : `${field} must be a string, this is ${describe(text)}`,
  })
}

function invalid(
  path: readonly (string | number)[],
  message: string,
): { readonly kind: 'invalid'; readonly problems: readonly ManifestProblem[] } {
  return { kind: 'invalid', problems: [{ path, message }] }
}

function describe(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return `the ${typeof value === 'bigint' ? 'number' : typeof value} ${String(value).slice(0, 60)}`
}
