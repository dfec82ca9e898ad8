import { equalJson, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { type Atom, atomOf, type ListSchema, memberSchema, type Schema } from '../schema/schema.ts'
import { type FieldSet, FieldSetBuilder, isEmptySet } from './field-set.ts'
import { fieldElement, itemElement, type PathElement } from './path-element.ts'

/** What changed between two values of one type. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

export function isSame(comparison: Comparison): boolean {
  return isEmptySet(comparison.added) && isEmptySet(comparison.modified) && isEmptySet(comparison.removed)
}

export function compareValues(schema: Schema, before: Json, after: Json): Comparison {
  const result = { added: new FieldSetBuilder(), modified: new FieldSetBuilder(), removed: new FieldSetBuilder() }
  new Walk(result).compare(schema, before, after, [])
  return result
}

interface Building {
  readonly added: FieldSetBuilder
  readonly modified: FieldSetBuilder
  readonly removed: FieldSetBuilder
}

/** `undefined` is an absent value, `null` a value that says nothing. */
class Walk {
  private readonly result: Building

  constructor(result: Building) {
    this.result = result
  }

  compare(schema: Schema, left: Json | undefined, right: Json | undefined, path: readonly PathElement[]): void {
    if (left === right && left !== undefined) return
    const leftAtom = atomOf(schema, left)
    const rightAtom = atomOf(schema, right)
    let leaf: boolean
    if (right === undefined) leaf = this.visit(leftAtom, left, right, path)
    else if (left === undefined || leftAtom === rightAtom) leaf = this.visit(rightAtom, left, right, path)
    else {
      this.visit(leftAtom, left, right, path)
      leaf = this.visit(rightAtom, left, right, path)
    }
    if (leaf) return
    if (left === undefined) this.result.added.insert(path)
    else if (right === undefined) this.result.removed.insert(path)
  }

  /** Whether the value was taken whole. */
  private visit(atom: Atom, left: Json | undefined, right: Json | undefined, path: readonly PathElement[]): boolean {
    if (atom.kind === 'scalar') return this.leaf(left, right, path)
    if (atom.kind === 'list') {
      const before = Array.isArray(left) ? (left as readonly Json[]) : []
      const after = Array.isArray(right) ? (right as readonly Json[]) : []
      if (atom.merge === 'atomic' || before.length + after.length === 0) return this.leaf(left, right, path)
      this.visitItems(atom, before, after, path)
      return false
    }
    const before = isJsonObject(left) ? left : {}
    const after = isJsonObject(right) ? right : {}
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    if (atom.atomic || keys.size === 0) return this.leaf(left, right, path)
    for (const key of keys) {
      const below = memberSchema(atom, key)
      if (below) this.member(below, before, after, key, path)
    }
    return false
  }

  private member(
    schema: Schema,
    before: JsonObject,
    after: JsonObject,
    key: string,
    path: readonly PathElement[],
  ): void {
    if (before[key] === undefined && after[key] === undefined) return
    this.compare(schema, before[key], after[key], [...path, fieldElement(key)])
  }

  private leaf(left: Json | undefined, right: Json | undefined, path: readonly PathElement[]): true {
    if (left === undefined) this.result.added.insert(path)
    else if (right === undefined) this.result.removed.insert(path)
    else if (!equalJson(left, right)) this.result.modified.insert(path)
    return true
  }

  private visitItems(
    list: ListSchema,
    before: readonly Json[],
    after: readonly Json[],
    path: readonly PathElement[],
  ): void {
    const left = groupItems(list, before)
    const right = groupItems(list, after)
    for (const step of new Set([...left.keys(), ...right.keys()])) {
      const lefts = left.get(step) ?? []
      const rights = right.get(step) ?? []
      const below = [...path, step]
      if (lefts.length <= 1 && rights.length <= 1) this.compare(list.items, lefts[0], rights[0], below)
      else if (lefts.length >= 2 && rights.length >= 2) {
        if (!equalJson(lefts, rights)) this.result.modified.insert(below)
      } else if (lefts.length >= 2) {
        if (rights.length > 0) this.compare(list.items, undefined, rights[0], below)
        this.result.removed.insert(below)
      } else {
        if (lefts.length > 0) this.compare(list.items, lefts[0], undefined, below)
        this.result.added.insert(below)
      }
    }
  }
}

function groupItems(list: ListSchema, items: readonly Json[]): Map<PathElement, Json[]> {
  const groups = new Map<PathElement, Json[]>()
  for (const item of items) {
    const step = itemElement(list, item)
    const group = groups.get(step)
    if (group) group.push(item)
    else groups.set(step, [item])
  }
  return groups
}
