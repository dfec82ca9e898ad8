import { canonicalJson } from '../json/canonical-json.ts'
import { getKey, isJsonObject, type Json, type JsonObject, jsonObject } from '../json/json.ts'
import { groupOf } from '../model/kubernetes-object.ts'
import type { SecretMarkers } from './mask-secret.ts'

/** What kubectl and others put aside of a whole object, its values included. */
const COPIES_OF_OBJECTS = /(^|[/-])last-applied(-configuration)?$/
/** The members of a Secret that say nothing of its values. */
const OPEN_MEMBERS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'type', 'immutable'])

/**
 * A rendered object as people may see it (decision 17): every value of a Secret is a marker, wherever in the object the
 * Secret stands (a List, a template of another kind), and so is every annotation that holds a copy of an object. Equal
 * values have equal markers as long as the same `markers` are used, so a difference shows that a value changed and
 * nothing else.
 */
export function maskManifest(value: Json, markers: SecretMarkers): Json {
  if (Array.isArray(value)) return value.map(item => maskManifest(item as Json, markers))
  if (!isJsonObject(value)) return value
  const secret = isSecretJson(value)
  return jsonObject(
    Object.keys(value).map(key => {
      const member = getKey(value, key) ?? null
      if (secret && !OPEN_MEMBERS.has(key)) return [key, maskValues(member, key === 'data', markers)]
      if (key === 'annotations' && isJsonObject(member)) return [key, maskCopies(member, markers)]
      return [key, maskManifest(member, markers)]
    }),
  )
}

/** Loose on purpose: what an API server may take for a Secret is treated as one. */
function isSecretJson(value: JsonObject): boolean {
  const { apiVersion, kind } = value
  return kind === 'Secret' && (typeof apiVersion !== 'string' || groupOf(apiVersion) === '')
}

function maskCopies(annotations: JsonObject, markers: SecretMarkers): JsonObject {
  return jsonObject(
    Object.keys(annotations).map(name => {
      const text = getKey(annotations, name) ?? null
      return [name, COPIES_OF_OBJECTS.test(name) ? markerOf(text, false, markers) : text]
    }),
  )
}

function maskValues(value: Json, encoded: boolean, markers: SecretMarkers): Json {
  if (!isJsonObject(value)) return markerOf(value, encoded, markers)
  return jsonObject(Object.keys(value).map(name => [name, markerOf(getKey(value, name) ?? null, encoded, markers)]))
}

/** `data` holds what `stringData` says, encoded: decoded alike, so that equal values get equal markers. */
function markerOf(value: Json, encoded: boolean, markers: SecretMarkers): string {
  if (typeof value !== 'string') return markers.markerOf(canonicalJson(value))
  return markers.markerOf(Buffer.from(value, encoded ? 'base64' : 'utf8').toString('latin1'))
}
