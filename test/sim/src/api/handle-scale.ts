import { isJsonObject } from '@flotilla/core/json/json'
import { jsonPatch } from '../patches/json-patch.ts'
import { mergePatch } from '../patches/merge-patch.ts'
import { badRequest, methodNotAllowed, notFound } from './api-error.ts'
import { type Handling, type ResourceTarget, verbOf, writeOptionsOf } from './handle-resource.ts'
import { isApply } from './patch-object.ts'
import { asVersion } from './present.ts'
import { parseBody } from './read-body.ts'
import { type ApiResponse, ok } from './response.ts'
import { scaleOf, withScale } from './scale-subresource.ts'
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
  const body = parseBody(request, isApply(request)).value
  const isJsonPatch = (request.headers['content-type'] ?? '').startsWith('application/json-patch+json')
  const wanted = request.method === 'PUT' ? body : isJsonPatch ? jsonPatch(scale, body) : mergePatch(scale, body)
  if (!isJsonObject(wanted)) throw badRequest('a Scale is an object')
  const updated = updateObject(core, type, live, withScale(type, object, wanted), options)
  return ok(scaleOf(asVersion(type, updated), type.scale!))
}
