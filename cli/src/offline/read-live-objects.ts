import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { compareDiagnostics, type Diagnostic, type Position } from '@flotilla/core/model/diagnostic'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'

/**
 * Live objects as kubectl prints them: documents one after the other, or a List of them. What is no object is a
 * diagnostic; the others are read all the same.
 */
export function readLiveObjects(
  text: string,
  file: string,
  maxBytes: number,
): { readonly objects: readonly KubernetesObject[]; readonly diagnostics: readonly Diagnostic[] } {
  const { documents, diagnostics: broken } = parseYamlDocuments(text, { file, maxBytes })
  const objects: KubernetesObject[] = []
  const diagnostics: Diagnostic[] = [...broken]
  const take = (value: Json, position: () => Position) => {
    if (isObject(value)) {
      objects.push({ ...value, metadata: isJsonObject(value['metadata']) ? value['metadata'] : {} })
    } else {
      const message = 'this is no Kubernetes object: it has no apiVersion and kind'
      diagnostics.push({ ...position(), severity: 'error', code: 'NOT_AN_OBJECT', message })
    }
  }
  for (const document of documents) {
    const { value } = document
    if (isObject(value) && value.kind.endsWith('List') && Array.isArray(value['items'])) {
      listAt(value, 'items').forEach((item, index) => {
        take(item, () => document.positionOf(['items', index]))
      })
    } else {
      take(value, () => document.positionOf([]))
    }
  }
  return { objects, diagnostics: diagnostics.sort(compareDiagnostics) }
}

function isObject(value: Json): value is KubernetesObject {
  return textAt(value, 'apiVersion') !== '' && textAt(value, 'kind') !== ''
}
