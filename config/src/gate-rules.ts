import type { ArgoWindow } from '@flotilla/core/gates/argo-windows'
import { parseLabelSelector } from '@flotilla/core/gates/label-selector'
import type { FreezeRule, GateCluster, GateRules, GateTarget, WindowRule } from '@flotilla/core/gates/rules'
import { isJsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { ClusterSpec, Declared, Fleet, ProjectSpec, Trust } from '@flotilla/core/model/fleet'
import { aliasServer, resolveDestination } from '@flotilla/core/project/destination'
import type { DeclaredGate } from './declared-gate.ts'
import { listOf } from './kinds/kind.ts'
import { syncWindow } from './schema/project.ts'

export interface GateContext {
  /** What the config found of gates. One that is not among the fleet's has mistakes, and nobody knows whom it would have
   * closed: it closes all that it may concern. */
  readonly declared?: readonly DeclaredGate[]
  /** Projects whose windows concern other Projects too: those whose labels match. */
  readonly globalProjects?: readonly GlobalProject[]
}

/** As Argo CD has them in `argocd-cm` (`globalProjects`). */
export interface GlobalProject {
  readonly projectName: string
  /** `tier in (gold,silver)`, over the labels of Projects. */
  readonly labelSelector: string
}

/** Every gate that a fleet declares: those of its Projects, its SyncWindows and its FreezePeriods. */
export function gateRules(fleet: Fleet, context: GateContext = {}): GateRules {
  const { declared = [], globalProjects = [] } = context
  return {
    windows: [
      ...fleet.projects.flatMap(project => windowsOf(project, [project.name])),
      ...globalProjects.flatMap(each => globalWindows(fleet, each)),
      ...(fleet.syncWindows ?? []).map(ownWindow),
    ],
    freezes: [
      ...(fleet.freezePeriods ?? []).map(({ spec, trust }): FreezeRule => ({ ...spec, ...withinTrust(trust) })),
      ...unreadable(fleet, declared),
    ],
  }
}

/** The windows of a global Project for the Projects that it reaches, besides its own. */
function globalWindows(fleet: Fleet, { projectName, labelSelector }: GlobalProject): readonly WindowRule[] {
  const project = fleet.projects.find(({ name }) => name === projectName)
  if (project === undefined) return []
  const selects = parseLabelSelector(labelSelector)
  // One that cannot be read reaches everybody: a window that nobody obeys is the worse mistake.
  const reached = fleet.projects.filter(({ name, labels }) => {
    return name !== projectName && (typeof selects !== 'function' || selects(labels))
  })
  if (reached.length === 0) return []
  return windowsOf(
    project,
    reached.map(({ name }) => name),
    ', global',
  )
}

/**
 * What is declared and not in force closes all that it may concern: it has mistakes, or a name that another one has.
 * Another one of that name, elsewhere, does not stand for it: nobody takes a freeze out of force by being called like it.
 */
function unreadable(fleet: Fleet, declared: readonly DeclaredGate[]): readonly FreezeRule[] {
  const inForce = [...(fleet.syncWindows ?? []), ...(fleet.freezePeriods ?? [])]
  const whatOf = ({ kind, name }: (typeof inForce)[number]): string => `${kind} "${name}"`
  const read = new Set(inForce.map(each => JSON.stringify([each.source, whatOf(each), each.position.file])))
  const names = new Map(inForce.map(each => [whatOf(each), each.position]))
  return declared
    .filter(({ source, what, position }) => !read.has(JSON.stringify([source, what, position.file])))
    .map(({ what, position, scope }) => {
      const other = names.get(what)
      const place = other === undefined ? undefined : `${other.file}:${other.line}`
      return {
        name: `${what} at ${position.file}:${position.line}`,
        level: 'organisation',
        freeze: 'hard',
        reason: '',
        scope: { all: true },
        when: [{ from: '1970-01-01', through: '1970-01-01' }],
        unreadable:
          place === undefined || place === `${position.file}:${position.line}`
            ? `${what} has mistakes: flotilla validate lists them`
            : `${what} has mistakes, or is declared at ${place} already: flotilla validate says which`,
        ...withinTrust(scope),
      }
    })
}

function ownWindow({ spec, trust }: Declared<WindowRule>): WindowRule {
  return { ...spec, ...withinTrust(trust) }
}

/** A gate concerns nobody for whom its config source may not declare. */
function withinTrust(trust: Trust): { readonly within?: readonly string[] } {
  return trust.kind === 'all' ? {} : { within: trust.projects }
}

function windowsOf({ name, spec }: Declared<ProjectSpec>, within: readonly string[], how = ''): readonly WindowRule[] {
  return listOf(spec['syncWindows'] as never).flatMap((window, index): readonly WindowRule[] => {
    if (!isJsonObject(window)) return []
    // What has not even the form of a window is one that cannot be read: it closes the Project.
    const argo: ArgoWindow = syncWindow.safeParse(window).success ? (window as ArgoWindow) : { applications: ['*'] }
    const { kind = '', schedule = '', duration = '', manualSync, timeZone, syncOverrun, description, ...scope } = argo
    return [
      {
        name: `Project/${name} syncWindows[${index}]${how}`,
        level: 'project',
        within,
        kind,
        schedule,
        duration,
        select: { kind: 'argo', scope },
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(manualSync === undefined ? {} : { manualSync }),
        ...(syncOverrun === undefined ? {} : { syncOverrun }),
        ...(description === undefined || description === '' ? {} : { description }),
      },
    ]
  })
}

/** Applications as gates see them; those on one cluster share its object. */
export function gateTargets(fleet: Fleet): (application: Application) => GateTarget {
  const clusters = fleet.clusters.map(declared => ({
    name: declared.name,
    servers: declared.spec.servers.length > 0 ? declared.spec.servers : [aliasServer(declared.name)],
    local: declared.spec.local,
    gate: clusterOf(declared),
  }))
  const byName = new Map(clusters.map(cluster => [cluster.name, cluster]))
  const byServer = new Map(clusters.flatMap(cluster => cluster.servers.map(server => [server, cluster] as const)))
  const found = {
    byName: (name: string) => byName.get(name),
    byServer: (server: string) => byServer.get(server),
    local: () => clusters.find(({ local }) => local),
  }
  return ({ metadata, spec, provenance }) => {
    const { name, server, namespace } = spec.destination
    const destination = resolveDestination(spec.destination, found)
    return {
      name: metadata.name,
      project: spec.project === '' ? 'default' : spec.project,
      ...(provenance.set === undefined ? {} : { set: provenance.set }),
      labels: metadata.labels ?? {},
      destination: { ...(name && { name }), ...(server && { server }), ...(namespace && { namespace }) },
      ...(destination.kind === 'cluster' && { cluster: destination.cluster.gate }),
    }
  }
}

function clusterOf({ name, labels, spec, document }: Declared<ClusterSpec>): GateCluster {
  // A Cluster that names no zone has that of the organisation, not UTC.
  const written = isJsonObject(document['spec']) ? document['spec']['timeZone'] : undefined
  return {
    name,
    labels,
    servers: spec.servers,
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    ...(written === undefined ? {} : { timeZone: spec.timeZone }),
  }
}
