import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { FieldError } from '../api/api-error.ts'
import type { ResourceType } from '../resources/resource-type.ts'

export function validateCreate(_type: ResourceType, _object: KubernetesObject): readonly FieldError[] {
  return []
}

export function validateUpdate(
  _type: ResourceType,
  _live: KubernetesObject,
  _next: KubernetesObject,
  _subresource: string,
): readonly FieldError[] {
  return []
}
