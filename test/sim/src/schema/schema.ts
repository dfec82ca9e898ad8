import type { Json } from '@flotilla/core/json/json'

/**
 * What is known of a type: enough to read a value as the API server does (unknown fields, pointers, empty values), to
 * merge it (list maps, sets, atomic parts), and to publish it as OpenAPI. Built-in kinds and custom resources compile
 * to the same form, so that everything behind it is written once.
 */
export type Schema = ScalarSchema | StructSchema | MapSchema | ListSchema | AnySchema

export type ScalarType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'bytes'
  | 'time'
  | 'microtime'
  | 'quantity'
  | 'intOrString'

export interface ScalarSchema {
  readonly kind: 'scalar'
  readonly type: ScalarType
  readonly bits?: 32 | 64
}

export interface Field {
  readonly name: string
  readonly schema: Schema
  readonly required: boolean
  /** Unset and zero are two things: `replicas: 0` stays. */
  readonly pointer: boolean
  /** Written even when empty. */
  readonly always: boolean
  readonly nullable: boolean
  readonly fallback?: Json
  /** Strategic merge: `merge` lists by `patchKey`, `replace`, or drop keys that the patch does not retain. */
  readonly patchMerge: boolean
  readonly patchRetainKeys: boolean
  readonly patchKey?: string
}

export interface StructSchema {
  readonly kind: 'struct'
  /** `apps.v1.DeploymentSpec`; empty for custom resources. */
  readonly name: string
  readonly fields: ReadonlyMap<string, Field>
  /** One owner for the whole value. */
  readonly atomic: boolean
  readonly keepsUnknown: boolean
  /** A whole object inside another: `apiVersion`, `kind` and `metadata` are always known. */
  readonly embedded: boolean
  /** Go types (empty values vanish when written); custom resources keep what was sent. */
  readonly native: boolean
}

export interface MapSchema {
  readonly kind: 'map'
  readonly values: Schema
  readonly atomic: boolean
  readonly nullableValues: boolean
}

export interface ListSchema {
  readonly kind: 'list'
  readonly items: Schema
  readonly merge: 'atomic' | 'set' | 'map'
  readonly keys: readonly string[]
}

/** Anything at all: maps merge key by key, lists are atomic. */
export interface AnySchema {
  readonly kind: 'any'
}

export const ANY: AnySchema = { kind: 'any' }
const ANY_MAP: MapSchema = { kind: 'map', values: ANY, atomic: false, nullableValues: true }
const ANY_LIST: ListSchema = { kind: 'list', items: ANY, merge: 'atomic', keys: [] }
const ANY_SCALAR: ScalarSchema = { kind: 'scalar', type: 'string' }

/** What a schema means for one value: `any` becomes what the value is. */
export type Atom = ScalarSchema | StructSchema | MapSchema | ListSchema

export function atomOf(schema: Schema, value: Json | undefined): Atom {
  if (schema.kind !== 'any') return schema
  if (Array.isArray(value)) return ANY_LIST
  return value === null || value === undefined || typeof value === 'object' ? ANY_MAP : ANY_SCALAR
}

/** The schema of one member of an object; undefined for a field the type does not have. */
export function memberSchema(atom: StructSchema | MapSchema, key: string): Schema | undefined {
  if (atom.kind === 'map') return atom.values
  return atom.fields.get(key)?.schema ?? (atom.keepsUnknown ? ANY : undefined)
}

export function isNamedField(atom: Atom, key: string): boolean {
  return atom.kind === 'struct' && atom.fields.has(key)
}

export function plainField(name: string, schema: Schema, more: Partial<Field> = {}): Field {
  const none = { required: false, pointer: false, always: false, nullable: false }
  return { name, schema, ...none, patchMerge: false, patchRetainKeys: false, ...more }
}

/** The default of a list map's key, which an item may leave out. */
export function keyDefault(list: ListSchema, key: string): Json | undefined {
  if (list.items.kind !== 'struct') return undefined
  const field = list.items.fields.get(key)
  if (field?.fallback !== undefined || !field?.always || field.schema.kind !== 'scalar') return field?.fallback
  // A field that is always written has its zero where nothing is said.
  return field.schema.type === 'integer' ? 0 : ''
}
