import { type AssessedObject, countsForHealth, rollUpHealth } from '@flotilla/core/health/roll-up-health'
import { objectKeyText, versionOf } from '@flotilla/core/model/kubernetes-object'
import type { Health, OutOfSyncReason, SyncStatus } from '@flotilla/core/model/status'
import { type Adoption, unapprovedAdoptions } from '@flotilla/core/plan/adoptions'
import { type HeldPrunes, heldPrunes } from '@flotilla/core/plan/held-prunes'
import { readObjectOptions } from '@flotilla/core/plan/object-options'
import { type HookAction, planErrors, type SyncAction, type SyncPlan } from '@flotilla/core/plan/sync-plan'
import type { ObjectState } from '@flotilla/core/protocol/report'
import type { Assess } from '@flotilla/core/sync/hook-run'
import type { Look } from './look.ts'

export interface FoundState {
  readonly sync: { readonly status: SyncStatus; readonly message?: string }
  readonly health: Health
  /** Objects that are not both Synced and Healthy. */
  readonly objects: readonly ObjectState[]
  readonly objectCount: number
  /** Prunes that wait for a person; absent: none. */
  readonly heldPrunes?: HeldPrunes
  /** What waits for somebody's approval to be taken over; absent: nothing. */
  readonly adoptions?: readonly Adoption[]
}

/** Reads an Application's state off a look at it. Pure. */
export function findState(
  { intent, observation, plan }: Look,
  assess: Assess,
  missingTooLong: (name: string) => boolean,
): FoundState {
  const assessed: AssessedObject[] = []
  const objects: ObjectState[] = []
  const targets = new Map(intent.prepared.targets.map(target => [objectKeyText(target.key), target]))
  let outOfSync = 0
  let unknown = 0
  // Hooks count neither as synced nor as healthy.
  const counted = plan.actions.filter(action => action.kind !== 'hook')
  for (const action of counted) {
    const name = objectKeyText(action.key)
    const target = targets.get(name)
    const live = observation.live.get(name)
    const health = live ? assess(live) : null
    const { status, reason, message } = syncOf(action, live !== undefined, observation.predictions.get(name)?.kind)
    const ignored = reason === 'Extra' && live !== undefined && readObjectOptions(live).options.ignoreExtraneous
    if (status === 'OutOfSync' && !ignored) outOfSync++
    if (status === 'Unknown') unknown++
    if (target && !target.destinationNamespace) {
      const counts = countsForHealth(live ?? target.object)
      assessed.push({
        key: action.key,
        live: live !== undefined,
        health,
        counted: counts,
        missingTooLong: missingTooLong(name),
      })
    }
    const healthy = live ? !health || health.status === 'Healthy' : false
    if (status === 'Synced' && healthy) continue
    const text = message ?? health?.message
    objects.push({
      key: action.key,
      version: versionOf((live ?? target?.object)?.apiVersion ?? ''),
      sync: status,
      ...(reason ? { reason } : {}),
      ...(live ? (health ? { health: health.status } : {}) : { health: 'Missing' as const }),
      ...(text ? { message: text } : {}),
    })
  }
  const adoptions = unapprovedAdoptions(plan.actions)
  const held = heldPrunes(plan.actions)
  return {
    ...(held ? { heldPrunes: held } : {}),
    ...(adoptions.length === 0 ? {} : { adoptions }),
    sync: syncStatus(plan, counted.length, outOfSync, unknown),
    health: rollUpHealth(assessed),
    objects,
    objectCount: counted.length,
  }
}

function syncStatus(plan: SyncPlan, count: number, outOfSync: number, unknown: number): FoundState['sync'] {
  const errors = planErrors(plan)
  if (errors.length > 0) {
    const [first] = errors
    const subject = first?.key ? `${objectKeyText(first.key)} ` : ''
    const more = errors.length > 1 ? ` and ${errors.length - 1} more` : ''
    return { status: 'Unknown', message: `${first?.code}: ${subject}${first?.message}${more}` }
  }
  if (outOfSync > 0) return { status: 'OutOfSync', message: `${outOfSync} of ${count} objects differ` }
  return unknown > 0 ? { status: 'Unknown', message: `${unknown} objects could not be compared` } : { status: 'Synced' }
}

interface ObjectSync {
  readonly status: SyncStatus
  readonly reason?: OutOfSyncReason
  readonly message?: string
}

function syncOf(action: Exclude<SyncAction, HookAction>, live: boolean, prediction: string | undefined): ObjectSync {
  switch (action.kind) {
    case 'keep':
      return { status: 'Synced' }
    case 'create':
      return { status: 'OutOfSync', reason: 'Missing', ...(live ? { message: 'is being deleted' } : {}) }
    case 'update':
      if (prediction === 'unknown' || prediction === undefined) return { status: 'Unknown', reason: 'DiffUnavailable' }
      return { status: 'OutOfSync', reason: 'Modified', message: action.changes.slice(0, 20).join(', ') }
    case 'prune':
      return { status: 'OutOfSync', reason: 'Extra' }
    case 'hold':
      return holdSync(action)
    case 'skip':
      // No longer ours, or never to be looked at: it does not change the Application's state.
      return action.code === 'OWNERSHIP_CHANGED' || action.code === 'NOT_PERMITTED'
        ? { status: 'Synced' }
        : { status: 'OutOfSync', reason: 'Extra', message: action.reason }
  }
}

function holdSync(action: Extract<SyncAction, { kind: 'hold' }>): ObjectSync {
  switch (action.code) {
    case 'OWNED_BY_OTHER':
    case 'ADOPTION_UNAPPROVED':
      return { status: 'OutOfSync', reason: 'OwnedByOther', message: action.reason }
    case 'PREDICTION_UNAUTHORISED':
      return { status: 'Unknown', reason: 'DiffUnauthorised', message: action.reason }
    case 'PREDICTION_REFUSED':
      return { status: 'OutOfSync', reason: 'Modified', message: action.reason }
    default:
      return { status: 'OutOfSync', reason: 'Extra', message: action.reason }
  }
}
