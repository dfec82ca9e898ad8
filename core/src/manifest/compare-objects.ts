import { canonicalJson } from '../json/canonical-json.ts'
import { groupOf, type KubernetesObject } from '../model/kubernetes-object.ts'

/**
 * The canonical order of a Bundle: group, kind, namespace, name, by UTF-16 code unit. Objects that share all four (two
 * with a `generateName`, say) are ordered by version and content, so that the order never depends on which file came
 * first. This is the order of bytes and of printing; the order of applying is the planner's.
 */
export function compareObjects(a: KubernetesObject, b: KubernetesObject): number {
  return (
    compareText(groupOf(a.apiVersion), groupOf(b.apiVersion)) ||
    compareText(a.kind, b.kind) ||
    compareText(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
    compareText(a.metadata.name ?? '', b.metadata.name ?? '') ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(canonicalJson(a), canonicalJson(b))
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
