import { decideGrant } from '@flotilla/core/decide/decide-grant'
import { withdrawalPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { readRetryPolicy } from '@flotilla/core/decide/retry-delay'
import { equalJson, type Json } from '@flotilla/core/json/json'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow, ClusterRow, GrantRow, StoreWriter } from '@flotilla/core/ports/store'
import { sourcesOf } from '@flotilla/core/project/permit'
import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import { applicationLine } from '@flotilla/core/protocol/take-document'
import { isAutomated } from '@flotilla/core/sync/sync-options'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { issueGrant, issueOffer, issueTombstone } from '../gateway/issue-documents.ts'
import type { Mutex } from '../store/mutex.ts'
import { decideRelease, type ReleaseDecision, revisionOf } from './decide-release.ts'
import { isLasting } from './plan-names.ts'
import type { LoopServices } from './services.ts'
import { applicationOf, type World } from './world.ts'

/** What one look at some Applications came to, for the loop to act on. */
export interface ApplicationsRound {
  /** Clusters that have something new to fetch. */
  readonly clusterIds: ReadonlySet<string>
  readonly changed: readonly string[]
  /** When to look again, by Application id. */
  readonly lookAgain: ReadonlyMap<string, EpochMs>
  /** Applications that changed while they were looked at. */
  readonly again: readonly string[]
  /** Applications that could not be decided: to be tried again later, without holding up the others. */
  readonly failed: readonly string[]
}

interface Round {
  readonly clusterIds: Set<string>
  readonly changed: string[]
  readonly lookAgain: Map<string, EpochMs>
  readonly again: string[]
  /** What to take over in memory once the transaction stands. */
  readonly put: ApplicationRow[]
  readonly removed: string[]
}

/**
 * Looks at Applications: decides each from a snapshot, then writes what differs in one transaction. Documents are
 * signed inside it and leave only after its commit (protocol.md 1).
 *
 * @param holdOfSet Why a set's Applications may not be released, if there is a reason.
 */
export async function reconcileApplications(
  ids: readonly string[],
  world: World,
  services: LoopServices,
  holdOfSet: (row: ApplicationRow) => Hold | undefined,
  /** Held while rows are written and taken over in memory: between the two, nobody else may decide from memory. */
  rows: Mutex,
): Promise<ApplicationsRound> {
  const failed: string[] = []
  const decided: { readonly row: ApplicationRow; readonly decision: ReleaseDecision | undefined }[] = []
  for (const id of ids) {
    const row = world.application(id)
    if (!row) continue
    const keep = row.state === 'active' && isLasting(row.hold) ? row.hold : undefined
    const setHold = holdOfSet(row)
    if (row.state !== 'active') decided.push({ row, decision: undefined })
    else if (keep) decided.push({ row, decision: { kind: 'hold', hold: keep } })
    else if (setHold) decided.push({ row, decision: { kind: 'hold', hold: setHold } })
    else {
      try {
        decided.push({ row, decision: await decideRelease(row, world, services) })
      } catch (error) {
        services.log.error('an application could not be decided', { application: row.name, error })
        failed.push(id)
      }
    }
  }
  const round: Round = { clusterIds: new Set(), changed: [], lookAgain: new Map(), again: [], put: [], removed: [] }
  await rows.run(async () => {
    await services.store.write(async writer => {
      const grants = new OpenGrants(writer)
      for (const { row, decision } of decided) {
        if (world.application(row.id) !== row) {
          round.again.push(row.id)
          continue
        }
        if (decision?.kind === 'keep') continue
        if (decision) await perform(row, decision, writer, grants, services, round)
        else if (row.state === 'withdrawn') await remove(row, writer, grants, services, round)
      }
    })
    for (const row of round.put) world.putApplication(row)
    for (const id of round.removed) {
      world.removeApplication(id)
      world.readers.remove(`application/${id}`)
    }
  })
  return { ...round, failed }
}

async function perform(
  row: ApplicationRow,
  decision: Exclude<ReleaseDecision, { kind: 'keep' }>,
  writer: StoreWriter,
  grants: OpenGrants,
  services: LoopServices,
  round: Round,
): Promise<void> {
  const now = services.clock.now()
  if (decision.kind === 'hold') return await putRow({ ...row, hold: decision.hold }, row, writer, round, now)
  const { release } = decision
  // Its destination means another cluster now: that is another Application, and the claims decide about it.
  if (row.clusterId !== undefined && release.cluster.name !== row.clusterName) return
  const { digest, size, holdsSecrets, images } = release.bundle
  if (release.rendered) await writer.putBundle(release.bundle)
  if (row.renderKey !== release.renderKey) await writer.putRenderMemo(release.renderKey, digest)
  const released: ApplicationRow = {
    ...row,
    digest,
    size,
    holdsSecrets,
    images,
    revision: release.revision,
    renderKey: release.renderKey,
    clusterName: release.cluster.name,
  }
  const cluster = await writer.clusterByName(release.cluster.name)
  if (!cluster?.agentKey || cluster.revokedAt !== undefined) {
    const reason = `no agent has joined as "${release.cluster.name}" yet; make it a token with: flotilla cluster join-token --cluster ${release.cluster.name}`
    return await putRow({ ...released, hold: { code: 'CLUSTER_NOT_JOINED', reason } }, row, writer, round, now)
  }
  const application = applicationOf(row)
  const issued = await issueOffer(writer, services.keys, services.clock, cluster.id, {
    application: { id: row.id, name: row.name, project: row.project },
    digest,
    size,
    revision: release.revision,
    namespace: row.namespace,
    options: release.options,
    ceiling: release.ceiling,
    ignoreDifferences: application.spec.ignoreDifferences ?? [],
  })
  if (issued.kind === 'issued') round.clusterIds.add(cluster.id)
  const offered: ApplicationRow = { ...released, clusterId: cluster.id }
  const hold = await grant(offered, issued.number, cluster, writer, grants, services, round)
  await putRow({ ...offered, hold }, row, writer, round, now)
}

