import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, numberOf, textOf } from '../objects/drafts.ts'
import { kindName, orphansByDefault, shownWhenDeleted } from '../objects/kind-rules.ts'
import { isTerminating, withMember } from '../objects/prepare.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { IMMORTAL_NAMESPACES } from './admit.ts'
import { ApiError, badRequest, conflict, forbidden, notFound } from './api-error.ts'
import type { Core } from './core.ts'
import { selectorOf } from './list-objects.ts'
import { type Form, presentList, presentObject } from './present.ts'
import { type ApiRequest, flag, isDryRun } from './request.ts'
import { type ApiResponse, ok } from './response.ts'

interface DeleteOptions {
  readonly dryRun: boolean
  readonly propagation: 'Background' | 'Foreground' | 'Orphan' | undefined
  readonly graceSeconds: number | undefined
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
}

/** Finalizers by which the two slower ways of deletion work. */
export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'

export function deleteObject(
  core: Core,
  request: ApiRequest,
  type: ResourceType,
  namespace: string,
  name: string,
  form: Form,
): ApiResponse {
  const options = readDeleteOptions(request)
  const live = core.store.get(type.storageKey, namespace, name)
  if (!live) throw notFound(type, name)
  const left = deleteOne(core, type, live, options)
  if (left) return ok(presentObject(form, type, left, core.clock.now()))
  if (shownWhenDeleted(type)) return ok(presentObject(form, type, live, core.clock.now()))
  return ok({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(type.group === '' ? {} : { group: type.group }),
      kind: type.plural,
      uid: live.metadata.uid ?? '',
    },
  })
}

export function deleteCollection(
  core: Core,
  request: ApiRequest,
  type: ResourceType,
  namespace: string,
  form: Form,
): ApiResponse {
  const options = readDeleteOptions(request)
  const matches = selectorOf(request, type)
  const objects = core.store.list(type.storageKey, namespace).filter(matches)
  const revision = String(core.store.revision)
  for (const object of objects)
    deleteOne(core, type, object, { ...options, uid: undefined, resourceVersion: undefined })
  return ok(presentList(form, type, objects, { resourceVersion: revision }, core.clock.now()))
}

/** Deletes as a controller does: no preconditions, in the background unless told otherwise. */
export function deleteStored(
  core: Core,
  type: ResourceType,
  live: KubernetesObject,
  graceSeconds?: number,
  propagation: 'Background' | 'Foreground' = 'Background',
): void {
  const none = { dryRun: false, uid: undefined, resourceVersion: undefined }
  deleteOne(core, type, live, { ...none, propagation, graceSeconds })
}

/** What is left of the object: itself, marked, while something still holds it; undefined when it is gone. */
function deleteOne(
  core: Core,
  type: ResourceType,
  live: KubernetesObject,
  options: DeleteOptions,
): KubernetesObject | undefined {
  const name = live.metadata.name ?? ''
  checkPreconditions(type, live, options)
  if (kindName(type) === '/Namespace') {
    if (IMMORTAL_NAMESPACES.includes(name)) throw forbidden(type, name, 'this namespace may not be deleted')
    return deleteNamespace(core, type, live, options)
  }
  const finalizers = finalizersFor(type, live, options)
  const grace = graceOf(type, live, options)
  if (finalizers.length === 0 && grace === 0) {
    if (!options.dryRun) core.store.remove(type.storageKey, live.metadata.namespace ?? '', name)
    return undefined
  }
  const before = live.metadata.finalizers ?? []
  const sameFinalizers = before.length === finalizers.length && before.every(each => finalizers.includes(each))
  const shortened = isTerminating(live) && grace < Number(live.metadata['deletionGracePeriodSeconds'] ?? 0)
  if (isTerminating(live) && sameFinalizers && !shortened) return live
  const marked = markDeleted(core, type, live, finalizers, grace)
  if (options.dryRun) return marked
  return core.store.put(type.storageKey, marked)
}

