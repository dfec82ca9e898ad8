import { textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { SyncAction } from '@flotilla/core/plan/sync-plan'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'

/**
 * Pending claims whose storage class binds them only once a Pod uses them (`WaitForFirstConsumer`), by key text. Whoever
 * may not read storage classes waits for them as for any other.
 *
 * @throws KubernetesError while the cluster is away.
 */
export async function lateClaims(
  client: KubernetesClient,
  actions: readonly SyncAction[],
  live: ReadonlyMap<string, KubernetesObject>,
): Promise<ReadonlySet<string>> {
  const byClass = new Map<string, string[]>()
  for (const { key } of actions) {
    if (key.group !== '' || key.kind !== 'PersistentVolumeClaim') continue
    const name = objectKeyText(key)
    const claim = live.get(name)
    const storageClass = textAt(claim, 'spec', 'storageClassName')
    if (storageClass === '' || textAt(claim, 'status', 'phase') !== 'Pending') continue
    byClass.set(storageClass, [...(byClass.get(storageClass) ?? []), name])
  }
  const late = new Set<string>()
  for (const [name, claims] of byClass) {
    if (await bindsLate(client, name)) for (const claim of claims) late.add(claim)
  }
  return late
}

async function bindsLate(client: KubernetesClient, name: string): Promise<boolean> {
  try {
    const found = await client.get({ group: 'storage.k8s.io', kind: 'StorageClass', namespace: '', name })
    return textAt(found, 'volumeBindingMode') === 'WaitForFirstConsumer'
  } catch (error) {
    if (isKubernetesError(error, 'FORBIDDEN', 'KIND_UNKNOWN')) return false
    throw error
  }
}
