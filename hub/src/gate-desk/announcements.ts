import { DAY_MS } from '@flotilla/core/gates/civil-time'
import { parseIsoDuration } from '@flotilla/core/gates/iso-duration'
import type { FreezeRule } from '@flotilla/core/gates/rules'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { RulesNow } from './rule-keeper.ts'

/** A freeze of which people are told before it begins. */
export interface Announcement {
  /** The same one is made once. */
  readonly key: string
  readonly rule: FreezeRule
  readonly startsAt: EpochMs
  /** When it is due. */
  readonly at: EpochMs
  readonly message: string
}

/** As far ahead as anybody wants to know. */
const LONGEST_AHEAD_MS = 366 * DAY_MS

/**
 * What is to be announced at `now` or later: for every freeze with `announce`, its next beginning less each duration.
 * One that is due before `now` belongs to it while the freeze has not begun: it was missed, and is told late.
 */
export function announcementsOf({ written, compiled }: RulesNow, now: EpochMs): readonly Announcement[] {
  const found: Announcement[] = []
  for (const rule of written.freezes) {
    const announce = rule.announce ?? []
    const made = announce.length === 0 ? undefined : compiled.rules.find(({ name }) => name === rule.name)
    if (made === undefined || made.mistakes.length > 0) continue
    const zone = made.zone === 'cluster' ? compiled.defaultZone : made.zone
    const next = made.timing(zone, now, now + LONGEST_AHEAD_MS).find(({ from }) => from > now)
    if (next === undefined) continue
    for (const text of announce) {
      const duration = parseIsoDuration(text)
      if (duration === undefined) continue
      const at = next.from - duration.days * DAY_MS - duration.exactMs
      found.push({
        key: `${rule.name} ${next.from} ${text}`,
        ...{ rule, startsAt: next.from, at },
        message: `${rule.reason}: nothing changes from ${isoTime(next.from)} to ${isoTime(next.to)}`,
      })
    }
  }
  return found.sort((a, b) => a.at - b.at)
}
