import { canonicalJson, sha256 } from '@flotilla/core/json/canonical-json'
import { equalJson, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Core } from '../api/core.ts'
import { deleteStored } from '../api/delete-objects.ts'
import { createObject, updateObject, type WriteOptions } from '../api/write-object.ts'
import { newReport } from '../objects/read-object.ts'
import { settleObject, settleStatus } from '../objects/read-stored.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { controllerOf } from './controller.ts'

/** What controllers do to the cluster: the same writes as through the API, under the names a real cluster uses. */
export class ControllerApi {
  readonly core: Core

  constructor(core: Core) {
    this.core = core
  }

  type(group: string, kind: string): ResourceType {
    return this.core.registry.findKind(group, kind)!
  }

  get(group: string, plural: string, namespace: string, name: string): KubernetesObject | undefined {
    return this.core.store.get(`${group}/${plural}`, namespace, name)
  }

  list(group: string, plural: string, namespace?: string): readonly KubernetesObject[] {
    return this.core.store.list(`${group}/${plural}`, namespace)
  }

  /** The objects of a namespace that this owner controls. */
  owned(group: string, plural: string, owner: KubernetesObject): readonly KubernetesObject[] {
    const uid = owner.metadata.uid
    return this.list(group, plural, owner.metadata.namespace).filter(object => controllerOf(object)?.uid === uid)
  }

  create(group: string, kind: string, json: JsonObject, manager = 'kube-controller-manager'): KubernetesObject {
    const type = this.type(group, kind)
    return createObject(this.core, type, settleObject(type, json, newReport()), options(manager, ''))
  }

  /** Replaces the object; nothing happens when it is the same. */
  update(
    group: string,
    kind: string,
    live: KubernetesObject,
    next: KubernetesObject,
    manager = 'kube-controller-manager',
  ): KubernetesObject {
    const type = this.type(group, kind)
    return updateObject(this.core, type, live, settleObject(type, next, newReport()), options(manager, ''))
  }

  updateStatus(
    group: string,
    kind: string,
    live: KubernetesObject,
    status: JsonObject,
    manager = 'kube-controller-manager',
  ): KubernetesObject {
    const type = this.type(group, kind)
    const next = settleStatus(type, live, status)
    if (equalJson(next['status'], live['status'])) return live
    return updateObject(this.core, type, live, next, options(manager, 'status'))
  }

  /** Annotations that a controller keeps go with the status: no generation counts them. */
  annotate(
    group: string,
    kind: string,
    live: KubernetesObject,
    annotations: Readonly<Record<string, string>>,
  ): KubernetesObject {
    const type = this.type(group, kind)
    const merged = { ...live.metadata.annotations, ...annotations }
    const next = settleObject(type, { ...live, metadata: { ...live.metadata, annotations: merged } }, newReport())
    return updateObject(this.core, type, live, next, options('kube-controller-manager', 'status'))
  }

  /** In the background, unless said otherwise. */
  remove(group: string, kind: string, live: KubernetesObject, graceSeconds?: number): void {
    deleteStored(this.core, this.type(group, kind), live, graceSeconds)
  }
}

function options(manager: string, subresource: WriteOptions['subresource']): WriteOptions {
  return { manager, dryRun: false, subresource }
}

/** The owner reference of something a controller makes. */
export function controlledBy(owner: KubernetesObject): JsonObject {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

const SAFE_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

const hashes = new WeakMap<object, string>()

/** A short name for a stored value, of letters that spell nothing: `pod-template-hash`. Made once a value. */
export function shortHash(value: JsonObject): string {
  let text = hashes.get(value)
  if (text === undefined) {
    text = makeHash(value)
    hashes.set(value, text)
  }
  return text
}

function makeHash(value: Json): string {
  const digits = sha256(canonicalJson(value)).slice('sha256:'.length)
  let text = ''
  for (let index = 0; index < 20; index += 2) {
    text += SAFE_LETTERS[Number.parseInt(digits.slice(index, index + 2), 16) % SAFE_LETTERS.length]
  }
  return text
}

/**
 * A condition laid over the ones there are; its transition time changes only with its status. `renew` moves the update
 * time though nothing else is new.
 */
export function withCondition(
  conditions: readonly JsonObject[],
  condition: JsonObject,
  now: string,
  hasUpdateTime = false,
  renew = false,
): readonly JsonObject[] {
  const before = conditions.find(each => each['type'] === condition['type'])
  const same = before?.['status'] === condition['status']
  if (
    before &&
    !renew &&
    same &&
    before['reason'] === condition['reason'] &&
    before['message'] === condition['message']
  )
    return conditions
  const times = {
    lastTransitionTime: same ? (before?.['lastTransitionTime'] ?? now) : now,
    ...(hasUpdateTime ? { lastUpdateTime: now } : {}),
  }
  const next = { ...condition, ...times }
  return before ? conditions.map(each => (each === before ? next : each)) : [...conditions, next]
}

export function conditionsOf(object: KubernetesObject): readonly JsonObject[] {
  const conditions = (object['status'] as JsonObject | undefined)?.['conditions']
  return Array.isArray(conditions) ? (conditions as readonly JsonObject[]) : []
}

export function conditionIs(object: KubernetesObject, type: string, status = 'True'): boolean {
  return conditionsOf(object).some(each => each['type'] === type && each['status'] === status)
}
