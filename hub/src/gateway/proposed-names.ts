import { isKubernetesName, isLabelKey, isLabelValue } from '@flotilla/config/schema/shapes'

/** A Cluster is named like a DNS label, as its documents are. */
export function isClusterName(name: string): boolean {
  return name.length <= 63 && isKubernetesName(name)
}

/** Labels that may stand on a Cluster; undefined where one of them may not. At most fifty. */
export function readLabels(labels: { readonly [key: string]: string }): { readonly [key: string]: string } | undefined {
  const entries = Object.entries(labels)
  const good = entries.length <= 50 && entries.every(([key, value]) => isLabelKey(key) && isLabelValue(value))
  return good ? Object.fromEntries(entries) : undefined
}
