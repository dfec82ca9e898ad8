import { type Agreeing, maySamePerson, sameName, subjectsOf } from '../access/second-person.ts'
import type { OverrideRow, OverrideUse } from '../ports/gate-rows.ts'
import type { Identity } from '../ports/sign-in-rows.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { type OverrideState, overrideState } from './override.ts'
import type { OverrideRule } from './rules.ts'

/** Uses that are listed; all are counted. */
export const USES_LISTED = 200

/** Somebody who acts on an override. */
export interface OverrideActor {
  readonly name: string
  readonly kind: 'person' | 'robot'
  /** Who has made the token that is shown. */
  readonly madeBy?: string
  /** Who is behind it: the subjects by which a second person is known. */
  readonly makers?: readonly Identity[]
}

export type OverrideRefusal =
  | 'OVERRIDE_OWN'
  | 'OVERRIDE_NEEDS_PERSON'
  | 'OVERRIDE_NOT_PENDING'
  | 'OVERRIDE_NOT_ENDED'
  | 'OVERRIDE_NOT_ACTIVE'

export type OverrideStep =
  | { readonly kind: 'done'; readonly row: OverrideRow }
  /** It was so before. */
  | { readonly kind: 'same'; readonly row: OverrideRow }
  | { readonly kind: 'refused'; readonly code: OverrideRefusal; readonly message: string }

/** What it is now. An edit of a freeze is used up by being done. */
export function stateOfOverride(row: OverrideRow, now: EpochMs): OverrideState {
  const used = row.edit === undefined ? row : { ...row, maxUses: 1 }
  return overrideState(ruleOf(used), now, row.approvalsNeeded)
}

/**
 * One more approval. Never by whoever asked for it, whatever the session; not by a program; and not where one of the
 * two has made the other's token, which proves no second person.
 */
export function approveOverride(row: OverrideRow, by: OverrideActor, at: EpochMs, comment = ''): OverrideStep {
  if (by.kind !== 'person') {
    return refuse('OVERRIDE_NEEDS_PERSON', 'a person has to approve this: a token of a program cannot')
  }
  if (sameName(by.name, row.requestedBy)) {
    return refuse('OVERRIDE_OWN', 'somebody else has to approve this: you have asked for it')
  }
  const me: Agreeing = { name: by.name, madeBy: by.madeBy, subjects: subjectsOf(by.makers) }
  if (maySamePerson(me, { name: row.requestedBy, madeBy: row.requesterMadeBy, subjects: row.requesterSubjects })) {
    const message =
      'somebody else has to approve this: you are behind the request, or one of the two made the other’s token'
    return refuse('OVERRIDE_OWN', message)
  }
  const state = stateOfOverride(row, at)
  const again = row.approvals.some(each => maySamePerson(me, { ...each, name: each.by }))
  if (again && (state === 'Pending' || state === 'Active')) return { kind: 'same', row }
  // One that waits only for its time may have more approvals than it needs: a rule that comes later may want them.
  if (state !== 'Pending' && state !== 'Active') {
    return refuse('OVERRIDE_NOT_PENDING', `it cannot be approved any more: it is ${state.toLowerCase()}`)
  }
  const { madeBy, subjects = [] } = me
  const approval = {
    ...{ by: by.name, at },
    ...(madeBy !== undefined && { madeBy }),
    ...(subjects.length > 0 && { subjects }),
    ...(comment !== '' && { comment }),
  }
  return { kind: 'done', row: { ...row, approvals: [...row.approvals, approval] } }
}

export function revokeOverride(row: OverrideRow, by: string, at: EpochMs, reason: string): OverrideStep {
  if (row.revoked !== undefined) return { kind: 'same', row }
  const state = stateOfOverride(row, at)
  if (state !== 'Pending' && state !== 'Active') {
    return refuse('OVERRIDE_NOT_ACTIVE', `there is nothing to revoke: it is ${state.toLowerCase()}`)
  }
  return { kind: 'done', row: { ...row, revoked: { by, at, reason }, endedAt: at } }
}

/** Whether somebody still has to look back at it: it was approved once, is over, and nobody has said anything yet. */
export function needsReview(row: OverrideRow, now: EpochMs): boolean {
  if (row.review !== undefined || row.approvals.length < row.approvalsNeeded) return false
  const state = stateOfOverride(row, now)
  return state === 'Used' || state === 'Expired' || state === 'Revoked'
}

/** Closes the review task. */
export function reviewOverride(row: OverrideRow, by: OverrideActor, at: EpochMs, comment: string): OverrideStep {
  if (row.review !== undefined) return { kind: 'same', row }
  if (by.kind !== 'person') return refuse('OVERRIDE_NEEDS_PERSON', 'a person has to look back at it')
  if (!needsReview(row, at)) {
    return refuse('OVERRIDE_NOT_ENDED', 'there is nothing to look back at: it is not over, or was never approved')
  }
  return { kind: 'done', row: { ...row, review: { by: by.name, at, comment } } }
}

/**
 * Counts one use, or says that it opens nothing any more. The same operation is one use, however often it is told.
 * To be asked in the transaction that stores what is started under it, with the row as it is there.
 */
export function recordUse(row: OverrideRow, use: OverrideUse): OverrideStep {
  if (row.uses.some(({ operation }) => operation === use.operation)) return { kind: 'same', row }
  const state = stateOfOverride(row, use.at)
  if (state !== 'Active') return refuse('OVERRIDE_NOT_ACTIVE', `it opens nothing: it is ${state.toLowerCase()}`)
  const uses = [...row.uses, use].slice(-USES_LISTED)
  const next: OverrideRow = { ...row, uses, useCount: row.useCount + 1 }
  return { kind: 'done', row: stateOfOverride(next, use.at) === 'Used' ? { ...next, endedAt: use.at } : next }
}

/** Writes down that it is over, once. */
export function endOverride(row: OverrideRow, now: EpochMs): OverrideRow | undefined {
  if (row.endedAt !== undefined || stateOfOverride(row, now) !== 'Expired') return undefined
  return { ...row, endedAt: row.until }
}

/** As the evaluator takes it: undefined while it opens nothing, whatever its time, or when it is for something else. */
export function overrideRuleOf(row: OverrideRow): OverrideRule | undefined {
  if (row.edit !== undefined || row.revoked !== undefined || row.approvals.length < row.approvalsNeeded)
    return undefined
  return ruleOf(row)
}

export function overrideName(id: string): string {
  return `Override/${id}`
}

function ruleOf(row: OverrideRow): OverrideRule {
  const { id, scope, covers, actions, from, until, bundle, maxUses, includeAutomated, reason, requestedBy } = row
  return {
    ...{ name: overrideName(id), scope, covers, actions, from, until, reason, requestedBy },
    ...(bundle !== undefined && { bundle }),
    ...(maxUses !== undefined && { maxUses }),
    ...(includeAutomated !== undefined && { includeAutomated }),
    approvals: row.approvals.map(({ by, at }) => ({ by, at })),
    uses: row.useCount,
    ...(row.revoked !== undefined && { revoked: true }),
  }
}

function refuse(code: OverrideRefusal, message: string): OverrideStep {
  return { kind: 'refused', code, message }
}
