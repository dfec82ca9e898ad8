import type { AuditNote } from '../audit/audit-entry.ts'
import type { Json } from '../json/json.ts'
import type { ActivityApplication, ActivityKind, ActivityNote } from './activity-entry.ts'

/** Acts that people are told of in the feed, by the word they have in the audit log; gates tell of themselves. */
const KINDS: readonly (readonly [prefix: string, kind: ActivityKind | undefined])[] = [
  ['application.rollback', 'intervention'],
  ['application.pin', 'intervention'],
  ['application.unpin', 'intervention'],
  ['application.pause', 'intervention'],
  ['application.unpause', 'intervention'],
  ['application.terminate', 'action'],
  ['application.restart', 'action'],
  ['application.scale', 'action'],
  ['application.suspend', 'action'],
  ['application.resume', 'action'],
  ['application.delete', 'action'],
  ['adoption.', 'confirmation'],
  ['deletion.', 'confirmation'],
  ['cluster.key', undefined],
  ['cluster.', 'admission'],
  ['hub.', undefined],
]

/** What the feed has of an act that was done; undefined for what is no news to others. */
export function activityOfAudit(note: AuditNote): ActivityNote | undefined {
  const { at, actor, action, subject, detail, outcome } = note
  const known = KINDS.find(([prefix]) => (prefix.endsWith('.') ? action.startsWith(prefix) : action === prefix))
  if (!known || (outcome !== undefined && outcome !== 'done')) return undefined
  const [, kind] = known
  const application = applicationOf(subject, detail['project'], detail['cluster'])
  const reason = textOf(detail['reason'])
  const revision = textOf(detail['revision']).slice(0, 12)
  const words = [action.slice(action.indexOf('.') + 1), subject, revision].filter(word => word !== '').join(' ')
  return {
    ...{ at, event: action, subject, by: actor, message: reason === '' ? words : `${words}: ${reason}` },
    ...(kind && { kind }),
    applications: application ? [application] : [],
    applicationsCut: 0,
    ...(!application && { about: aboutOf(action, subject) }),
    detail: {},
  }
}

function applicationOf(
  subject: string,
  project: Json | undefined,
  cluster: Json | undefined,
): ActivityApplication | undefined {
  if (!subject.startsWith('Application/') || typeof project !== 'string') return undefined
  return { name: subject.slice('Application/'.length), project, cluster: textOf(cluster) }
}

function aboutOf(action: string, subject: string) {
  if (action.startsWith('cluster.')) return { resource: 'clusters', name: subject }
  if (action.startsWith('hub.')) return { resource: 'audit', name: '*' }
  return { resource: 'confirmations', name: subject }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
