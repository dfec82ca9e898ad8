import { objectKeyText } from '../model/kubernetes-object.ts'
import type { OperationReport } from '../protocol/report.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { ActivityApplication, ActivityKind, ActivityNote } from './activity-entry.ts'

/** Objects that one entry names. */
const MOST_NAMED = 20

/**
 * What the feed has of an operation that has ended: how it ended, and besides what it deleted. Nothing of a dry run.
 *
 * @param at When the hub heard of its end.
 */
export function activityOfOperation(
  operation: OperationReport,
  application: ActivityApplication,
  at: EpochMs,
): readonly ActivityNote[] {
  const { id, trigger, by, phase, message, revision, startedAt, finishedAt, attempts = 1, results } = operation
  const succeeded = phase === 'Succeeded'
  const subject = `Application/${application.name}`
  const common = { at, subject, by, applications: [application], applicationsCut: 0 }
  const duration = finishedAt === undefined ? null : Math.max(0, Math.round(finishedAt - startedAt))
  const detail = { operation: id, trigger, phase, revision, attempts, durationMs: duration }
  const [kind, word] = wordsOf(trigger, succeeded)
  const ended: ActivityNote = {
    ...common,
    kind,
    event: `${word}.${succeeded ? 'succeeded' : 'failed'}`,
    message,
    detail,
  }
  const pruned = results.filter(({ outcome }) => outcome === 'pruned').map(({ key }) => objectKeyText(key))
  if (pruned.length === 0) return [ended]
  const more = pruned.length > MOST_NAMED ? ` and ${pruned.length - MOST_NAMED} more` : ''
  const said = `deleted ${pruned.slice(0, MOST_NAMED).join(', ')}${more}`
  return [
    ended,
    { ...common, kind: 'prune', event: 'prune', message: said, detail: { operation: id, count: pruned.length } },
  ]
}

function wordsOf(trigger: OperationReport['trigger'], succeeded: boolean): readonly [ActivityKind, string] {
  if (trigger === 'heal') return ['heal', 'heal']
  if (trigger === 'delete') return ['removal', 'removal']
  return [succeeded ? 'sync.succeeded' : 'sync.failed', 'sync']
}
