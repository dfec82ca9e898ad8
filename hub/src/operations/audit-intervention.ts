import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { Pause } from '@flotilla/core/model/pause'
import type { Pin } from '@flotilla/core/model/pin'
import type { ApplicationRow, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Asker } from './operation-desk.ts'

/**
 * Writes down who laid something over an Application or took it away, and why, in the transaction that does it.
 *
 * @param laid What lay over it before, and what does now.
 */
export async function auditIntervention(
  writer: StoreWriter,
  row: ApplicationRow,
  at: EpochMs,
  action: string,
  { by, reason }: Asker,
  detail: JsonObject,
  laid: { readonly before?: Pin | Pause | undefined; readonly after?: Pin | Pause | undefined },
): Promise<void> {
  const place = { project: row.project, cluster: row.clusterName }
  const why = reason === '' ? {} : { reason }
  const subject = `Application/${row.name}`
  const change = { before: shown(laid.before), after: shown(laid.after) }
  await writer.appendAudit({ at, actor: by, action, subject, detail: { ...place, ...why, ...detail }, ...change })
}

/** Nothing is an empty object: that there was none is known, too. */
function shown(laid: Pin | Pause | undefined): JsonObject {
  return laid === undefined ? {} : (Object.fromEntries(Object.entries(laid)) as { [name: string]: Json })
}