/** Gives the automated Grant when one is due; returns the Hold that stands instead, if one does. */
async function grant(
  row: ApplicationRow,
  offer: DocumentNumber,
  cluster: ClusterRow,
  writer: StoreWriter,
  grants: OpenGrants,
  services: LoopServices,
  round: Round,
): Promise<Hold | undefined> {
  if (!row.digest) return undefined
  const application = applicationOf(row)
  const { clock, random } = services
  const [report, operations] = await Promise.all([writer.report(row.id), writer.operations(row.id, { limit: 20 })])
  const decision = decideGrant(
    {
      automated: isAutomated(application),
      digest: row.digest,
      offer,
      report: report?.entry,
      open: (await grants.of(cluster.id, row.id)).map(({ payload }) => payload),
      operations: operations.map(({ operation }) => operation),
      retry: readRetryPolicy(application.spec.syncPolicy?.retry),
      jitter: random.fraction(),
    },
    clock.now(),
  )
  if (decision.kind === 'hold') return decision.hold
  if (decision.kind === 'none') {
    if (decision.at !== undefined) round.lookAgain.set(row.id, decision.at)
    return undefined
  }
  const source = sourcesOf(application)[0]
  await issueGrant(writer, services.keys, clock, random, cluster.id, {
    applicationId: row.id,
    trigger: 'automated',
    by: 'flotilla',
    options: { dryRun: false, prune: true, revision: row.revision ?? (source ? revisionOf(source) : '') },
    startBefore: decision.startBefore,
    passes: [],
  })
  round.clusterIds.add(cluster.id)
  round.lookAgain.set(row.id, decision.startBefore)
  return undefined
}

/**
 * Takes a withdrawn Application out of its cluster: a Tombstone at once, the permission to remove after a continuous
 * absence, and the row goes when the agent has said that it is gone.
 */
async function remove(
  row: ApplicationRow,
  writer: StoreWriter,
  grants: OpenGrants,
  services: LoopServices,
  round: Round,
): Promise<void> {
  const { clock, random, keys, removalGraceMs } = services
  const clusterId = row.clusterId
  const line = applicationLine(row.id)
  if (clusterId === undefined) return await forget(row, writer, round)
  const policy = withdrawalPolicy(applicationOf(row))
  const issued = await issueTombstone(writer, keys, clock, clusterId, {
    application: { id: row.id, name: row.name, project: row.project },
    policy,
    reason: row.set === undefined ? 'its document was removed' : `set "${row.set}" no longer yields it`,
  })
  if (issued.kind === 'issued') round.clusterIds.add(clusterId)
  const entry = (await writer.report(row.id))?.entry
  // Gone by this Tombstone: an Application that came back and went again may have said so of an earlier one.
  if (entry?.gone && entry.document && compareNumbers(entry.document, issued.number) === 0) {
    await writer.deleteDocument(clusterId, line)
    await writer.deleteReport(row.id)
    return await forget(row, writer, round)
  }
  const due = row.changedAt + removalGraceMs
  if (clock.now() < due) {
    round.lookAgain.set(row.id, due)
    return
  }
  const open = (await grants.of(clusterId, row.id)).filter(
    ({ payload }) => compareNumbers(payload.document, issued.number) === 0 && payload.startBefore > clock.now(),
  )
  if (open.length > 0) {
    round.lookAgain.set(row.id, Math.min(...open.map(({ payload }) => payload.startBefore)))
    return
  }
  const given = await issueGrant(writer, keys, clock, random, clusterId, {
    applicationId: row.id,
    trigger: 'delete',
    by: 'flotilla',
    options: { dryRun: false, prune: policy === 'prune', revision: '' },
    passes: [],
  })
  round.clusterIds.add(clusterId)
  if (given.kind === 'issued') round.lookAgain.set(row.id, given.grant.startBefore)
}

async function forget(row: ApplicationRow, writer: StoreWriter, round: Round): Promise<void> {
  await writer.deleteApplication(row.id)
  round.removed.push(row.id)
  round.changed.push(row.id)
}

async function putRow(
  after: ApplicationRow,
  before: ApplicationRow,
  writer: StoreWriter,
  round: Round,
  now: EpochMs,
): Promise<void> {
  if (equalJson(after as unknown as Json, before as unknown as Json)) return
  const row = { ...after, changedAt: now }
  await writer.putApplication(row)
  round.put.push(row)
  round.changed.push(row.id)
}

/** Open Grants by Application, read once per cluster and round. */
class OpenGrants {
  readonly #writer: StoreWriter
  readonly #byCluster = new Map<string, Promise<ReadonlyMap<string, readonly GrantRow[]>>>()

  constructor(writer: StoreWriter) {
    this.#writer = writer
  }

  async of(clusterId: string, applicationId: string): Promise<readonly GrantRow[]> {
    let byApplication = this.#byCluster.get(clusterId)
    if (!byApplication) {
      byApplication = this.#writer.openGrants(clusterId).then(rows => Map.groupBy(rows, row => row.applicationId))
      this.#byCluster.set(clusterId, byApplication)
    }
    return (await byApplication).get(applicationId) ?? []
  }
}
