import type { Digest } from '@flotilla/core/json/canonical-json'
import { type KubernetesObject, keyOf, type ObjectKey, versionOf } from '@flotilla/core/model/kubernetes-object'
import { type HeldPrunes, heldPrunes } from '@flotilla/core/plan/held-prunes'
import { planRemoval, type RemovalInput } from '@flotilla/core/plan/plan-removal'
import type { HookTarget } from '@flotilla/core/plan/prepare-targets'
import { APPLICATION_LABEL, ownerOf, TRACKING_ANNOTATION } from '@flotilla/core/plan/tracking'
import { compareNumbers, type GrantPayload, type TombstonePayload } from '@flotilla/core/protocol/documents'
import { DEFAULT_RUN, type RunOptions } from '@flotilla/core/sync/run-options'
import { argoName } from '@flotilla/core/sync/sync-messages'
import { FRESH_PROGRESS } from '@flotilla/core/sync/sync-progress'
import type { ApplicationState } from './application-state.ts'
import { driveSync } from './drive-sync.ts'
import { endOperation } from './end-operation.ts'
import type { Engine } from './engine.ts'
import { liveSecrets, withHookLog } from './hook-logs.ts'
import { rebuildBeforeRemoval } from './lost-inventory.ts'
import { observe } from './observe.ts'
import { endMessage, type OperationRecord, terminatedBy, terminationOf, withTerminator } from './operation-record.ts'
import { isOver, reportOf } from './perform-operation.ts'
import { continueAnswer, startGranted, whyOver } from './run-operation.ts'
import { stalledReport } from './stalled.ts'
import { writerFor } from './writer-of.ts'

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
  engine.orphans.forget(id)
  await rebuildBeforeRemoval(engine, tombstone)
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
  state.removalHooks ??= tombstone.policy === 'prune' ? await engine.removalHooks.read(id) : []
  const hooks = state.removalHooks
  let record = operations.running(id)
  const why = record && whyOver(engine, record, tombstone)
  if (record && why !== undefined) {
    await endOperation(engine, record, endMessage(record, why), terminatedBy(record))
    await reporter.report(findings(engine, tombstone, live.size))
    record = undefined
  }
  if (!record) {
    // Nothing of ours is left, or never was: that is the end, Grant or not.
    const ended = operations.of(id).some(({ kind, grant, report }) => {
      // The removal of this Tombstone, not of one before the Application returned.
      const same = compareNumbers(grant.document, tombstone.number) === 0
      return kind === 'removal' && same && report.phase === 'Succeeded'
    })
    if (ended || (inventory.length === 0 && hooks.length === 0)) return reportGone(engine, state, tombstone)
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
      : await prune(engine, state, tombstone, record, { live, inventory, unknown, hooks })
  if (typeof ended === 'object') {
    await reporter.report({ ...findings(engine, tombstone, live.size), heldPrunes: ended })
    return SOON_MS
  }
  if (ended === 'succeeded') return reportGone(engine, state, tombstone)
  await reporter.report(findings(engine, tombstone, live.size))
  return ended === 'waiting' ? SOON_MS : LATER_MS
}

