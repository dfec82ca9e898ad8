import type { Digest } from '@flotilla/core/json/canonical-json'
import { type KubernetesObject, keyOf, versionOf } from '@flotilla/core/model/kubernetes-object'
import { planRemoval } from '@flotilla/core/plan/plan-removal'
import type { SyncPlan } from '@flotilla/core/plan/sync-plan'
import { APPLICATION_LABEL, ownerOf, TRACKING_ANNOTATION } from '@flotilla/core/plan/tracking'
import { compareNumbers, type GrantPayload, type TombstonePayload } from '@flotilla/core/protocol/documents'
import type { ApplicationState } from './application-state.ts'
import { applyPlan } from './apply.ts'
import type { Engine } from './engine.ts'
import { observe } from './observe.ts'
import type { OperationRecord } from './operation-record.ts'
import { progressOf } from './perform-operation.ts'
import { continueAnswer, endSuperseded, startGranted, whyOver } from './run-operation.ts'

/** Of an Application that never had a success. */
export const NO_DIGEST: Digest = `sha256:${'0'.repeat(64)}`
const SOON_MS = 1_000
const LATER_MS = 5 * 60 * 1000

/**
 * One look at an Application that has a Tombstone. Removal starts under a Grant like any operation; both witnesses are
 * required for each object. Its end is reported as `gone`.
 *
 * @returns milliseconds until the next look is due. @throws KubernetesError
 */
export async function reconcileRemoval(
  engine: Engine,
  state: ApplicationState,
  tombstone: TombstonePayload,
): Promise<number> {
  const { operations, inventories, reporter } = engine
  const { id } = tombstone.application
  const inventory = await inventories.read(id)
  const live = await observe({
    client: engine.client,
    applicationId: id,
    keys: inventory,
    remembered: state.observed,
    // What is being deleted changes all the time; it is few and soon over.
    isFollowed: () => false,
    needsContent: () => true,
  })
  let record = operations.running(id)
  const why = record && whyOver(engine, record, tombstone)
  if (record && why !== undefined) {
    await endSuperseded(engine, record, why)
    record = undefined
  }
  if (!record) {
    // Nothing of ours is left, or never was: that is the end, Grant or not.
    const ended = operations.of(id).some(({ kind, grant, report }) => {
      // The removal of this Tombstone, not of one before the Application returned.
      const same = compareNumbers(grant.document, tombstone.number) === 0
      return kind === 'removal' && same && report.phase === 'Succeeded'
    })
    if (ended || inventory.length === 0) return reportGone(engine, state, tombstone)
    const started = await startGranted(engine, state, tombstone, grant => newRecord(engine, tombstone, grant))
    if (started.kind === 'waits') {
      await reporter.report({
        ...findings(engine, tombstone, live.size),
        sync: { status: 'OutOfSync', message: 'waits to be removed' },
      })
      return started.againInMs ?? LATER_MS
    }
    record = started.record
  }
  const unknown = state.observed.unknown(inventory)
  const ended =
    tombstone.policy === 'detach'
      ? await detach(engine, tombstone, record, live, unknown)
      : await prune(engine, tombstone, record, live, inventory, unknown)
  if (ended === 'succeeded') return reportGone(engine, state, tombstone)
  await reporter.report(findings(engine, tombstone, live.size))
  return ended === 'waiting' ? SOON_MS : LATER_MS
}

async function prune(
  engine: Engine,
  tombstone: TombstonePayload,
  record: OperationRecord,
  live: ReadonlyMap<string, KubernetesObject>,
  inventory: Parameters<typeof planRemoval>[0]['inventory'],
  unknown: ReadonlyMap<string, string>,
): Promise<'succeeded' | 'waiting' | 'failed'> {
  const { client, mayWrite, signal, operations, clock } = engine
  const plan = planRemoval({
    application: tombstone.application,
    digest: record.report.digest,
    inventory,
    live,
    unknown,
    approved: tombstone.approvedBy !== undefined,
  })
  const outcome = await applyPlan({
    client,
    plan,
    live,
    mayWrite,
    signal,
    mayContinue: () => continueAnswer(engine, tombstone, record.grant),
    onApplied: () => undefined,
  })
  const remaining = stillGoing(plan)
  const message = unknown.size > 0 ? waitsForKinds(unknown) : `waiting for deletion of ${remaining.length} objects`
  const settled =
    outcome.kind === 'done' && remaining.length > 0 ? { ...outcome, kind: 'waiting' as const, message } : outcome
  const report = progressOf(record.report, settled, clock)
  await operations.update({ ...record, report })
  return report.phase === 'Running' ? 'waiting' : report.phase === 'Succeeded' ? 'succeeded' : 'failed'
}

