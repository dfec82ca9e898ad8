import type { EpochMs } from '../time/epoch-ms.ts'
import { closingIntervals, isBehind } from './calendar-intervals.ts'
import {
  type CalendarPayload,
  type ClosedInterval,
  compareNumbers,
  type DocumentNumber,
  type GrantPayload,
  numberText,
  type OfferPayload,
  type TombstonePayload,
} from './documents.ts'

export type WaitReason =
  | 'NO_PULSE'
  | 'DOCUMENT_MISSING'
  | 'CALENDAR_MISSING'
  | 'CALENDAR_BEHIND'
  | 'CALENDAR_ENDED'
  | 'CLOSED'

export type StartRefusal = 'USED' | 'VOID' | 'LATE' | 'SUPERSEDED' | 'OTHER_APPLICATION' | 'TRIGGER'

export type StartAnswer =
  | { readonly kind: 'start' }
  | {
      readonly kind: 'wait'
      readonly reason: WaitReason
      readonly message: string
      /** When to ask again without other news; absent when only news can change the answer. */
      readonly until?: EpochMs
      /** The closing rule, for `CLOSED`. */
      readonly rule?: string
    }
  | { readonly kind: 'refuse'; readonly code: StartRefusal; readonly message: string }

export interface StartQuestion {
  readonly grant: GrantPayload
  /** The current Offer or Tombstone of the Grant's Application. */
  readonly held: OfferPayload | TombstonePayload | undefined
  readonly calendar: CalendarPayload | undefined
  /** Hub time; undefined while no pulse was heard since this process started. */
  readonly now: EpochMs | undefined
  /** Whether the cluster has an operation record named by this Grant's id: then it is used up. */
  readonly operationExists: boolean
}

/**
 * May this Grant start its operation now? (protocol.md 4 and 5.2 to 5.5.) Asked again whenever something changes;
 * `wait` never becomes wrong by waiting, `refuse` is final and reported.
 */
export function mayStart(question: StartQuestion): StartAnswer {
  const { grant, held, calendar, now } = question
  if (question.operationExists) return refuse('USED', 'an operation was started under this Grant before')
  if (calendar?.void.includes(grant.id)) return refuse('VOID', 'the calendar voids this Grant')
  if (now !== undefined && now >= grant.startBefore) return refuse('LATE', 'it was to start earlier than this')
  if (held) {
    if (held.application.id !== grant.application) {
      return refuse('OTHER_APPLICATION', 'it is for another Application')
    }
    const order = compareNumbers(held.number, grant.document)
    if (order > 0) {
      return refuse('SUPERSEDED', `document ${numberText(held.number)} replaced the one that it names`)
    }
    if (order === 0 && held.typ === 'offer' && grant.trigger === 'delete') {
      return refuse('TRIGGER', 'a deletion needs a Tombstone, and an Offer is held')
    }
  }
  if (now === undefined) return wait('NO_PULSE', 'no pulse of the hub was heard since this agent started')
  if (!held || compareNumbers(held.number, grant.document) < 0) {
    return wait('DOCUMENT_MISSING', `document ${numberText(grant.document)} has not arrived`)
  }
  const usable = calendarUsable(calendar, now, grant.cal, held.typ === 'offer' ? held.cal : undefined)
  if (usable.kind === 'wait') return usable
  // A dry run writes nothing, so no rule closes it.
  if (grant.options.dryRun) return { kind: 'start' }
  const closing = closingIntervals(usable.calendar, grant.application, now)
    .filter(interval => closesOperation(interval, grant, held))
    .filter(interval => !passed(interval, grant, now))
  if (closing.length === 0) return { kind: 'start' }
  return closedUntil(closing)
}

export type ContinueAnswer =
  | { readonly kind: 'continue' }
  | { readonly kind: 'pause'; readonly message: string; readonly rule?: string; readonly until?: EpochMs }
  | { readonly kind: 'abort'; readonly message: string; readonly rule: string; readonly gracePeriodMs: number }

