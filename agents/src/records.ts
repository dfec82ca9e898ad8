import { sha256 } from '@flotilla/core/json/canonical-json'
import type { KubernetesObject, ObjectKey } from '@flotilla/core/model/kubernetes-object'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'

/** Where the agent keeps what has to outlive it, unless the settings name another namespace. */
export const SYSTEM_NAMESPACE = 'flotilla-system'

/** What a record is: `inventory`, `operation`, `status`. Never the label of an Application's own objects. */
export const RECORD_LABEL = 'flotilla.dev/record'
/** The Application that a record is about, by id. */
export const RECORD_OF_LABEL = 'flotilla.dev/record-of'
/** Its own manager: the agent's records are no objects of an Application. */
export const RECORD_MANAGER = 'flotilla-agent'

export function recordKey(namespace: string, name: string): ObjectKey {
  return { group: '', kind: 'ConfigMap', namespace, name }
}

/** A name that Kubernetes takes, whatever the id looks like; different ids never share one. */
export function recordName(prefix: string, id: string): string {
  const plain = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(id)
  return `${prefix}-${plain ? id : sha256(id).slice('sha256:'.length, 'sha256:'.length + 40)}`
}

export function labelValue(id: string): string {
  return /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(id)
    ? id
    : sha256(id).slice('sha256:'.length).slice(0, 40)
}

/** Makes sure that the agent's namespace is there. */
export async function ensureNamespace(client: KubernetesClient, namespace: string): Promise<void> {
  const key: ObjectKey = { group: '', kind: 'Namespace', namespace: '', name: namespace }
  try {
    if (await client.get(key)) return
  } catch (error) {
    // An agent that may not read namespaces may still write records in its own.
    if (isKubernetesError(error, 'FORBIDDEN')) return
    throw error
  }
  const object: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
  try {
    await client.create(object)
  } catch (error) {
    if (!isKubernetesError(error, 'ALREADY_EXISTS')) throw error
  }
}
