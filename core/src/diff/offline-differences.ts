import { equalJson, getKey, isJsonObject, type Json } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import type { Difference } from './difference.ts'
import { formatFieldPath } from './field-path.ts'
import { type FieldSet, type FieldStep, isLeaf } from './field-set.ts'
import { appliedFields, take } from './owned-changes.ts'
import { equalQuantities } from './quantity.ts'

const NOTHING: FieldSet = { self: false, children: [] }
/** What the server sets or nobody compares. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'status'])
const METADATA_COMPARED: ReadonlySet<string> = new Set(['labels', 'annotations', 'finalizers', 'ownerReferences'])
/** Whose members are quantities wherever they stand: `500m` and `0.5` are the same there. */
const QUANTITIES: ReadonlySet<string> = new Set(['limits', 'requests', 'capacity', 'hard', 'overhead', 'allocatable'])

/**
 * Drift without asking the server, for where a dry run cannot be had: the manifest is compared with the live object,
 * field by field of what we own by our last apply, and of what the manifest has beside that. Defaults and admission are
 * unknown here, so a field that the manifest leaves to them is never drift.
 *
 * @returns the differences, sorted by path; undefined when we have never applied the object, and nothing can be said.
 */
export function offlineDifferences(
  target: KubernetesObject,
  live: KubernetesObject,
  manager: string,
): readonly Difference[] | undefined {
  const owned = appliedFields(live, manager)
  if (owned.children.length === 0) return undefined
  const found: Difference[] = []
  compareMembers(target, live, owned, [], found)
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function compareMembers(
  target: Json | undefined,
  live: Json | undefined,
  set: FieldSet,
  steps: readonly FieldStep[],
  found: Difference[],
): void {
  const ownNames = new Set<string>()
  for (const { step, set: child } of set.children) {
    if (step.kind === 'field') ownNames.add(step.name)
    const here = [...steps, step]
    if (!isCompared(here)) continue
    const [wanted, is] = [take(target, step), take(live, step)]
    if (!isLeaf(child) && wanted !== undefined && is !== undefined) compareMembers(wanted, is, child, here, found)
    else compare(wanted, is, here, found)
  }
  if (!isJsonObject(target)) return
  for (const name of Object.keys(target)) {
    const here: readonly FieldStep[] = [...steps, { kind: 'field', name }]
    const wanted = getKey(target, name)
    if (ownNames.has(name) || wanted === undefined || !isCompared(here)) continue
    const is = isJsonObject(live) ? getKey(live, name) : undefined
    if (isJsonObject(wanted) && isJsonObject(is)) compareMembers(wanted, is, NOTHING, here, found)
    else compare(wanted, is, here, found)
  }
}

function compare(
  desired: Json | undefined,
  live: Json | undefined,
  steps: readonly FieldStep[],
  found: Difference[],
): void {
  if (covers(live, desired, isQuantity(steps))) return
  const sides = { ...(live === undefined ? {} : { live }), ...(desired === undefined ? {} : { desired }) }
  found.push({ path: formatFieldPath(steps), steps, ...sides })
}

/** Whether the live value holds all that the manifest says. What it has beside that are defaults. */
function covers(live: Json | undefined, desired: Json | undefined, quantities: boolean): boolean {
  if (equalJson(live, desired)) return true
  if (isJsonObject(live) && isJsonObject(desired)) {
    return Object.keys(desired).every(name => {
      return covers(getKey(live, name), getKey(desired, name), quantities || QUANTITIES.has(name))
    })
  }
  if (Array.isArray(live) && Array.isArray(desired)) {
    const items = live as readonly Json[]
    return (
      items.length === desired.length && items.every((item, index) => covers(item, desired[index] as Json, quantities))
    )
  }
  // Null and what is empty are one in a manifest: both say that nothing is to be there.
  if (live === undefined) return desired === null || isEmpty(desired)
  return quantities && desired !== undefined && equalQuantities(live, desired)
}

function isEmpty(value: Json | undefined): boolean {
  return isJsonObject(value) ? Object.keys(value).length === 0 : Array.isArray(value) && value.length === 0
}

function isQuantity(steps: readonly FieldStep[]): boolean {
  return steps.some(step => step.kind === 'field' && QUANTITIES.has(step.name))
}

function isCompared([first, second]: readonly FieldStep[]): boolean {
  if (first?.kind !== 'field' || NOT_COMPARED.has(first.name)) return false
  if (first.name !== 'metadata' || second?.kind !== 'field') return true
  return METADATA_COMPARED.has(second.name)
}
