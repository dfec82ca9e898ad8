import type { Digest } from '@flotilla/core/json/canonical-json'
import type { OperationRow, StoreReader } from '@flotilla/core/ports/store'

const PAGE = 100
/** Nobody means what lies further back; the history itself has no end. */
const MOST_LOOKED_AT = 20_000

/** The newest operation of an Application that is meant. */
export async function findHistory(
  rows: StoreReader,
  applicationId: string,
  isMeant: (row: OperationRow) => boolean | Promise<boolean>,
): Promise<OperationRow | undefined> {
  let before: number | undefined
  for (let looked = 0; looked < MOST_LOOKED_AT; looked += PAGE) {
    const page = await rows.operations(applicationId, { limit: PAGE, ...(before !== undefined && { before }) })
    for (const row of page) if (await isMeant(row)) return row
    before = page.at(-1)?.sequence
    if (page.length < PAGE) return undefined
  }
  return undefined
}

/** Whether it put the whole of its Bundle in force: no heal, no removal, no part, no dry run. */
export async function wasWhole(rows: StoreReader, { operation }: OperationRow): Promise<boolean> {
  if (operation.phase !== 'Succeeded' || operation.trigger === 'heal' || operation.trigger === 'delete') return false
  const options = (await rows.grant(operation.id))?.payload.options
  return !options?.dryRun && options?.resources === undefined
}

/**
 * What was in force before a Bundle: the newest success of another one that is older than it, or the newest of all where
 * it was never tried.
 */
export async function findPrevious(
  rows: StoreReader,
  applicationId: string,
  digest: Digest | undefined,
): Promise<OperationRow | undefined> {
  let passed = false
  let newest: OperationRow | undefined
  const before = await findHistory(rows, applicationId, async row => {
    if (row.operation.digest === digest) {
      passed = true
      return false
    }
    if ((newest !== undefined && !passed) || !(await wasWhole(rows, row))) return false
    newest ??= row
    return passed
  })
  return before ?? (passed ? undefined : newest)
}
