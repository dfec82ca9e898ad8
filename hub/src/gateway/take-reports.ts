import { activityOfOperation } from '@flotilla/core/activity/activity-of-operation'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type {
  ApplicationRow,
  ClusterRow,
  GrantRow,
  GrantState,
  Store,
  StoreReader,
  StoreWriter,
} from '@flotilla/core/ports/store'
import { compareNumbers } from '@flotilla/core/protocol/documents'
import type { SettledFrame } from '@flotilla/core/protocol/frames'
import type { OperationReport } from '@flotilla/core/protocol/report'
import { decodeReportBatch, type ReceivedEntry, type ReportsAnswer } from '@flotilla/core/protocol/report-batch'
import { attributed, historyTakes, MOST_OPERATIONS_AN_HOUR } from '@flotilla/core/protocol/report-rules'
import { applicationLine } from '@flotilla/core/protocol/take-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { refuse, respond } from './respond.ts'

export interface ReportsTaken {
  readonly response: HubResponse
  /** Applications about which something new was stored. */
  readonly changed: readonly string[]
  /** Entries about what is not this cluster's. */
  readonly foreign: number
}

type Fate = keyof ReportsAnswer

/**
 * Takes a batch of reports (protocol.md 7): one transaction, answered after its commit. What belongs to another
 * cluster, or to nobody, is ignored and counted; a cluster can lie about its own health and about nothing else.
 */
export async function takeReports(
  store: Store,
  clock: Clock,
  cluster: ClusterRow,
  body: Uint8Array | undefined,
): Promise<ReportsTaken> {
  const now = Math.floor(clock.now())
  const decoded = decodeReportBatch(body ?? new Uint8Array(), now)
  if (decoded.kind === 'refused') {
    return { response: refuse(400, 'MALFORMED', decoded.message), changed: [], foreign: 0 }
  }
  const fates = await store.write(async rows => {
    const list: [string, Fate][] = []
    for (const received of decoded.value) {
      list.push([received.entry.application, await takeEntry(rows, cluster, received, now)])
    }
    return list
  })
  const idsOf = (fate: Fate): string[] => fates.filter(entry => entry[1] === fate).map(([id]) => id)
  const answer: ReportsAnswer = { taken: idsOf('taken'), known: idsOf('known'), ignored: idsOf('ignored') }
  return { response: respond(200, answer), changed: answer.taken, foreign: answer.ignored.length }
}

async function takeEntry(
  rows: StoreWriter,
  cluster: ClusterRow,
  { entry, hash }: ReceivedEntry,
  now: number,
): Promise<Fate> {
  const application = await rows.application(entry.application)
  if (application?.clusterId !== cluster.id) return 'ignored'
  const grant = entry.operation && (await grantOf(rows, cluster.id, entry.application, entry.operation.id))
  const operation = entry.operation && attributed(entry.operation, entry.application, grant?.payload)
  const newer = await rows.putReport({
    applicationId: entry.application,
    clusterId: cluster.id,
    admission: cluster.admission,
    entry: operation ? { ...entry, operation } : entry,
    hash,
    receivedAt: now,
  })
  if (!newer) return 'known'
  if (operation) await rememberOperation(rows, cluster.id, application, operation, grant, now)
  return 'taken'
}

/** A Grant counts for the cluster and the Application that it was given for, and for nothing else. */
async function grantOf(
  rows: StoreReader,
  clusterId: string,
  application: string,
  id: string,
): Promise<GrantRow | undefined> {
  const grant = await rows.grant(id)
  return grant?.clusterId === clusterId && grant.applicationId === application ? grant : undefined
}

