import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { forbidden, notFound } from './api-error.ts'
import type { Core } from './core.ts'

/** Namespaces that no one may delete. */
export const IMMORTAL_NAMESPACES = ['default', 'kube-system', 'kube-public']

const NAMESPACES = { group: '', plural: 'namespaces' }

/** Whether an object may come to be: its namespace is there and not on its way out. @throws ApiError 403 or 404 */
export function admitCreate(core: Core, type: ResourceType, object: KubernetesObject): void {
  if (!type.namespaced) return
  const name = object.metadata.namespace ?? ''
  const namespace = core.store.get('/namespaces', '', name)
  if (!namespace) throw notFound(NAMESPACES, name)
  if (isTerminating(namespace) || at(namespace, 'status', 'phase') === 'Terminating') {
    const detail = `unable to create new content in namespace ${name} because it is being terminated`
    const message = `namespace ${name} is being terminated`
    throw forbidden(type, object.metadata.name ?? '', detail, [
      { reason: 'NamespaceTerminating', message, field: 'metadata.namespace' },
    ])
  }
}
