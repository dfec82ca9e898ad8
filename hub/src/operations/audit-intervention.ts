import type { JsonObject } from '@flotilla/core/json/json'
import type { ApplicationRow, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Asker } from './operation-desk.ts'

/** Writes down who laid something over an Application or took it away, and why, in the transaction that does it. */
export async function auditIntervention(
  writer: StoreWriter,
  row: ApplicationRow,
  at: EpochMs,
  action: string,
  { by, reason }: Asker,
  detail: JsonObject,
): Promise<void> {
  const place = { project: row.project, cluster: row.clusterName }
  const why = reason === '' ? {} : { reason }
  const subject = `Application/${row.name}`
  await writer.appendAudit({ at, actor: by, action, subject, detail: { ...place, ...why, ...detail } })
}
