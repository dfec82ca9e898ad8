import { judgeOverride, type OverrideJudgement, type OverrideWish } from '@flotilla/core/gates/override-request'
import {
  approveOverride,
  endOverride,
  type OverrideStep,
  overrideName,
  reviewOverride,
  revokeOverride,
  stateOfOverride,
} from '@flotilla/core/gates/override-steps'
import type { GateScope, GateTarget } from '@flotilla/core/gates/rules'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { JsonObject } from '@flotilla/core/json/json'
import type { AuditNote, MadeGateRow, OverrideRow, StoreWriter } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { keepGateEvent } from '../activity/record-gate-events.ts'
import { bumpRulesVersion } from '../gates/rules-version.ts'
import { type Actor, type DeskServices, type Refusal, refused, requesterOf, UNKNOWN, type Unknown } from './desk.ts'
import type { GateEvent } from './gate-events.ts'
import type { MadeGateDesk } from './made-gate-desk.ts'

export type OverrideAnswer = { readonly kind: 'done'; readonly row: OverrideRow } | Refusal | Unknown

/** Who does the changes that were approved. */
export type EditDesks = {
  readonly [Kind in MadeGateRow['kind']]: Pick<MadeGateDesk<never>, 'applyApproved'>
}

/** For which Applications somebody may ask for break-glass. */
export interface MayOverride {
  /** He sees every Application there is. */
  readonly all: boolean
  readonly sees: (target: GateTarget) => boolean
  readonly may: (target: GateTarget) => boolean
}

/** Break-glass: asked for by one, approved by another, counted, ended, looked back at. */
export class OverrideDesk {
  readonly #services: DeskServices
  readonly #edits: EditDesks

  constructor(services: DeskServices, edits: EditDesks) {
    this.#services = services
    this.#edits = edits
  }

