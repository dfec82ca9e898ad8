import type { Json } from '@flotilla/core/json/json'
import type { KubernetesObject, ObjectMeta } from '@flotilla/core/model/kubernetes-object'
import { type FieldError, forbiddenField, invalid } from '../api/api-error.ts'
import { kindName } from '../objects/kind-rules.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import { CHANGE_CHECKS } from './changes.ts'
import { checkCustom } from './custom.ts'
import { checkDefinition } from './definitions.ts'
import { KIND_CHECKS } from './kinds.ts'
import { checkAnnotations, checkLabels, checkName, checkOwners, notQualifiedName } from './names.ts'

/** Everything that is wrong with an object that is to be made. */
export function validateCreate(type: ResourceType, object: KubernetesObject): readonly FieldError[] {
  return [...checkName(type, object.metadata.name), ...checkMetadata(object, {}), ...checkBody(type, object)]
}

/** Everything that is wrong with a change, what may not change included. */
export function validateUpdate(
  type: ResourceType,
  live: KubernetesObject,
  next: KubernetesObject,
  subresource: string,
): readonly FieldError[] {
  const added = addedFinalizers(live, next)
  const errors = [...checkMetadata(next, live.metadata), ...added]
  if (subresource === 'status') {
    return type.custom ? [...errors, ...checkCustom(type.custom.openApiSchema, next)] : errors
  }
  return [...errors, ...checkBody(type, next), ...(CHANGE_CHECKS[kindName(type)]?.(live, next) ?? [])]
}

function checkBody(type: ResourceType, object: KubernetesObject): readonly FieldError[] {
  if (type.custom) return checkCustom(type.custom.openApiSchema, object)
  if (kindName(type) === 'apiextensions.k8s.io/CustomResourceDefinition') return checkDefinition(object)
  return KIND_CHECKS[kindName(type)]?.(object) ?? []
}

/** What is the very value of before was looked at before. */
function checkMetadata(object: KubernetesObject, before: ObjectMeta): readonly FieldError[] {
  const { labels, annotations, finalizers = [], ownerReferences = [] } = object.metadata
  return [
    ...(labels === before.labels ? [] : checkLabels(labels, 'metadata.labels')),
    ...(annotations === before.annotations ? [] : checkAnnotations(annotations)),
    ...finalizers.flatMap(finalizer => {
      const wrong = notQualifiedName(finalizer)
      return wrong === undefined ? [] : [invalid('metadata.finalizers', finalizer, wrong)]
    }),
    ...(ownerReferences === before.ownerReferences ? [] : checkOwners(ownerReferences as readonly Json[])),
  ]
}

function addedFinalizers(live: KubernetesObject, next: KubernetesObject): readonly FieldError[] {
  if (live.metadata.deletionTimestamp === undefined) return []
  const before = live.metadata.finalizers ?? []
  const added = (next.metadata.finalizers ?? []).filter(each => !before.includes(each))
  if (added.length === 0) return []
  const list = added.map(each => JSON.stringify(each)).join(', ')
  return [
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    ),
  ]
}
