import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { BulkOperationItem, BulkOperationRow, Store, StoreReader, StoreWriter } from '@flotilla/core/ports/store'

/** Kept so long: whoever asked has looked by then, and each operation stays in its history. */
export const BULK_KEPT_MS = 30 * 24 * 60 * 60_000
/** Between two tries to write down how one ended. */
const AGAIN_MS = 5_000
/** Applications that the audit log names. */
const MOST_NAMED = 100

export interface BulkPorts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The hub stops: nothing more is begun. */
  readonly signal?: AbortSignal
}

export type BulkWish = Pick<BulkOperationRow, 'action' | 'by' | 'reason' | 'items'>

/** What became of one item. */
export type Decided = Omit<BulkOperationItem, 'application' | 'cluster' | 'applicationId'>

/**
 * Does one thing to one Application, and hands what it came to to `within` in the transaction that does it.
 *
 * @throws whatever keeps it from being decided.
 */
export type BulkAct = (
  application: string,
  within: (writer: StoreWriter, decided: Decided) => Promise<void>,
) => Promise<Decided>

/**
 * Does something to many, one after the other. Its id is durable before anything is done, what becomes of each in the
 * transaction that does it, and one that fails keeps no other from its turn: whatever ends the hub in the middle, it is
 * known afterwards what was done.
 *
 * @param wish Its items are `pending`, or were refused already.
 * @param begun Called in the transaction that makes it, for whoever is to hear of the id.
 * @param describe How a failure is told.
 * @throws StoreError when it could not be begun; then nothing was done.
 */
export async function runBulk(
  ports: BulkPorts,
  wish: BulkWish,
  act: BulkAct,
  begun: (writer: StoreWriter, row: BulkOperationRow) => Promise<void>,
  describe: (error: unknown) => { readonly code: string; readonly message: string },
): Promise<BulkOperationRow> {
  const { log, signal } = ports
  const row = await begin(ports, wish, begun)
  const items = [...row.items]
  let interrupted: string | undefined
  for (const [place, item] of items.entries()) {
    if (item.status !== 'pending') continue
    if (signal?.aborted) {
      interrupted = STOPPED
      break
    }
    try {
      const decided = await act(item.application, async (writer, done) => {
        await writer.putBulkItem({ bulk: row.id, place, item: { ...item, ...done } })
      })
      items[place] = { ...item, ...decided }
    } catch (error) {
      log.warn('one of many could not be decided', { operation: row.id, application: item.application, error })
      items[place] = { ...item, status: 'failed', ...describe(error) }
    }
  }
  const ended = endOf(row, items, interrupted, ports.clock.now())
  await keepEnd(ports, ended)
  return ended
}

const STOPPED = 'the hub stopped before it came to this one; nothing was done to it'

async function begin(
  { store, clock, random }: BulkPorts,
  { action, by, reason, items }: BulkWish,
  begun: (writer: StoreWriter, row: BulkOperationRow) => Promise<void>,
): Promise<BulkOperationRow> {
  const madeAt = clock.now()
  const id = uuidV7(madeAt, random.bytes(10))
  return await store.write(async writer => {
    const known: BulkOperationItem[] = []
    for (const item of items) {
      // Which one has the name now: another may have it when somebody looks.
      const named = item.cluster === '' ? undefined : await writer.applicationByName(item.application)
      known.push(named === undefined ? item : { ...item, applicationId: named.id })
    }
    const row: BulkOperationRow = { id, action, by, reason, madeAt, items: known }
    await writer.putBulkOperation(row)
    await writer.deleteBulkOperations(madeAt - BULK_KEPT_MS)
    const names = known.filter(({ applicationId }) => applicationId !== undefined).map(({ application }) => application)
    const detail = { action, reason, count: items.length, applications: names.slice(0, MOST_NAMED) }
    await writer.appendAudit({ at: madeAt, actor: by, action: 'bulk.begin', subject: `Operation/${id}`, detail })
    await begun(writer, row)
    return row
  })
}

function endOf(
  row: BulkOperationRow,
  items: readonly BulkOperationItem[],
  interrupted: string | undefined,
  endedAt: number,
): BulkOperationRow {
  if (interrupted === undefined) return { ...row, items, endedAt }
  const told = items.map(
    (item): BulkOperationItem =>
      item.status === 'pending' ? { ...item, status: 'interrupted', message: interrupted } : item,
  )
  return { ...row, items: told, endedAt, interrupted }
}

/** What was done stands already: that its end cannot be written keeps nobody waiting, and is tried until it is. */
async function keepEnd(ports: BulkPorts, ended: BulkOperationRow): Promise<void> {
  const { store, clock, log, signal } = ports
  try {
    await store.write(rows => rows.putBulkOperation(ended))
  } catch (error) {
    log.warn('the end of an operation on many could not be written down', { operation: ended.id, error })
    if (!signal?.aborted) clock.setTimer(AGAIN_MS, () => void keepEnd(ports, ended))
  }
}

/** One as it is by now: with what was decided since it was begun. */
export async function readBulk(rows: StoreReader, id: string): Promise<BulkOperationRow | undefined> {
  const row = await rows.bulkOperation(id)
  if (row === undefined || row.endedAt !== undefined) return row
  const items = [...row.items]
  for (const { place, item } of await rows.bulkItems(id)) if (place < items.length) items[place] = item
  return { ...row, items }
}

/**
 * Ends what an earlier run of the hub began and nobody goes on with: whoever follows it sees what was done, and what was
 * not. Going on is for people: what they asked for a while ago need not be what they want now.
 */
export async function endInterruptedBulks({ store, clock, log }: Omit<BulkPorts, 'random'>): Promise<void> {
  const open = await store.read(rows => rows.openBulkOperations())
  for (const { id } of open) {
    await store.write(async rows => {
      const row = await readBulk(rows, id)
      if (row === undefined || row.endedAt !== undefined) return
      const at = clock.now()
      const ended = endOf(row, row.items, STOPPED, at)
      await rows.putBulkOperation(ended)
      const left = ended.items.filter(({ status }) => status === 'interrupted').length
      const detail = { action: row.action, requestedBy: row.by, decided: ended.items.length - left, left }
      const about = { actor: 'hub', action: 'bulk.interrupt', subject: `Operation/${id}` }
      await rows.appendAudit({ at, ...about, outcome: 'failed', detail })
      log.warn('an operation on many was interrupted when the hub ended', { operation: id, left })
    })
  }
}
