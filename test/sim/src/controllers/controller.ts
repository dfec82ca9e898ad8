import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { StoreEvent } from '../store/object-store.ts'

/** Level-based: a change names keys, and a reconcile of a key looks at everything as it is now. */
export interface Controller {
  readonly name: string
  keysOf(event: StoreEvent): readonly string[]
  /** Returns after how many milliseconds to look again; undefined when only a change is a reason to. */
  reconcile(key: string): number | undefined
}

/** `namespace/name` */
export function keyOf(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`
}

export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** Keys of the objects of `storageKey`, and of the controlling owners of kind `ownerKind` of what they make. */
export function ownAndOwned(
  event: StoreEvent,
  storageKey: string,
  ownerKind: string,
  made: readonly string[],
): readonly string[] {
  if (event.storageKey === storageKey) return [keyOf(event.object)]
  if (!made.includes(event.storageKey)) return []
  const owner = controllerOf(event.object)
  return owner?.kind === ownerKind ? [`${event.object.metadata.namespace ?? ''}/${owner.name}`] : []
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export function ownersOf(object: KubernetesObject): readonly OwnerReference[] {
  return (object.metadata.ownerReferences ?? []) as unknown as readonly OwnerReference[]
}

/** The owner that controls it, if any. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return ownersOf(object).find(owner => owner.controller === true)
}
