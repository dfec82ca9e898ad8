import { adoptionHold } from '@flotilla/core/decide/adoption'
import { decideGrant, type PastOperation } from '@flotilla/core/decide/decide-grant'
import { type RetryPolicy, readRetryPolicy } from '@flotilla/core/decide/retry-delay'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow, ClusterRow, OperationRow, StoreWriter } from '@flotilla/core/ports/store'
import { sourcesOf } from '@flotilla/core/project/permit'
import type { DocumentNumber, GrantPayload, SyncOptions } from '@flotilla/core/protocol/documents'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { isAutomated, readSyncOptions } from '@flotilla/core/sync/sync-options'
import { useOverrides } from '../gate-desk/use-overrides.ts'
import { issueGrant } from '../gateway/issue-documents.ts'
import { grantHold } from '../recovery/hold-back.ts'
import { cloneHold } from './clone-hold.ts'
import { type JudgedOverrides, judgeStart } from './judge-start.ts'
import { revisionOf } from './locate-source.ts'
import { pausedText, pinnedText } from './pinned.ts'
import type { Workbench } from './round.ts'
import { applicationOf } from './world.ts'

const PAGE = 20
const MOST_OPERATIONS = 200
const SOON_MS = 1_000

/** Gives the automated Grant when one is due; returns the Hold that stands instead, if one does. */
export async function giveGrant(
  row: ApplicationRow,
  offer: DocumentNumber,
  options: SyncOptions,
  cluster: ClusterRow,
  bench: Workbench,
): Promise<Hold | undefined> {
  if (!row.digest) return undefined
  const { writer, grants, world, services, round } = bench
  const application = applicationOf(row)
  const { clock, random } = services
  const retry = readRetryPolicy(application.spec.syncPolicy?.retry)
  const stored = await writer.report(row.id)
  // Another admission is another cluster under the same name: what the one before did says nothing of it.
  const report = stored?.admission === cluster.admission ? stored : undefined
  const adoption = adoptionHold(report?.entry.adoptions, options.adoptFrom)
  if (adoption) return adoption
  const operations = await pastOperations(writer, row.id, row.digest, retry)
  const { open, unanswered } = await grants.of(cluster, row.id, offer)
  const unpruned = options.prune && (await wasLeftUnpruned(row, report?.entry, operations, bench))
  const decision = decideGrant(
    {
      automated: isAutomated(application) && row.pin === undefined && row.pause === undefined,
      ...(row.pin && { unautomated: pinnedText(row.pin) }),
      ...(row.pause && { unautomated: pausedText(row.pause) }),
      digest: row.digest,
      offer,
      syncFrom: row.syncFrom,
      report: unpruned ? { ...report!.entry, lastSucceeded: undefined } : report?.entry,
      open: open.map(({ payload }) => payload),
      operations,
      retry,
      onFailure: readSyncOptions(application).onFailure,
      jitter: random.fraction(),
    },
    clock.now(),
  )
  if (decision.kind === 'hold') return decision.hold
  if (decision.kind === 'none') {
    if (decision.at !== undefined) round.lookAgain.set(row.id, decision.at)
    return undefined
  }
  const doubt = grantHold(services.recovery, cluster) ?? cloneHold(cluster)
  if (doubt) return doubt
  const judged = await judgeStart(row, 'automated', bench)
  if (judged.kind === 'held') return judged.hold
  const started = new Set(operations.map(({ id }) => id))
  const waitMs = world.pace.waitMs(row.id, offer, started, clock.monotonicMs())
  const waitUntil = waitMs > 0 ? clock.now() + waitMs : await grants.waitFor(unanswered, report?.receivedAt)
  if (waitUntil !== undefined) {
    round.lookAgain.set(row.id, waitUntil)
    return undefined
  }
  const source = sourcesOf(application)[0]
  const given = await issueGrant(writer, services.keys, clock, random, cluster.id, {
    applicationId: row.id,
    trigger: 'automated',
    by: 'flotilla',
    // An automated sync removes what the Application's own options let it remove, and nothing more.
    options: {
      dryRun: false,
      prune: options.prune && judged.mayPrune,
      revision: row.revision ?? (source ? revisionOf(source) : ''),
    },
    startBefore: decision.startBefore,
    passes: judged.passes,
  })
  if (given.kind === 'issued') {
    if (!(await countUse(row, given.grant, judged.overrides, bench))) return row.hold
    world.pace.given(row.id, given.grant, started, clock.monotonicMs())
  }
  round.clusterIds.add(cluster.id)
  round.lookAgain.set(row.id, decision.startBefore)
  return undefined
}

