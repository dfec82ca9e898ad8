import { cloneJson, isJsonObject, type JsonObject, jsonObject, type MutableJsonObject } from '../json/json.ts'
import { groupOf, type KubernetesObject } from '../model/kubernetes-object.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * Markers for values: equal values get equal markers, whatever their length, so that a reader sees that something
 * changed and nothing more. Use one for all objects that are shown side by side, and no longer.
 */
export class SecretMarkers {
  readonly #markers = new Map<string, string>()

  markerOf(value: string): string {
    const known = this.#markers.get(value)
    if (known !== undefined) return known
    const marker = `masked-${this.#markers.size + 1}`
    this.#markers.set(value, marker)
    return marker
  }
}

export function isSecret(object: Pick<KubernetesObject, 'apiVersion' | 'kind'>): boolean {
  return object.kind === 'Secret' && groupOf(object.apiVersion) === ''
}

/**
 * A Secret as it may leave the agent: the values of `data` and `stringData` replaced by markers, the last-applied
 * annotation masked and managedFields left out. Every other object is returned as it is.
 */
export function maskSecret(object: KubernetesObject, markers: SecretMarkers): KubernetesObject {
  if (!isSecret(object)) return object
  const { managedFields: _, annotations, ...metadata } = object.metadata
  const shown: MutableJsonObject = { ...cloneJson(metadata) }
  if (annotations) {
    shown['annotations'] = jsonObject(
      Object.entries(annotations).map(([name, value]) => [
        name,
        name === LAST_APPLIED ? markers.markerOf(value) : value,
      ]),
    )
  }
  const masked: MutableJsonObject = { ...cloneJson(object), metadata: shown }
  // `data` holds what `stringData` says, encoded: decoded alike, so that equal values get equal markers.
  if (object['data'] !== undefined) masked['data'] = maskValues(object['data'], markers, decode)
  if (object['stringData'] !== undefined) masked['stringData'] = maskValues(object['stringData'], markers, toBytes)
  return masked as unknown as KubernetesObject
}

function maskValues(values: unknown, markers: SecretMarkers, read: (text: string) => string): JsonObject | string {
  if (!isJsonObject(values)) return markers.markerOf(String(values))
  return jsonObject(
    Object.entries(values).map(([name, value]) => {
      return [name, markers.markerOf(typeof value === 'string' ? read(value) : JSON.stringify(value ?? null))]
    }),
  )
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1')
}

function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
