import { isJsonObject, type Json } from '../../json/json.ts'
import { listAt, numberIfAny, textAt, valueAt } from '../../json/read-json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import type { Path } from './data-rule.ts'
import type { Scope } from './scope.ts'

/** Reads something of what a scope sees. */
export type Reader = (scope: Scope) => Json | undefined

/** The values that a path may name, and the level that each is of. */
export type Names = ReadonlyMap<string, Reader>

/** How to read a path; a name that nobody gave reads as absent. */
export function pathReader(path: Path, names: Names): Reader {
  const [first = '', ...rest] = path
  if (first === 'entry') return ({ entry }) => valueAt(entry, ...rest)
  if (first === 'condition') return ({ condition }) => valueAt(condition, ...rest)
  if (!first.startsWith('$')) return ({ question }) => valueAt(question.object, ...path)
  const named = names.get(first.slice(1))
  if (named === undefined) return () => undefined
  return rest.length === 0 ? named : scope => valueAt(named(scope), ...rest)
}

/** How to read every value at a path with `*` in it. */
export function everyReader(path: Path, names: Names): (scope: Scope) => readonly Json[] {
  const star = path.indexOf('*')
  if (star < 0) {
    const read = pathReader(path, names)
    return scope => presentOnly(read(scope))
  }
  const entries = entriesReader(path.slice(0, star), names)
  const rest = path.slice(star + 1)
  return scope => scope.through(entries(scope).flatMap(entry => everyOf(entry, rest)))
}

/** How to read the entries of the list or object at a path. */
export function entriesReader(path: Path, names: Names): (scope: Scope) => readonly Json[] {
  if (path.includes('*')) return everyReader([...path, '*'], names)
  const read = pathReader(path, names)
  return scope => scope.through(entriesOf(read(scope)))
}

function everyOf(root: Json, path: Path): readonly Json[] {
  const star = path.indexOf('*')
  if (star < 0) return presentOnly(valueAt(root, ...path))
  return entriesOf(valueAt(root, ...path.slice(0, star))).flatMap(entry => everyOf(entry, path.slice(star + 1)))
}

function presentOnly(value: Json | undefined): readonly Json[] {
  return value === undefined || value === null ? [] : [value]
}

/** Entries of a list in its order; values of an object in the order of its keys. */
function entriesOf(value: Json | undefined): readonly Json[] {
  if (Array.isArray(value)) return value
  if (!isJsonObject(value)) return []
  return Object.keys(value)
    .sort()
    .map(key => value[key] ?? null)
}

/** Whether a condition says that it is about another generation than the object's present one. */
export function speaksOfOther(condition: Json, object: KubernetesObject): boolean {
  const observed = numberIfAny(condition, 'observedGeneration')
  const generation = numberIfAny(object, 'metadata', 'generation')
  return observed !== undefined && generation !== undefined && observed !== generation
}

export function conditionOfType(scope: Scope, path: Path, type: string): Json | undefined {
  return scope.through(listAt(scope.question.object, ...path)).find(one => textAt(one, 'type') === type)
}

const NUMBER = /^-?\d{1,15}(\.\d{1,15})?$/

/** A missing number is 0; a text of digits is its number; anything else is none. */
export function numberOf(value: Json | undefined): number {
  if (typeof value === 'number') return value
  if (value === undefined || value === null) return 0
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : Number.NaN
}

export function isPresent(value: Json | undefined): boolean {
  return value !== undefined && value !== null
}

export function isFilled(value: Json | undefined, scope: Scope): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  if (!isJsonObject(value)) return false
  const { length } = Object.keys(value)
  scope.step(length)
  return length > 0
}
