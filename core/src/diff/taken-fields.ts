import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { formatFieldPath } from './field-path.ts'
import { parseFieldSet } from './field-set.ts'
import { leavesOf } from './places.ts'

const MOST_NAMED = 3

/**
 * Whose fields an apply takes by force: managers that own a field now and would not afterwards.
 *
 * @param predicted The server's answer to a dry run of the apply.
 * @returns `kubectl-edit (.spec.replicas and 2 more)`, sorted; empty when nobody loses anything.
 */
export function takenFields(live: KubernetesObject, predicted: KubernetesObject, manager: string): readonly string[] {
  // Most objects have one owner, and asking is part of every comparison.
  if (!(live.metadata.managedFields ?? []).some(entry => entry['manager'] !== manager && !isOfStatus(entry))) return []
  const after = ownership(predicted)
  const taken: string[] = []
  for (const [name, before] of ownership(live)) {
    if (name === manager) continue
    const kept = after.get(name) ?? []
    const lost = before.filter(path => !kept.includes(path))
    // Fields that go away altogether were taken from nobody: they are in no set afterwards.
    const ours = after.get(manager) ?? []
    const won = lost.filter(path => ours.includes(path))
    if (won.length === 0) continue
    const more = won.length > MOST_NAMED ? ` and ${won.length - MOST_NAMED} more` : ''
    taken.push(`${name} (${won.slice(0, MOST_NAMED).join(', ')}${more})`)
  }
  return taken.sort()
}

function isOfStatus(entry: JsonObject): boolean {
  return entry['subresource'] === 'status'
}

/** Paths by manager, status left out. */
function ownership(object: KubernetesObject): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>()
  for (const entry of object.metadata.managedFields ?? []) {
    if (isOfStatus(entry)) continue
    const name = String(entry['manager'])
    const owned = leavesOf(parseFieldSet(entry['fieldsV1'])).map(formatFieldPath)
    paths.set(name, [...(paths.get(name) ?? []), ...owned])
  }
  return paths
}
