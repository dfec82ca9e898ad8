import type { BulkOperationItem, BulkOperationRow, StoreReader } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { FollowedView } from '@flotilla/core/view/followed-view'
import { z } from 'zod'

const time = z.iso.datetime()
const STATES = ['waiting', 'running', 'succeeded', 'failed'] as const

export const followedBulkSchema = z
  .strictObject({
    id: z.string(),
    kind: z.literal('bulk'),
    action: z.enum(['sync', 'terminate', 'pause', 'resume']),
    state: z.enum(STATES).meta({ description: 'failed: over, and at least one was refused or did not succeed.' }),
    message: z.string(),
    by: z.string(),
    reason: z.string(),
    createdAt: time,
    finishedAt: time.nullable(),
    interrupted: z
      .string()
      .nullable()
      .meta({ description: 'Why nobody came to those that are `interrupted`: nothing was done to them.' }),
    counts: z.record(z.string(), z.int()).meta({ description: 'How many there are of each state.' }),
    items: z.array(
      z.strictObject({
        application: z.string(),
        cluster: z.string(),
        id: z.string().nullable().meta({ description: 'Of its own operation, which says more.' }),
        state: z.string(),
        code: z.string().nullable().meta({ description: 'Why it was refused.' }),
        message: z.string(),
      }),
    ),
    total: z.int(),
  })
  .meta({ id: 'FollowedBulkOperation', description: 'What somebody asked of many, of whose Applications one may see.' })

export type FollowedBulk = z.input<typeof followedBulkSchema>
type Item = FollowedBulk['items'][number]

/** What becomes of an item with nothing to follow, or nothing that is still there. */
const WITHOUT_OPERATION = {
  pending: 'waiting',
  accepted: 'unknown',
  done: 'succeeded',
  failed: 'failed',
  interrupted: 'interrupted',
  cancelled: 'cancelled',
  refused: 'refused',
} as const

/**
 * What became of many, item by item, and of all together.
 *
 * @param items Those that whoever looks may see.
 */
export async function followBulk(
  row: BulkOperationRow,
  items: readonly BulkOperationItem[],
  rows: StoreReader,
  now: EpochMs,
  follow: (rows: StoreReader, id: string, now: EpochMs) => Promise<FollowedView | undefined>,
): Promise<FollowedBulk> {
  const shown: Item[] = []
  const isOpen = items.some(({ status }) => status === 'pending')
  let finishedAt: string | null = isOpen ? null : isoTime(row.endedAt ?? row.madeAt)
  for (const { application, cluster, operation, status, code, message } of items) {
    // What was taken back before it began is no operation that could be followed.
    const followed = operation !== undefined && status === 'accepted' ? await follow(rows, operation, now) : undefined
    const state = followed?.state ?? WITHOUT_OPERATION[status]
    if (followed && isUnderWay(state)) finishedAt = null
    else if (followed?.finishedAt && finishedAt !== null && followed.finishedAt > finishedAt) {
      finishedAt = followed.finishedAt
    }
    const said = followed?.message ?? message
    shown.push({ application, cluster, id: operation ?? null, state, code: code ?? null, message: said })
  }
  const counts: { [state: string]: number } = {}
  for (const { state } of shown) counts[state] = (counts[state] ?? 0) + 1
  const state = stateOf(shown)
  return {
    ...{ id: row.id, kind: 'bulk', action: row.action, state, by: row.by, reason: row.reason },
    message: Object.entries(counts)
      .map(([each, count]) => `${count} ${each}`)
      .join(', '),
    createdAt: isoTime(row.madeAt),
    finishedAt,
    interrupted: row.interrupted ?? null,
    ...{ counts, items: shown, total: shown.length },
  }
}

function stateOf(items: readonly Item[]): FollowedBulk['state'] {
  if (items.some(({ state }) => isUnderWay(state))) {
    return items.every(({ state }) => state === 'waiting' || state === 'refused') ? 'waiting' : 'running'
  }
  return items.every(({ state }) => state === 'succeeded' || state === 'cancelled') ? 'succeeded' : 'failed'
}

function isUnderWay(state: string): boolean {
  return state === 'waiting' || state === 'running'
}
