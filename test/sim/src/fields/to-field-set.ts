import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { atomOf, isNamedField, memberSchema, type Schema } from '../schema/schema.ts'
import { type FieldSet, FieldSetBuilder } from './field-set.ts'
import { fieldElement, itemElement, type PathElement } from './path-element.ts'

/** Every leaf of a value, list items and free keys included: what applying it would own. */
export function toFieldSet(schema: Schema, value: Json): FieldSet {
  const root = new FieldSetBuilder()
  walk(schema, value, root, undefined, '')
  dropEmptyBranches(root)
  return root
}

/** The walk opens a branch before it knows whether anything in it is owned; an empty one must not look owned. */
function dropEmptyBranches(node: FieldSetBuilder): void {
  for (const [element, child] of node.children) {
    dropEmptyBranches(child)
    if (child.members.size === 0 && child.children.size === 0) node.children.delete(element)
  }
}

/** `self` and `element` say where this value hangs, so that a leaf can be marked in its parent. */
function walk(
  schema: Schema,
  value: Json,
  node: FieldSetBuilder,
  self: FieldSetBuilder | undefined,
  element: PathElement,
): void {
  const atom = atomOf(schema, value)
  if (
    atom.kind === 'scalar' ||
    (atom.kind === 'list' && atom.merge === 'atomic') ||
    ('atomic' in atom && atom.atomic)
  ) {
    self?.members.add(element)
    return
  }
  if (atom.kind === 'list') {
    if (!Array.isArray(value)) return
    const counts = new Map<PathElement, number>()
    const steps = (value as readonly Json[]).map(item => itemElement(atom, item))
    for (const step of steps) counts.set(step, (counts.get(step) ?? 0) + 1)
    steps.forEach((step, index) => {
      if (counts.get(step) === 1) walk(atom.items, value[index] as Json, node.child(step), node, step)
      node.members.add(step)
    })
    return
  }
  if (!isJsonObject(value)) return
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue
    const below = memberSchema(atom, key)
    const step = fieldElement(key)
    if (below) walk(below, member, node.child(step), node, step)
    const emptyMap = isJsonObject(member) && Object.keys(member).length === 0
    if (member === null || emptyMap || !isNamedField(atom, key)) node.members.add(step)
  }
}
