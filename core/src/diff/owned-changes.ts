import { equalJson, getKey, isJsonObject, type Json } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import type { Difference } from './difference.ts'
import { type FieldPath, formatFieldPath } from './field-path.ts'
import { type FieldSet, type FieldStep, isLeaf, parseFieldSet } from './field-set.ts'

/** What one manager owns by server-side apply, subresources left out. */
export function appliedFields(object: KubernetesObject, manager: string): FieldSet {
  return parseFieldSet(fieldsOf(object, manager))
}

function fieldsOf(object: KubernetesObject, manager: string): Json | undefined {
  const entry = (object.metadata.managedFields ?? []).find(
    ({ manager: name, operation, subresource }) => name === manager && operation === 'Apply' && !subresource,
  )
  return entry?.['fieldsV1']
}

/**
 * Drift: the fields of ours that applying again would change.
 *
 * `predicted` is the server's answer to a dry run, so defaults, conversions and admission are in it. What it changes
 * in fields that nobody but a webhook, an autoscaler or a person sets is not our business: only fields that we own now
 * or would own afterwards are compared.
 *
 * @returns the differences, sorted by path, each once; empty when applying would change nothing of ours.
 */
export function ownedDifferences(
  live: KubernetesObject,
  predicted: KubernetesObject,
  manager: string,
): readonly Difference[] {
  const found = new Map<FieldPath, Difference>()
  const [now, afterwards] = [fieldsOf(live, manager), fieldsOf(predicted, manager)]
  compare(live, predicted, parseFieldSet(afterwards), [], found)
  // What we own now as well: a field that left Git is in that set alone.
  if (!equalJson(now, afterwards)) compare(live, predicted, parseFieldSet(now), [], found)
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The paths of {@link ownedDifferences}. */
export function ownedChanges(
  live: KubernetesObject,
  predicted: KubernetesObject,
  manager: string,
): readonly FieldPath[] {
  return ownedDifferences(live, predicted, manager).map(({ path }) => path)
}

function compare(
  live: Json | undefined,
  desired: Json | undefined,
  set: FieldSet,
  steps: readonly FieldStep[],
  found: Map<FieldPath, Difference>,
): void {
  if (set.self && (live === undefined) !== (desired === undefined)) {
    note(live, desired, steps, found)
    return
  }
  for (const { step, set: child } of set.children) {
    const left = take(live, step)
    const right = take(desired, step)
    const here = [...steps, step]
    if (!isLeaf(child)) compare(left, right, child, here, found)
    else if (!equalJson(left, right)) note(left, right, here, found)
  }
}

function note(
  live: Json | undefined,
  desired: Json | undefined,
  steps: readonly FieldStep[],
  found: Map<FieldPath, Difference>,
): void {
  const path = formatFieldPath(steps)
  const sides = { ...(live === undefined ? {} : { live }), ...(desired === undefined ? {} : { desired }) }
  found.set(path, { path, steps, ...sides })
}

/** The value that a step leads to; undefined when it is not there. */
export function take(value: Json | undefined, step: FieldStep): Json | undefined {
  switch (step.kind) {
    case 'field':
      return isJsonObject(value) ? getKey(value, step.name) : undefined
    case 'item':
      return Array.isArray(value) ? (value as readonly Json[]).find(item => hasKeys(item, step.keys)) : undefined
    case 'member':
      return Array.isArray(value) ? (value as readonly Json[]).find(item => equalJson(item, step.value)) : undefined
    case 'index':
      return Array.isArray(value) ? (value as readonly Json[])[step.index] : undefined
  }
}

export function hasKeys(item: Json, keys: { readonly [key: string]: Json | undefined }): boolean {
  return isJsonObject(item) && Object.entries(keys).every(([name, value]) => equalJson(getKey(item, name), value))
}
