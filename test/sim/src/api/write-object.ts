import { equalJson, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject, ObjectMeta } from '@flotilla/core/model/kubernetes-object'
import { trackUpdate, type Writer } from '../fields/field-manager.ts'
import { EMPTY_FIELDS, type FieldSet, fieldSetOf } from '../fields/field-set.ts'
import { readManagers } from '../fields/managed-fields.ts'
import { kindName, replacedUnconditionally } from '../objects/kind-rules.ts'
import {
  asStored,
  isTerminating,
  prepareForCreate,
  prepareForStatusUpdate,
  prepareForUpdate,
} from '../objects/prepare.ts'
import { newReport } from '../objects/read-object.ts'
import { emptyOf, settleObject } from '../objects/read-stored.ts'
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts'
import { validateCreate, validateUpdate } from '../validation/validate.ts'
import { admitCreate } from './admit.ts'
import { type ApiError, alreadyExists, conflict, internal, invalid, invalidObject, MODIFIED } from './api-error.ts'
import type { Core } from './core.ts'
import { mutateByPolicies } from './mutating-policies.ts'

/** How a write is to be done, whatever its verb. */
export interface WriteOptions {
  readonly manager: string
  readonly dryRun: boolean
  /** Empty for the object itself. */
  readonly subresource: '' | 'status' | 'scale' | 'finalize'
}

/** Where in managedFields a write shows, and what it cannot own. */
export function writerOf(core: Core, type: ResourceType, options: WriteOptions): Writer {
  return {
    manager: options.manager === '' ? 'unknown' : options.manager,
    apiVersion: apiVersionOf(type),
    subresource: options.subresource,
    time: core.now(),
    schema: type.schema,
    resets: resetsOf(type, options.subresource),
    empty: emptyOf(type),
    settle: merged => {
      const report = { ...newReport(), keepsNulls: true }
      const object = settleObject(type, merged, report)
      if (report.wrong.length > 0) throw cannotConvert(type, object, report.wrong[0]!)
      return object
    },
  }
}

/** A merged configuration that is well formed and yet no value of its type: a time that is none, say. */
function cannotConvert(type: ResourceType, object: KubernetesObject, reason: string): ApiError {
  const kind = `${apiVersionOf(type)}, Kind=${type.kind}`
  const subject = `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}; ${kind}`
  return internal(
    `failed to convert new object (${subject}) to proper version: unable to convert unstructured object to ${kind}: ${reason}`,
  )
}

const STATUS_RESETS = fieldSetOf(['f:status'])
const NATIVE_SPEC_RESETS = fieldSetOf(['f:spec'], ['f:metadata', 'f:labels'])
const CUSTOM_SPEC_RESETS = fieldSetOf(['f:spec'], ['f:metadata'])

function resetsOf(type: ResourceType, subresource: WriteOptions['subresource']): FieldSet {
  if (subresource === 'status') return type.custom ? CUSTOM_SPEC_RESETS : NATIVE_SPEC_RESETS
  return type.hasStatus ? STATUS_RESETS : EMPTY_FIELDS
}

/** Makes a new object. `tracked` says that managedFields are already right (server-side apply). */
export function createObject(
  core: Core,
  type: ResourceType,
  given: KubernetesObject,
  options: WriteOptions,
  tracked = false,
): KubernetesObject {
  if (!tracked && (given.metadata.resourceVersion ?? '') !== '')
    throw internal('resourceVersion should not be set on objects to be created')
  const metadata = createdMetadata(core, given.metadata)
  let object: KubernetesObject = { ...given, metadata }
  const namespace = metadata.namespace ?? ''
  if (!tracked) object = trackUpdate(undefined, object, writerOf(core, type, options))
  object = { ...object, metadata: { ...object.metadata, uid: core.newUid(), creationTimestamp: core.now() } }
  admitCreate(core, type, object)
  object = mutateByPolicies(core, type, 'CREATE', object)
  object = prepareForCreate(core, type, object)
  const errors = validateCreate(type, object)
  if (errors.length > 0) throw invalidObject(type, metadata.name ?? '', errors)
  if (core.store.get(type.storageKey, namespace, metadata.name!)) throw alreadyExists(type, metadata.name!)
  if (options.dryRun) return object
  return core.store.put(type.storageKey, asStored(type, object))
}

function createdMetadata(core: Core, given: ObjectMeta): ObjectMeta {
  const {
    resourceVersion: _,
    uid: __,
    creationTimestamp: ___,
    deletionTimestamp: ____,
    deletionGracePeriodSeconds: _____,
    selfLink: ______,
    generation: _______,
    ...metadata
  } = given
  if ((metadata.name ?? '') === '' && metadata.generateName) {
    return { ...metadata, name: `${metadata.generateName.slice(0, 58)}${core.nameSuffix()}` }
  }
  return metadata
}

