import { equalJson, getKey, isJsonObject, type Json } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { type FieldPath, formatFieldPath } from './field-path.ts'
import { type FieldSet, type FieldStep, isLeaf, parseFieldSet } from './field-set.ts'

/** What one manager owns by server-side apply, subresources left out. */
export function appliedFields(object: KubernetesObject, manager: string): FieldSet {
  const entry = (object.metadata.managedFields ?? []).find(
    ({ manager: name, operation, subresource }) => name === manager && operation === 'Apply' && !subresource,
  )
  return parseFieldSet(entry?.['fieldsV1'])
}

/**
 * Drift: the fields of ours that applying again would change.
 *
 * `predicted` is the server's answer to a dry run, so defaults, conversions and admission are in it. What it changes
 * in fields that nobody but a webhook, an autoscaler or a person sets is not our business: only fields that we own now
 * or would own afterwards are compared.
 *
 * @returns paths, sorted, each once; empty when applying would change nothing of ours.
 */
export function ownedChanges(
  live: KubernetesObject,
  predicted: KubernetesObject,
  manager: string,
): readonly FieldPath[] {
  const changes = new Set<FieldPath>()
  // What we own now as well: a field that left Git is in that set alone.
  for (const set of [appliedFields(predicted, manager), appliedFields(live, manager)]) {
    compare(live, predicted, set, [], changes)
  }
  return [...changes].sort()
}

function compare(
  live: Json | undefined,
  predicted: Json | undefined,
  set: FieldSet,
  path: readonly FieldStep[],
  changes: Set<FieldPath>,
): void {
  if (set.self && (live === undefined) !== (predicted === undefined)) {
    changes.add(formatFieldPath(path))
    return
  }
  for (const { step, set: child } of set.children) {
    const left = take(live, step)
    const right = take(predicted, step)
    const here = [...path, step]
    if (isLeaf(child)) {
      if (!equalJson(left, right)) changes.add(formatFieldPath(here))
    } else {
      compare(left, right, child, here, changes)
    }
  }
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

function hasKeys(item: Json, keys: { readonly [key: string]: Json | undefined }): boolean {
  return isJsonObject(item) && Object.entries(keys).every(([name, value]) => equalJson(getKey(item, name), value))
}