async function rememberOperation(
  rows: StoreWriter,
  clusterId: string,
  application: ApplicationRow,
  operation: OperationReport,
  grant: GrantRow | undefined,
  now: EpochMs,
): Promise<void> {
  const applicationId = application.id
  const known = await rows.operation(clusterId, operation.id)
  // An id that an agent made is its cluster's; within that, its Application's.
  if (known && known.applicationId !== applicationId) return
  if (!known && !(await isTakenUp(rows, clusterId, applicationId, grant, now))) return
  const source = sourceOfDigest(application, operation)
  await rows.putOperation({
    ...{ id: operation.id, applicationId, clusterId, operation, firstHeardAt: now },
    ...(source && { source }),
  })
  if (
    operation.finishedAt !== undefined &&
    known?.operation.finishedAt === undefined &&
    !grant?.payload.options.dryRun
  ) {
    const { name, project, clusterName: cluster } = application
    for (const note of activityOfOperation(operation, { name, project, cluster }, now)) await rows.appendActivity(note)
  }
  // An operation under a Grant's id says that it was started, even if the message that said so was lost.
  if (grant) await settle(rows, clusterId, operation.id, 'started', undefined)
}

/** Where the Bundle came from, while the document still says so. */
function sourceOfDigest({ digest, document, pin }: ApplicationRow, operation: OperationReport): JsonObject | undefined {
  if (digest !== operation.digest) return undefined
  const spec = document['spec'] as JsonObject | undefined
  return pin?.source ?? (spec?.['source'] as JsonObject | undefined)
}

async function isTakenUp(
  rows: StoreReader,
  clusterId: string,
  applicationId: string,
  grant: GrantRow | undefined,
  now: EpochMs,
): Promise<boolean> {
  if (grant) return true
  // Those under Grants are few: twice as many rows hold all that counts here.
  const latest = await rows.operations(applicationId, { limit: 2 * MOST_OPERATIONS_AN_HOUR })
  const heardAt: EpochMs[] = []
  for (const { id, clusterId: of, firstHeardAt, operation } of latest) {
    if (of !== clusterId || firstHeardAt === undefined) continue
    if (operation.trigger === 'heal' || !(await grantOf(rows, clusterId, applicationId, id))) heardAt.push(firstHeardAt)
  }
  return historyTakes(false, heardAt, now)
}

/** Stores what became of Grants; the ids of the Applications whose Grants changed. */
export async function settleGrants(
  store: Store,
  clock: Clock,
  clusterId: string,
  frame: SettledFrame,
): Promise<readonly string[]> {
  const now = clock.now()
  return await store.write(async rows => {
    const changed: string[] = []
    for (const { id, outcome, reason } of frame.grants) {
      const grant = await settle(rows, clusterId, id, outcome, reason)
      if (!grant) continue
      changed.push(grant.applicationId)
      if (outcome === 'started') await noteStarted(rows, grant, now)
    }
    return changed
  })
}

async function settle(
  rows: StoreWriter,
  clusterId: string,
  id: string,
  state: GrantState,
  reason: string | undefined,
): Promise<GrantRow | undefined> {
  const grant = await rows.grant(id)
  // One that the hub gave up waiting for may be answered yet: the agent was away. One that it took back may have begun.
  const unsettled =
    grant?.state === 'open' || grant?.state === 'lapsed' || (grant?.state === 'void' && state === 'started')
  if (grant?.clusterId !== clusterId || !unsettled) return undefined
  await rows.putGrant({ ...grant, state, ...(reason !== undefined && { reason }) })
  return grant
}

/**
 * The word that a sync was started comes before the report of it: until then its operation is known by its Grant
 * alone, or the hub would give another one for the same document.
 */
async function noteStarted(rows: StoreWriter, { clusterId, applicationId, payload }: GrantRow, now: EpochMs) {
  const document = await rows.document(clusterId, applicationLine(applicationId))
  if (!document?.digest || compareNumbers(document.number, payload.document) !== 0) return
  const { id, trigger, by, options } = payload
  await rows.putOperation({
    id,
    applicationId,
    clusterId,
    operation: {
      id,
      trigger,
      by,
      phase: 'Running',
      message: 'started',
      digest: document.digest,
      revision: options.revision,
      startedAt: now,
      results: [],
      resultsCut: 0,
    },
  })
}
