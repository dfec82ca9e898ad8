import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { checkTyped } from '../fields/check-typed.ts'
import { ApplyConflict, apply, type Conflict } from '../fields/field-manager.ts'
import { at } from '../objects/drafts.ts'
import { newReport } from '../objects/read-object.ts'
import { settleObject } from '../objects/read-stored.ts'
import { JsonPatchError, jsonPatch } from '../patches/json-patch.ts'
import { mergePatch } from '../patches/merge-patch.ts'
import { StrategicMergeError, strategicMerge } from '../patches/strategic-merge.ts'
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts'
import {
  ApiError,
  applyConflict,
  badRequest,
  conflict,
  internal,
  invalid,
  invalidObject,
  MODIFIED,
  notFound,
  required,
} from './api-error.ts'
import type { Core } from './core.ts'
import { asVersion } from './present.ts'
import { cannotHandle, type FieldValidation, parseBody, refuseReport, unsupportedMediaType } from './read-body.ts'
import { type ApiRequest, flag } from './request.ts'
import { createObject, updateObject, type WriteOptions, writerOf } from './write-object.ts'

const APPLY = ['application/apply-patch+yaml', 'application/apply-patch+cbor']

export interface Patched {
  readonly object: KubernetesObject
  readonly created: boolean
}

export interface PatchTarget {
  readonly type: ResourceType
  readonly namespace: string
  readonly name: string
  readonly options: WriteOptions
  readonly validation: FieldValidation
  readonly warnings: string[]
}

export function isApply(request: ApiRequest): boolean {
  return APPLY.includes(contentType(request))
}

function contentType(request: ApiRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

export function patchObject(core: Core, request: ApiRequest, target: PatchTarget): Patched {
  if (isApply(request)) return applyObject(core, request, target)
  const { type, namespace, name, options } = target
  if (request.query.has('force')) {
    const detail = {
      field: 'force',
      reason: 'FieldValueForbidden' as const,
      message: 'Forbidden: may not be specified for non-apply patch',
    }
    throw invalidObject({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [detail])
  }
  const live = core.store.get(type.storageKey, namespace, name)
  const patch = parseBody(request)
  if (!live) throw notFound(type, name)
  const patched = patchedJson(request, target, asVersion(type, live), patch.value)
  if (!isJsonObject(patched)) throw badRequest(cannotHandle(type, 'the patched value is not an object'))
  checkIdentity(target, patched)
  checkUid(target, live, patched)
  const report = newReport()
  const object = settleObject(type, patched, report)
  refusePatchReport(target, report, patch.value, patch.duplicates)
  return { object: updateObject(core, type, live, object, options), created: false }
}

function refusePatchReport(
  target: PatchTarget,
  report: ReturnType<typeof newReport>,
  patch: Json,
  duplicates: readonly string[],
): void {
  const { type, validation, warnings } = target
  try {
    refuseReport(type, report, duplicates, validation, warnings)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const reason =
      report.wrong.length > 0
        ? error.message
        : error.message.replace(/^.*?strict decoding error/, 'strict decoding error')
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(patch))}: ${reason}`
    throw invalidObject({ group: '', kind: '' }, '', [{ field: 'patch', reason: 'FieldValueInvalid', message }])
  }
}

function patchedJson(request: ApiRequest, target: PatchTarget, live: KubernetesObject, patch: Json): Json {
  const { type } = target
  const kind = contentType(request)
  try {
    switch (kind) {
      case 'application/json-patch+json':
        return jsonPatch(live, patch)
      case 'application/merge-patch+json':
        if (!isJsonObject(patch)) throw badRequest('the merge patch is not an object')
        return mergePatch(live, patch)
      case 'application/strategic-merge-patch+json':
        if (type.custom) break
        if (!isJsonObject(patch)) throw badRequest('the strategic merge patch is not an object')
        return strategicMerge(type.schema, live, patch)
    }
  } catch (error) {
    if (error instanceof JsonPatchError && error.malformed) throw badRequest(error.message)
    if (error instanceof JsonPatchError) {
      const message = 'the server rejected our request due to an error in our request'
      throw new ApiError(422, 'Invalid', message, {})
    }
    if (error instanceof StrategicMergeError) throw badRequest(error.message)
    throw error
  }
  const accepted = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']
  throw unsupportedMediaType(kind, type.custom ? accepted : [...accepted, 'application/strategic-merge-patch+json'])
}

function checkIdentity(target: PatchTarget, patched: JsonObject): void {
  const { type, name } = target
  const metadata = isJsonObject(patched['metadata']) ? patched['metadata'] : {}
  if (metadata['name'] !== name) {
    const detail = `the name of the object (${String(metadata['name'] ?? '')}) does not match the name on the URL (${name})`
    throw badRequest(detail)
  }
  if (patched['kind'] !== type.kind || patched['apiVersion'] !== apiVersionOf(type)) {
    throw badRequest('the patch changes the kind or version of the object')
  }
}

/** A PUT names a precondition with its uid; a patch would change a field that does not change. */
function checkUid({ type, name }: PatchTarget, live: KubernetesObject, patched: JsonObject): void {
  const uid = at(patched, 'metadata', 'uid')
  if (uid === undefined || uid === '' || uid === live.metadata.uid) return
  throw invalidObject(type, name, [invalid('metadata.uid', uid, 'field is immutable')])
}

export function applyObject(core: Core, request: ApiRequest, target: PatchTarget): Patched {
  const { type, namespace, name, options, validation } = target
  if (options.manager === '' || !request.query.get('fieldManager')) {
    throw invalidObject({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      required('fieldManager', 'is required for apply patch'),
    ])
  }
  const body = parseBody(request, true)
  if (!isJsonObject(body.value)) throw badRequest('error decoding YAML: the configuration is not an object')
  if (validation === 'Strict' && body.duplicates.length > 0) {
    throw badRequest(`error strict decoding YAML: duplicate field ${JSON.stringify(body.duplicates[0])}`)
  }
  const config = checkConfig(target, body.value)
  const live = core.store.get(type.storageKey, namespace, name)
  if (!live) {
    if (options.subresource !== '') throw notFound(type, name)
    const uid = config.metadata.uid
    if (uid !== undefined && uid !== '') {
      throw conflict(
        type,
        name,
        `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
      )
    }
    const given = applyTo(core, undefined, target, config, false)
    return { object: createObject(core, type, given, options, true), created: true }
  }
  checkUid(target, live, config)
  const wanted = config.metadata.resourceVersion
  if (wanted !== undefined && wanted !== '' && wanted !== live.metadata.resourceVersion)
    throw conflict(type, name, MODIFIED)
  const next = applyTo(core, asVersion(type, live), target, config, flag(request.query, 'force'))
  return { object: updateObject(core, type, live, withIdentity(next, live), options, true), created: false }
}

