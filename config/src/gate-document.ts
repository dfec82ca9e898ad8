import type { FreezeRule, WindowRule } from '@flotilla/core/gates/rules'
import { getKey, isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { gateReaders } from './kinds/gates.ts'
import type { Path } from './problem.ts'
import { checkDocument, dropNulls } from './schema/check-document.ts'
import { isKubernetesName } from './schema/shapes.ts'

export interface GateDocumentMistake {
  readonly path: Path
  readonly message: string
  readonly hint?: string
}

export type GateDocument =
  | { readonly kind: 'freeze'; readonly name: string; readonly document: JsonObject; readonly rule: FreezeRule }
  | { readonly kind: 'window'; readonly name: string; readonly document: JsonObject; readonly rule: WindowRule }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly GateDocumentMistake[] }

/**
 * A FreezePeriod or SyncWindow that comes through the API: read as one of a config repository is, so that what is
 * exported there means the same.
 */
export function readGateDocument(given: JsonObject): GateDocument {
  const document = dropNulls(given)
  const reader = gateReaders.find(
    ({ apiVersion, writtenKind }) => document['apiVersion'] === apiVersion && document['kind'] === writtenKind,
  )
  if (reader === undefined) {
    const message = 'is neither a FreezePeriod nor a SyncWindow of flotilla.dev/v1alpha1'
    return { kind: 'mistakes', mistakes: [{ path: ['kind'], message }] }
  }
  const problems = checkDocument(reader.schema, document)
  const metadata = document['metadata']
  const name = isJsonObject(metadata) ? getKey(metadata, 'name') : undefined
  if (typeof name === 'string' && !isKubernetesName(name)) {
    const message = `metadata.name "${name}" must be lower-case letters, digits, "-" and "."`
    problems.push({ code: 'INVALID_VALUE', severity: 'error', path: ['metadata', 'name'], message })
  }
  const reading = problems.length > 0 ? undefined : reader.read(document)
  const mistakes = [...problems, ...(reading?.problems ?? [])]
    .filter(({ severity }) => severity === 'error')
    .map(({ path, message, hint }) => ({ path, message, ...(hint !== undefined && { hint }) }))
  if (reading === undefined || mistakes.length > 0) return { kind: 'mistakes', mistakes }
  const of = { name: reading.name, document }
  return reader.kind === 'FreezePeriod'
    ? { kind: 'freeze', ...of, rule: reading.spec as FreezeRule }
    : { kind: 'window', ...of, rule: reading.spec as WindowRule }
}