/**
 * May a running operation begin its next wave? A pass that ends pauses, whatever the rule's `inFlight` says; otherwise
 * the strictest `inFlight` of the rules that are closed now decides (protocol.md 5.5). `finish` lasts for the rule's
 * grace period, counted from when it closed.
 */
export function mayContinue(question: Omit<StartQuestion, 'operationExists'>): ContinueAnswer {
  const { grant, held, calendar, now } = question
  if (now === undefined) return { kind: 'pause', message: 'no pulse of the hub was heard since this agent started' }
  if (!held) return { kind: 'pause', message: 'the document of this operation is not held' }
  const usable = calendarUsable(calendar, now, grant.cal, held.typ === 'offer' ? held.cal : undefined)
  if (usable.kind === 'wait') return { kind: 'pause', message: usable.message, until: usable.until }
  if (grant.options.dryRun) return { kind: 'continue' }
  const closing = closingIntervals(usable.calendar, grant.application, now)
    .filter(interval => closesOperation(interval, grant, held))
    .filter(interval => !passed(interval, grant, now))
  const everPassed = (interval: ClosedInterval): boolean => grant.passes.some(pass => pass.rule === interval.rule)
  const aborting = closing.find(interval => interval.inFlight === 'abort' && !everPassed(interval))
  if (aborting) {
    const { rule, gracePeriodMs } = aborting
    return { kind: 'abort', message: `closed by ${aborting.layer} rule ${rule}`, rule, gracePeriodMs }
  }
  const pausing = closing.filter(
    interval => interval.inFlight !== 'finish' || everPassed(interval) || now >= interval.from + interval.gracePeriodMs,
  )
  if (pausing.length === 0) return { kind: 'continue' }
  const { message, rule, until } = closedUntil(pausing)
  return { kind: 'pause', message, rule, until }
}

type Wait = Extract<StartAnswer, { kind: 'wait' }>

/**
 * Whether a calendar says anything about now: as new as every document that was decided with it, and not ended.
 * Its beginning is not asked for: it was made at that moment, and the agent's hub time lags by a message's way.
 */
export function calendarUsable(
  calendar: CalendarPayload | undefined,
  now: EpochMs,
  ...needed: readonly (DocumentNumber | undefined)[]
): { readonly kind: 'usable'; readonly calendar: CalendarPayload } | Wait {
  if (!calendar) return wait('CALENDAR_MISSING', 'no calendar has arrived')
  if (isBehind(calendar, needed)) {
    return wait(
      'CALENDAR_BEHIND',
      `calendar ${numberText(calendar.number)} is older than the one this was decided with`,
    )
  }
  if (now >= calendar.until) return wait('CALENDAR_ENDED', 'the calendar has ended and no newer one has arrived')
  return { kind: 'usable', calendar }
}

function closesOperation(
  interval: ClosedInterval,
  grant: GrantPayload,
  held: OfferPayload | TombstonePayload,
): boolean {
  const action = held.typ === 'tombstone' ? 'prune' : 'sync'
  return interval.triggers.includes(grant.trigger) && interval.blocks.includes(action)
}

function passed(interval: ClosedInterval, grant: GrantPayload, now: EpochMs): boolean {
  return grant.passes.some(pass => pass.rule === interval.rule && now < pass.until)
}

function closedUntil(closing: readonly ClosedInterval[]): Wait {
  const last = closing.reduce((a, b) => (b.to > a.to ? b : a))
  return { ...wait('CLOSED', `closed by ${last.layer} rule ${last.rule}`), until: last.to, rule: last.rule }
}

function wait(reason: WaitReason, message: string): Wait {
  return { kind: 'wait', reason, message }
}

function refuse(code: StartRefusal, message: string): StartAnswer {
  return { kind: 'refuse', code, message }
}
