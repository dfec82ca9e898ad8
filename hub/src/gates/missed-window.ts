import { timeline } from '@flotilla/core/gates/timeline'
import type { Log } from '@flotilla/core/ports/log'
import type { ApplicationRow, StoreWriter } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { isGateHold } from './gate-hold.ts'
import type { Gates } from './gates.ts'

/** Older ones are told as one. */
const LONGEST_MS = 30 * 86_400_000

/**
 * Writes down that a change has waited for an opening that came and went unseen: the hub was not running, or could not
 * look in time. Only then does an opening pass an Application that waits.
 *
 * @returns Whether there was one.
 */
export async function noteMissed(
  row: ApplicationRow,
  now: EpochMs,
  gates: Gates,
  writer: StoreWriter,
  log: Log,
): Promise<boolean> {
  const { hold } = row
  if (!isGateHold(hold) || hold?.nextOpening === undefined || hold.nextOpening >= now) return false
  const from = Math.max(hold.nextOpening, now - LONGEST_MS)
  const open = timeline(gates.current.rules, gates.target(row), from, now).filter(each => each.automated === 'open')
  const [first] = open
  const last = open.at(-1)
  if (first === undefined || last === undefined) return false
  const missed = { opened: isoTime(first.from), closed: isoTime(last.to), openings: open.length }
  log.warn('an opening of the gates was missed', { application: row.name, ...missed })
  await writer.appendAudit({
    ...{ at: now, actor: 'hub', action: 'window.missed', subject: `Application/${row.name}` },
    detail: missed,
  })
  return true
}
