import type { Place } from '../jq/jq-places.ts'
import { cloneJson, equalJson, getKey, isJsonObject, type Json, type MutableJsonObject, setKey } from '../json/json.ts'
import { type FieldSet, type FieldStep, isLeaf } from './field-set.ts'
import { hasKeys, take } from './owned-changes.ts'

/** The place that a pointer names in this document: a number is an index where a list is. Undefined: nothing there. */
export function placeOfPointer(document: Json, pointer: readonly string[]): Place | undefined {
  const place: (string | number)[] = []
  let value: Json | undefined = document
  for (const segment of pointer) {
    const isIndex: boolean = Array.isArray(value) && /^\d{1,9}$/.test(segment)
    value = isIndex ? stepInto(value, Number(segment)) : stepInto(value, segment)
    if (value === undefined) return undefined
    place.push(isIndex ? Number(segment) : segment)
  }
  return place
}

export function valueAtPlace(document: Json, place: Place): Json | undefined {
  let value: Json | undefined = document
  for (const step of place) value = stepInto(value, step)
  return value
}

/** A copy of the document without what stands at these places. */
export function withoutPlaces<T extends Json>(document: T, places: readonly Place[]): T {
  const copy = cloneJson(document)
  // From the last to the first, so that no index moves before its turn.
  for (const place of [...places].sort((a, b) => comparePlaces(b, a))) removeAt(copy, place)
  return copy
}

/** The place in this document that steps of ownership lead to; undefined when it is not there. */
export function placeOfSteps(document: Json, steps: readonly FieldStep[]): Place | undefined {
  const place: (string | number)[] = []
  let value: Json | undefined = document
  for (const step of steps) {
    const next = placeStep(value, step)
    if (next === undefined) return undefined
    value = stepInto(value, next)
    if (value === undefined) return undefined
    place.push(next)
  }
  return place
}

/**
 * A place of this document as steps that lead to the same field in another one: an item of a list by its keys where
 * some manager's ownership tells them, by its index where the list is one value.
 */
export function stepsOfPlace(document: Json, place: Place, owned: readonly FieldSet[]): readonly FieldStep[] {
  let value: Json | undefined = document
  let sets = owned
  return place.map(part => {
    const next = stepInto(value, part)
    const step = typeof part === 'string' ? fieldStep(part) : itemStep(part, next, sets)
    sets = sets.flatMap(({ children }) => children.filter(child => leadsTo(child.step, step)).map(({ set }) => set))
    value = next
    return step
  })
}

/** The fields that a set owns whole, each by its steps. */
export function leavesOf(set: FieldSet): readonly (readonly FieldStep[])[] {
  return set.children.flatMap(({ step, set: child }) =>
    isLeaf(child) ? [[step]] : leavesOf(child).map(steps => [step, ...steps]),
  )
}

/** The part of a value that a set owns; undefined when it owns nothing of it. Lists keep their order. */
export function ownedPart(value: Json, set: FieldSet): Json | undefined {
  if (isLeaf(set)) return cloneJson(value)
  if (isJsonObject(value)) {
    const part: MutableJsonObject = {}
    for (const { step, set: child } of set.children) {
      const member = step.kind === 'field' ? getKey(value, step.name) : undefined
      if (step.kind === 'field' && member !== undefined) setKey(part, step.name, ownedPart(member, child))
    }
    return Object.keys(part).length === 0 && !set.self ? undefined : part
  }
  if (!Array.isArray(value)) return set.self ? value : undefined
  const items = (value as readonly Json[]).flatMap((item, index) => {
    const found = set.children.find(({ step }) => isStepOf(step, item, index))
    if (!found) return []
    const part = ownedPart(item, found.set)
    if (part === undefined) return []
    return [found.step.kind === 'item' && isJsonObject(part) ? { ...cloneJson(found.step.keys), ...part } : part]
  })
  return items.length === 0 && !set.self ? undefined : items
}

export function removeAt(document: Json, place: Place): void {
  const parent = valueAtPlace(document, place.slice(0, -1))
  const last = place.at(-1)
  if (typeof last === 'number') {
    if (Array.isArray(parent) && last < parent.length) (parent as Json[]).splice(last, 1)
  } else if (last !== undefined && isJsonObject(parent) && Object.hasOwn(parent, last)) {
    delete (parent as MutableJsonObject)[last]
  }
}

/** Sets the field that the steps lead to. Missing objects on the way are made; a missing item of a list is not. */
export function putAt(document: Json, steps: readonly FieldStep[], value: Json): void {
  let parent: Json | undefined = document
  for (const step of steps.slice(0, -1)) {
    let next: Json | undefined = take(parent, step)
    if (next === undefined) {
      if (step.kind !== 'field' || !isJsonObject(parent)) return
      next = {}
      setKey(parent as MutableJsonObject, step.name, next)
    }
    parent = next
  }
  const last = steps.at(-1)
  if (!last) return
  const place = placeStep(parent, last)
  if (typeof place === 'number') (parent as Json[])[place] = value
  else if (place !== undefined && isJsonObject(parent)) setKey(parent as MutableJsonObject, place, value)
}

function stepInto(value: Json | undefined, part: string | number): Json | undefined {
  if (typeof part === 'number') return Array.isArray(value) ? (value as readonly Json[])[part] : undefined
  return isJsonObject(value) ? getKey(value, part) : undefined
}

function placeStep(value: Json | undefined, step: FieldStep): string | number | undefined {
  if (step.kind === 'field') return isJsonObject(value) ? step.name : undefined
  if (!Array.isArray(value)) return undefined
  const index = (value as readonly Json[]).findIndex((item, at) => isStepOf(step, item, at))
  return index < 0 ? undefined : index
}

function isStepOf(step: FieldStep, item: Json, index: number): boolean {
  switch (step.kind) {
    case 'field':
      return false
    case 'item':
      return hasKeys(item, step.keys)
    case 'member':
      return equalJson(item, step.value)
    case 'index':
      return index === step.index
  }
}

function fieldStep(name: string): FieldStep {
  return { kind: 'field', name }
}

function itemStep(index: number, item: Json | undefined, sets: readonly FieldSet[]): FieldStep {
  const steps = sets.flatMap(({ children }) => children.map(({ step }) => step))
  const byKey = steps.find(
    step => item !== undefined && (step.kind === 'item' || step.kind === 'member') && isStepOf(step, item, index),
  )
  return byKey ?? { kind: 'index', index }
}

function leadsTo(a: FieldStep, b: FieldStep): boolean {
  if (a.kind === 'field') return b.kind === 'field' && a.name === b.name
  if (a.kind === 'item') return b.kind === 'item' && equalJson(a.keys, b.keys)
  if (a.kind === 'member') return b.kind === 'member' && equalJson(a.value, b.value)
  return b.kind === 'index' && a.index === b.index
}

function comparePlaces(a: Place, b: Place): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [left, right] = [a[index]!, b[index]!]
    if (left === right) continue
    if (typeof left === 'number' && typeof right === 'number') return left - right
    return String(left) < String(right) ? -1 : 1
  }
  return a.length - b.length
}
