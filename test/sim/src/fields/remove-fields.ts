import { isJsonObject, type Json, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { atomOf, memberSchema, type Schema } from '../schema/schema.ts'
import { type FieldSet, isEmptySet } from './field-set.ts'
import { fieldElement, itemElement } from './path-element.ts'

/** The value without the members of `fields`; what is left empty becomes null, which vanishes when stored. */
export function removeFields(schema: Schema, value: Json, fields: FieldSet): Json {
  const atom = atomOf(schema, value)
  if (atom.kind === 'scalar') return value
  if (atom.kind === 'list') {
    if (!Array.isArray(value) || value.length === 0 || atom.merge === 'atomic') return null
    const kept: Json[] = []
    for (const item of value as readonly Json[]) {
      const step = itemElement(atom, item)
      if (fields.members.has(step)) continue
      const below = fields.children.get(step)
      kept.push(below && !isEmptySet(below) ? removeFields(atom.items, item, below) : item)
    }
    return kept.length > 0 ? kept : null
  }
  if (!isJsonObject(value) || atom.atomic) return null
  const kept: MutableJsonObject = {}
  let count = 0
  for (const [key, member] of Object.entries(value)) {
    const step = fieldElement(key)
    if (member === undefined || fields.members.has(step)) continue
    const below = fields.children.get(step)
    const schemaBelow = memberSchema(atom, key)
    setKey(kept, key, below && schemaBelow && !isEmptySet(below) ? removeFields(schemaBelow, member, below) : member)
    count++
  }
  return count > 0 ? kept : null
}
