import { equalJson, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Hold } from '@flotilla/core/model/hold'
import { pauseInForce } from '@flotilla/core/model/pause'
import { pinInForce } from '@flotilla/core/model/pin'
import type { ApplicationRow, DocumentRow, StoreWriter } from '@flotilla/core/ports/store'
import type { SyncOptions } from '@flotilla/core/protocol/documents'
import { readJws } from '@flotilla/core/protocol/jws'
import { applicationLine } from '@flotilla/core/protocol/take-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { activityOfRelease } from '../activity/commit-activity.ts'
import type { ClusterCalendars } from '../gates/cluster-calendars.ts'
import { issueOffer } from '../gateway/issue-documents.ts'
import { offerHold } from '../recovery/hold-back.ts'
import type { Mutex } from '../store/mutex.ts'
import { through } from '../telemetry/stages.ts'
import { decideRelease, type Release, type ReleaseDecision } from './decide-release.ts'
import { giveGrant } from './give-grant.ts'
import { offerHealing } from './offer-healing.ts'
import { OpenGrants } from './open-grants.ts'
import { removeApplication } from './remove-application.ts'
import { newRound, type Round, type Workbench } from './round.ts'
import type { LoopServices } from './services.ts'
import { isLasting } from './withdraw-names.ts'
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
  /** What Applications render for the fleet, by their row as it was looked at; empty for almost all. */
  readonly documents: ReadonlyMap<ApplicationRow, Release>
  /** Applications that could not be decided: to be tried again later, without holding up the others. */
  readonly failed: readonly string[]
  /** Other rules than those in memory are in force, or about to be. */
  readonly rulesOutdated?: boolean
}

/**
 * Looks at Applications: decides each from a snapshot, then writes what differs in one transaction. Documents are
 * signed inside it and leave only after its commit (protocol.md 1).
 *
 * @param holdOfSet Why a set's Applications may not be released, if there is a reason.
 * @param mayRemove Whether it is certain now that nobody wants a withdrawn Application.
 */
export async function reconcileApplications(
  ids: readonly string[],
  world: World,
  services: LoopServices,
  holdOfSet: (row: ApplicationRow) => Hold | undefined,
  mayRemove: (row: ApplicationRow) => boolean,
  calendars: ClusterCalendars,
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
        const decision = await through(services.stages, 'decide', { application: row.name }, () =>
          decideRelease(row, world, services),
        )
        decided.push({ row, decision })
      } catch (error) {
        services.log.error('an application could not be decided', { application: row.name, error })
        failed.push(id)
      }
    }
  }
  const round = newRound()
  await rows.run(async () => {
    await services.store
      .write(async writer => {
        const grants = new OpenGrants(writer, services.clock.now())
        for (const { row, decision } of decided) {
          if (world.application(row.id) !== row) {
            round.again.push(row.id)
            continue
          }
          const bench = { writer, grants, world, services, round, calendars }
          if (decision?.kind === 'keep') await keepOffered(row, bench)
          else if (decision) await perform(row, decision, bench)
          else if (row.state === 'withdrawn') await removeApplication(row, mayRemove(row), bench)
        }
      })
      .catch((error: unknown) => {
        calendars.forget()
        throw error
      })
    for (const row of round.put) world.putApplication(row)
    for (const id of round.removed) {
      world.removeApplication(id)
      world.pace.forget(id)
      world.absences.delete(id)
      world.readers.remove(`application/${id}`)
    }
  })
  const documents = new Map<ApplicationRow, Release>()
  for (const { row, decision } of decided) {
    if (decision?.kind === 'release' && world.application(row.id)?.state === 'active')
      documents.set(row, decision.release)
  }
  return { ...round, failed, documents, rulesOutdated: round.rulesOutdated === true }
}

