import { isJsonObject, type Json, type JsonObject, type MutableJsonObject } from '@flotilla/core/json/json'
import { atomOf, isNamedField, memberSchema, type Schema } from '../schema/schema.ts'
import { compareElements, fieldName, type PathElement } from './path-element.ts'

/** A set of paths as a tree. A parent of a member is not itself a member. Values are never changed once shared. */
export interface FieldSet {
  readonly members: ReadonlySet<PathElement>
  readonly children: ReadonlyMap<PathElement, FieldSet>
}

export const EMPTY_FIELDS: FieldSet = { members: new Set(), children: new Map() }

export function isEmptySet(set: FieldSet): boolean {
  if (set.members.size > 0) return false
  for (const child of set.children.values()) if (!isEmptySet(child)) return false
  return true
}

/** Collects paths while walking a value. */
export class FieldSetBuilder {
  readonly members = new Set<PathElement>()
  readonly children = new Map<PathElement, FieldSetBuilder>()

  child(element: PathElement): FieldSetBuilder {
    let child = this.children.get(element)
    if (!child) {
      child = new FieldSetBuilder()
      this.children.set(element, child)
    }
    return child
  }

  insert(path: readonly PathElement[]): void {
    if (path.length === 0) return
    let node: FieldSetBuilder = this
    for (let index = 0; index < path.length - 1; index++) node = node.child(path[index]!)
    node.members.add(path[path.length - 1]!)
  }
}

export function fieldSetOf(...paths: readonly (readonly PathElement[])[]): FieldSet {
  const builder = new FieldSetBuilder()
  for (const path of paths) builder.insert(path)
  return builder
}

/** `a` or `b` itself where it holds the other. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (covers(a, b)) return a
  if (covers(b, a)) return b
  const children = new Map(a.children)
  for (const [element, child] of b.children) {
    const mine = children.get(element)
    children.set(element, mine ? union(mine, child) : child)
  }
  return { members: new Set([...a.members, ...b.members]), children }
}

function covers(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true
  for (const element of b.members) if (!a.members.has(element)) return false
  for (const [element, child] of b.children) {
    const mine = a.children.get(element)
    if (mine ? !covers(mine, child) : !isEmptySet(child)) return false
  }
  return true
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const members = new Set<PathElement>()
  for (const element of a.members) if (b.members.has(element)) members.add(element)
  const children = new Map<PathElement, FieldSet>()
  for (const [element, child] of a.children) {
    const other = b.children.get(element)
    if (!other) continue
    const common = intersection(child, other)
    if (!isEmptySet(common)) children.set(element, common)
  }
  return { members, children }
}

/** Paths of `a` that are not members of `b`; a child outlives its removed parent. `a` itself where none is. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, false)
}

/** Like {@link difference}, and everything below a member of `b` goes with it. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, true)
}

function subtract(a: FieldSet, b: FieldSet, recursive: boolean): FieldSet {
  let members: Set<PathElement> | undefined
  let children: Map<PathElement, FieldSet> | undefined
  for (const element of b.members) {
    if (a.members.has(element)) {
      members ??= new Set(a.members)
      members.delete(element)
    }
    if (recursive && a.children.has(element)) {
      children ??= new Map(a.children)
      children.delete(element)
    }
  }
  for (const [element, other] of b.children) {
    const child = (children ?? a.children).get(element)
    if (!child) continue
    const rest = subtract(child, other, recursive)
    if (rest === child) continue
    children ??= new Map(a.children)
    if (isEmptySet(rest)) children.delete(element)
    else children.set(element, rest)
  }
  return members || children ? { members: members ?? a.members, children: children ?? a.children } : a
}

/** Adds every named field of a struct that only has members below it: owning `a.b` of a struct is owning `a`. */
export function withNamedFields(set: FieldSet, schema: Schema | undefined): FieldSet {
  const atom = schema === undefined ? undefined : atomOf(schema, undefined)
  const members = new Set(set.members)
  const children = new Map<PathElement, FieldSet>()
  for (const [element, child] of set.children) {
    const name = fieldName(element)
    if (name !== undefined && atom && isNamedField(atom, name)) members.add(element)
    children.set(element, withNamedFields(child, schemaBelow(atom, name)))
  }
  return { members, children }
}

function schemaBelow(atom: ReturnType<typeof atomOf> | undefined, name: string | undefined): Schema | undefined {
  if (!atom) return undefined
  if (name !== undefined) return atom.kind === 'struct' || atom.kind === 'map' ? memberSchema(atom, name) : undefined
  return atom.kind === 'list' ? atom.items : undefined
}

/** Every member with its whole path: the members of a node first, then what is below, each in order. */
export function pathsOf(set: FieldSet, prefix: readonly PathElement[] = []): (readonly PathElement[])[] {
  const paths = [...set.members].sort(compareElements).map(element => [...prefix, element])
  for (const element of [...set.children.keys()].sort(compareElements)) {
    paths.push(...(pathsOf(set.children.get(element)!, [...prefix, element]) as PathElement[][]))
  }
  return paths
}

const written = new WeakMap<FieldSet, JsonObject>()

/** The wire form: `{"f:spec":{"f:replicas":{}}}`, `.` where a parent is a member too. Made once a set. */
export function writeFieldSet(set: FieldSet): JsonObject {
  let fields = written.get(set)
  if (!fields) {
    fields = writeNode(set, false)
    written.set(set, fields)
    parsed.set(fields, set)
  }
  return fields
}

function writeNode(set: FieldSet, includeSelf: boolean): JsonObject {
  const node: MutableJsonObject = {}
  if (includeSelf && !isEmptySet(set)) node['.'] = {}
  const elements = new Set([...set.members, ...set.children.keys()])
  for (const element of [...elements].sort(compareElements)) {
    const child = set.children.get(element)
    // A branch that nothing was put into would read as a member.
    if (!set.members.has(element) && (!child || isEmptySet(child))) continue
    node[element] = child && !isEmptySet(child) ? writeNode(child, set.members.has(element)) : {}
  }
  return node
}

const parsed = new WeakMap<object, FieldSet>()

/** Reads the wire form; steps of kinds unknown are dropped. Parsed once a stored value. */
export function readFieldSet(fields: Json | undefined): FieldSet {
  if (!isJsonObject(fields)) return EMPTY_FIELDS
  const known = parsed.get(fields)
  if (known) return known
  const set = readNode(fields).set
  parsed.set(fields, set)
  return set
}

function readNode(node: JsonObject): { readonly set: FieldSet; readonly isMember: boolean } {
  const members = new Set<PathElement>()
  const children = new Map<PathElement, FieldSet>()
  let isMember = false
  for (const [key, value] of Object.entries(node)) {
    if (key === '.') isMember = true
    else if (/^[fkvi]:/.test(key) && isJsonObject(value)) {
      const below = readNode(value)
      if (below.isMember) members.add(key)
      if (!isEmptySet(below.set)) children.set(key, below.set)
    }
  }
  const set = { members, children }
  return { set, isMember: isMember || isEmptySet(set) }
}