async function prune(
  engine: Engine,
  state: ApplicationState,
  tombstone: TombstonePayload,
  record: OperationRecord,
  seen: {
    readonly live: ReadonlyMap<string, KubernetesObject>
    readonly inventory: readonly ObjectKey[]
    readonly unknown: ReadonlyMap<string, string>
    readonly hooks: readonly HookTarget[]
  },
): Promise<'succeeded' | 'waiting' | 'failed' | HeldPrunes> {
  const { client, operations, clock } = engine
  const writer = writerFor(client, tombstone)
  const { grant } = record
  let current = record
  const { live, ...others } = seen
  const plan = planRemoval({
    application: tombstone.application,
    digest: record.report.digest,
    live,
    ...others,
    unproved: engine.inventories.unproved(tombstone.application.id),
    ...approvalOf(tombstone, record),
    operation: { revision: record.report.revision, startedAt: record.report.startedAt },
  })
  const unconfirmed = plan.actions.filter(({ kind }) => kind === 'hold')
  const [first] = unconfirmed
  const held = heldPrunes(plan.actions)
  if (first && held) {
    // One that asks holds up all: a half of an Application is of no use to whoever decides.
    const more = unconfirmed.length > 1 ? ` and ${unconfirmed.length - 1} more resources` : ''
    const message = `waiting for deletion confirmation of ${argoName(first.key)}${more}`
    if (message !== record.report.message) await operations.update({ ...record, report: { ...record.report, message } })
    return held
  }
  const driven = await driveSync({
    engine,
    state,
    writer,
    operationId: grant.id,
    startedAt: record.report.startedAt,
    run: REMOVAL_RUN,
    sight: { plan, live },
    // What is deleted is looked at once more just before, object by object.
    lookAgain: async () => ({ plan, live }),
    progress: record.progress ?? FRESH_PROGRESS,
    results: record.report.results,
    mayContinue: () => continueAnswer(engine, tombstone, grant),
    terminate: () => terminationOf(operations.get(grant.id)),
    mayRetry: true,
    removal: true,
    beforeWrites: async () => undefined,
    onApplied: () => undefined,
    withHookLog: async (...hook) => {
      const secrets = await liveSecrets(client, seen.inventory)
      return await withHookLog({ client: writer, secrets, signal: engine.signal }, ...hook)
    },
    save: async (step, results) => {
      const report = reportOf(current.report, { step, results }, clock.now(), current.report.stalled)
      current = { ...current, report, progress: step.progress }
      await operations.update(current)
    },
  })
  const { step } = driven
  const stalled = await stalledReport(client, step, REMOVAL_RUN, current.report.stalled, clock.now())
  const report = withTerminator(reportOf(current.report, driven, clock.now(), stalled), operations.get(grant.id))
  const next = { ...current, report, progress: step.progress }
  // Most looks find what is being deleted still there.
  if (JSON.stringify(next) !== JSON.stringify(current)) await operations.update(next)
  return isOver(step) ? (report.phase === 'Succeeded' ? 'succeeded' : 'failed') : 'waiting'
}

/** Once something of it is deleted, what is left is not what was approved by name any more, and is approved all the same. */
export function approvalOf(
  { deletion, approvedBy, confirms }: TombstonePayload,
  record?: Pick<OperationRecord, 'progress'>,
): Pick<RemovalInput, 'deletion' | 'approved' | 'confirms'> {
  return { deletion, approved: approvedBy !== undefined, confirms: record?.progress?.begun ? undefined : confirms }
}

/** Each wave has to be gone before the next, and a hook that fails is made anew until the operation's time is over. */
const REMOVAL_RUN: RunOptions = {
  ...DEFAULT_RUN,
  waitForHealth: 'final',
  retry: { ...DEFAULT_RUN.retry, limit: -1 },
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
  const { operations, clock, mayWrite } = engine
  const client = writerFor(engine.client, tombstone)
  const answer = continueAnswer(engine, tombstone, record.grant)
  if (answer.kind !== 'continue' || !mayWrite()) return 'waiting'
  for (const object of live.values()) {
    if (ownerOf(object, tombstone.application.id, true).kind !== 'ours') continue
    await client.patchJson(keyOf(object), versionOf(object.apiVersion), removeMarks(object))
  }
  if (unknown.size > 0) {
    const now = clock.now()
    const late = now - record.report.startedAt > REMOVAL_RUN.timeoutMs
    const message = waitsForKinds(unknown)
    const ended = late ? ({ phase: 'Failed', finishedAt: now } as const) : {}
    await operations.update({ ...record, report: { ...record.report, message, ...ended } })
    return late ? 'failed' : 'waiting'
  }
  const message = `let go of ${live.size} objects`
  const report = { ...record.report, phase: 'Succeeded' as const, message, finishedAt: clock.now() }
  await operations.update({ ...record, report })
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

async function reportGone(engine: Engine, state: ApplicationState, tombstone: TombstonePayload): Promise<number> {
  const { application, number } = tombstone
  if (engine.mayWrite() && (await engine.inventories.read(application.id)).length > 0) {
    await engine.inventories.remove(application.id)
  }
  if (engine.mayWrite() && (state.removalHooks?.length ?? 0) > 0) {
    await engine.removalHooks.remove(application.id)
    state.removalHooks = []
  }
  const [operation] = engine.operations.of(application.id)
  await engine.reporter.report({
    application: application.id,
    gone: true,
    document: number,
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
