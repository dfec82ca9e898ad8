import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Core } from '../api/core.ts'
import { deleteStored, FOREGROUND, ORPHAN } from '../api/delete-objects.ts'
import { isTerminating } from '../objects/prepare.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import type { StoreEvent } from '../store/object-store.ts'
import { type Controller, keyOf, type OwnerReference, ownersOf } from './controller.ts'
import type { ControllerApi } from './controller-api.ts'

/**
 * Deletes what lost all its owners, and performs foreground and orphaning deletion. Knows dependents by their owner's
 * uid, and which uids are alive.
 */
export function garbageCollector(core: Core, api: ControllerApi): Controller {
  const collector = new Collector(core, api)
  return {
    name: 'garbage',
    keysOf: event => collector.keysOf(event),
    reconcile: key => collector.reconcile(key),
  }
}

class Collector {
  private readonly core: Core
  private readonly api: ControllerApi
  /** Owner uid → ids (`storageKey namespace/name`) of what names it as owner. */
  private readonly dependents = new Map<string, Set<string>>()

  constructor(core: Core, api: ControllerApi) {
    this.core = core
    this.api = api
  }

  keysOf(event: StoreEvent): readonly string[] {
    const id = `${event.storageKey} ${keyOf(event.object)}`
    this.index(event, id)
    const { object, previous } = event
    if (event.kind === 'deleted') {
      const uid = object.metadata.uid ?? ''
      const orphans = [...(this.dependents.get(uid) ?? [])]
      // An owner in foreground deletion waits for this one.
      return [...orphans, ...this.ownerIds(object)]
    }
    const isNew = ownersOf(object).length > 0 && ownersOf(previous ?? object) !== ownersOf(object)
    const keys: string[] = []
    if (isNew || event.kind === 'added' || isTerminating(object)) {
      if (ownersOf(object).length > 0 || isTerminating(object)) keys.push(id)
    }
    if (previous && ownersOf(previous).length > 0 && ownersOf(object).length === 0)
      keys.push(...this.ownerIds(previous))
    return keys
  }

  reconcile(id: string): undefined {
    const [storageKey, key] = id.split(' ') as [string, string]
    const slash = key.indexOf('/')
    const object = this.core.store.get(storageKey, key.slice(0, slash), key.slice(slash + 1))
    const type = this.core.registry.findStorage(storageKey)
    if (!object || !type) return
    const finalizers = object.metadata.finalizers ?? []
    if (isTerminating(object)) {
      if (finalizers.includes(ORPHAN)) this.orphan(type, object)
      else if (finalizers.includes(FOREGROUND)) this.foreground(type, object)
      return
    }
    this.collect(type, object)
  }

  private index(event: StoreEvent, id: string): void {
    for (const owner of ownersOf(event.previous ?? event.object)) {
      const set = this.dependents.get(owner.uid)
      set?.delete(id)
      if (set?.size === 0) this.dependents.delete(owner.uid)
    }
    if (event.kind === 'deleted') return
    for (const owner of ownersOf(event.object)) {
      const set = this.dependents.get(owner.uid)
      if (set) set.add(id)
      else this.dependents.set(owner.uid, new Set([id]))
    }
  }

  private ownerIds(object: KubernetesObject): readonly string[] {
    return ownersOf(object).flatMap(owner => {
      const found = this.locate(owner, object)
      return found ? [`${found.type.storageKey} ${keyOf(found.object)}`] : []
    })
  }

  /** The owner if it is there and is who the reference means. */
  private locate(
    owner: OwnerReference,
    dependent: KubernetesObject,
  ): { readonly type: ResourceType; readonly object: KubernetesObject } | undefined {
    const group = owner.apiVersion.includes('/') ? owner.apiVersion.slice(0, owner.apiVersion.indexOf('/')) : ''
    const type = this.core.registry.findKind(group, owner.kind)
    if (!type) return undefined
    const namespace = type.namespaced ? (dependent.metadata.namespace ?? '') : ''
    const object = this.core.store.get(type.storageKey, namespace, owner.name)
    return object?.metadata.uid === owner.uid ? { type, object } : undefined
  }

  private collect(type: ResourceType, object: KubernetesObject): void {
    const owners = ownersOf(object)
    if (owners.length === 0) return
    const alive = owners.filter(owner => this.locate(owner, object))
    if (alive.length === owners.length) {
      const waiting = alive.filter(owner => {
        const found = this.locate(owner, object)!.object
        return isTerminating(found) && (found.metadata.finalizers ?? []).includes(FOREGROUND)
      })
      if (waiting.length === alive.length) deleteStored(this.core, type, object, undefined, 'Foreground')
      return
    }
    if (alive.length === 0) {
      deleteStored(this.core, type, object)
      return
    }
    this.writeOwners(type, object, alive)
  }

  private foreground(type: ResourceType, owner: KubernetesObject): void {
    const dependents = this.dependentsOf(owner)
    let blocked = false
    for (const { type: kind, object } of dependents) {
      const reference = ownersOf(object).find(each => each.uid === owner.metadata.uid)
      if (reference?.blockOwnerDeletion === true) blocked = true
      if (!isTerminating(object)) this.collect(kind, object)
    }
    const left = this.dependentsOf(owner)
    if (left.length === 0 || !blocked) this.removeFinalizer(type, owner, FOREGROUND)
  }

  private orphan(type: ResourceType, owner: KubernetesObject): void {
    for (const { type: kind, object } of this.dependentsOf(owner)) {
      this.writeOwners(
        kind,
        object,
        ownersOf(object).filter(each => each.uid !== owner.metadata.uid),
      )
    }
    this.removeFinalizer(type, owner, ORPHAN)
  }

  private dependentsOf(
    owner: KubernetesObject,
  ): readonly { readonly type: ResourceType; readonly object: KubernetesObject }[] {
    return [...(this.dependents.get(owner.metadata.uid ?? '') ?? [])].flatMap(id => {
      const [storageKey, key] = id.split(' ') as [string, string]
      const slash = key.indexOf('/')
      const object = this.core.store.get(storageKey, key.slice(0, slash), key.slice(slash + 1))
      const type = this.core.registry.findStorage(storageKey)
      return object && type ? [{ type, object }] : []
    })
  }

  private writeOwners(type: ResourceType, object: KubernetesObject, owners: readonly OwnerReference[]): void {
    const { ownerReferences: _, ...metadata } = object.metadata
    const kept = owners.length > 0 ? { ownerReferences: owners.map(owner => ({ ...owner })) } : {}
    this.api.update(type.group, type.kind, object, { ...object, metadata: { ...metadata, ...kept } })
  }

  private removeFinalizer(type: ResourceType, object: KubernetesObject, finalizer: string): void {
    const finalizers = (object.metadata.finalizers ?? []).filter(each => each !== finalizer)
    this.api.update(type.group, type.kind, object, { ...object, metadata: { ...object.metadata, finalizers } })
  }
}
