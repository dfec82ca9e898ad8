import { existsSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import { isUnder } from '@flotilla/config'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { sourcesOf } from '@flotilla/core/project/permit'
import { directoryMatcher, fileMatcher, type PathRule } from '@flotilla/generators'
import { usageError } from '../errors.ts'
import type { OfflineFleet } from './offline-fleet.ts'
import type { Repositories } from './repositories.ts'

export interface Affected {
  readonly name: string
  readonly because: readonly { readonly file: string; readonly reason: string }[]
}

interface ChangedFile {
  /** As it was typed. */
  readonly typed: string
  readonly full: string
}

/**
 * Which Applications a change of these files can touch: those whose source's folder holds one, those of sets that are
 * declared in one or generate from one, those whose Project or Cluster stands in one.
 */
export function affectedBy(
  files: readonly string[],
  cwd: string,
  fleet: OfflineFleet,
  applications: readonly Application[],
): readonly Affected[] {
  const changed = files.map(typed => ({ typed, full: resolve(cwd, typed) }))
  const context = { cwd, fleet, sets: new Map(fleet.fleet.applicationSets.map(set => [set.name, set])) }
  return applications.flatMap(application => {
    const because = changed.flatMap(file =>
      reasonsOf(file, application, context).map(reason => ({ file: file.typed, reason })),
    )
    return because.length === 0 ? [] : [{ name: application.metadata.name, because }]
  })
}

/** @throws CliError (usage) for a file that is neither there nor under anything that is read: likely a misspelling. */
export function requireFiles(files: readonly string[], cwd: string): void {
  for (const file of files) {
    if (existsSync(resolve(cwd, file)) || existsSync(resolve(cwd, file, '..'))) continue
    throw usageError(`there is no ${file}, and no folder that it could have been in`)
  }
}

interface Context {
  readonly cwd: string
  readonly fleet: OfflineFleet
  readonly sets: ReadonlyMap<string, Declared<ApplicationSetSpec>>
}

function reasonsOf(file: ChangedFile, application: Application, { cwd, fleet, sets }: Context): string[] {
  const reasons: string[] = []
  const declaredIn = (path: string): boolean => resolve(cwd, path) === file.full
  const { provenance, spec } = application
  const set = provenance.set === undefined ? undefined : sets.get(provenance.set)
  if (declaredIn(provenance.file)) {
    reasons.push(set === undefined ? 'declares the Application' : `declares ApplicationSet "${set.name}"`)
  }
  for (const source of sourcesOf(application)) {
    const path = pathIn(fleet.repositories, source.repoURL, file)
    const folder = normalPath(source.path ?? '')
    if (path !== undefined && isUnder(path, folder)) reasons.push(`is in its source ${folder || '.'}`)
  }
  if (set !== undefined) reasons.push(...generatorReasons(set, file, fleet.repositories))
  const project = fleet.fleet.projects.find(one => one.name === spec.project)
  if (project && declaredIn(project.position.file)) reasons.push(`declares Project "${project.name}"`)
  reasons.push(...clusterReasons(application, fleet, declaredIn))
  return [...new Set(reasons)]
}

function clusterReasons(
  { spec }: Application,
  fleet: OfflineFleet,
  declaredIn: (path: string) => boolean,
): readonly string[] {
  const { name, server } = spec.destination
  return fleet.fleet.clusters
    .filter(cluster => cluster.name === name || (server !== undefined && cluster.spec.servers.includes(server)))
    .filter(cluster => declaredIn(cluster.position.file))
    .map(cluster => `declares Cluster "${cluster.name}"`)
}

function generatorReasons(
  set: Declared<ApplicationSetSpec>,
  file: ChangedFile,
  repositories: Repositories,
): readonly string[] {
  return gitGenerators(set.spec.generators as unknown as Json).flatMap(({ repoURL, directories, files }) => {
    const path = pathIn(repositories, repoURL, file)
    if (path === undefined) return []
    if (directories.length > 0) {
      const matcher = directoryMatcher(directories)
      return foldersOf(path)
        .filter(folder => matcher.matches(folder))
        .map(folder => `is in ${folder}, which ApplicationSet "${set.name}" generates from`)
    }
    const dialect = set.group === 'argoproj.io' ? 'pathspec' : 'doublestar'
    return fileMatcher(files, dialect).matches(path) ? [`is what ApplicationSet "${set.name}" generates from`] : []
  })
}

interface GitGenerator {
  readonly repoURL: string
  readonly directories: readonly PathRule[]
  readonly files: readonly PathRule[]
}

/** Every `git` entry, at any depth of matrix and merge; the load has checked their shape. */
function gitGenerators(entries: Json): readonly GitGenerator[] {
  if (!Array.isArray(entries)) return []
  return entries.flatMap(entry => {
    if (!isJsonObject(entry)) return []
    const found: GitGenerator[] = []
    const { git, matrix, merge } = entry
    if (isJsonObject(git) && typeof git['repoURL'] === 'string') {
      found.push({ repoURL: git['repoURL'], directories: rulesOf(git['directories']), files: rulesOf(git['files']) })
    }
    for (const combination of [matrix, merge]) {
      if (isJsonObject(combination)) found.push(...gitGenerators(combination['generators'] ?? null))
    }
    return found
  })
}

function rulesOf(value: Json | undefined): readonly PathRule[] {
  if (!Array.isArray(value)) return []
  return value.flatMap(rule =>
    isJsonObject(rule) && typeof rule['path'] === 'string'
      ? [{ path: rule['path'], exclude: rule['exclude'] === true }]
      : [],
  )
}

/** The file's path in the repository that a URL means; undefined when it lies elsewhere. */
function pathIn(repositories: Repositories, url: string, file: ChangedFile): string | undefined {
  const directory = repositories.directoryOf(url)
  if (directory === undefined) return undefined
  const path = relative(directory, file.full).split(sep).join('/')
  return path === '..' || path.startsWith('../') || path === '' ? undefined : path
}

function foldersOf(path: string): string[] {
  const segments = path.split('/')
  return segments.slice(0, -1).map((_, index) => segments.slice(0, index + 1).join('/'))
}

function normalPath(path: string): string {
  return path
    .split('/')
    .filter(segment => segment !== '' && segment !== '.')
    .join('/')
}
