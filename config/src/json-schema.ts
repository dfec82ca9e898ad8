import type { JsonObject } from '@flotilla/core/json/json'
import { z } from 'zod'
import { KIND_READERS } from './kinds/registry.ts'

/** The kinds that have a schema, as `apiVersion/kind`. */
export function schemaKinds(): readonly string[] {
  return KIND_READERS.map(reader => `${reader.apiVersion}/${reader.writtenKind}`)
}

/**
 * The JSON Schema (draft 2020-12) of a kind, for editors.
 *
 * @param kind `Project`, or with the group where two have it: `argoproj.io/v1alpha1/ApplicationSet`. Alone, it means
 *   ours where there is one.
 * @returns undefined for an unknown kind.
 */
export function schemaOf(kind: string): JsonObject | undefined {
  const reader =
    KIND_READERS.find(one => `${one.apiVersion}/${one.writtenKind}` === kind) ??
    KIND_READERS.find(one => one.writtenKind === kind)
  if (reader === undefined) return undefined
  return z.toJSONSchema(reader.schema, { io: 'input', unrepresentable: 'any' }) as unknown as JsonObject
}
