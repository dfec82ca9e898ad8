import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { createdByUpdate } from '../objects/kind-rules.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { badRequest, invalid, invalidObject, methodNotAllowed, noSuchPath, notFound } from './api-error.ts'
import type { Core } from './core.ts'
import { deleteCollection, deleteObject } from './delete-objects.ts'
import { handlePodLog } from './handle-pod-log.ts'
import { handleScale } from './handle-scale.ts'
import { listObjects } from './list-objects.ts'
import { isApply, patchObject } from './patch-object.ts'
import { formOf, presentObject } from './present.ts'
import { fieldValidationOf, parseBody, readTyped } from './read-body.ts'
import { type ApiRequest, flag, isDryRun, OPTIONS_KIND } from './request.ts'
import { type ApiResponse, ok } from './response.ts'
import { type OpenWatch, watchObjects } from './watch-objects.ts'
import { createObject, updateObject, type WriteOptions } from './write-object.ts'

/** What a resource path points at. */
export interface ResourceTarget {
  readonly type: ResourceType
  readonly namespace: string
  readonly name: string | undefined
  readonly subresource: string
}

export interface Handling {
  readonly core: Core
  readonly request: ApiRequest
  readonly warnings: string[]
  readonly watches: Set<OpenWatch>
}

const ENDPOINTS_DEPRECATED = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'

/** The verb that authorisation and logs speak of. */
export function verbOf(request: ApiRequest, target: ResourceTarget): string {
  const named = target.name !== undefined
  switch (request.method) {
    case 'GET':
      return flag(request.query, 'watch') ? 'watch' : named ? 'get' : 'list'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return named ? 'delete' : 'deletecollection'
  }
}

export function handleResource(handling: Handling, target: ResourceTarget): ApiResponse {
  const { core, request } = handling
  const { type, namespace, name, subresource } = target
  if (subresource === 'scale' && type.scale && name !== undefined) return handleScale(handling, target, name)
  if (subresource === 'log' && type.group === '' && type.kind === 'Pod' && name !== undefined) {
    return handlePodLog(handling, target, name)
  }
  const allowed = subresource === '' || (subresource === 'status' && type.hasStatus) || isFinalize(target)
  if (!allowed) throw noSuchPath()
  const form = formOf(request)
  if (type.group === '' && type.kind === 'Endpoints') handling.warnings.push(ENDPOINTS_DEPRECATED)
  if (request.method === 'GET') {
    if (subresource === '' && (name === undefined || flag(request.query, 'watch'))) {
      if (flag(request.query, 'watch'))
        return watchObjects(core, request, type, namespace, name, form, handling.watches)
      return listObjects(core, request, type, namespace, form)
    }
    const found = core.store.get(type.storageKey, namespace, name!)
    if (!found) throw notFound(type, name!)
    return ok(presentObject(form, type, found, core.clock.now()))
  }
  if (request.method === 'DELETE' && subresource === '') {
    if (!type.verbs.includes(verbOf(request, target))) throw methodNotAllowed(type, verbOf(request, target))
    return name === undefined
      ? deleteCollection(core, request, type, namespace, form)
      : deleteObject(core, request, type, namespace, name, form)
  }
  if (name === undefined && request.method !== 'POST') throw methodNotAllowed(type, verbOf(request, target))
  if (name !== undefined && (request.method === 'POST' || request.method === 'DELETE'))
    throw methodNotAllowed(type, verbOf(request, target))
  const written = write(handling, target)
  return ok(presentObject(form, type, written.object, core.clock.now()), written.created ? 201 : 200)
}

function isFinalize({ type, subresource }: ResourceTarget): boolean {
  return subresource === 'finalize' && type.group === '' && type.plural === 'namespaces'
}

export function writeOptionsOf(request: ApiRequest, subresource: string): WriteOptions {
  const manager = request.query.get('fieldManager') ?? ''
  if (manager.length > 128) {
    throw invalidObject(OPTIONS_KIND, '', [invalid('fieldManager', manager, 'may not be more than 128 bytes')])
  }
  return {
    manager: request.query.get('fieldManager') || managerFromAgent(request),
    dryRun: isDryRun(request.query.getAll('dryRun')),
    subresource: subresource as WriteOptions['subresource'],
  }
}

/** `kubectl/v1.36 (linux)` → `kubectl` */
function managerFromAgent(request: ApiRequest): string {
  const agent = (request.headers['user-agent'] ?? '').split('/')[0] ?? ''
  return agent.replace(/[^\x20-\x7e]/g, '').slice(0, 128) || (isApply(request) ? '' : 'unknown')
}

function write(handling: Handling, target: ResourceTarget): { object: KubernetesObject; created: boolean } {
  const { core, request, warnings } = handling
  const { type, namespace, name, subresource } = target
  const options = writeOptionsOf(request, subresource)
  const validation = fieldValidationOf(request)
  if (request.method === 'PATCH')
    return patchObject(core, request, { type, namespace, name: name!, options, validation, warnings })
  const given = located(readTyped(type, parseBody(request), validation, warnings), target)
  if (request.method === 'POST') return { object: createObject(core, type, given, options), created: true }
  if ((given.metadata.name ?? '') === '') {
    throw badRequest(
      `the name of the object (${given.metadata.name ?? ''} based on URL) was undeterminable: name must be provided`,
    )
  }
  if (given.metadata.name !== name) {
    throw badRequest(`the name of the object (${given.metadata.name}) does not match the name on the URL (${name})`)
  }
  const live = core.store.get(type.storageKey, namespace, name!)
  if (live) return { object: updateObject(core, type, live, given, options), created: false }
  if (!createdByUpdate(type) || subresource !== '') throw notFound(type, name!)
  return { object: createObject(core, type, given, options), created: true }
}

/** Puts the object where the path says; a body that says otherwise is refused. */
function located(given: KubernetesObject, { type, namespace }: ResourceTarget): KubernetesObject {
  const { namespace: spoken, ...metadata } = given.metadata
  if (!type.namespaced) return { ...given, metadata }
  if (spoken !== undefined && spoken !== '' && spoken !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  return { ...given, metadata: { ...metadata, namespace } }
}
