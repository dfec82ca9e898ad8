import type { Digest } from '../json/canonical-json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { closingIntervals, intervalsOf, isBehind, stretchesWithin } from './calendar-intervals.ts'
import type { CalendarPayload, ClosedInterval, OfferPayload, TombstonePayload } from './documents.ts'

const DAY_MS = 24 * 60 * 60 * 1000

export interface HealQuestion {
  /** The current document of the Application. */
  readonly held: OfferPayload | TombstonePayload | undefined
  /** The digest of the last operation that succeeded under a Grant. */
  readonly lastSucceeded: Digest | undefined
  /** Whether a later operation under a Grant stands failed: then there is nothing safe to heal to. */
  readonly laterFailed: boolean
  readonly calendar: CalendarPayload | undefined
  /** Hub time; undefined while no pulse was heard since this process started. */
  readonly now: EpochMs | undefined
}

export type HealAnswer =
  | { readonly kind: 'heal'; readonly digest: Digest }
  | {
      readonly kind: 'no'
      readonly reason:
        | 'NOT_OFFERED'
        | 'OFF'
        | 'NEVER_SUCCEEDED'
        | 'LATER_FAILED'
        | 'CALENDAR_MISSING'
        | 'CALENDAR_BEHIND'
        | 'CALENDAR_ENDED'
        | 'NO_PULSE'
        | 'CLOSED'
      readonly message: string
      readonly until?: EpochMs
      readonly rule?: string
    }

/**
 * May drift be put right now, and to which digest? (protocol.md 4, 5.4 and 5.6.) No Grant is needed, only an open
 * calendar: without a pulse, one that closes nothing for this Application at any time; after its end, one that closed
 * nothing on its last day.
 */
export function mayHeal(question: HealQuestion): HealAnswer {
  const { held, lastSucceeded, calendar, now } = question
  if (held?.typ !== 'offer') return no('NOT_OFFERED', 'no Offer is held')
  if (!held.options.selfHeal) return no('OFF', 'self-heal is off')
  if (question.laterFailed) return no('LATER_FAILED', 'the operation after the last success stands failed')
  if (lastSucceeded === undefined) return no('NEVER_SUCCEEDED', 'no operation has succeeded under a Grant')
  if (!calendar) return no('CALENDAR_MISSING', 'no calendar has arrived')
  if (isBehind(calendar, [held.cal])) {
    return no('CALENDAR_BEHIND', 'the calendar is older than the one the Offer was decided with')
  }
  const id = held.application.id
  if (now === undefined) {
    return firstClosed('NO_PULSE', intervalsOf(calendar, id)) ?? { kind: 'heal', digest: lastSucceeded }
  }
  if (now >= calendar.until) {
    const lastDay = stretchesWithin(calendar, id, calendar.until - DAY_MS, calendar.until)
    return firstClosed('CALENDAR_ENDED', lastDay) ?? { kind: 'heal', digest: lastSucceeded }
  }
  return firstClosed('CLOSED', closingIntervals(calendar, id, now)) ?? { kind: 'heal', digest: lastSucceeded }
}

function firstClosed(
  reason: 'NO_PULSE' | 'CALENDAR_ENDED' | 'CLOSED',
  intervals: readonly ClosedInterval[],
): HealAnswer | undefined {
  const closing = intervals.filter(closesHealing)
  if (closing.length === 0) return undefined
  const last = closing.reduce((a, b) => (b.to > a.to ? b : a))
  const answer = no(reason, `closed by ${last.layer} rule ${last.rule}`)
  return reason === 'CLOSED' ? { ...answer, until: last.to, rule: last.rule } : { ...answer, rule: last.rule }
}

/** Healing is automated work; a rule that stops only people or only deletions does not concern it. */
function closesHealing(interval: ClosedInterval): boolean {
  return interval.triggers.includes('automated') && (interval.blocks.includes('heal') || !interval.selfHeal)
}

function no(
  reason: Extract<HealAnswer, { kind: 'no' }>['reason'],
  message: string,
): Extract<HealAnswer, { kind: 'no' }> {
  return { kind: 'no', reason, message }
}
