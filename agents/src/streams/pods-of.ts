import { isJsonObject } from '@flotilla/core/json/json'
import { listAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import { groupOf, type KubernetesObject, keyOf } from '@flotilla/core/model/kubernetes-object'
import type { KubernetesClient } from '../kubernetes/client.ts'

/** The objects between a workload and its Pods: what owns Pods, and is itself owned. */
const BETWEEN: Readonly<Record<string, { readonly group: string; readonly kind: string }>> = {
  'apps/Deployment': { group: 'apps', kind: 'ReplicaSet' },
  'batch/CronJob': { group: 'batch', kind: 'Job' },
  'argoproj.io/Rollout': { group: 'apps', kind: 'ReplicaSet' },
}
const DIRECT: ReadonlySet<string> = new Set(['apps/StatefulSet', 'apps/DaemonSet', 'apps/ReplicaSet', 'batch/Job'])

/** Whether Pods are found for objects of this kind. */
export function hasPods(group: string, kind: string): boolean {
  const name = `${group}/${kind}`
  return name === '/Pod' || name in BETWEEN || DIRECT.has(name)
}

/**
 * The Pods of a workload, by name: those that it owns, itself or through what stands between. Owners count, not labels:
 * another workload's Pods may carry the same ones.
 *
 * @throws KubernetesError
 */
export async function podsOf(
  client: KubernetesClient,
  workload: KubernetesObject,
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  const { group, kind, namespace } = keyOf(workload)
  if (group === '' && kind === 'Pod') return [workload]
  const labelSelector = selectorOf(workload)
  const where = { namespace, signal, ...(labelSelector !== '' && { labelSelector }) }
  const owners = new Set([workload.metadata.uid ?? ''])
  const between = BETWEEN[`${group}/${kind}`]
  if (between) {
    for await (const page of client.list(between.group, between.kind, { ...where, metadataOnly: true })) {
      for (const each of page.objects) if (isOwnedBy(each, owners)) owners.add(each.metadata.uid ?? '')
    }
  }
  const pods: KubernetesObject[] = []
  for await (const page of client.list('', 'Pod', where))
    pods.push(...page.objects.filter(pod => isOwnedBy(pod, owners)))
  return pods.sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
}

function isOwnedBy(object: KubernetesObject, owners: ReadonlySet<string>): boolean {
  return listAt(object, 'metadata', 'ownerReferences').some(owner => owners.has(textAt(owner, 'uid') || ' '))
}

/** `spec.selector` as a query has it; empty for what has none, or one that is not understood. */
function selectorOf(workload: KubernetesObject): string {
  const selector = objectAt(workload, 'spec', 'selector')
  const labels = objectAt(selector, 'matchLabels')
  const terms = Object.entries(isJsonObject(labels) ? labels : {}).map(([name, value]) => `${name}=${String(value)}`)
  return terms.join(',')
}

/** What is shown of an object that an event is about. */
export function involvedKey(event: KubernetesObject) {
  const involved = objectAt(event, 'involvedObject')
  return {
    group: groupOf(textAt(involved, 'apiVersion')),
    kind: textAt(involved, 'kind'),
    namespace: textAt(involved, 'namespace'),
    name: textAt(involved, 'name'),
  }
}