/**
 * Replaces `live` by `given`. Returns what is stored afterwards: `live` itself when nothing changed, so that a write
 * without effect costs no revision and wakes no watch.
 */
export function updateObject(
  core: Core,
  type: ResourceType,
  live: KubernetesObject,
  given: KubernetesObject,
  options: WriteOptions,
  tracked = false,
): KubernetesObject {
  const name = live.metadata.name ?? ''
  checkPreconditions(type, live, given, options)
  let next: KubernetesObject = { ...given, metadata: carriedMetadata(live.metadata, given.metadata) }
  if (!tracked) next = trackUpdate(live, next, writerOf(core, type, options))
  if (options.subresource === '') next = mutateByPolicies(core, type, 'UPDATE', next)
  next =
    options.subresource === 'status'
      ? prepareForStatusUpdate(type, live, next)
      : options.subresource === 'finalize'
        ? { ...next, status: live['status'] }
        : prepareForUpdate(core, type, live, next)
  const errors = validateUpdate(type, live, next, options.subresource)
  if (errors.length > 0) throw invalidObject(type, name, errors)
  if (isSameButTimes(live, asStored(type, next))) return live
  if (options.dryRun) return tracked ? asStored(type, next) : next
  if (isDone(type, next)) {
    core.store.remove(type.storageKey, next.metadata.namespace ?? '', name)
    return next
  }
  return core.store.put(type.storageKey, asStored(type, next))
}

/** Whether an object that is being deleted has nothing left that holds it. */
export function isDone(type: ResourceType, object: KubernetesObject): boolean {
  if (!isTerminating(object) || (object.metadata.finalizers ?? []).length > 0) return false
  if (kindName(type) === '/Namespace') {
    const finalizers = (object['spec'] as JsonObject | undefined)?.['finalizers']
    if (Array.isArray(finalizers) && finalizers.length > 0) return false
  }
  return Number(object.metadata['deletionGracePeriodSeconds'] ?? 0) === 0
}

function checkPreconditions(
  type: ResourceType,
  live: KubernetesObject,
  given: KubernetesObject,
  options: WriteOptions,
): void {
  const name = live.metadata.name ?? ''
  const { uid, resourceVersion } = given.metadata
  if (uid !== undefined && uid !== '' && uid !== live.metadata.uid) {
    const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`
    throw conflict(type, name, detail)
  }
  if (resourceVersion === undefined || resourceVersion === '') {
    if (replacedUnconditionally(type) || options.subresource === 'scale') return
    const named = { group: type.group, kind: type.plural }
    throw invalidObject(named, name, [invalid('metadata.resourceVersion', 0, 'must be specified for an update')])
  }
  if (resourceVersion !== live.metadata.resourceVersion) throw conflict(type, name, MODIFIED)
}

function carriedMetadata(live: ObjectMeta, given: ObjectMeta): ObjectMeta {
  const { deletionTimestamp: _, deletionGracePeriodSeconds: __, selfLink: ___, ...rest } = given
  const { deletionTimestamp, deletionGracePeriodSeconds } = live
  return {
    ...rest,
    name: live.name ?? '',
    ...(live.namespace === undefined ? {} : { namespace: live.namespace }),
    ...(live.generateName === undefined ? {} : { generateName: live.generateName }),
    uid: live.uid ?? '',
    resourceVersion: live.resourceVersion ?? '',
    creationTimestamp: live.creationTimestamp ?? '',
    ...(live.generation === undefined ? {} : { generation: live.generation }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  }
}

function isSameButTimes(live: KubernetesObject, next: KubernetesObject): boolean {
  if (live === next) return true
  const bare = (object: KubernetesObject) => {
    const { managedFields: _, ...metadata } = object.metadata
    return { ...object, metadata }
  }
  if (!equalJson(bare(live), bare(next))) return false
  const before = live.metadata.managedFields ?? []
  const after = next.metadata.managedFields ?? []
  if (before.length !== after.length) return false
  if (readManagers(live) === undefined) return equalJson(before, after)
  const timeless = (entries: readonly JsonObject[]) =>
    entries
      .map(({ time: _, ...entry }) =>
        JSON.stringify([entry['manager'], entry['operation'], entry['apiVersion'], entry['subresource']]),
      )
      .sort()
  if (!equalJson(timeless(before), timeless(after))) return false
  return before.every(entry => {
    const other = after.find(
      each =>
        each['manager'] === entry['manager'] &&
        each['operation'] === entry['operation'] &&
        each['apiVersion'] === entry['apiVersion'] &&
        each['subresource'] === entry['subresource'],
    )
    return equalJson(entry['fieldsV1'], other?.['fieldsV1'])
  })
}
