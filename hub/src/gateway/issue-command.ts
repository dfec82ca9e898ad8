import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { ClusterRow, CommandRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import type { CommandAction, CommandPayload } from '@flotilla/core/protocol/documents'
import type { AnsweredFrame } from '@flotilla/core/protocol/frames'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { HubKeys } from './hub-keys.ts'

/** A person waits for it: what has not begun by then is asked for again, or not any more. */
export const COMMAND_LIFETIME_MS = 5 * 60_000
/** One Application's commands that wait at once; the next has to wait itself. */
export const MOST_OPEN_COMMANDS = 100
/** Answered commands are shown for so long; the audit keeps that they were given. */
const KEPT_MS = 7 * 24 * 60 * 60_000
/** An agent that was away answers as soon as it is back; one that never does is not waited for. */
const UNANSWERED_MS = 24 * 60 * 60_000

/** Where a command goes: the cluster as it is admitted, and the Application there. */
export interface CommandTarget {
  readonly cluster: ClusterRow
  readonly applicationId: string
}

/**
 * Stores a command, signed, in the transaction that decided it; it travels with everything else that is open until its
 * agent answers (protocol.md 5.3). `too-many`: so many wait already.
 */
export async function issueCommand(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  random: Random,
  { cluster, applicationId }: CommandTarget,
  given: { readonly action: CommandAction; readonly by: string; readonly id?: string; readonly expires?: EpochMs },
): Promise<{ readonly kind: 'issued'; readonly row: CommandRow } | { readonly kind: 'too-many' }> {
  const open = await writer.openCommands(cluster.id)
  if (open.filter(row => row.applicationId === applicationId).length >= MOST_OPEN_COMMANDS) return { kind: 'too-many' }
  const now = Math.floor(clock.now())
  const payload: CommandPayload = {
    typ: 'command',
    cluster: cluster.id,
    adm: cluster.admission,
    iat: now,
    must: ['action', 'expires'],
    id: given.id ?? uuidV7(now, random.bytes(10)),
    application: applicationId,
    action: given.action,
    by: given.by,
    expires: given.expires ?? now + COMMAND_LIFETIME_MS,
  }
  const row: CommandRow = {
    id: payload.id,
    clusterId: cluster.id,
    applicationId,
    payload,
    jws: keys.sign('command', payload),
    state: 'open',
    createdAt: now,
  }
  await writer.putCommand(row)
  return { kind: 'issued', row }
}

/**
 * Stores what became of commands, each once; answers for another cluster's are left out. The ids of the Applications
 * that were touched.
 */
export async function takeAnswers(
  store: Store,
  clock: Clock,
  clusterId: string,
  { commands }: AnsweredFrame,
): Promise<readonly string[]> {
  const answeredAt = Math.floor(clock.now())
  return await store.write(async rows => {
    const touched = new Set<string>()
    for (const { id, outcome, message, result } of commands) {
      const row = await rows.command(id)
      if (row?.clusterId !== clusterId || row.state !== 'open') continue
      await rows.putCommand({ ...row, state: outcome, message, ...(result && { result }), answeredAt })
      touched.add(row.applicationId)
    }
    return [...touched]
  })
}

/** Gives up on commands whose agent never answered, and forgets old ones; returns how many it forgot. */
export async function sweepCommands(store: Store, now: EpochMs): Promise<number> {
  return await store.write(async rows => {
    for (const { id } of await rows.clusters()) {
      for (const row of await rows.openCommands(id)) {
        if (now < row.payload.expires + UNANSWERED_MS) continue
        await rows.putCommand({ ...row, state: 'unknown', message: 'its agent has not answered', answeredAt: now })
      }
    }
    return await rows.deleteCommands(now - KEPT_MS)
  })
}
