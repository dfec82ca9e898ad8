import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { convertEvent } from '../objects/convert-event.ts'
import { newReport, readObject } from '../objects/read-object.ts'
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts'
import { ApiError } from './api-error.ts'
import type { ApiRequest } from './request.ts'
import { columnsOf } from './table-columns.ts'

/** In which form objects are answered: whole, their metadata only, or as a table for people. */
export type Form = 'object' | 'metadata' | 'table'

const META_VERSION = 'meta.k8s.io/v1'

/** The first form of the Accept header that this server has. @throws ApiError 406 when there is none. */
export function formOf(request: ApiRequest): Form {
  const accept = request.headers['accept'] ?? '*/*'
  if (accept === 'application/json') return 'object'
  for (const option of accept.split(',')) {
    const [type, ...parameters] = option.split(';').map(part => part.trim().toLowerCase())
    const as = parameters.find(parameter => parameter.startsWith('as='))?.slice(3)
    if (type !== '*/*' && type !== 'application/*' && type !== 'application/json') continue
    if (as === undefined) return 'object'
    const known =
      parameters.includes('g=meta.k8s.io') && (parameters.includes('v=v1') || parameters.includes('v=v1beta1'))
    if (known && (as === 'partialobjectmetadata' || as === 'partialobjectmetadatalist')) return 'metadata'
    if (known && as === 'table') return 'table'
  }
  const accepted = 'application/json,application/yaml,application/vnd.kubernetes.protobuf'
  throw new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted}`)
}

/** A stored object as a version of its resource: its type, and for a custom resource that version's fields. */
export function asVersion(type: ResourceType, object: KubernetesObject): KubernetesObject {
  const apiVersion = apiVersionOf(type)
  if (object.apiVersion === apiVersion && object.kind === type.kind && !type.custom) return object
  if (object.apiVersion === apiVersion) return object
  if (type.kind === 'Event' && !type.custom) return convertEvent(object, apiVersion)
  // Conversion strategy None: only the version changes, and what the other version does not know goes.
  return { ...readObject(type.schema, { ...object, apiVersion }, newReport()), apiVersion, kind: type.kind }
}

export function presentObject(form: Form, type: ResourceType, object: KubernetesObject, now: EpochMs): JsonObject {
  const versioned = asVersion(type, object)
  if (form === 'object') return versioned
  if (form === 'table') return tableOf(type, [versioned], object.metadata.resourceVersion ?? '', now)
  return { kind: 'PartialObjectMetadata', apiVersion: META_VERSION, metadata: versioned.metadata }
}

export interface ListMeta {
  readonly resourceVersion: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

export function presentList(
  form: Form,
  type: ResourceType,
  objects: readonly KubernetesObject[],
  meta: ListMeta,
  now: EpochMs,
): JsonObject {
  const versioned = objects.map(object => asVersion(type, object))
  const metadata = { ...meta } as JsonObject
  if (form === 'table') return { ...tableOf(type, versioned, meta.resourceVersion, now), metadata }
  if (form === 'metadata') {
    const items = versioned.map(object => ({
      kind: 'PartialObjectMetadata',
      apiVersion: META_VERSION,
      metadata: object.metadata,
    }))
    return { kind: 'PartialObjectMetadataList', apiVersion: META_VERSION, metadata, items }
  }
  // Items of built-in kinds do not repeat their type.
  const items = type.custom ? versioned : versioned.map(({ apiVersion: _, kind: __, ...rest }) => rest)
  return { kind: type.listKind, apiVersion: apiVersionOf(type), metadata, items }
}

function tableOf(
  type: ResourceType,
  objects: readonly KubernetesObject[],
  resourceVersion: string,
  now: EpochMs,
): JsonObject {
  const columns = columnsOf(type, now)
  const named = { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }
  return {
    kind: 'Table',
    apiVersion: META_VERSION,
    metadata: { resourceVersion },
    columnDefinitions: [
      named,
      ...columns.map(({ name, type, priority }) => ({ name, type, format: '', description: '', priority })),
    ],
    rows: objects.map(object => ({
      cells: [object.metadata.name ?? '', ...columns.map(column => column.cell(object))],
      object: { kind: 'PartialObjectMetadata', apiVersion: META_VERSION, metadata: object.metadata },
    })),
  }
}
