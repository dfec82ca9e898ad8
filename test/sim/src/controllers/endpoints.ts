import type { Json, JsonObject } from '@flotilla/core/json/json'
import { equalJson } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, itemsOf, stringsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { type Controller, keyOf, splitKey } from './controller.ts'
import { type ControllerApi, controlledBy } from './controller-api.ts'
import { isActive, isReady } from './pods.ts'

const SERVICE_NAME = 'kubernetes.io/service-name'

/** EndpointSlices: one a Service with a selector, of the Pods behind it. */
export function endpointController(api: ControllerApi): Controller {
  return {
    name: 'endpoints',
    keysOf: event => {
      if (event.storageKey === '/services') return [keyOf(event.object)]
      if (event.storageKey !== '/pods') return []
      const labels = event.object.metadata.labels ?? {}
      return api
        .list('', 'services', event.object.metadata.namespace)
        .filter(service => selects(service, labels))
        .map(keyOf)
    },
    reconcile(key) {
      const { namespace, name } = splitKey(key)
      const service = api.get('', 'services', namespace, name)
      if (service && !isTerminating(service) && Object.keys(selectorOf(service)).length > 0) write(api, service)
      return undefined
    },
  }
}

function selectorOf(service: KubernetesObject): Readonly<Record<string, string>> {
  return stringsOf(at(service, 'spec', 'selector'))
}

function selects(service: KubernetesObject, labels: Readonly<Record<string, string>>): boolean {
  const selector = Object.entries(selectorOf(service))
  return selector.length > 0 && selector.every(([key, value]) => labels[key] === value)
}

function write(api: ControllerApi, service: KubernetesObject): void {
  const { namespace = '', name = '' } = service.metadata
  const pods = api
    .list('', 'pods', namespace)
    .filter(
      pod => isActive(pod) && at(pod, 'status', 'podIP') !== undefined && selects(service, pod.metadata.labels ?? {}),
    )
  const endpoints: Json = pods.map(pod => ({
    addresses: [String(at(pod, 'status', 'podIP'))],
    conditions: { ready: isReady(pod), serving: isReady(pod), terminating: false },
    nodeName: at(pod, 'spec', 'nodeName') ?? '',
    targetRef: { kind: 'Pod', namespace, name: pod.metadata.name ?? '', uid: pod.metadata.uid ?? '' },
  }))
  const ports = itemsOf(service['spec'] as JsonObject, 'ports').map(port => ({
    name: port['name'] ?? '',
    protocol: port['protocol'] ?? 'TCP',
    port: targetPort(port['targetPort'], pods[0]),
  }))
  const wanted = { addressType: 'IPv4', endpoints, ports }
  const slice = api.owned('discovery.k8s.io', 'endpointslices', service)[0]
  if (!slice) {
    const labels = { [SERVICE_NAME]: name, 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }
    const metadata = { generateName: `${name}-`, namespace, labels, ownerReferences: [controlledBy(service)] }
    api.create('discovery.k8s.io', 'EndpointSlice', { metadata, ...wanted })
    return
  }
  if (equalJson(slice['endpoints'], endpoints) && equalJson(slice['ports'], ports)) return
  api.update('discovery.k8s.io', 'EndpointSlice', slice, { ...slice, ...wanted })
}

/** A port by name is that of the Pod's container. */
function targetPort(target: Json | undefined, pod: KubernetesObject | undefined): number {
  if (typeof target === 'number') return target
  const containers = itemsOf(pod?.['spec'] as JsonObject | undefined, 'containers')
  const port = containers.flatMap(container => itemsOf(container, 'ports')).find(each => each['name'] === target)
  return Number(port?.['containerPort'] ?? 0)
}
