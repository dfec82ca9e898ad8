import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at } from '../objects/drafts.ts'
import { type Controller, keyOf, splitKey } from './controller.ts'
import { type ControllerApi, conditionsOf, withCondition } from './controller-api.ts'

const SERVICES = 'apiregistration.k8s.io/apiservices'

/** APIServices: available when their Service is there; nothing is proxied to it. */
export function apiServiceController(api: ControllerApi): Controller {
  return {
    name: 'apiservice',
    keysOf: event => {
      if (event.storageKey === SERVICES) return [keyOf(event.object)]
      if (event.storageKey !== '/services') return []
      return api.core.store
        .list(SERVICES)
        .filter(each => pointsAt(each, event.object))
        .map(keyOf)
    },
    reconcile(key) {
      const registered = api.core.store.get(SERVICES, '', splitKey(key).name)
      if (registered) write(api, registered)
      return undefined
    },
  }
}

function pointsAt(registered: KubernetesObject, service: KubernetesObject): boolean {
  const reference = at(registered, 'spec', 'service')
  return at(reference, 'name') === service.metadata.name && at(reference, 'namespace') === service.metadata.namespace
}

function write(api: ControllerApi, registered: KubernetesObject): void {
  const reference = at(registered, 'spec', 'service')
  const [namespace, name] = [String(at(reference, 'namespace')), String(at(reference, 'name'))]
  const found = reference === undefined || reference === null || api.get('', 'services', namespace, name) !== undefined
  const local = { reason: 'Local', message: 'Local APIServices are always available' }
  const passed = { reason: 'Passed', message: 'all checks passed' }
  const missing = { reason: 'ServiceNotFound', message: `service/${name} in "${namespace}" is not present` }
  const detail = reference === undefined || reference === null ? local : found ? passed : missing
  const condition = { type: 'Available', status: found ? 'True' : 'False', ...detail }
  const conditions = withCondition(conditionsOf(registered), condition, api.core.now())
  api.updateStatus('apiregistration.k8s.io', 'APIService', registered, { conditions }, 'kube-apiserver')
}
