import { isJsonObject, type Json, type JsonObject, jsonObject, type MutableJsonObject } from '@flotilla/core/json/json'
import { z } from 'zod'
import type { KindReader } from './kinds/kind.ts'
import { ARGO_KINDS, KIND_READERS, OUR_KINDS } from './kinds/registry.ts'
import { allowExpressions } from './schema/allow-expressions.ts'

/** The kinds that have a schema, as `apiVersion/kind`. */
export function schemaKinds(): readonly string[] {
  return KIND_READERS.map(kindText)
}

/**
 * The JSON Schema (draft 2020-12) of a kind, for editors.
 *
 * @param kind `Project`, or with the group where two have it: `argoproj.io/v1alpha1/ApplicationSet`. Alone, it means
 *   ours where there is one.
 * @returns undefined for an unknown kind.
 */
export function schemaOf(kind: string): JsonObject | undefined {
  const reader = KIND_READERS.find(one => kindText(one) === kind) ?? KIND_READERS.find(one => one.writtenKind === kind)
  if (reader === undefined) return undefined
  const { $schema, ...rest } = schemaOfReader(reader)
  return { $schema, title: kindText(reader), ...rest }
}

/**
 * One JSON Schema for every file of a config repository: each document is held against the schema of its own kind.
 * Documents of other groups (a Secret of Argo CD's) are let through.
 */
export function documentSchema(): JsonObject {
  const definitions: MutableJsonObject = {}
  const rules: Json[] = [kindRule('flotilla.dev/v1alpha1', OUR_KINDS), kindRule('argoproj.io/v1alpha1', ARGO_KINDS)]
  for (const reader of KIND_READERS) {
    const name = kindText(reader).replaceAll('/', '.')
    const { $schema: _, $defs, ...schema } = schemaOfReader(reader)
    for (const [key, value] of Object.entries(isJsonObject($defs) ? $defs : {})) {
      definitions[`${name}.${key}`] = renameReferences(value ?? null, name)
    }
    definitions[name] = renameReferences(schema, name)
    const type = hasType({ apiVersion: { const: reader.apiVersion }, kind: { const: reader.writtenKind } })
    rules.push(implication(type, { $ref: `#/$defs/${name}` }))
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A document of a Flotilla config repository',
    type: 'object',
    required: ['apiVersion', 'kind'],
    allOf: rules,
    $defs: definitions,
  }
}

function kindText({ apiVersion, writtenKind }: KindReader): string {
  return `${apiVersion}/${writtenKind}`
}

function schemaOfReader({ schema, mayBeExpression }: KindReader): JsonObject {
  // What occurs more than once is written once: without it, ten times as much for an editor to read.
  const options = { io: 'input', unrepresentable: 'any', reused: 'ref' } as const
  const made = z.toJSONSchema(schema, options) as unknown as JsonObject
  return mayBeExpression === undefined ? made : allowExpressions(made)
}

function kindRule(apiVersion: string, kinds: readonly string[]): JsonObject {
  return implication(hasType({ apiVersion: { const: apiVersion } }), { properties: { kind: { enum: kinds } } })
}

/** By entries: an object literal with `then` looks like a promise to whoever awaits it. */
function implication(condition: JsonObject, consequence: JsonObject): JsonObject {
  return jsonObject([
    ['if', condition],
    ['then', consequence],
  ])
}

function hasType(properties: JsonObject): JsonObject {
  return { properties, required: Object.keys(properties) }
}

function renameReferences(value: Json, name: string): Json {
  if (Array.isArray(value)) return value.map(item => renameReferences(item as Json, name))
  if (!isJsonObject(value)) return value
  return jsonObject(
    Object.entries(value).map(([key, member]) =>
      key === '$ref' && typeof member === 'string'
        ? [key, member === '#' ? `#/$defs/${name}` : member.replace(/^#\/\$defs\//, `#/$defs/${name}.`)]
        : [key, member === undefined ? undefined : renameReferences(member, name)],
    ),
  )
}