  /** @param now Of the request, which its times were made from. */
  async request(
    asked: OverrideWish,
    by: Actor,
    may: MayOverride,
    now = this.#services.clock.now(),
  ): Promise<OverrideAnswer> {
    const { store, keeper, random, events } = this.#services
    const { compiled, written, targets, version } = keeper.now()
    // What he does not see is not there: neither a mistake nor what becomes of it may tell of it.
    const seen = may.all ? targets : targets.filter(may.sees)
    const judged = permitted(judgeOverride(asked, compiled, written, seen, now), may)
    const wish = may.all || judged.kind === 'mistakes' ? asked : { ...asked, scope: narrowed(asked.scope, judged) }
    if (judged.kind === 'mistakes') {
      await this.#note(now, by, 'override.request', 'Override', {
        outcome: 'refused',
        detail: { reason: wish.reason, mistakes: judged.mistakes.map(({ message }) => message) },
      })
      return refused('OVERRIDE_REFUSED', 'Break-glass cannot be asked for so.', judged.mistakes)
    }
    const { bundle, maxUses, includeAutomated } = wish
    const row: OverrideRow = {
      id: uuidV7(now, random.bytes(10)),
      ...{ scope: wish.scope, covers: wish.covers, actions: wish.actions, from: wish.from, until: wish.until },
      ...(bundle !== undefined && { bundle }),
      ...(maxUses !== undefined && { maxUses }),
      ...(includeAutomated !== undefined && { includeAutomated }),
      ...{ reason: wish.reason, requestedBy: by.name, requestedAt: now },
      ...requesterOf(by),
      ...{ approvalsNeeded: judged.approvalsNeeded, rules: judged.rules, approvals: [], useCount: 0, uses: [] },
    }
    const message = `${by.name} asks for break-glass until ${isoTime(row.until)}: ${row.reason}`
    const news = newsOf('override.requested', row, by.name, now, message)
    const told = await store.write(async rows => {
      await rows.putOverride(row)
      await rows.appendAudit({
        ...{ at: now, actor: by.name, action: 'override.request', subject: overrideName(row.id) },
        detail: {
          reason: row.reason,
          rules: row.rules.map(({ name }) => name),
          applications: judged.targets.slice(0, 100).map(({ name }) => name),
          applicationCount: judged.targets.length,
        },
        after: wishJson(row),
        policyVersion: version,
      })
      return await keepGateEvent(rows, news)
    })
    events.emit(told)
    return { kind: 'done', row }
  }

  async approve(id: string, by: Actor, comment: string): Promise<OverrideAnswer> {
    const { store, clock, keeper, events } = this.#services
    const now = clock.now()
    let news: readonly GateEvent[] = []
    const answer = await store.write(async (rows): Promise<OverrideAnswer> => {
      news = []
      const row = await rows.override(id)
      if (row === undefined) return UNKNOWN
      const step = approveOverride(row, by, now, comment)
      if (step.kind !== 'done') return await this.#settle(rows, row, step, by, now, 'override.approve')
      let next = step.row
      let applied: GateEvent | undefined
      if (next.edit !== undefined && next.approvals.length >= next.approvalsNeeded) {
        const edits = this.#edits[next.edit.kind ?? 'FreezePeriod']
        const edited = await edits.applyApproved(rows, next, by.name, now)
        if (edited.kind === 'refused') return edited
        applied = edited
        next = { ...next, useCount: 1, endedAt: now }
      }
      await rows.putOverride(next)
      await bumpRulesVersion(rows)
      await rows.appendAudit({
        ...{ at: now, actor: by.name, action: 'override.approve', subject: overrideName(id) },
        detail: {
          ...{ comment, requestedBy: row.requestedBy, reason: row.reason },
          ...{ approvals: next.approvals.length, needed: next.approvalsNeeded, state: stateOfOverride(next, now) },
          rules: row.rules.map(({ name }) => name),
        },
        ...{ before: stepJson(row, now), after: stepJson(next, now) },
        policyVersion: keeper.now().version,
      })
      const approved = newsOf('override.approved', next, by.name, now, `${by.name} approved it: ${next.reason}`)
      news = [...(applied ? [applied] : []), await keepGateEvent(rows, approved)]
      return { kind: 'done', row: next }
    })
    if (answer.kind !== 'done') return answer
    await keeper.changed()
    for (const event of news) events.emit(event)
    return answer
  }

  async revoke(id: string, by: Actor, reason: string): Promise<OverrideAnswer> {
    const { keeper, clock } = this.#services
    const now = clock.now()
    const told = { kind: 'override.revoked', message: `${by.name} revoked it: ${reason}` } as const
    const answer = await this.#step(id, by, now, 'override.revoke', { reason }, told, row =>
      revokeOverride(row, by.name, now, reason),
    )
    if (answer.kind === 'done') await keeper.changed()
    return answer
  }

  async review(id: string, by: Actor, comment: string): Promise<OverrideAnswer> {
    const now = this.#services.clock.now()
    const told = { kind: 'override.reviewed', message: `${by.name} looked back at it: ${comment}` } as const
    return await this.#step(id, by, now, 'override.review', { comment }, told, row =>
      reviewOverride(row, by, now, comment),
    )
  }

  /** Writes down which are over since the last look. */
  async endThoseOver(): Promise<void> {
    const { store, clock, keeper, events } = this.#services
    const now = clock.now()
    const over = await store.read(async rows => (await rows.overrides()).filter(row => endOverride(row, now)))
    if (over.length === 0) return
    const ended = await store.write(async rows => {
      const written: GateEvent[] = []
      for (const { id } of over) {
        const row = await rows.override(id)
        const next = row && endOverride(row, now)
        if (next === undefined) continue
        await rows.putOverride(next)
        await rows.appendAudit({
          ...{ at: now, actor: 'hub', action: 'override.expire', subject: overrideName(id) },
          detail: { until: isoTime(next.until), uses: next.useCount, approvals: next.approvals.length },
        })
        const message = 'it is over; somebody has to look back at it'
        written.push(await keepGateEvent(rows, newsOf('override.expired', next, 'hub', now, message)))
      }
      if (written.length > 0) await bumpRulesVersion(rows)
      return written
    })
    if (ended.length === 0) return
    await keeper.changed()
    for (const event of ended) events.emit(event)
  }

  /** When the next one is over; undefined when none is open. */
  async nextEnd(): Promise<EpochMs | undefined> {
    const rows = await this.#services.store.read(reader => reader.overrides())
    const ends = rows.filter(({ endedAt }) => endedAt === undefined).map(({ until }) => until)
    return ends.length === 0 ? undefined : Math.min(...ends)
  }

  async #step(
    id: string,
    by: Actor,
    now: EpochMs,
    action: string,
    detail: JsonObject,
    told: Pick<GateEvent, 'kind' | 'message'>,
    take: (row: OverrideRow) => OverrideStep,
  ): Promise<OverrideAnswer> {
    const { store, events } = this.#services
    let news: GateEvent | undefined
    const answer = await store.write(async (rows): Promise<OverrideAnswer> => {
      news = undefined
      const row = await rows.override(id)
      if (row === undefined) return UNKNOWN
      const step = take(row)
      if (step.kind !== 'done') return await this.#settle(rows, row, step, by, now, action)
      await rows.putOverride(step.row)
      await bumpRulesVersion(rows)
      await rows.appendAudit({
        ...{ at: now, actor: by.name, action, subject: overrideName(id) },
        detail: { ...detail, requestedBy: row.requestedBy, state: stateOfOverride(step.row, now) },
        ...{ before: stepJson(row, now), after: stepJson(step.row, now) },
        policyVersion: this.#services.keeper.now().version,
      })
      news = await keepGateEvent(rows, newsOf(told.kind, step.row, by.name, now, told.message))
      return { kind: 'done', row: step.row }
    })
    if (news) events.emit(news)
    return answer
  }

  /** What was so before is done; what is refused is written down. */
  async #settle(
    rows: StoreWriter,
    row: OverrideRow,
    step: Exclude<OverrideStep, { kind: 'done' }>,
    by: Actor,
    now: EpochMs,
    action: string,
  ): Promise<OverrideAnswer> {
    if (step.kind === 'same') return { kind: 'done', row: step.row }
    await rows.appendAudit({
      ...{ at: now, actor: by.name, action, subject: overrideName(row.id), outcome: 'refused' },
      detail: { code: step.code, requestedBy: row.requestedBy },
    })
    return refused(step.code, `${step.message.charAt(0).toUpperCase()}${step.message.slice(1)}.`)
  }

  async #note(
    at: EpochMs,
    by: Actor,
    action: string,
    subject: string,
    more: Pick<AuditNote, 'outcome' | 'detail'>,
  ): Promise<void> {
    await this.#services.store.write(rows => rows.appendAudit({ at, actor: by.name, action, subject, ...more }))
  }
}

