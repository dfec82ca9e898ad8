import { keyOf, type ObjectKey } from '@flotilla/core/model/kubernetes-object'
import { APPLICATION_LABEL, trackedBy } from '@flotilla/core/plan/tracking'
import { forEachBounded } from './bounded.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'

const CONCURRENT_LISTS = 4

/**
 * Every object of the cluster that bears the marks of an Application, whatever its kind: one list a kind, of metadata
 * alone. Kinds that the agent may not list are none of its own.
 *
 * @throws KubernetesError
 */
export async function markedObjects(client: KubernetesClient, applicationId: string): Promise<readonly ObjectKey[]> {
  await client.discovery.load()
  const found: ObjectKey[] = []
  const options = { labelSelector: `${APPLICATION_LABEL}=${applicationId}`, metadataOnly: true }
  await forEachBounded(client.discovery.listable(), CONCURRENT_LISTS, async ({ group, kind }) => {
    try {
      for await (const { objects } of client.list(group, kind, options)) {
        for (const object of objects) if (trackedBy(object) === applicationId) found.push(keyOf(object))
      }
    } catch (error) {
      if (!isKubernetesError(error, 'FORBIDDEN', 'NOT_FOUND', 'UNSUPPORTED')) throw error
    }
  })
  return found
}
