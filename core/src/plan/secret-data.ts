import { isSecret } from '../diff/mask-secret.ts'
import { isJsonObject, type MutableJsonObject, setKey } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'

/**
 * A Secret with its `stringData` in `data`, as the server stores it; every other object as it is.
 *
 * The server takes `stringData` and forgets it, so nobody owns what came of it: sent as it is, a changed value would be
 * no drift, and one that left Git would stay for ever. What is no map of strings is left for the server to refuse.
 */
export function withSecretData(object: KubernetesObject): KubernetesObject {
  const { stringData, data, ...rest } = object as KubernetesObject & { readonly stringData?: unknown }
  if (!isSecret(object) || !isJsonObject(stringData)) return object
  if (data !== undefined && data !== null && !isJsonObject(data)) return object
  const folded: MutableJsonObject = {}
  for (const [name, value] of Object.entries(data ?? {})) setKey(folded, name, value)
  for (const [name, value] of Object.entries(stringData)) {
    if (typeof value !== 'string') return object
    setKey(folded, name, Buffer.from(value, 'utf8').toString('base64'))
  }
  return { ...rest, data: folded }
}
