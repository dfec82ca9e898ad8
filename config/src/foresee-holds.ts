import type { Application } from '@flotilla/core/model/application'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { ProjectSpec } from '@flotilla/core/model/fleet'
import { DEFAULT_PROJECT, DEFAULT_PROJECT_SPEC } from '@flotilla/core/project/default-project'
import { resolveDestination } from '@flotilla/core/project/destination'
import { permit } from '@flotilla/core/project/permit'
import type { MergeResult } from './merge-fleets.ts'
import { destinationUnknown, type Place, placeOf, projectUnknown, readClusters } from './reference-diagnostics.ts'

/**
 * Which Applications a hub would hold although every document is sound: their Project does not permit what they use,
 * or there is no such Project or Cluster. Warnings, because the hub takes the documents all the same. What one place
 * of a set's template does to many Applications is said once.
 *
 * @param applications Generated ones, and those written by hand.
 * @param written Of those written by hand, unknown names are told by {@link mergeFleets} already: who shows its
 *   diagnostics too wants them once, who asks about one Application wants `everything`.
 */
export function foreseeHolds(
  { fleet, refused }: Pick<MergeResult, 'fleet' | 'refused'>,
  applications: readonly Application[],
  written: 'what is not told' | 'everything' = 'what is not told',
): readonly Diagnostic[] {
  const projects = new Map(fleet.projects.map(({ name, spec }) => [name, spec]))
  if (!projects.has(DEFAULT_PROJECT)) projects.set(DEFAULT_PROJECT, DEFAULT_PROJECT_SPEC)
  const { lookUp } = readClusters(fleet.clusters)
  const found = new Map<string, { readonly first: Diagnostic; readonly names: string[] }>()
  for (const application of applications) {
    const { metadata, provenance } = application
    const place: Known['place'] = (...path) => positionInSpec({ fleet }, application, ...path)
    for (const diagnostic of holdsOf(application, { projects, lookUp, refused, place, written })) {
      const { code, file, line, column } = diagnostic
      const key = provenance.set === undefined ? `${code} ${metadata.name}` : `${code} ${file}:${line}:${column}`
      const same = found.get(key)
      if (same === undefined) found.set(key, { first: diagnostic, names: [metadata.name] })
      else same.names.push(metadata.name)
    }
  }
  return [...found.values()].map(({ first, names }) =>
    names.length === 1 ? first : { ...first, message: `${first.message} (and ${names.length - 1} more of the set)` },
  )
}

interface Known {
  readonly projects: ReadonlyMap<string, ProjectSpec>
  readonly lookUp: ReturnType<typeof readClusters>['lookUp']
  readonly refused: MergeResult['refused']
  readonly written: 'what is not told' | 'everything'
  place(...path: string[]): Place
}

function holdsOf(application: Application, known: Known): readonly Diagnostic[] {
  const { project, destination } = application.spec
  const { projects, lookUp, refused, place } = known
  const untold = application.provenance.set !== undefined || known.written === 'everything'
  const diagnostics: Diagnostic[] = []
  const spec = projects.get(project)
  if (spec === undefined && untold && !refused.projects.has(project)) {
    diagnostics.push(projectUnknown(project, place('project')))
  }
  const resolved = resolveDestination(destination, lookUp)
  const at = destination.name ? 'name' : 'server'
  if (resolved.kind === 'unknown') {
    if (untold && !refused.clusters.has(destination.name ?? '')) {
      diagnostics.push(destinationUnknown(resolved, place('destination', at)))
    }
    return diagnostics
  }
  if (spec === undefined) return diagnostics
  const permission = permit({ name: project, spec }, application, resolved.cluster)
  if (permission.kind === 'permitted') return diagnostics
  const { code, reason, hint } = permission
  const where = code === 'SOURCE_FORBIDDEN' ? place('source', 'repoURL') : place('destination')
  const message = `${reason}; Application "${application.metadata.name}" will be held`
  return [...diagnostics, { severity: 'warning', code, ...where, message, hint }]
}

/**
 * Where a field of an Application's spec was written: in its set's template, in its document, or else where it comes
 * from.
 */
export function positionInSpec(
  { fleet }: Pick<MergeResult, 'fleet'>,
  application: Application,
  ...path: string[]
): Place {
  const { provenance, metadata } = application
  const set = fleet.applicationSets.find(({ name }) => name === provenance.set)
  if (set !== undefined) return placeOf(set, ['spec', 'template', 'spec', ...path])
  const document = fleet.applications.find(({ name }) => name === metadata.name)
  if (document !== undefined) return placeOf(document, ['spec', ...path])
  const { file, line, column } = provenance
  return { file, line, column }
}
