import type { JsonObject } from '@flotilla/core/json/json'
import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { SetRow } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { type RoundFacts, type SetStatus, statusOfRound } from '@flotilla/generators/set-status/round-status'

/** A set's row with what is to be told of it: how each generator is and since when, conditions, health. */
export function tellSet(
  row: SetRow,
  before: SetRow | undefined,
  now: { readonly plan?: DeletionPlan; readonly rollingSync: boolean; readonly now: EpochMs },
): SetRow {
  const status = statusOfRound(before && statusOf(before), {
    generators: row.generators.map(each => ({
      generator: String(each['generator']),
      status: each['status'] as 'ok' | 'stale' | 'failed' | 'waiting',
      applications: Number(each['applications']),
    })),
    errors: row.errors as unknown as RoundFacts['errors'],
    rollingSync: now.rollingSync,
    waiting: waitingOf(row, now.plan),
    expandedAt: isoTime(row.expandedAt),
    now: isoTime(now.now),
  })
  return {
    ...row,
    generators: status.generators as unknown as readonly JsonObject[],
    conditions: status.conditions as unknown as readonly JsonObject[],
    health: status.health as unknown as JsonObject,
  }
}

function statusOf({ generators, conditions, health }: SetRow): Partial<SetStatus> {
  return { generators, conditions, health } as unknown as Partial<SetStatus>
}

function waitingOf({ removedAt, name }: SetRow, plan: DeletionPlan | undefined): RoundFacts['waiting'] {
  if (removedAt !== undefined) {
    const message = plan?.reason ?? `set "${name}" was removed; what it made is still there`
    return { reason: 'SetRemoved', message }
  }
  if (!plan) return undefined
  const reason = plan.state === 'rejected' ? 'DeletionRejected' : 'DeletionHeld'
  return { reason, message: plan.reason }
}
