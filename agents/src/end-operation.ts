import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { HOOK_RUN_ANNOTATION } from '@flotilla/core/plan/read-hook'
import type { ObjectResult } from '@flotilla/core/protocol/report'
import { logBytesLeft } from '@flotilla/core/sync/hook-log'
import { type HookRef, hookRef } from '@flotilla/core/sync/hook-steps'
import { CUT_SHORT } from '@flotilla/core/sync/step-end'
import { FRESH_PROGRESS, type HookState, withHookState } from '@flotilla/core/sync/sync-progress'
import type { Engine } from './engine.ts'
import { withHookLog } from './hook-logs.ts'
import { removeHooks } from './hook-objects.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import type { OperationRecord } from './operation-record.ts'
import { writerFor } from './writer-of.ts'

/** A kubelet that is gone answers for none of its hooks: whoever ends an operation waits no longer for what they said. */
const LOGS_WITHIN_MS = 15_000

/**
 * Ends an operation before its time: hooks that run leave their logs and are deleted, ordinary objects stay as they are.
 * Works without the Bundle (then no log is kept) and whatever the gates say.
 *
 * @throws KubernetesError while the cluster is away; the operation is then ended at the next look.
 */
export async function endOperation(
  engine: Engine,
  record: OperationRecord,
  message: string,
  terminatedBy?: string,
): Promise<void> {
  const { resumesAt: _r, retryAt: _t, stalled: _s, ...report } = record.report
  const writer = writerFor(engine.client, engine.link.held().get(record.application.id))
  const hooks = await runningHooks(engine, record)
  const results = await withLogs(engine, writer, record, hooks)
  const refused = await removeHooks(
    writer,
    hooks.map(({ ref }) => ref),
  ).catch(notPermitted)
  await engine.operations.update({
    ...record,
    report: {
      ...report,
      results,
      phase: 'Failed',
      message: refused === undefined ? message : `${message}; its hooks stay: ${refused}`,
      finishedAt: engine.clock.now(),
      ...(terminatedBy === undefined ? {} : { terminatedBy }),
    },
  })
  engine.log.info('operation ended', {
    application: record.application.name,
    operation: record.grant.id,
    phase: 'Failed',
    message,
  })
}

/** An account that may not delete them, or is gone, keeps no operation from ending; other rights are not tried. */
function notPermitted(error: unknown): string {
  if (!isKubernetesError(error, 'FORBIDDEN')) throw error
  return error.message
}

interface HookToEnd {
  readonly ref: HookRef
  readonly state: HookState
  readonly live: KubernetesObject
}

/** Results, with what hooks that run have printed so far: read before they go. */
async function withLogs(
  { link, signal, clock }: Engine,
  client: KubernetesClient,
  { report, progress = FRESH_PROGRESS }: OperationRecord,
  hooks: readonly HookToEnd[],
): Promise<readonly ObjectResult[]> {
  const running = hooks.filter(({ state }) => state.state === 'Running')
  if (running.length === 0) return report.results
  // Its own Bundle says which values are to be hidden; without it no log is kept.
  const secrets = (await link.bundle(report.digest))?.objects
  let left = progress
  const until = clock.monotonicMs() + LOGS_WITHIN_MS
  for (const { state, live } of running) {
    const mostBytes = logBytesLeft(left, state)
    if (mostBytes === 0 || clock.monotonicMs() >= until) break
    left = withHookState(
      left,
      await withHookLog({ client, secrets, signal }, { ...state, message: CUT_SHORT }, live, mostBytes),
    )
  }
  return report.results.map(result => {
    const state = left.hooks.find(({ key, phase }) => phase === result.phase && sameKey(key, result.key))
    if (result.hook !== 'Running' || !state?.log) return result
    return { ...result, ...(state.message === undefined ? {} : { message: state.message }), log: state.log }
  })
}

function sameKey(a: ObjectKey, b: ObjectKey): boolean {
  return objectKeyText(a) === objectKeyText(b)
}

/** Live objects of hooks that this operation made and that it has not seen end; each proves by its mark whose it is. */
async function runningHooks({ client }: Engine, { grant, progress }: OperationRecord): Promise<readonly HookToEnd[]> {
  const hooks: HookToEnd[] = []
  const seen = new Set<string>()
  for (const state of (progress ?? FRESH_PROGRESS).hooks) {
    const { key } = state
    const name = objectKeyText(key)
    if (seen.has(name)) continue
    seen.add(name)
    try {
      const live = await client.get(key)
      const mark = live?.metadata.annotations?.[HOOK_RUN_ANNOTATION]
      if (!live || !mark?.startsWith(`${grant.id}/`)) continue
      const ref = hookRef(live)
      // Of one that is over only our finalizer goes, if it is still there.
      if (state.state === 'Running' || state.state === 'Pending') hooks.push({ ref, state, live })
      else if (ref.held) hooks.push({ ref: { ...ref, deleting: true }, state, live })
    } catch (error) {
      if (!isKubernetesError(error, 'KIND_UNKNOWN')) throw error
    }
  }
  return hooks
}
