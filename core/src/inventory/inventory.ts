import { type Digest, sha256 } from '../json/canonical-json.ts'
import { type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'

/**
 * The identities that an Application applied; never a version. Stored in the cluster in two steps, so that a crash
 * forgets nothing: a superset before the first write, exactly what is left after the last prune.
 */
export interface Inventory {
  readonly application: { readonly id: string; readonly name: string }
  /** Sorted, each once. */
  readonly entries: readonly ObjectKey[]
  /** Of them, those known from their own marks alone, since the Inventory was lost: one witness, so a person is asked. */
  readonly unproved?: readonly ObjectKey[]
  /** While prunes wait for a person: how many entries there were when they began to. */
  readonly settled?: number
}

/** Sorts by group, kind, namespace, name and drops doubles. */
export function inventoryEntries(keys: Iterable<ObjectKey>): readonly ObjectKey[] {
  const byText = new Map<string, ObjectKey>()
  for (const { group, kind, namespace, name } of keys) {
    const key = { group, kind, namespace, name }
    byText.set(objectKeyText(key), key)
  }
  return [...byText.values()].sort(compareKeys)
}

/** First step: what was applied before and what will be. */
export function widenInventory(before: readonly ObjectKey[], targets: Iterable<ObjectKey>): readonly ObjectKey[] {
  return inventoryEntries([...before, ...targets])
}

export function sameEntries(a: readonly ObjectKey[], b: readonly ObjectKey[]): boolean {
  return a.length === b.length && a.every((key, index) => compareKeys(key, b[index]!) === 0)
}

/** Equal Inventories have equal digests, whichever agent computes them. */
export function inventoryDigest(entries: readonly ObjectKey[]): Digest {
  const known = digests.get(entries)
  if (known) return known
  const digest = sha256(inventoryEntries(entries).map(entryLine).join('\n'))
  digests.set(entries, digest)
  return digest
}

/** Asked for at each look, of the same list. */
const digests = new WeakMap<readonly ObjectKey[], Digest>()

/** Group, kind, namespace and name with tabs between; none of them can hold one. */
export function entryLine({ group, kind, namespace, name }: ObjectKey): string {
  return [group, kind, namespace, name].join('\t')
}

export function compareKeys(a: ObjectKey, b: ObjectKey): number {
  return (
    compareText(a.group, b.group) ||
    compareText(a.kind, b.kind) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
