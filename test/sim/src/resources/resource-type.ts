import type { JsonObject } from '@flotilla/core/json/json'
import type { StructSchema } from '../schema/schema.ts'

/** Where the scale subresource finds its numbers, as dotted paths. */
export interface ScalePaths {
  readonly spec: string
  readonly status: string
  readonly selector?: string
}

/** One resource in one version, as discovery tells of it. */
export interface ResourceType {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly schema: StructSchema
  readonly hasStatus: boolean
  readonly scale?: ScalePaths
  /** A custom resource's definition, of this version: what validation reads. */
  readonly custom?: CustomType
  /** `group/plural`: objects of all versions are stored under it. */
  readonly storageKey: string
}

export interface CustomType {
  readonly openApiSchema: JsonObject
  /** Nobody watched it before this revision. */
  readonly servedFrom: number
  readonly printerColumns: readonly JsonObject[]
  readonly selectableFields: readonly string[]
}

/** `v1`, `apps/v1` */
export function apiVersionOf(type: { readonly group: string; readonly version: string }): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`
}

/** `deployments.apps`, `configmaps`: how messages name a resource. */
export function resourceName(type: { readonly group: string; readonly plural: string }): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`
}

export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const