function newsOf(kind: GateEvent['kind'], row: OverrideRow, by: string, at: EpochMs, message: string): GateEvent {
  const owners = [...new Set(row.rules.flatMap(({ owner }) => owner ?? []))]
  return { kind, subject: overrideName(row.id), at, by, message, owners }
}

/** For every Application of its scope, or for none: what one may not ask for, one may not see either. */
function permitted(judged: OverrideJudgement, may: MayOverride): OverrideJudgement {
  if (judged.kind === 'mistakes' || judged.targets.every(may.may)) return judged
  const message = 'names more than you may ask for: name those that are yours'
  return { kind: 'mistakes', mistakes: [{ path: ['scope'], message }] }
}

/** The scope, and no more than these Applications: others may be in it that he does not see, or that come later. */
function narrowed(scope: GateScope, { targets }: { readonly targets: readonly GateTarget[] }): GateScope {
  const { all: _, applications, ...rest } = scope
  return { ...rest, applications: { ...applications, names: targets.map(({ name }) => name) } }
}

function wishJson({ scope, covers, actions, from, until, bundle, maxUses, includeAutomated }: OverrideRow): JsonObject {
  return {
    ...{ scope: scope as unknown as JsonObject, covers: [...covers], actions: [...actions] },
    ...{ from: isoTime(from), until: isoTime(until) },
    ...(bundle !== undefined && { bundle }),
    ...(maxUses !== undefined && { maxUses }),
    ...(includeAutomated !== undefined && { includeAutomated }),
  }
}

/** What a step changes of an override. */
function stepJson(row: OverrideRow, now: EpochMs): JsonObject {
  const { approvals, endedAt, review } = row
  return {
    ...{ state: stateOfOverride(row, now), approvals: approvals.map(({ by }) => by) },
    ...(endedAt !== undefined && { endedAt: isoTime(endedAt) }),
    ...(review !== undefined && { reviewedBy: review.by }),
  }
}