/** The merge carries the live metadata; what the configuration says of it was checked before. */
function withIdentity(next: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const { uid, resourceVersion } = live.metadata
  const given = next.metadata.uid
  return { ...next, metadata: { ...next.metadata, uid: given ?? uid ?? '', resourceVersion: resourceVersion ?? '' } }
}

function checkConfig(target: PatchTarget, value: JsonObject): KubernetesObject {
  const { type, namespace, name } = target
  const { apiVersion, kind } = value
  if (apiVersion !== apiVersionOf(type) || kind !== type.kind) {
    if (kind === undefined || kind === '' || apiVersion === undefined) {
      throw badRequest(`invalid object type: ${String(apiVersion ?? '')}, Kind=${String(kind ?? '')}`)
    }
    throw badRequest(`invalid object type: ${String(apiVersion)}, Kind=${String(kind)}`)
  }
  const metadata = isJsonObject(value['metadata']) ? value['metadata'] : {}
  if (metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) {
    throw badRequest('metadata.managedFields must be nil')
  }
  const errors = checkTyped(type.schema, value)
  if (errors.length > 0) {
    const subject = `${namespace}/${name}; ${apiVersionOf(type)}, Kind=${type.kind}`
    const text = errors.length === 1 ? errors[0]! : ['errors:', ...errors.map(error => `  ${error}`)].join('\n')
    throw internal(`failed to create typed patch object (${subject}): ${text}`)
  }
  const named = metadata['name'] ?? ''
  if (named !== name) {
    throw badRequest(`the name of the object (${String(named)}) does not match the name on the URL (${name})`)
  }
  const spaced = metadata['namespace']
  if (spaced !== undefined && spaced !== '' && spaced !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`)
  }
  return { ...value, metadata: { ...metadata, name, ...(namespace === '' ? {} : { namespace }) } } as KubernetesObject
}

function applyTo(
  core: Core,
  live: KubernetesObject | undefined,
  target: PatchTarget,
  config: KubernetesObject,
  force: boolean,
): KubernetesObject {
  try {
    return apply(live, config, force, writerOf(core, target.type, target.options))
  } catch (error) {
    if (!(error instanceof ApplyConflict)) throw error
    const causes = error.conflicts.map(each => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${managerText(each)}`,
      field: each.path,
    }))
    throw applyConflict(causes, conflictMessage(error.conflicts))
  }
}

function managerText({ entry }: Conflict): string {
  const subresource = entry.subresource === '' ? '' : ` with subresource ${JSON.stringify(entry.subresource)}`
  const using = entry.operation === 'Update' ? ` using ${entry.apiVersion}` : ''
  return `${JSON.stringify(entry.manager)}${subresource}${using}`
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  if (conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${managerText(conflicts[0]!)}: ${conflicts[0]!.path}`
  }
  const byManager = new Map<string, string[]>()
  for (const each of conflicts) {
    const manager = managerText(each)
    const paths = byManager.get(manager)
    if (paths) paths.push(each.path)
    else byManager.set(manager, [each.path])
  }
  const lines = [...byManager.keys()]
    .sort()
    .flatMap(manager => [`conflicts with ${manager}:`, ...byManager.get(manager)!.map(path => `- ${path}`)])
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}
