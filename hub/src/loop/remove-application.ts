import { withdrawalPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { equalJson, type Json } from '@flotilla/core/json/json'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import { applicationLine } from '@flotilla/core/protocol/take-document'
import { readSyncOptions } from '@flotilla/core/sync/sync-options'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { issueGrant, issueTombstone } from '../gateway/issue-documents.ts'
import { removalDoubt } from '../recovery/hold-back.ts'
import { judgeStart } from './judge-start.ts'
import { appliedAs, removalAccount } from './removal-account.ts'
import type { Workbench } from './round.ts'
import { applicationOf } from './world.ts'

/** A removal that is not heard of for so long is permitted anew: its record may be lost. */
const LONGEST_REMOVAL_MS = 60 * 60_000
/** How often is looked whether what the store remembers may be believed. */
const DOUBT_MS = 60_000
const NOTHING_STARTED: ReadonlySet<string> = new Set()

/**
 * Takes a withdrawn Application out of its cluster: a Tombstone at once, the permission to remove after a continuous
 * absence, and the row goes when the agent has said that it is gone.
 *
 * @param certain Whether nobody wants it as far as can be known now; while that is not so, nothing is permitted.
 */
export async function removeApplication(row: ApplicationRow, certain: boolean, bench: Workbench): Promise<void> {
  const { writer, grants, world, services, round } = bench
  const { clock, random, keys } = services
  const removalGraceMs = row.removal?.graceMs ?? services.removalGraceMs
  const cluster = row.clusterId === undefined ? undefined : await writer.cluster(row.clusterId)
  if (!cluster) return await forget(row, bench)
  // What the store remembers of a removal may be out of date: it waits until it is known what there is.
  const doubt = removalDoubt(services.recovery, cluster, world.everySetFresh())
  if (doubt === 'issue-nothing') {
    round.lookAgain.set(row.id, clock.now() + DOUBT_MS)
    return
  }
  const policy = row.removal?.policy ?? withdrawalPolicy(applicationOf(row))
  const { deletion } = readSyncOptions(applicationOf(row))
  const confirmed = row.removal?.confirmed
  const current = await writer.document(cluster.id, applicationLine(row.id))
  const account = removalAccount(row, world, current)
  const as = account.kind === 'mistake' ? appliedAs(current) : account
  const issued = await issueTombstone(writer, keys, clock, cluster.id, {
    application: { id: row.id, name: row.name, project: row.project },
    policy,
    reason: removalReason(row),
    ...(deletion && { deletion }),
    ...(as.kind === 'account' && { serviceAccount: as.user }),
    ...(confirmed && { approvedBy: confirmed.by, confirms: confirmed.digest }),
  })
  if (issued.kind === 'issued') round.clusterIds.add(cluster.id)
  const entry = (await writer.report(row.id))?.entry
  // Gone by this Tombstone: an Application that came back and went again may have said so of an earlier one. While two
  // agents speak for the cluster, nobody knows in which of the two it is gone.
  const isGone = entry?.gone && entry.document && compareNumbers(entry.document, issued.number) === 0
  if (isGone && !cluster.cloned) {
    await writer.deleteDocument(cluster.id, applicationLine(row.id))
    await writer.deleteReport(row.id)
    return await forget(row, bench)
  }
  if (!cluster.agentKey || cluster.revokedAt !== undefined) {
    // Nobody is there to remove anything; it is looked at again when an agent joins, unless nobody is waited for.
    if (row.removal?.released === undefined) return
    await writer.deleteDocument(cluster.id, applicationLine(row.id))
    await writer.deleteReport(row.id)
    return await forget(row, bench)
  }
  const nowMs = clock.monotonicMs()
  const absentMs = certain ? nowMs - absentSince(row, nowMs, bench) : 0
  if (!certain) world.absences.delete(row.id)
  if (absentMs < removalGraceMs) {
    round.lookAgain.set(row.id, clock.now() + removalGraceMs - absentMs)
    return
  }
  const running = await runningSince(row.id, issued.number, bench)
  if (running !== undefined && clock.now() < running + LONGEST_REMOVAL_MS) {
    round.lookAgain.set(row.id, running + LONGEST_REMOVAL_MS)
    return
  }
  if (account.kind === 'mistake') {
    const reason = `project "${row.project}" is applied as service accounts: ${account.message}; nothing is removed with more rights: name one for cluster "${row.clusterName}", namespace "${row.namespace}" in its destinationServiceAccounts`
    return await keepHold(row, { code: 'SERVICE_ACCOUNT_MISSING', reason }, bench)
  }
  if (doubt === 'grant-nothing') {
    round.lookAgain.set(row.id, clock.now() + DOUBT_MS)
    return
  }
  const { open, unanswered } = await grants.of(cluster, row.id, issued.number)
  if (open.length > 0) {
    round.lookAgain.set(row.id, Math.min(...open.map(({ payload }) => payload.startBefore)))
    return
  }
  const waitMs = world.pace.waitMs(row.id, issued.number, NOTHING_STARTED, nowMs)
  const waitUntil = waitMs > 0 ? clock.now() + waitMs : await grants.waitFor(unanswered, undefined)
  if (waitUntil !== undefined) {
    round.lookAgain.set(row.id, waitUntil)
    return
  }
  const judged = await judgeStart(row, 'delete', bench)
  if (judged.kind === 'held') return await keepHold(row, judged.hold, bench)
  await keepHold(row, undefined, bench)
  const given = await issueGrant(writer, keys, clock, random, cluster.id, {
    applicationId: row.id,
    trigger: 'delete',
    by: 'flotilla',
    options: { dryRun: false, prune: policy === 'prune', revision: '' },
    passes: judged.passes,
  })
  round.clusterIds.add(cluster.id)
  if (given.kind !== 'issued') return
  world.pace.given(row.id, given.grant, NOTHING_STARTED, nowMs)
  round.lookAgain.set(row.id, given.grant.startBefore)
}

/** Shown as what holds up anything else. The row is the same otherwise: its absence goes on being counted. */
async function keepHold(row: ApplicationRow, hold: Hold | undefined, { writer, round }: Workbench): Promise<void> {
  if (equalJson((row.hold ?? null) as unknown as Json, (hold ?? null) as unknown as Json)) return
  const after: ApplicationRow = { ...row, hold }
  await writer.putApplication(after)
  round.put.push(after)
  round.changed.push(row.id)
}

function removalReason({ set, removal }: ApplicationRow): string {
  const why = set === undefined ? 'its document was removed' : `set "${set}" no longer yields it`
  if (removal?.released) return `${removal.released.by} let it go`
  return removal?.plan === undefined ? why : `${why}; approved as ${removal.plan}`
}

/**
 * Since when this process has seen it absent without a break. Not what the row says: while the hub was down the
 * Application may have come back, and nobody has looked yet.
 */
function absentSince(row: ApplicationRow, nowMs: number, { world }: Workbench): number {
  const known = world.absences.get(row.id)
  if (known?.changedAt === row.changedAt) return known.sinceMs
  world.absences.set(row.id, { changedAt: row.changedAt, sinceMs: nowMs })
  return nowMs
}

/** Since when the agent is at it: another Grant would only wait behind that. */
async function runningSince(
  applicationId: string,
  tombstone: DocumentNumber,
  { writer }: Workbench,
): Promise<EpochMs | undefined> {
  const [latest] = await writer.operations(applicationId, { limit: 1 })
  if (latest?.operation.trigger !== 'delete' || latest.operation.finishedAt !== undefined) return undefined
  const grant = await writer.grant(latest.id)
  const same = grant !== undefined && compareNumbers(grant.payload.document, tombstone) === 0
  return same ? grant.createdAt : undefined
}

async function forget(row: ApplicationRow, { writer, world, round }: Workbench): Promise<void> {
  await world.adopted.forget(row, writer)
  await writer.deleteApplication(row.id)
  round.removed.push(row.id)
  round.changed.push(row.id)
}
