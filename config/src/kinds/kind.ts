import { getKey, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { z } from 'zod'
import type { Path, Problem } from '../problem.ts'

/** The kinds that a Fleet is made of, under our names. */
export type FleetKind =
  | 'ApplicationSet'
  | 'Application'
  | 'Project'
  | 'Cluster'
  | 'Repository'
  | 'SyncWindow'
  | 'FreezePeriod'
  | 'Team'
  | 'AccessPolicy'
  | 'ResourceCustomizations'
  | 'NotificationRoute'
  | 'SigningKeys'

/**
 * A gate (`everywhere`), which has its effect also where it cannot be read; or a restriction of a Project that this
 * version cannot enforce yet: what that covers must be held rather than run without it.
 */
export interface GateFound {
  readonly path: Path
  /** `SyncWindow "nights"`, `syncWindows of Project "shop"`. */
  readonly what: string
  /** It may concern more than the Project that the document is; absent: that Project. */
  readonly everywhere?: true
}

export interface KindReading {
  /** Under its name without any prefix of the source. */
  readonly name: string
  readonly spec: unknown
  readonly problems: readonly Problem[]
  /** The document to keep and show, when it is not the one that was read (credentials taken out). */
  readonly document?: JsonObject
  readonly gates?: readonly GateFound[]
}

/** How documents of one apiVersion and kind are read. One file a kind; `kinds/registry.ts` lists them. */
export interface KindReader {
  readonly apiVersion: string
  /** As documents write it. */
  readonly writtenKind: string
  readonly kind: FleetKind
  readonly group: ApiGroup
  readonly schema: z.ZodType
  readonly additions?: readonly string[]
  readonly mayBeExpression?: (path: Path) => boolean
  /** Turns a document that its schema accepts into a spec, and adds what a schema cannot say. */
  read(document: JsonObject): KindReading
}

/** A member that the schema has found to be an object, or an empty one. */
export function member(value: Json | undefined, key: string): JsonObject {
  const found = isJsonObject(value) ? getKey(value, key) : undefined
  return isJsonObject(found) ? found : {}
}

export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

export function nameOf(document: JsonObject): string {
  return textOf(member(document, 'metadata')['name']) ?? ''
}
