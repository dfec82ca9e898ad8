import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at } from '../objects/drafts.ts'
import { apiVersionOf, type ResourceType, type ScalePaths } from '../resources/resource-type.ts'
import { invalid, invalidObject } from './api-error.ts'

/** A workload's numbers as `autoscaling/v1 Scale`. */
export function scaleOf(object: KubernetesObject, paths: ScalePaths): KubernetesObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = paths.selector === undefined ? nativeSelector(object) : read(object, paths.selector)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: withoutZero('replicas', read(object, paths.spec)),
    status: {
      replicas: Number(read(object, paths.status) ?? 0),
      ...(typeof selector === 'string' && selector !== '' ? { selector } : {}),
    },
  }
}

function withoutZero(key: string, value: Json | undefined): JsonObject {
  return typeof value === 'number' && value !== 0 ? { [key]: value } : {}
}

/** The object with the scale's replica count. @throws ApiError 422 for a negative one */
export function withScale(type: ResourceType, object: KubernetesObject, scale: JsonObject): KubernetesObject {
  const replicas = at(scale, 'spec', 'replicas') ?? 0
  const metadata = isJsonObject(scale['metadata']) ? scale['metadata'] : {}
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const detail = invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalidObject({ group: 'autoscaling', kind: 'Scale' }, object.metadata.name ?? '', [detail])
  }
  const path = type.scale!.spec.split('.').filter(part => part !== '')
  const changed = writeAt(object, path, replicas) as KubernetesObject
  const wanted = metadata['resourceVersion']
  const resourceVersion = typeof wanted === 'string' && wanted !== '' ? wanted : (object.metadata.resourceVersion ?? '')
  return { ...changed, metadata: { ...object.metadata, resourceVersion } }
}

/** A Scale as a configuration of the main resource. */
export function scaleConfig(type: ResourceType, name: string, scale: JsonObject): JsonObject {
  const path = type.scale!.spec.split('.').filter(part => part !== '')
  const bare = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { name } }
  const replicas = at(scale, 'spec', 'replicas')
  return replicas === undefined ? bare : (writeAt(bare, path, replicas) as JsonObject)
}

function read(object: KubernetesObject, path: string): Json | undefined {
  return at(object, ...path.split('.').filter(part => part !== ''))
}

function writeAt(value: Json | undefined, path: readonly string[], leaf: Json): Json {
  if (path.length === 0) return leaf
  const [key, ...rest] = path
  const object = isJsonObject(value) ? value : {}
  return { ...object, [key!]: writeAt(object[key!], rest, leaf) }
}

function nativeSelector(object: KubernetesObject): string {
  const selector = at(object, 'spec', 'selector')
  const labels = at(selector, 'matchLabels') ?? (object.kind === 'ReplicationController' ? selector : undefined)
  const parts = isJsonObject(labels)
    ? Object.keys(labels)
        .sort()
        .map(key => `${key}=${String(labels[key])}`)
    : []
  return parts.join(',')
}
