import { celLanguage, toCel } from '../cel/cel-question.ts'
import type { Json } from '../json/json.ts'
import { matchesWildcard } from '../text/wildcard.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { ApplicationView } from '../view/application-view.ts'
import type { RouteSelection, RouteTrigger, TriggerKind } from './route.ts'

/** What holds an incident together. */
export interface Cause {
  readonly kind: 'commit' | 'gate' | 'hold' | 'cluster' | 'agents' | 'set' | 'application' | 'event'
  /** As people read it. */
  readonly text: string
  readonly revision?: string
  readonly repository?: string
  /** Of one event of a gate. */
  readonly event?: { readonly kind: string; readonly subject: string; readonly by: string; readonly message: string }
}

/** A trigger's condition holds of an Application. */
export interface Hit {
  readonly since: EpochMs | undefined
  readonly cause: Cause
  readonly key: string
  /** Of an event, which one it is. */
  readonly mark?: string
}

export type CompiledTrigger = RouteTrigger & {
  /** Whether its condition holds of this Application, and why; undefined when not. */
  readonly judge: (app: ApplicationView) => Hit | undefined
}

const CONDITIONS = celLanguage({ app: 'map<string, dyn>' })

/** The trigger ready to judge, or why its condition cannot be read. */
export function compileTrigger(trigger: RouteTrigger): CompiledTrigger | string {
  const question = trigger.when === undefined ? undefined : CONDITIONS.read(trigger.when)
  if (typeof question === 'string') return question
  const holds = HOLDS[trigger.kind]
  return {
    ...trigger,
    judge: app => {
      if (holds === undefined || app.state === 'orphaned') return undefined
      const hit = holds(app)
      if (hit === undefined) return undefined
      return question === undefined || asks(question, app) ? hit : undefined
    },
  }
}

/** A condition about what an Application lacks does not hold of it. */
function asks(question: (variables: { readonly [name: string]: unknown }) => unknown, app: ApplicationView): boolean {
  try {
    return question({ app: toCel(app as unknown as Json) }) === true
  } catch {
    return false
  }
}

/** Whether a route tells of this Application at all. */
export function isSelected(select: RouteSelection, app: ApplicationView): boolean {
  const named = (patterns: readonly string[] | undefined, text: string | null): boolean =>
    patterns === undefined || patterns.some(pattern => matchesWildcard(pattern, text ?? ''))
  return (
    named(select.projects, app.project) &&
    named(select.sets, app.set) &&
    named(select.applications, app.name) &&
    named(select.clusters, app.cluster) &&
    named(select.environments, app.environment) &&
    Object.entries(select.labels ?? {}).every(
      ([key, value]) => Object.hasOwn(app.labels, key) && app.labels[key] === value,
    )
  )
}

/** What of a cluster alone (its agent) is judged elsewhere, and events of gates come by themselves. */
const HOLDS: { readonly [kind in TriggerKind]?: (app: ApplicationView) => Hit | undefined } = {
  'on-health-degraded': app =>
    app.health.status === 'Degraded' ? { since: timeOf(app.health.since), ...byCommit(app) } : undefined,
  'on-sync-failed': ({ operation, ...app }) =>
    operation?.phase === 'Failed' || operation?.phase === 'Error'
      ? { since: timeOf(operation.finishedAt), ...byCommit(app, operation.revision) }
      : undefined,
  // Of a silent agent is told once, not once for each of its Applications.
  'on-sync-status-unknown': app =>
    app.sync.status === 'Unknown' && !app.agent.silent && app.state === 'active'
      ? { since: undefined, ...byCluster(app) }
      : undefined,
  'on-out-of-sync': app =>
    app.sync.status === 'OutOfSync' && app.hold === null ? { since: undefined, ...byCommit(app) } : undefined,
  'on-held': app => (app.hold === null ? undefined : { since: undefined, ...byHold(app.hold) }),
  'on-condition': app => ({ since: undefined, ...byCommit(app) }),
  'on-deployed': app =>
    app.operation?.phase === 'Succeeded' && app.sync.status === 'Synced' && app.health.status === 'Healthy'
      ? {
          since: timeOf(app.operation.finishedAt),
          ...byCommit(app, app.operation.revision),
          mark: `${app.operation.revision} ${app.digest}`,
        }
      : undefined,
  'on-sync-succeeded': app =>
    app.operation?.phase === 'Succeeded'
      ? {
          since: timeOf(app.operation.finishedAt),
          ...byCommit(app, app.operation.revision),
          mark: app.operation.id,
        }
      : undefined,
}

type Caused = Pick<Hit, 'cause' | 'key'>

/** One commit that breaks three hundred clusters is one cause; without a commit it is the set, or the Application. */
function byCommit(
  app: Pick<ApplicationView, 'source' | 'revision' | 'set' | 'name'>,
  revision: string | null = app.revision,
): Caused {
  const repository = textAt(app.source, 'repoURL')
  if (revision !== null && revision !== '') {
    const where = repository === undefined ? '' : ` of ${repository}`
    const cause: Cause = {
      kind: 'commit',
      text: `commit ${revision.slice(0, 12)}${where}`,
      revision,
      ...(repository === undefined ? {} : { repository }),
    }
    return { cause, key: `commit ${repository ?? ''} ${revision}` }
  }
  return app.set === null
    ? { cause: { kind: 'application', text: `Application ${app.name}` }, key: `application ${app.name}` }
    : { cause: { kind: 'set', text: `ApplicationSet ${app.set}` }, key: `set ${app.set}` }
}

function byCluster({ cluster }: ApplicationView): Caused {
  return { cause: { kind: 'cluster', text: `cluster ${cluster}` }, key: `cluster ${cluster}` }
}

function byHold({ code, blockers, reason }: NonNullable<ApplicationView['hold']>): Caused {
  const rules = [...new Set((blockers ?? []).map(({ rule }) => rule))].sort()
  if (rules.length > 0) return { cause: { kind: 'gate', text: rules.join(', ') }, key: `gate ${rules.join(' ')}` }
  return { cause: { kind: 'hold', text: `${code}: ${reason}` }, key: `hold ${code}` }
}

function textAt(value: ApplicationView['source'], key: string): string | undefined {
  const found = value?.[key]
  return typeof found === 'string' ? found : undefined
}

function timeOf(text: string | null): EpochMs | undefined {
  const time = text === null ? Number.NaN : Date.parse(text)
  return Number.isFinite(time) ? time : undefined
}
