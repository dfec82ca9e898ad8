import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Core } from '../api/core.ts'
import { deleteStored } from '../api/delete-objects.ts'
import { updateObject } from '../api/write-object.ts'
import { isTerminating } from '../objects/prepare.ts'
import { type Controller, splitKey } from './controller.ts'
import { ControllerApi, withCondition } from './controller-api.ts'

const NAMESPACES = '/namespaces'
const ROOT_CERTIFICATE = 'kube-root-ca.crt'
/** No authority stands behind a simulated cluster; clients that look for the entry find one. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${Buffer.from('a simulated cluster has no certificate authority').toString('base64')}\n-----END CERTIFICATE-----\n`

/** Gives a namespace what every namespace has; empties it when it is deleted, then lets it go. */
export function namespaceController(core: Core): Controller {
  const api = new ControllerApi(core)
  return {
    name: 'namespace',
    keysOf: event => {
      const name = event.storageKey === NAMESPACES ? event.object.metadata.name : event.object.metadata.namespace
      if (name === undefined) return []
      if (event.storageKey === NAMESPACES) return event.kind === 'deleted' ? [] : [`/${name}`]
      // What was deleted may have been the last, or one that every namespace has.
      return event.kind === 'deleted' ? [`/${name}`] : []
    },
    reconcile(key) {
      const namespace = core.store.get(NAMESPACES, '', splitKey(key).name)
      if (!namespace) return undefined
      if (isTerminating(namespace)) empty(core, namespace)
      else furnish(api, namespace.metadata.name ?? '')
      return undefined
    },
  }
}

function furnish(api: ControllerApi, namespace: string): void {
  if (!api.get('', 'serviceaccounts', namespace, 'default')) {
    api.create('', 'ServiceAccount', { metadata: { name: 'default', namespace } })
  }
  if (!api.get('', 'configmaps', namespace, ROOT_CERTIFICATE)) {
    const metadata = { name: ROOT_CERTIFICATE, namespace }
    api.create('', 'ConfigMap', { metadata, data: { 'ca.crt': CERTIFICATE } }, 'root-ca-certificate-publisher')
  }
}

function empty(core: Core, namespace: KubernetesObject): void {
  const name = namespace.metadata.name ?? ''
  for (const storageKey of core.store.storageKeys()) {
    const type = core.registry.findStorage(storageKey)
    if (!type?.namespaced) continue
    for (const object of core.store.list(storageKey, name)) {
      const current = core.store.get(storageKey, name, object.metadata.name ?? '')
      if (current && !isTerminating(current)) deleteStored(core, type, current, 0, 'Background')
    }
  }
  const left = core.store.storageKeys().reduce((sum, storageKey) => sum + namespaced(core, storageKey, name), 0)
  const type = core.registry.findKind('', 'Namespace')!
  const live = core.store.get(NAMESPACES, '', name)
  if (!live) return
  if (left > 0) {
    writeConditions(core, live, left)
    return
  }
  const finalizers = ((live['spec'] as JsonObject)['finalizers'] ?? []) as readonly string[]
  const rest = finalizers.filter(each => each !== 'kubernetes')
  const options = { manager: 'kube-controller-manager', dryRun: false, subresource: 'finalize' } as const
  updateObject(core, type, live, { ...live, spec: { finalizers: rest } }, options)
}

function namespaced(core: Core, storageKey: string, name: string): number {
  return core.registry.findStorage(storageKey)?.namespaced ? core.store.list(storageKey, name).length : 0
}

function writeConditions(core: Core, namespace: KubernetesObject, left: number): void {
  const type = core.registry.findKind('', 'Namespace')!
  const status = namespace['status'] as JsonObject
  const before = (status['conditions'] ?? []) as readonly JsonObject[]
  const message = `Some content in the namespace has finalizers remaining: ${left} resource instances`
  const condition = { type: 'NamespaceContentRemaining', status: 'True', reason: 'SomeResourcesRemain', message }
  const conditions = withCondition(before, condition, core.now())
  if (conditions === before) return
  const options = { manager: 'kube-controller-manager', dryRun: false, subresource: 'status' } as const
  updateObject(core, type, namespace, { ...namespace, status: { ...status, conditions } }, options)
}