/** @param before The row as it is stored: what differs is written. */
export async function perform(
  wanted: ApplicationRow,
  decision: Exclude<ReleaseDecision, { kind: 'keep' }>,
  bench: Workbench,
  before: ApplicationRow = wanted,
): Promise<void> {
  const { writer, services, round, calendars } = bench
  const now = services.clock.now()
  const row = await withoutLapsed(wanted, writer, now)
  lookAtEnds(row, round)
  if (decision.kind === 'hold') {
    if (wanted.pause ?? before.pause) await offerHealing(row, bench)
    return await putRow({ ...row, hold: decision.hold }, before, writer, round, now)
  }
  const { release } = decision
  // Its destination means another cluster now: that is another Application, and the claims decide about it.
  if (row.clusterId !== undefined && release.cluster.name !== row.clusterName)
    return await putRow(row, before, writer, round, now)
  const { digest, size, holdsSecrets, images } = release.bundle
  if (release.rendered) await writer.putBundle(release.bundle)
  if (row.renderKey !== release.renderKey) await writer.putRenderMemo(release.renderKey, digest)
  const { warnsOfOrphans: _, ...unwarned } = row
  const released: ApplicationRow = {
    ...unwarned,
    ...(release.orphans?.warn && { warnsOfOrphans: true }),
    digest,
    size,
    holdsSecrets,
    images,
    revision: release.revision,
    renderKey: release.renderKey,
    clusterName: release.cluster.name,
    // Whatever the revision rendered to once is what it is held to.
    ...(row.pin && { pin: { ...row.pin, digest } }),
  }
  const told = activityOfRelease(before, released, now)
  if (told) await writer.appendActivity(told)
  const cluster = await writer.clusterByName(release.cluster.name)
  if (!cluster?.agentKey || cluster.revokedAt !== undefined) {
    const reason = `no agent has joined as "${release.cluster.name}" yet; make it a token with: flotilla cluster join-token --cluster ${release.cluster.name}`
    return await putRow({ ...released, hold: { code: 'CLUSTER_NOT_JOINED', reason } }, before, writer, round, now)
  }
  const doubt = offerHold(services.recovery, cluster)
  if (doubt) return await putRow({ ...released, hold: doubt }, before, writer, round, now)
  const application = applicationOf(row)
  // Before its Offer, which names it: an agent that does not know the gates of an Application starts nothing of it.
  if (!calendars.isCurrent(cluster, released)) {
    const calendar = await calendars.refresh(writer, cluster, { ...released, clusterId: cluster.id })
    if (calendar.kind === 'issued') round.clusterIds.add(cluster.id)
    round.again.push(...calendar.voided)
  }
  const current = await writer.document(cluster.id, applicationLine(row.id))
  const issued = await issueOffer(writer, services.keys, services.clock, cluster.id, {
    application: { id: row.id, name: row.name, project: row.project },
    digest,
    size,
    revision: release.revision,
    namespace: row.namespace,
    options: release.options,
    ...(Object.keys(release.run).length > 0 ? { run: release.run } : {}),
    ceiling: release.ceiling,
    ...(release.orphans && { orphans: release.orphans }),
    ignoreDifferences: [...release.customizations.ignoreDifferences, ...(application.spec.ignoreDifferences ?? [])],
    ...(release.customizations.health.length === 0 ? {} : { healthRules: release.customizations.health }),
  })
  if (issued.kind === 'issued') round.clusterIds.add(cluster.id)
  const offered: ApplicationRow = {
    ...released,
    clusterId: cluster.id,
    syncFrom:
      issued.kind === 'issued' && asksForMore(current, row.namespace, release.options) ? issued.number : row.syncFrom,
  }
  const hold = await through(bench.services.stages, 'grant', { application: row.name, cluster: cluster.name }, () =>
    giveGrant(offered, issued.number, release.options, cluster, bench),
  )
  await putRow({ ...offered, hold }, before, writer, round, now)
  lookAtEnds(row, round)
}

/**
 * Nothing new can be decided, and what is offered stays; what was laid over it ends at its time all the same.
 *
 * @param before The row as it is stored: what differs is written.
 */
export async function keepOffered(wanted: ApplicationRow, bench: Workbench, before = wanted): Promise<void> {
  const { writer, services, round } = bench
  const now = services.clock.now()
  const row = await withoutLapsed(wanted, writer, now)
  lookAtEnds(row, round)
  if (wanted.pause ?? before.pause) await offerHealing(row, bench)
  await putRow(row, before, writer, round, now)
}

/** What was laid over it and has run out is taken away by whoever looks next, and said so. */
async function withoutLapsed(row: ApplicationRow, writer: StoreWriter, now: EpochMs): Promise<ApplicationRow> {
  const { pin, pause, ...rest } = row
  const kept = {
    ...(pin && pinInForce(row, now) && { pin }),
    ...(pause && pauseInForce(row, now) && { pause }),
  }
  const over = [pin && !kept.pin && (['unpin', pin] as const), pause && !kept.pause && (['unpause', pause] as const)]
  for (const lapsed of over) {
    if (!lapsed) continue
    const [act, { id }] = lapsed
    await writer.appendAudit({
      ...{ at: now, actor: 'hub', action: `application.${act}`, subject: `Application/${row.name}` },
      detail: { project: row.project, cluster: row.clusterName, [act.slice(2)]: id, reason: 'its time is over' },
    })
  }
  return over.some(lapsed => lapsed) ? { ...rest, ...kept } : row
}

/** When what was laid over it ends, it is looked at, whatever else there is to look at it for. */
function lookAtEnds({ id, pin, pause }: ApplicationRow, round: Round): void {
  for (const until of [pin?.until, pause?.until]) {
    if (until !== undefined) round.lookAgain.set(id, Math.min(until, round.lookAgain.get(id) ?? until))
  }
}

/** Whether an Offer wants something else of the cluster than the one before, though it names the same Bundle. */
function asksForMore(before: DocumentRow | undefined, namespace: string, options: SyncOptions): boolean {
  if (!before) return false
  const read = readJws(before.jws)
  const payload = read.kind === 'unverified' && isJsonObject(read.payload) ? read.payload : {}
  if (before.typ !== 'offer' || payload['namespace'] !== namespace) return true
  const { selfHeal: _, ...wanted } = options
  const { selfHeal: _before, ...had } = (payload['options'] ?? {}) as JsonObject
  return !equalJson(wanted as unknown as Json, had)
}

export async function putRow(
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