/**
 * Whether the last sync left out what it would have pruned, because only that was closed, and it is open now. What is
 * closed still is looked at again when that ends.
 */
async function wasLeftUnpruned(
  row: ApplicationRow,
  entry: ReportEntry | undefined,
  [last]: readonly PastOperation[],
  { writer, world, services, round }: Workbench,
): Promise<boolean> {
  if (entry?.sync.status !== 'OutOfSync' || last?.trigger !== 'automated' || last.phase !== 'Succeeded') return false
  const grant = await writer.grant(last.id)
  if (grant === undefined || grant.payload.options.prune) return false
  const { allowed, nextChange } = world.gates.decide(row, services.clock.now(), {
    trigger: 'automated',
    action: 'prune',
  })
  if (!allowed && nextChange !== undefined) round.lookAgain.set(row.id, nextChange)
  return allowed
}

/** Takes the Grant back in the transaction that made it when an override that it needs has just been used up. */
async function countUse(
  { id, name }: ApplicationRow,
  grant: GrantPayload,
  overrides: JudgedOverrides,
  { writer, services, round }: Workbench,
): Promise<boolean> {
  if (overrides.names.length === 0) return true
  const start = { operation: grant.id, application: name, at: grant.iat, by: 'hub', rules: overrides.rules }
  const used = await useOverrides(writer, overrides.names, start)
  round.rulesOutdated = true
  if (used === 'used') {
    services.gateNews?.overridesUsed(overrides.names, { application: name, by: 'hub', rules: overrides.rules })
    return true
  }
  const stored = await writer.grant(grant.id)
  if (stored)
    await writer.putGrant({ ...stored, state: 'void', reason: 'the override that opened the gates is used up' })
  round.lookAgain.set(id, services.clock.now() + SOON_MS)
  return false
}

/** The newest operations, back to the first that ends the question; each with the document of its Grant. */
async function pastOperations(
  writer: StoreWriter,
  applicationId: string,
  digest: Digest,
  retry: RetryPolicy,
): Promise<readonly PastOperation[]> {
  const past: PastOperation[] = []
  let before: number | undefined
  for (let read = 0; read < MOST_OPERATIONS; read += PAGE) {
    const page = await writer.operations(applicationId, { limit: PAGE, ...(before !== undefined && { before }) })
    for (const { operation } of byGrant(page)) {
      const granted = (await writer.grant(operation.id))?.payload
      // What wrote nothing, or a part alone, says nothing of the whole.
      if (granted && (granted.options.dryRun || granted.options.resources)) continue
      const document = granted?.document
      past.push({ ...operation, ...(document && { document }) })
      const ends = operation.digest !== digest || operation.phase === 'Succeeded'
      if (ends || (retry.limit >= 0 && past.length > retry.limit + 1)) return past
    }
    before = page.at(-1)?.sequence
    if (page.length < PAGE) break
  }
  return past
}

/**
 * Newest first by when they were permitted: the end of an older one may be heard after the start of the newest. Ids of
 * Grants are in the order of the hub's own time, which the agents' clocks are not.
 */
function byGrant(page: readonly OperationRow[]): readonly OperationRow[] {
  const granted = page.filter(({ operation }) => operation.trigger !== 'heal')
  return granted.sort((a, b) => {
    const left = GRANT_TIME.exec(a.operation.id)?.[0]
    const right = GRANT_TIME.exec(b.operation.id)?.[0]
    // Of one millisecond: as they were heard.
    if (left === undefined || right === undefined || left === right) return 0
    return left < right ? 1 : -1
  })
}

/** The time that a UUID of version 7 begins with. */
const GRANT_TIME = /^[0-9a-f]{8}-[0-9a-f]{4}(?=-7)/