function markDeleted(
  core: Core,
  type: ResourceType,
  live: KubernetesObject,
  finalizers: readonly string[],
  grace: number,
): KubernetesObject {
  const { finalizers: _, ...metadata } = live.metadata
  const at = isTerminating(live) ? live.metadata.deletionTimestamp! : later(core, grace)
  const counts = live.metadata.generation !== undefined && !isTerminating(live)
  return {
    ...live,
    metadata: {
      ...metadata,
      ...(finalizers.length > 0 ? { finalizers } : {}),
      ...(counts ? { generation: live.metadata.generation! + 1 } : {}),
      deletionTimestamp: at,
      deletionGracePeriodSeconds: type.group === '' && type.kind === 'Pod' ? grace : 0,
    },
  }
}

function later(core: Core, seconds: number): string {
  return `${new Date(core.clock.now() + seconds * 1000).toISOString().slice(0, 19)}Z`
}

function deleteNamespace(
  core: Core,
  type: ResourceType,
  live: KubernetesObject,
  options: DeleteOptions,
): KubernetesObject {
  if (isTerminating(live)) return live
  const finalizers = (live.metadata.finalizers ?? []) as readonly string[]
  const marked = withMember(markDeleted(core, type, live, finalizers, 0), 'status', {
    ...(live['status'] as JsonObject | undefined),
    phase: 'Terminating',
  })
  return options.dryRun ? marked : core.store.put(type.storageKey, marked)
}

/** Foreground and orphan deletion are finalizers that the garbage collector takes away. */
function finalizersFor(type: ResourceType, live: KubernetesObject, options: DeleteOptions): readonly string[] {
  const own = (live.metadata.finalizers ?? []) as readonly string[]
  const others = own.filter(each => each !== FOREGROUND && each !== ORPHAN)
  switch (options.propagation) {
    case 'Foreground':
      return [...others, FOREGROUND]
    case 'Orphan':
      return [...others, ORPHAN]
    case 'Background':
      return others
    case undefined:
      if (own.includes(FOREGROUND) || own.includes(ORPHAN)) return own
      return orphansByDefault(type) ? [...others, ORPHAN] : others
  }
}

function graceOf(type: ResourceType, live: KubernetesObject, options: DeleteOptions): number {
  if (kindName(type) !== '/Pod') return 0
  const scheduled = at(live, 'spec', 'nodeName') !== undefined
  const phase = at(live, 'status', 'phase')
  if (!scheduled || phase === 'Succeeded' || phase === 'Failed') return 0
  return options.graceSeconds ?? Number(at(live, 'spec', 'terminationGracePeriodSeconds') ?? 30)
}

function checkPreconditions(type: ResourceType, live: KubernetesObject, options: DeleteOptions): void {
  const name = live.metadata.name ?? ''
  const { uid, resourceVersion } = live.metadata
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(type, name, `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`)
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const detail = `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`
    throw conflict(type, name, detail)
  }
}

function readDeleteOptions(request: ApiRequest): DeleteOptions {
  const body = request.body === '' ? {} : parseOptions(request.body)
  const policy = textOf(body, 'propagationPolicy') ?? request.query.get('propagationPolicy') ?? undefined
  const orphan =
    body['orphanDependents'] ??
    (request.query.has('orphanDependents') ? flag(request.query, 'orphanDependents') : undefined)
  if (policy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(policy)) {
    const message = `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`
    throw new ApiError(422, 'Invalid', message, { group: 'meta.k8s.io', kind: 'DeleteOptions' })
  }
  const grace = numberOf(body, 'gracePeriodSeconds') ?? numberFrom(request.query.get('gracePeriodSeconds'))
  const dryRuns = Array.isArray(body['dryRun']) ? (body['dryRun'] as readonly string[]) : request.query.getAll('dryRun')
  const uid = at(body, 'preconditions', 'uid')
  const resourceVersion = at(body, 'preconditions', 'resourceVersion')
  return {
    dryRun: isDryRun(dryRuns),
    propagation:
      (policy as DeleteOptions['propagation']) ??
      (orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined),
    graceSeconds: grace,
    uid: typeof uid === 'string' ? uid : undefined,
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : undefined,
  }
}

function parseOptions(text: string): JsonObject {
  try {
    const value: Json = parseJson(text)
    if (isJsonObject(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw badRequest('the body of a deletion must be DeleteOptions')
}

function numberFrom(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined
}