/** Deleted in this round or before and not seen gone: a finalizer may hold them for long. */
function stillGoing(plan: SyncPlan) {
  return plan.actions.filter(action => {
    if (action.kind === 'skip') return action.code === 'BEING_DELETED' || action.code === 'KIND_UNKNOWN'
    return action.kind === 'prune'
  })
}

/** What cannot be looked at may still be there: it is neither removed nor let go of. */
function waitsForKinds(unknown: ReadonlyMap<string, string>): string {
  const [name, reason] = [...unknown][0]!
  const more = unknown.size > 1 ? ` and ${unknown.size - 1} more` : ''
  return `waiting until it can be told whether ${name}${more} is there: ${reason}`
}

/** Lets go of the objects: our marks go, everything else stays as it is. */
async function detach(
  engine: Engine,
  tombstone: TombstonePayload,
  record: OperationRecord,
  live: ReadonlyMap<string, KubernetesObject>,
  unknown: ReadonlyMap<string, string>,
): Promise<'succeeded' | 'waiting' | 'failed'> {
  const { client, operations, clock, mayWrite } = engine
  const answer = continueAnswer(engine, tombstone, record.grant)
  if (answer.kind !== 'continue' || !mayWrite()) return 'waiting'
  for (const object of live.values()) {
    if (ownerOf(object, tombstone.application.id, true).kind !== 'ours') continue
    await client.patchJson(keyOf(object), versionOf(object.apiVersion), removeMarks(object))
  }
  if (unknown.size > 0) {
    const waits = { kind: 'waiting' as const, message: waitsForKinds(unknown), results: [] }
    const report = progressOf(record.report, waits, clock)
    await operations.update({ ...record, report })
    return report.phase === 'Running' ? 'waiting' : 'failed'
  }
  const outcome = { kind: 'done' as const, message: `let go of ${live.size} objects`, results: [] }
  await operations.update({ ...record, report: progressOf(record.report, outcome, clock) })
  return 'succeeded'
}

function removeMarks({ metadata }: KubernetesObject) {
  const operations: { readonly op: string; readonly path: string; readonly value?: string }[] = []
  if (metadata.annotations?.[TRACKING_ANNOTATION] !== undefined) {
    operations.push({ op: 'remove', path: `/metadata/annotations/${escapeSegment(TRACKING_ANNOTATION)}` })
  }
  if (metadata.labels?.[APPLICATION_LABEL] !== undefined) {
    operations.push({ op: 'remove', path: `/metadata/labels/${escapeSegment(APPLICATION_LABEL)}` })
  }
  return operations
}

function escapeSegment(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1')
}

async function reportGone(engine: Engine, state: ApplicationState, { application }: TombstonePayload): Promise<number> {
  if (engine.mayWrite() && (await engine.inventories.read(application.id)).length > 0) {
    await engine.inventories.remove(application.id)
  }
  const [operation] = engine.operations.of(application.id)
  await engine.reporter.report({
    application: application.id,
    gone: true,
    sync: { status: 'Synced', message: 'removed' },
    health: { status: 'Healthy' },
    ...(operation ? { operation: operation.report } : {}),
    objects: [],
    objectCount: 0,
    images: [],
  })
  state.observed.clear()
  state.predictions.clear()
  return LATER_MS
}

function newRecord({ clock, operations }: Engine, tombstone: TombstonePayload, grant: GrantPayload): OperationRecord {
  const digest = operations.lastOutcome(tombstone.application.id).lastSucceeded ?? NO_DIGEST
  return {
    grant,
    kind: 'removal',
    application: { id: tombstone.application.id, name: tombstone.application.name },
    report: {
      id: grant.id,
      trigger: grant.trigger,
      by: grant.by,
      phase: 'Running',
      message: 'started',
      digest,
      revision: grant.options.revision,
      startedAt: clock.now(),
      results: [],
      resultsCut: 0,
    },
  }
}

function findings({ operations }: Engine, { application }: TombstonePayload, objectCount: number) {
  const [operation] = operations.of(application.id)
  return {
    application: application.id,
    gone: false,
    sync: { status: 'OutOfSync' as const, message: 'is being removed' },
    health: { status: 'Progressing' as const, message: 'is being removed' },
    ...(operation ? { operation: operation.report } : {}),
    objects: [],
    objectCount,
    images: [],
  }
}
