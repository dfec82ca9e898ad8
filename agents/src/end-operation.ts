import { objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { HOOK_RUN_ANNOTATION } from '@flotilla/core/plan/read-hook'
import { type HookRef, hookRef } from '@flotilla/core/sync/hook-steps'
import { FRESH_PROGRESS } from '@flotilla/core/sync/sync-progress'
import type { Engine } from './engine.ts'
import { removeHooks } from './hook-objects.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import type { OperationRecord } from './operation-record.ts'

/**
 * Ends an operation before its time: hooks that run are deleted, ordinary objects stay as they are. Works without the
 * Bundle, and whatever the gates say.
 *
 * @throws KubernetesError while the cluster is away; the operation is then ended at the next look.
 */
export async function endOperation(
  engine: Engine,
  record: OperationRecord,
  message: string,
  terminatedBy?: string,
): Promise<void> {
  await removeHooks(engine.client, await runningHooks(engine, record))
  const { resumesAt: _r, retryAt: _t, stalled: _s, ...report } = record.report
  await engine.operations.update({
    ...record,
    report: {
      ...report,
      phase: 'Failed',
      message,
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

/** Live objects of hooks that this operation made and that it has not seen end; each proves by its mark whose it is. */
async function runningHooks({ client }: Engine, { grant, progress }: OperationRecord): Promise<readonly HookRef[]> {
  const refs: HookRef[] = []
  const seen = new Set<string>()
  for (const { key, state } of (progress ?? FRESH_PROGRESS).hooks) {
    const name = objectKeyText(key)
    if (seen.has(name)) continue
    seen.add(name)
    try {
      const live = await client.get(key)
      const mark = live?.metadata.annotations?.[HOOK_RUN_ANNOTATION]
      if (!live || !mark?.startsWith(`${grant.id}/`)) continue
      const ref = hookRef(live)
      // Of one that is over only our finalizer goes, if it is still there.
      if (state === 'Running' || state === 'Pending') refs.push(ref)
      else if (ref.held) refs.push({ ...ref, deleting: true })
    } catch (error) {
      if (!isKubernetesError(error, 'KIND_UNKNOWN')) throw error
    }
  }
  return refs
}
