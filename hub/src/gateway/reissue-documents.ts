import type { Clock } from '@flotilla/core/ports/clock'
import type { Store } from '@flotilla/core/ports/store'
import type { DocumentNumber } from '@flotilla/core/protocol/documents'
import { CALENDAR_ID } from '@flotilla/core/protocol/held-digest'
import { readJws } from '@flotilla/core/protocol/jws'
import { mustReissue } from '@flotilla/core/protocol/reissue'
import { applicationLine, CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import type { HubKeys } from './hub-keys.ts'

export interface Reissued {
  /** Ids of Applications, and of the calendar, that have a new number now. */
  readonly ids: readonly string[]
  /** The agent has taken numbers that this store never gave out: nothing was issued. */
  readonly ahead: boolean
}

/**
 * Issues again, unchanged and under new numbers, what an agent lacks and can no longer take under the old ones: its
 * folder is lost, and what it remembers elsewhere is only how far it had come (protocol.md 5.1).
 *
 * @param lacks Ids of lines that the agent does not have.
 * @param floor At or below this it takes nothing that it does not hold already.
 */
export async function reissueDocuments(
  store: Store,
  keys: HubKeys,
  clock: Clock,
  clusterId: string,
  lacks: readonly string[],
  floor: DocumentNumber,
): Promise<Reissued> {
  return await store.write(async writer => {
    const cluster = await writer.cluster(clusterId)
    if (!cluster) return { ids: [], ahead: false }
    const given = { epoch: cluster.epoch, n: cluster.lastNumber }
    const ids: string[] = []
    for (const id of lacks) {
      const row = await writer.document(clusterId, id === CALENDAR_ID ? CALENDAR_LINE : applicationLine(id))
      const verdict = row ? mustReissue(row.number, floor, given) : 'no'
      if (verdict === 'ahead') return { ids: [], ahead: true }
      const read = row && verdict === 'yes' ? readJws(row.jws) : undefined
      // What an earlier admission was told is issued by the loop, under this one.
      if (!row || read?.kind !== 'unverified' || read.payload['adm'] !== cluster.admission) continue
      const number = await writer.nextNumber(clusterId)
      const issuedAt = Math.floor(clock.now())
      const payload = { ...read.payload, number, iat: issuedAt }
      await writer.putDocument({ ...row, number, issuedAt, jws: keys.sign(row.typ, payload) })
      ids.push(id)
    }
    return { ids, ahead: false }
  })
}
