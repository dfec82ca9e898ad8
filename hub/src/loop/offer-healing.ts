import { isJsonObject } from '@flotilla/core/json/json'
import { pauseInForce } from '@flotilla/core/model/pause'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import { readJws } from '@flotilla/core/protocol/jws'
import { applicationLine } from '@flotilla/core/protocol/take-document'
import { readSyncOptions } from '@flotilla/core/sync/sync-options'
import { issueOffer } from '../gateway/issue-documents.ts'
import { offerHold } from '../recovery/hold-back.ts'
import type { Workbench } from './round.ts'
import { applicationOf } from './world.ts'

/**
 * Offers what is offered already, healed or not as a pause says: for an Application of which nothing new can be decided
 * now. Somebody who works on the cluster by hand must not wait for a repository to answer.
 */
export async function offerHealing(row: ApplicationRow, { writer, services, round }: Workbench): Promise<void> {
  const { keys, clock } = services
  const cluster = row.clusterId === undefined ? undefined : await writer.cluster(row.clusterId)
  if (!cluster || offerHold(services.recovery, cluster)) return
  const offer = readOffer((await writer.document(cluster.id, applicationLine(row.id)))?.jws)
  if (!offer) return
  const { options } = readSyncOptions(applicationOf(row))
  const selfHeal = options.selfHeal && pauseInForce(row, clock.now()) === undefined
  if (offer.options.selfHeal === selfHeal) return
  const {
    typ: _typ,
    cluster: _cluster,
    adm: _adm,
    iat: _iat,
    must: _must,
    number: _number,
    cal: _cal,
    ...content
  } = offer
  await issueOffer(writer, keys, clock, cluster.id, { ...content, options: { ...content.options, selfHeal } })
  round.clusterIds.add(cluster.id)
}

/** One of our own; it was signed here, so its signature is not asked again. */
function readOffer(jws: string | undefined): OfferPayload | undefined {
  const read = jws === undefined ? undefined : readJws(jws)
  if (read?.kind !== 'unverified' || !isJsonObject(read.payload) || read.payload['typ'] !== 'offer') return undefined
  return read.payload as unknown as OfferPayload
}
