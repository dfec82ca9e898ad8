import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { DocumentRow, Store } from '@flotilla/core/ports/store'
import { compareNumbers, type DocumentNumber, numberText } from '@flotilla/core/protocol/documents'
import type { DocumentsAnswer } from '@flotilla/core/protocol/frames'
import { CALENDAR_ID } from '@flotilla/core/protocol/held-digest'
import { parseNumberText } from '@flotilla/core/protocol/schema'
import { applicationLine, CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import type { GatewayLimits } from './limits.ts'
import { refuse, respond } from './respond.ts'

/** Ids that one question for single documents may name. */
const MAX_IDS = 100

/**
 * `GET /agent/v1/documents?since=3.41[&ids=a,b]`: a cluster's current documents above a number, in order of number,
 * the calendar first, the open Grants with the last page; or the documents of the ids named, whatever their number.
 *
 * @param fresh Puts a document under the key that signs now.
 * @param behind The store may have forgotten what was issued: nothing of it is handed out.
 */
export async function serveDocuments(
  store: Store,
  clusterId: string,
  query: URLSearchParams,
  limits: Pick<GatewayLimits, 'pageDocuments' | 'pageBytes'>,
  behind = false,
  fresh = (jws: string): string => jws,
): Promise<HubResponse> {
  const sinceText = query.get('since')
  const since = sinceText === null ? undefined : parseNumberText(sinceText)
  if (sinceText !== null && !since) return refuse(400, 'MALFORMED', 'since must be a number like 3.41')
  const ids = query.get('ids')?.split(',')
  if (ids && ids.length > MAX_IDS) return refuse(400, 'MALFORMED', `ids must be at most ${MAX_IDS}`)
  if (behind)
    return respond(200, { documents: [], grants: [], upTo: numberText(since ?? { epoch: 0, n: 0 }), more: false })
  const answer = ids ? await named(store, clusterId, ids, since) : await page(store, clusterId, since, limits)
  return respond(200, {
    ...answer,
    documents: answer.documents.map(fresh),
    grants: answer.grants.map(fresh),
    ...(answer.commands && { commands: answer.commands.map(fresh) }),
  })
}

async function page(
  store: Store,
  clusterId: string,
  since: DocumentNumber | undefined,
  limits: Pick<GatewayLimits, 'pageDocuments' | 'pageBytes'>,
): Promise<DocumentsAnswer> {
  return await store.read(async rows => {
    const cluster = await rows.cluster(clusterId)
    // What an earlier epoch issued is not handed out any more (protocol.md 5.7).
    const documents = await rows.documents(clusterId, later({ epoch: cluster?.epoch ?? 0, n: 0 }, since))
    const taken: DocumentRow[] = []
    let bytes = 0
    for (const document of documents) {
      if (taken.length >= limits.pageDocuments || (taken.length > 0 && bytes + document.jws.length > limits.pageBytes))
        break
      taken.push(document)
      bytes += document.jws.length
    }
    const more = taken.length < documents.length
    const complete = cluster ? { epoch: cluster.epoch, n: cluster.lastNumber } : { epoch: 0, n: 0 }
    // The calendar travels with the first page, whatever its number: nothing starts behind it.
    const calendar = documents.find(document => document.key === CALENDAR_LINE)
    const others = taken.filter(document => document !== calendar)
    const grants = more || cluster?.cloned ? [] : (await rows.openGrants(clusterId)).map(grant => grant.jws)
    const commands = more ? [] : (await rows.openCommands(clusterId)).map(command => command.jws)
    return {
      documents: [...(calendar ? [calendar] : []), ...others].map(document => document.jws),
      grants: grants.slice(0, 1000),
      commands: commands.slice(0, 1000),
      upTo: numberText(more ? (taken.at(-1)?.number ?? complete) : later(complete, since)),
      more,
    }
  })
}

async function named(
  store: Store,
  clusterId: string,
  ids: readonly string[],
  since: DocumentNumber | undefined,
): Promise<DocumentsAnswer> {
  return await store.read(async rows => {
    const epoch = (await rows.cluster(clusterId))?.epoch
    const found = await Promise.all(
      ids.map(id => rows.document(clusterId, id === CALENDAR_ID ? CALENDAR_LINE : applicationLine(id))),
    )
    const documents = found.flatMap(row => (row !== undefined && row.number.epoch === epoch ? [row.jws] : []))
    return { documents, grants: [], upTo: numberText(since ?? { epoch: 0, n: 0 }), more: false }
  })
}

function later(a: DocumentNumber, b: DocumentNumber | undefined): DocumentNumber {
  return b && compareNumbers(b, a) > 0 ? b : a
}
