import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { itemsOf } from '../objects/drafts.ts'
import { objectMetaSchema } from '../schema/kubernetes-types.ts'
import { ANY, type Field, type ListSchema, plainField, type Schema, type StructSchema } from '../schema/schema.ts'

const TEXT: Schema = { kind: 'scalar', type: 'string' }

/** Compiles the structural schema of a custom resource: the whole object, with the metadata every object has. */
export function customSchema(openApi: JsonObject, keepsUnknown = false): StructSchema {
  const body = compileObject(openApi, keepsUnknown)
  const fields = new Map(body.kind === 'struct' ? body.fields : [])
  fields.set('apiVersion', plainField('apiVersion', TEXT))
  fields.set('kind', plainField('kind', TEXT))
  fields.set('metadata', plainField('metadata', objectMetaSchema()))
  const keeps = keepsUnknown || openApi['x-kubernetes-preserve-unknown-fields'] === true
  return { kind: 'struct', name: '', fields, atomic: false, keepsUnknown: keeps, embedded: false, native: false }
}

function compile(openApi: Json | undefined, keepsUnknown: boolean): Schema {
  if (!isJsonObject(openApi)) return ANY
  if (openApi['x-kubernetes-int-or-string'] === true) return { kind: 'scalar', type: 'intOrString' }
  switch (openApi['type']) {
    case 'object':
      return compileObject(openApi, keepsUnknown)
    case 'array':
      return compileList(openApi, keepsUnknown)
    case 'integer':
      return { kind: 'scalar', type: 'integer', bits: openApi['format'] === 'int32' ? 32 : 64 }
    case 'number':
      return { kind: 'scalar', type: 'number' }
    case 'boolean':
      return { kind: 'scalar', type: 'boolean' }
    case 'string':
      return TEXT
    default:
      return ANY
  }
}

function compileObject(openApi: JsonObject, inherited: boolean): Schema {
  const properties = openApi['properties']
  const values = openApi['additionalProperties']
  const atomic = openApi['x-kubernetes-map-type'] === 'atomic'
  const keeps = inherited || openApi['x-kubernetes-preserve-unknown-fields'] === true
  if (values !== undefined && values !== false && !isJsonObject(properties)) {
    const nullableValues = isJsonObject(values) && values['nullable'] === true
    return { kind: 'map', values: values === true ? ANY : compile(values, inherited), atomic, nullableValues }
  }
  const embedded = openApi['x-kubernetes-embedded-resource'] === true
  if (!isJsonObject(properties) && keeps && !atomic && !embedded) return ANY
  const required = Array.isArray(openApi['required']) ? (openApi['required'] as readonly string[]) : []
  const fields = new Map<string, Field>()
  for (const [name, property] of Object.entries(isJsonObject(properties) ? properties : {})) {
    fields.set(name, compileField(name, property, required.includes(name), inherited))
  }
  if (embedded) {
    fields.set('apiVersion', plainField('apiVersion', TEXT))
    fields.set('kind', plainField('kind', TEXT))
    fields.set('metadata', plainField('metadata', objectMetaSchema()))
  }
  return { kind: 'struct', name: '', fields, atomic, keepsUnknown: keeps, embedded, native: false }
}

function compileField(name: string, property: Json | undefined, required: boolean, inherited: boolean): Field {
  const fallback = isJsonObject(property) ? property['default'] : undefined
  return plainField(name, compile(property, inherited), {
    required,
    nullable: isJsonObject(property) && property['nullable'] === true,
    ...(fallback === undefined ? {} : { fallback }),
  })
}

function compileList(openApi: JsonObject, keepsUnknown: boolean): ListSchema {
  const type = openApi['x-kubernetes-list-type']
  const merge = type === 'map' ? 'map' : type === 'set' ? 'set' : 'atomic'
  const keys = openApi['x-kubernetes-list-map-keys']
  return {
    kind: 'list',
    items: compile(openApi['items'], keepsUnknown),
    merge,
    keys: Array.isArray(keys) ? keys.map(String) : [],
  }
}

/** The versions of a definition that are served, by name. */
export function servedVersions(spec: JsonObject): readonly string[] {
  return itemsOf(spec, 'versions')
    .filter(version => version['served'] === true)
    .map(version => String(version['name']))
}
