import { JqError } from '../jq/jq-error.ts'
import { jqPlaces, type Place } from '../jq/jq-places.ts'
import { cloneJson, equalJson, isJsonObject, type Json } from '../json/json.ts'
import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import type { Difference } from './difference.ts'
import { formatFieldPath } from './field-path.ts'
import { type FieldSet, type FieldStep, isLeaf, parseFieldSet } from './field-set.ts'
import { harmlessTests } from './harmless-differences.ts'
import type { IgnoreRule, IgnoreRules } from './ignore-rules.ts'
import { appliedFields, ownedDifferences, take } from './owned-changes.ts'
import {
  leavesOf,
  ownedPart,
  placeOfPointer,
  placeOfSteps,
  putAt,
  removeAt,
  stepsOfPlace,
  valueAtPlace,
  withoutPlaces,
} from './places.ts'

/**
 * Drift that counts: the fields of ours that applying again would change, without those that the rules ignore and
 * those that are harmless.
 *
 * @param predicted The server's answer to a dry run of the apply.
 * @returns the differences, sorted by path.
 */
export function countedDifferences(
  { rules, language }: IgnoreRules,
  key: ObjectKey,
  live: KubernetesObject,
  predicted: KubernetesObject,
  manager: string,
): readonly Difference[] {
  const concerned = rules.filter(({ matches }) => matches(key))
  const theirs = concerned.flatMap(rule => fieldsOfManagers(live, rule))
  const without = (object: KubernetesObject) => {
    const byRule = concerned.flatMap(rule => placesOf(object, rule, language))
    const places = [...byRule, ...theirs.flatMap(steps => oneOrNone(object, steps))]
    return places.length === 0 ? object : withoutPlaces(object, places)
  }
  const tests = [...concerned.flatMap(rule => rule.tests), ...harmlessTests(key, live, predicted)]
  const differences = ownedDifferences(without(live), without(predicted), manager)
  return tests.length === 0
    ? differences
    : differences.filter(difference => !tests.some(test => test(difference, live)))
}

/**
 * What is sent instead of the manifest when ignored fields are to be left alone.
 *
 * Leaving out a field that only we own would make the server delete it (ignoring `/spec/replicas` would scale
 * production to one), so while we own it the live value is sent; once another manager owns it, it is left out. What is
 * not there yet is created as the manifest says. A list that is one value is sent with the live value in its place.
 */
export function respectIgnored<T extends KubernetesObject>(
  target: T,
  live: KubernetesObject,
  key: ObjectKey,
  { rules, language }: IgnoreRules,
  manager: string,
): T {
  const respected = rules.filter(({ matches, overwrite }) => !overwrite && matches(key))
  const tests = [...respected.flatMap(rule => rule.tests), ...harmlessTests(key, live, target)]
  if (respected.length === 0 && tests.length === 0) return target
  const everyone = (live.metadata.managedFields ?? []).map(entry => parseFieldSet(entry['fieldsV1']))
  const ignored = [
    ...respected.flatMap(rule => placesOf(live, rule, language)).map(place => stepsOfPlace(live, place, everyone)),
    ...respected.flatMap(rule => fieldsOfManagers(live, rule)),
    ...(tests.length === 0
      ? []
      : differing(target, live, everyone).filter(difference => tests.some(test => test(difference, live)))
    ).map(({ steps }) => steps),
  ]
  if (ignored.length === 0) return target
  const copy = cloneJson(target)
  const owned = appliedFields(live, manager)
  for (const steps of ignored) leaveAlone(copy, live, owned, steps)
  return copy
}

function leaveAlone(copy: Json, live: Json, owned: FieldSet, steps: readonly FieldStep[]): void {
  const from = placeOfSteps(live, steps)
  const value = from && valueAtPlace(live, from)
  if (value === undefined) return
  const isPartOfOneValue = steps.some(({ kind }) => kind === 'index')
  const part = isPartOfOneValue ? cloneJson(value) : ownedAt(value, owned, steps)
  if (part !== undefined) putAt(copy, steps, part)
  else {
    const place = placeOfSteps(copy, steps)
    if (place) removeAt(copy, place)
  }
}

/** The part of the value at the end of the steps that the set owns. */
function ownedAt(value: Json, owned: FieldSet, steps: readonly FieldStep[]): Json | undefined {
  let set = owned
  for (const step of steps) {
    const next = set.children.find(child => equalJson(child.step as unknown as Json, step as unknown as Json))
    if (!next) return undefined
    set = next.set
    if (isLeaf(set)) return cloneJson(value)
  }
  return ownedPart(value, set)
}

/** Fields that somebody owns and that the target has otherwise than they are. */
function differing(target: Json, live: Json, sets: readonly FieldSet[]): readonly Difference[] {
  const differences = new Map<string, Difference>()
  for (const steps of sets.flatMap(leavesOf)) {
    const wanted = at(target, steps)
    const is = at(live, steps)
    if (wanted === undefined || is === undefined || equalJson(wanted, is)) continue
    const path = formatFieldPath(steps)
    differences.set(path, { path, steps, live: is, desired: wanted })
  }
  return [...differences.values()]
}

function at(document: Json, steps: readonly FieldStep[]): Json | undefined {
  return steps.reduce<Json | undefined>((value, step) => take(value, step), document)
}

function placesOf(object: KubernetesObject, rule: IgnoreRule, language: IgnoreRules['language']): readonly Place[] {
  const byPointer = rule.pointers.flatMap(pointer => {
    const place = placeOfPointer(object, pointer)
    return place ? [place] : []
  })
  const byExpression = rule.expressions.flatMap(expression => {
    try {
      return jqPlaces(expression, object, language)
    } catch (error) {
      // One that fails on this object leaves it and all others alone.
      if (error instanceof JqError) return []
      throw error
    }
  })
  return [...byPointer, ...byExpression.filter(place => place.length > 0)]
}

/** Statuses are compared nowhere, and whoever writes one says nothing of the rest by it. */
function fieldsOfManagers(live: KubernetesObject, { managers }: IgnoreRule): readonly (readonly FieldStep[])[] {
  if (managers.length === 0) return []
  return (live.metadata.managedFields ?? [])
    .filter(({ manager, subresource }) => managers.includes(String(manager)) && subresource !== 'status')
    .flatMap(entry => (isJsonObject(entry['fieldsV1']) ? leavesOf(parseFieldSet(entry['fieldsV1'])) : []))
    .filter(steps => !isKeyOfItem(steps))
}

/** By its keys an item is found: whoever owns a field of it owns them as well, and without them all of it would be hidden. */
function isKeyOfItem(steps: readonly FieldStep[]): boolean {
  const item = steps.at(-2)
  const last = steps.at(-1)
  return item?.kind === 'item' && last?.kind === 'field' && Object.hasOwn(item.keys, last.name)
}

function oneOrNone(object: KubernetesObject, steps: readonly FieldStep[]): readonly Place[] {
  const place = placeOfSteps(object, steps)
  return place ? [place] : []
}
