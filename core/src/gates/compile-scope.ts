import { GlobSyntaxError } from '../glob/glob.ts'
import { type Labels, parseLabelSelector } from './label-selector.ts'
import { compileNamePatterns, type NamePatterns } from './name-patterns.ts'
import type { ArgoWindowScope, GateScope, GateTarget, NamesAndLabels } from './rules.ts'

/**
 * Who is meant, asked in two steps, so that thousands of Applications of one project and cluster are asked the first
 * one once.
 */
export interface CompiledScope {
  /** Whether Applications of the project may be meant at all. */
  project(name: string): boolean
  /** By project, cluster and environment alone; `ask`: the rest of the Application decides. */
  coarse(target: GateTarget): 'yes' | 'no' | 'ask'
  fine(target: GateTarget): boolean
}

/** A scope that cannot be read; `path` within it. */
export interface ScopeMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
}

export type ScopeReading =
  | { readonly kind: 'scope'; readonly scope: CompiledScope }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly ScopeMistake[] }

type Mistakes = ScopeMistake[]

export const EVERYTHING: CompiledScope = { project: () => true, coarse: () => 'yes', fine: () => true }

/** The scope, but nothing beyond these Projects. */
export function scopeWithin(projects: readonly string[] | undefined, scope: CompiledScope): CompiledScope {
  if (projects === undefined) return scope
  const inside = compileNamePatterns(projects)
  return {
    project: name => inside(name) && scope.project(name),
    coarse: target => (inside(target.project) ? scope.coarse(target) : 'no'),
    fine: scope.fine,
  }
}

export function inScope(scope: CompiledScope, target: GateTarget): boolean {
  const coarse = scope.coarse(target)
  return coarse === 'yes' || (coarse === 'ask' && scope.fine(target))
}

const KEYS = ['all', 'projects', 'sets', 'applications', 'clusters', 'namespaces', 'environments'] as const

export function compileScope(scope: GateScope): ScopeReading {
  const mistakes: Mistakes = []
  const given = KEYS.filter(key => (key === 'all' ? scope.all === true : scope[key] !== undefined))
  if (given.length === 0) {
    mistakes.push({ path: [], message: 'is empty: name something, or write all: true' })
  } else if (scope.all === true && given.length > 1) {
    mistakes.push({ path: ['all'], message: 'goes with nothing else: what else is written would have no effect' })
  }
  const projects = patterns(scope.projects, ['projects'], mistakes)
  const sets = patterns(scope.sets, ['sets'], mistakes)
  const applications = namesAndLabels(scope.applications, ['applications'], mistakes)
  const clusters = namesAndLabels(scope.clusters, ['clusters'], mistakes)
  const namespaces = patterns(scope.namespaces, ['namespaces'], mistakes)
  const environments = patterns(scope.environments, ['environments'], mistakes)
  if (mistakes.length > 0) return { kind: 'mistakes', mistakes }
  const asks = scope.sets !== undefined || scope.applications !== undefined || scope.namespaces !== undefined
  return {
    kind: 'scope',
    scope: {
      project: projects,
      coarse: target => {
        const environment = target.cluster?.environment
        const fits =
          projects(target.project) &&
          (scope.clusters === undefined || clusterFits(target, clusters)) &&
          (scope.environments === undefined || (environment !== undefined && environments(environment)))
        return fits ? (asks ? 'ask' : 'yes') : 'no'
      },
      fine: target =>
        (scope.sets === undefined || (target.set !== undefined && sets(target.set))) &&
        (scope.applications === undefined || (applications.names(target.name) && applications.labels(target.labels))) &&
        (scope.namespaces === undefined || namespaces(namespaceOf(target))),
    },
  }
}

interface SelectorList {
  /** Known by the cluster alone. */
  readonly coarse: boolean
  fits(target: GateTarget): boolean
}

/** Argo CD's windows: any list is enough, or with `andOperator` every one that is not empty. None matches nothing. */
export function compileArgoScope(scope: ArgoWindowScope): ScopeReading {
  const mistakes: Mistakes = []
  const lists: readonly SelectorList[] = [
    ...some(scope.clusters, (list): SelectorList => {
      const names = patterns(list, ['clusters'], mistakes)
      return { coarse: true, fits: target => clusterNames(target).some(names) }
    }),
    ...some(scope.applications, (list): SelectorList => {
      const names = patterns(list, ['applications'], mistakes)
      return { coarse: false, fits: target => names(target.name) }
    }),
    ...some(scope.namespaces, (list): SelectorList => {
      const names = patterns(list, ['namespaces'], mistakes)
      return { coarse: false, fits: target => names(namespaceOf(target)) }
    }),
  ]
  if (mistakes.length > 0) return { kind: 'mistakes', mistakes }
  const and = scope.andOperator === true
  const coarse = lists.filter(list => list.coarse)
  const fine = lists.filter(list => !list.coarse)
  const compiled: CompiledScope = {
    project: () => true,
    coarse: target => {
      if (lists.length === 0) return 'no'
      const fits = coarse.some(list => list.fits(target))
      if (and) return coarse.length > 0 && !fits ? 'no' : fine.length === 0 ? 'yes' : 'ask'
      return fits ? 'yes' : fine.length === 0 ? 'no' : 'ask'
    },
    fine: target => (and ? fine.every(list => list.fits(target)) : fine.some(list => list.fits(target))),
  }
  return { kind: 'scope', scope: compiled }
}

function some<Result>(
  list: readonly string[] | undefined,
  make: (list: readonly string[]) => Result,
): readonly Result[] {
  return list === undefined || list.length === 0 ? [] : [make(list)]
}

function namespaceOf(target: GateTarget): string {
  return target.destination.namespace ?? ''
}

/** Every name that the cluster goes by: how the Application writes it does not matter. */
function clusterNames({ destination, cluster }: GateTarget): readonly string[] {
  const written = [destination.name, destination.server].filter(name => name !== undefined && name !== '') as string[]
  return cluster === undefined ? written : [...written, cluster.name, ...cluster.servers]
}

function clusterFits(target: GateTarget, { names, labels }: CompiledNames): boolean {
  return clusterNames(target).some(names) && labels(target.cluster?.labels ?? {})
}

interface CompiledNames {
  readonly names: NamePatterns
  readonly labels: (labels: Labels) => boolean
}

function namesAndLabels(given: NamesAndLabels | undefined, path: readonly string[], mistakes: Mistakes): CompiledNames {
  if (given !== undefined && given.names === undefined && given.selector === undefined) {
    mistakes.push({ path, message: 'needs names or a selector' })
  }
  const labels = parseLabelSelector(given?.selector ?? '')
  if (typeof labels !== 'function') mistakes.push({ path: [...path, 'selector'], message: labels.message })
  return {
    names: patterns(given?.names, [...path, 'names'], mistakes),
    labels: typeof labels === 'function' ? labels : () => false,
  }
}

function patterns(list: readonly string[] | undefined, path: readonly string[], mistakes: Mistakes): NamePatterns {
  if (list === undefined) return () => true
  if (list.length === 0) mistakes.push({ path, message: 'is an empty list, which would mean nobody: leave it out' })
  const compiled = list.map((pattern, index) => {
    try {
      return compileNamePatterns([pattern])
    } catch (error) {
      if (!(error instanceof GlobSyntaxError)) throw error
      mistakes.push({ path: [...path, index], message: error.message })
      return undefined
    }
  })
  return compiled.includes(undefined) ? () => false : compileNamePatterns(list)
}
