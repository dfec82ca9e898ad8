import type { Json, JsonObject } from '../json/json.ts'
import { listAt, textAt } from '../json/read-json.ts'

/** A condition as nearly every kind writes it; absent members are empty texts. */
export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}

/** The members of `status.conditions`, in their order. */
export function conditionsOf(object: JsonObject): readonly Condition[] {
  return listAt(object, 'status', 'conditions').map(readCondition)
}

export function readCondition(condition: Json): Condition {
  return {
    type: textAt(condition, 'type'),
    status: textAt(condition, 'status'),
    reason: textAt(condition, 'reason'),
    message: textAt(condition, 'message'),
    lastTransitionTime: textAt(condition, 'lastTransitionTime'),
  }
}
