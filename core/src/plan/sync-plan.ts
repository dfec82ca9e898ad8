import type { FieldPath } from '../diff/field-path.ts'
import type { Digest } from '../json/canonical-json.ts'
import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import type { Hook, HookPhase } from './read-hook.ts'
import type { DeliveryTool } from './tracking.ts'

/** In the order in which they run; `SyncFail` only after a failure, and the last two only when the Application is removed. */
export type PlanPhase = HookPhase

interface ActionBase {
  readonly key: ObjectKey
  readonly phase: PlanPhase
  readonly wave: number
  /** Where the object's own annotations would have put it, when something that needs it comes earlier: `Sync/5`. */
  readonly hoistedFrom?: string
}

/** How an object is written where a plain apply is not what was asked for. */
export interface WriteChoices {
  /** Fields of other managers are not taken: a conflict fails the object. */
  readonly conflicts?: 'fail'
  /** A full update in place of an apply. It deletes nothing. */
  readonly replace?: true
  /** When a field of it cannot be changed, the object is deleted and created again. */
  readonly recreate?: true
}

/** The object does not exist; `object` is sent as it stands. */
export interface CreateAction extends ActionBase {
  readonly kind: 'create'
  readonly object: KubernetesObject
  readonly fieldManager?: string
  /** False: the server is not to refuse unknown fields. */
  readonly validate: boolean
  readonly choices?: WriteChoices
  /** UID of an object of the same name that is being deleted; it has to be gone first. */
  readonly afterDeletionOf?: string
}

/** The object exists and differs in fields that are ours, or has to be taken over. */
export interface UpdateAction extends ActionBase {
  readonly kind: 'update'
  readonly object: KubernetesObject
  readonly fieldManager?: string
  readonly validate: boolean
  readonly choices?: WriteChoices
  /** The fields that will change; empty where that cannot be known before. */
  readonly changes: readonly FieldPath[]
  /** Managers whose fields become ours before the apply, so that what they set and Git does not goes away. */
  readonly takeOver: readonly string[]
  /** The cluster has said that it may not be changed so: it is deleted and made again. */
  readonly recreates?: true
  /** Whose fields are taken by force, for people who ask who undid their change: `kubectl-edit (.spec.replicas)`. */
  readonly takenFrom?: readonly string[]
}

export interface PruneAction extends ActionBase {
  readonly kind: 'prune'
  readonly version: string
  readonly uid: string
  readonly propagation: 'foreground' | 'background' | 'orphan'
}

export interface KeepAction extends ActionBase {
  readonly kind: 'keep'
}

/** Nothing is done to the object, although it is not as it should be: somebody has to decide. */
export interface HoldAction extends ActionBase {
  readonly kind: 'hold'
  readonly code: HoldActionCode
  readonly reason: string
  /** Of `ADOPTION_UNAPPROVED`: whose it is now. */
  readonly tool?: DeliveryTool
}

/** Nothing is done to the object, and that is how somebody asked for it. */
export interface SkipAction extends ActionBase {
  readonly kind: 'skip'
  readonly code: SkipActionCode
  readonly reason: string
}

/** A hook's turn, in one of the phases that it names. Whether it is made, waited for or over is the operation's to know. */
export interface HookAction extends ActionBase {
  readonly kind: 'hook'
  readonly object: KubernetesObject
  readonly hook: Hook
  readonly validate: boolean
}

export type HoldActionCode =
  | 'OWNED_BY_OTHER'
  /** Another tool's; somebody has to agree that it becomes ours. */
  | 'ADOPTION_UNAPPROVED'
  | 'PRUNE_CONFIRMATION'
  | 'PRUNE_GUARD'
  | 'PREDICTION_REFUSED'
  | 'PREDICTION_UNAUTHORISED'

export type SkipActionCode =
  | 'PRUNE_OFF'
  | 'PRUNE_FORBIDDEN'
  | 'OWNERSHIP_CHANGED'
  | 'BEING_DELETED'
  | 'NOT_PERMITTED'
  /** Its kind is not served, and that it is gone is not certain. */
  | 'KIND_UNKNOWN'

export type SyncAction = CreateAction | UpdateAction | PruneAction | KeepAction | HookAction | HoldAction | SkipAction

export type PlanProblemCode =
  | 'HOOK_INVALID'
  | 'UNSUPPORTED_OPTION'
  | 'UNKNOWN_OPTION'
  | 'NAME_MISSING'
  | 'NAMESPACE_MISSING'
  | 'KIND_UNKNOWN'
  | 'NOT_PERMITTED'
  | 'REPEATED_OBJECT'
  | 'REPEATED_KEY'
  | 'WAVE_INVALID'
  | 'SHARED_OBJECT'
  | 'ADOPTION_UNAPPROVED'

export interface PlanProblem {
  /** `error`: the plan must not be performed, not even in part. */
  readonly severity: 'error' | 'warning'
  readonly code: PlanProblemCode
  readonly key?: ObjectKey
  readonly message: string
}

/** Ordered actions on one Application's objects: printed, tested, stored, then performed. */
export interface SyncPlan {
  readonly application: { readonly id: string; readonly name: string }
  readonly digest: Digest
  readonly namespace: string
  readonly actions: readonly SyncAction[]
  /** What waves of prunes were mirrored over; an operation keeps to it to its end. */
  readonly waves?: readonly number[]
  readonly problems: readonly PlanProblem[]
}

/** Whether performing the plan would write anything. */
export function planWrites(plan: SyncPlan): boolean {
  return plan.actions.some(({ kind }) => kind === 'create' || kind === 'update' || kind === 'prune')
}

/** What forbids performing the plan at all. */
export function planErrors(plan: SyncPlan): readonly PlanProblem[] {
  return plan.problems.filter(({ severity }) => severity === 'error')
}
