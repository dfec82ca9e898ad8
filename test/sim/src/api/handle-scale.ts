import { isJsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { jsonPatch } from '../patches/json-patch.ts'
import { mergePatch } from '../patches/merge-patch.ts'
import { badRequest, methodNotAllowed, notFound } from './api-error.ts'
import { type Handling, type ResourceTarget, verbOf, writeOptionsOf } from './handle-resource.ts'
import { applyObject, isApply } from './patch-object.ts'
import { asVersion } from './present.ts'
import { fieldValidationOf, parseBody } from './read-body.ts'
import { type ApiResponse, jsonText, ok } from './response.ts'
import { scaleConfig, scaleOf, withScale } from './scale-subresource.ts'
import { updateObject } from './write-object.ts'

/** GET, PUT and PATCH of a workload's `scale`. */
export function handleScale(handling: Handling, target: ResourceTarget, name: string): ApiResponse {
  const { core, request } = handling
  const { type, namespace } = target
  const live = core.store.get(type.storageKey, namespace, name)
  if (!live) throw notFound(type, name)
  const object = asVersion(type, live)
  const scale = scaleOf(object, type.scale!)
  if (request.method === 'GET') return ok(scale)
  if (request.method !== 'PUT' && request.method !== 'PATCH') throw methodNotAllowed(type, verbOf(request, target))
  const options = writeOptionsOf(request, 'scale')
  if (isApply(request)) {
    const applied = applyScale(handling, target, name)
    return ok(scaleOf(asVersion(type, applied), type.scale!))
  }
  const body = parseBody(request).value
  const isJsonPatch = (request.headers['content-type'] ?? '').startsWith('application/json-patch+json')
  const wanted = request.method === 'PUT' ? body : isJsonPatch ? jsonPatch(scale, body) : mergePatch(scale, body)
  if (!isJsonObject(wanted)) throw badRequest('a Scale is an object')
  const updated = updateObject(core, type, live, withScale(type, object, wanted), options)
  return ok(scaleOf(asVersion(type, updated), type.scale!))
}

/** An apply to the scale owns the replicas of the main resource, as an entry of its own. */
function applyScale(handling: Handling, { type, namespace }: ResourceTarget, name: string): KubernetesObject {
  const { core, request, warnings } = handling
  const scale = parseBody(request, true).value
  if (!isJsonObject(scale)) throw badRequest('a Scale is an object')
  const body = jsonText(scaleConfig(type, name, scale))
  const options = writeOptionsOf(request, 'scale')
  const target = { type, namespace, name, options, validation: fieldValidationOf(request), warnings }
  return applyObject(core, { ...request, body }, target).object
}
