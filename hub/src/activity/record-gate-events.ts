import type { ActivityKind, ActivityNote } from '@flotilla/core/activity/activity-entry'
import type { Log } from '@flotilla/core/ports/log'
import type { Store, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { GateEvent } from '../gate-desk/gate-events.ts'
import { type GateMark, putGateMark } from '../gates/gate-mark.ts'

/** Those that changed something for somebody; the others are events and no activity. */
const KINDS: { readonly [Kind in GateEvent['kind']]?: ActivityKind } = {
  'freeze.made': 'freeze',
  'freeze.started': 'freeze',
  'freeze.edited': 'freeze',
  'freeze.ended': 'freeze',
  'window.made': 'window',
  'window.edited': 'window',
  'window.removed': 'window',
  'override.requested': 'override',
  'override.approved': 'override',
  'override.used': 'override',
  'override.expired': 'override',
  'override.revoked': 'override',
}

/** More than this wait for a store that takes nothing: what has happened longest is let go. */
const MOST_WAITING = 1_000

/**
 * Writes down what a gate tells of in the transaction that makes it so: neither is ever there without the other, and
 * whoever tells people reads it from there.
 *
 * @returns The event, to be emitted when that has happened.
 */
export async function keepGateEvent(rows: StoreWriter, event: GateEvent): Promise<GateEvent> {
  await rows.appendActivity(await activityOfGate(event, rows))
  return { ...event, kept: true }
}

/**
 * Keeps what gates tell of by themselves, as time goes on: a freeze that begins, a sync that is held up. What somebody
 * has done is kept by {@link keepGateEvent}.
 *
 * @param marks How far was told: written together with the last of it, so that a restart tells the rest and no more.
 * @returns How to stop; resolves when what was told is kept.
 */
export function recordGateEvents(
  events: { listen(listener: (event: GateEvent) => void): () => void },
  store: Store,
  log: Log,
  marks?: { listen(listener: (mark: GateMark) => void): () => void },
): () => Promise<void> {
  const waiting: (GateEvent | GateMark)[] = []
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0)
      try {
        await store.write(async rows => {
          for (const each of batch) if ('kind' in each) await rows.appendActivity(await activityOfGate(each, rows))
          const mark = batch.findLast(each => !('kind' in each))
          if (mark !== undefined && !('kind' in mark)) await putGateMark(rows, mark)
        })
      } catch (error) {
        log.error('events of gates could not be kept; it is tried again with the next one', {
          events: batch.length,
          error,
        })
        waiting.unshift(...batch)
        waiting.splice(0, Math.max(0, waiting.length - MOST_WAITING))
        break
      }
    }
    writing = undefined
  }
  const take = (each: GateEvent | GateMark): void => {
    waiting.push(each)
    if (waiting.length > MOST_WAITING) waiting.shift()
    writing ??= write()
  }
  const stop = events.listen(event => {
    if (!event.kept) take(event)
  })
  const stopMarks = marks?.listen(take)
  return async () => {
    stop()
    stopMarks?.()
    await writing
    // What a store took nothing of before may be taken now.
    await write()
  }
}

export async function activityOfGate(
  { kind, subject, at, by, message, owners }: GateEvent,
  rows: Pick<StoreReader, 'applicationByName'>,
): Promise<ActivityNote> {
  const known = KINDS[kind]
  const common = {
    at,
    event: kind,
    subject,
    by,
    message,
    applicationsCut: 0,
    detail: owners === undefined ? {} : { owners: [...owners] },
    ...(known && { kind: known }),
  }
  const [of, name] = [subject.slice(0, subject.indexOf('/')), subject.slice(subject.indexOf('/') + 1)]
  if (of === 'Application') {
    const row = await rows.applicationByName(name)
    return { ...common, applications: row ? [{ name, project: row.project, cluster: row.clusterName }] : [] }
  }
  const resource = of === 'Override' ? 'overrides' : of === 'SyncWindow' ? 'windows' : 'freezes'
  return { ...common, applications: [], about: { resource, name } }
}
