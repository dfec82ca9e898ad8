import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { type Atom, atomOf, type ListSchema, memberSchema, type ScalarSchema, type Schema } from '../schema/schema.ts'
import { elementText, itemElement, PathError } from './path-element.ts'

/**
 * What an applied configuration gets wrong by its type alone: unknown fields, wrong types, a list map's key twice.
 * Each is one line, `.spec.replicas: expected numeric (int or float), got string`.
 */
export function checkTyped(schema: Schema, value: Json): readonly string[] {
  const errors: string[] = []
  check(schema, value, '', errors)
  return errors
}

function check(schema: Schema, value: Json, path: string, errors: string[]): void {
  const atom = atomOf(schema, value)
  if (value === null) return
  if (atom.kind === 'scalar') {
    const wrong = schema.kind === 'any' ? undefined : wrongScalar(atom, value)
    if (wrong) errors.push(`${path}: ${wrong}`)
    return
  }
  if (atom.kind === 'list') {
    if (Array.isArray(value)) checkItems(atom, value as readonly Json[], path, errors)
    else errors.push(`${path}: expected list, got ${describe(value)}`)
    return
  }
  if (!isJsonObject(value)) {
    errors.push(`${path}: expected map, got ${describe(value)}`)
    return
  }
  checkMembers(atom, value, path, errors)
}

function checkMembers(atom: Atom, value: Json, path: string, errors: string[]): void {
  if (atom.kind !== 'struct' && atom.kind !== 'map') return
  for (const [key, member] of Object.entries(value as object) as [string, Json | undefined][]) {
    if (member === undefined) continue
    const below = memberSchema(atom, key)
    if (below) check(below, member, `${path}.${key}`, errors)
    else errors.push(`${path}.${key}: field not declared in schema`)
  }
}

function checkItems(list: ListSchema, items: readonly Json[], path: string, errors: string[]): void {
  const seen = new Set<string>()
  items.forEach((item, index) => {
    if (list.merge === 'atomic') {
      check(list.items, item, `${path}[${index}]`, errors)
      return
    }
    try {
      const step = itemElement(list, item)
      if (seen.has(step)) errors.push(`${path}: duplicate entries for key ${elementText(step)}`)
      seen.add(step)
      check(list.items, item, `${path}${elementText(step)}`, errors)
    } catch (error) {
      if (!(error instanceof PathError)) throw error
      errors.push(`${path}: element ${index}: ${error.message}`)
    }
  })
}

function wrongScalar(scalar: ScalarSchema, value: Json): string | undefined {
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  switch (scalar.type) {
    case 'integer':
    case 'number':
      return isNumber ? undefined : `expected numeric (int or float), got ${goType(value)}`
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${describe(value)}`
    case 'quantity':
    case 'intOrString':
      return isNumber || typeof value === 'string' || typeof value === 'boolean'
        ? undefined
        : `expected any scalar, got ${describe(value)}`
    default:
      return typeof value === 'string' ? undefined : `expected string, got ${describe(value)}`
  }
}

function goType(value: Json): string {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}

function describe(value: Json): string {
  if (typeof value === 'string' || typeof value === 'object')
    return `&value.valueUnstructured{Value:${canonicalJson(value)}}`
  return `&value.valueUnstructured{Value:${String(value)}}`
}
