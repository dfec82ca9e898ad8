import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Store } from '@flotilla/core/ports/store'
import { compareNumbers, numberText } from '@flotilla/core/protocol/documents'
import type { HubFrame } from '@flotilla/core/protocol/frames'
import { heldDigest, heldLine, hubKeysLine } from '@flotilla/core/protocol/held-digest'
import type { ClusterRecovery } from '@flotilla/core/protocol/recovery'
import { reportedDigest, reportedLine } from '@flotilla/core/protocol/reported-digest'

/** What the store says that one agent holds, has reported, and may start. */
export interface ClusterTruth {
  readonly heldLines: readonly string[]
  readonly held: Digest
  /** By Application id. */
  readonly reportedLines: ReadonlyMap<string, string>
  readonly reported: Digest
  /** Open Grants, as signed. */
  readonly grants: readonly string[]
  /** Open commands, as signed. */
  readonly commands: readonly string[]
  /** The highest number given out: `3.41`. */
  readonly upTo: string
  /** How far the cluster has come since a recovery. */
  readonly recovery: ClusterRecovery | undefined
  /** Whether there is a report for each Application that is offered. */
  readonly everyReport: boolean
  readonly readAt: number
}

/** What is repeated until it is settled: every open Grant and command (protocol.md 5.3). */
export function openFrames({ grants, commands }: ClusterTruth): readonly HubFrame[] {
  const frames: HubFrame[] = []
  if (grants.length > 0) frames.push({ kind: 'grants', grants: grants.slice(0, 1000) })
  if (commands.length > 0) frames.push({ kind: 'commands', commands: commands.slice(0, 1000) })
  return frames
}

/**
 * Reads what an agent's digests are compared with (protocol.md 6). Two kinds of line are left out on both sides: a
 * Tombstone whose removal was reported, and the report that said so.
 */
export async function readTruth(
  store: Store,
  clock: Clock,
  clusterId: string,
  newestKid: string,
): Promise<ClusterTruth> {
  return await store.read(async rows => {
    const cluster = await rows.cluster(clusterId)
    // What an earlier epoch issued is not handed out any more; what is wanted of it is issued anew.
    const stored = await rows.documents(clusterId)
    const documents = stored.filter(({ number }) => number.epoch === cluster?.epoch)
    const reports = await rows.reports(clusterId)
    const grants = await rows.openGrants(clusterId)
    const commands = await rows.openCommands(clusterId)
    const current = reports.filter(report => report.admission === cluster?.admission)
    const gone = new Map(current.flatMap(({ entry }) => (entry.gone ? [[entry.application, entry.document]] : [])))
    const heldLines = documents
      .filter(({ typ, applicationId, number }) => {
        const removed = typ === 'tombstone' && applicationId !== undefined ? gone.get(applicationId) : undefined
        return removed === undefined || compareNumbers(removed, number) !== 0
      })
      .map(document => heldLine(document))
    heldLines.push(hubKeysLine(newestKid))
    const reportedLines = new Map(
      current
        .filter(({ entry }) => !entry.gone)
        .map(({ applicationId, entry, hash }) => [
          applicationId,
          reportedLine({ application: applicationId, inc: entry.inc, n: entry.n, hash }),
        ]),
    )
    // Of what the hub does not know any more it takes no report, so none is waited for.
    const unreported = stored.filter(
      ({ typ, applicationId = '' }) => typ === 'offer' && !reportedLines.has(applicationId),
    )
    const waitedFor = await Promise.all(unreported.map(({ applicationId = '' }) => rows.application(applicationId)))
    return {
      heldLines,
      held: heldDigest(heldLines),
      reportedLines,
      reported: reportedDigest(reportedLines.values()),
      grants: cluster?.cloned ? [] : grants.map(grant => grant.jws),
      commands: commands.filter(({ payload }) => payload.adm === cluster?.admission).map(command => command.jws),
      upTo: numberText({ epoch: cluster?.epoch ?? 0, n: cluster?.lastNumber ?? 0 }),
      recovery: cluster?.recovery,
      everyReport: waitedFor.every(application => application?.clusterId !== clusterId),
      readAt: clock.monotonicMs(),
    }
  })
}
