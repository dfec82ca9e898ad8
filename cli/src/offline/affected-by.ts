import { existsSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import { isUnder } from '@flotilla/config'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { Application, ApplicationSource } from '@flotilla/core/model/application'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import { sourcesOf } from '@flotilla/core/project/permit'
import { directoryMatcher, fileMatcher } from '@flotilla/generators'
import { isGitRequest } from '@flotilla/generators/inputs'
import { hasSayIn } from '@flotilla/hub/render/directory-files'
import { readDirectorySource } from '@flotilla/hub/render/directory-source'
import { findPath } from '@flotilla/hub/source/repository-path'
import { WalkTooLarge, walkTree } from '@flotilla/hub/source/walk-tree'
import { usageError } from '../errors.ts'
import type { Asked, OfflineApplications, OfflineFleet } from './offline-fleet.ts'
import type { Repositories } from './repositories.ts'

export interface Reason {
  readonly file: string
  readonly reason: string
}

export interface Affected {
  readonly name: string
  readonly because: readonly Reason[]
}

export interface AffectedBy {
  readonly applications: readonly Affected[]
  /** Sets that may yield other Applications than before. */
  readonly sets: readonly Affected[]
  /** Sets of which it cannot be said: they ask services over the network, and nobody recorded what those said. */
  readonly unknown: readonly { readonly name: string; readonly reason: string }[]
}

interface ChangedFile {
  /** As it was typed. */
  readonly typed: string
  readonly full: string
}

/**
 * Which Applications a change of these files can touch: those whose source's folder holds one, those of sets that are
 * declared in one or generate from one, those whose Project or Cluster stands in one. What sets generate from is what
 * they asked when they were expanded, so that patterns count with everything filled in, at any depth.
 */
export async function affectedBy(
  files: readonly string[],
  cwd: string,
  fleet: OfflineFleet,
  { applications, asked }: OfflineApplications,
): Promise<AffectedBy> {
  const changed = files.map(typed => ({ typed, full: resolve(cwd, typed) }))
  const declaredIn = (path: string, file: ChangedFile): boolean => resolve(cwd, path) === file.full
  const folders = await foldersOfChange(changed, fleet.repositories, asked)
  const context = { fleet, asked, declaredIn, folders }
  const sets = fleet.fleet.applicationSets.flatMap(set => {
    const because = changed.flatMap(file => [
      ...(declaredIn(set.position.file, file) ? [{ file: file.typed, reason: 'declares it' }] : []),
      ...(asked.get(set.name) ?? []).flatMap(one => setReasons(one, file, fleet.repositories)),
    ])
    return because.length === 0 ? [] : [{ name: set.name, because: distinct(because) }]
  })
  return {
    applications: applications.flatMap(application => {
      const because = changed.flatMap(file =>
        reasonsOf(file, application, context).map(reason => ({ file: file.typed, reason })),
      )
      return because.length === 0 ? [] : [{ name: application.metadata.name, because: distinct(because) }]
    }),
    sets,
    unknown: [...asked].flatMap(([name, requests]) => unknownReason(name, requests)),
  }
}

/**
 * A file that is gone, its folder with it, is a change as any other.
 *
 * @throws CliError (usage) for a file of which not even the first folder is there: likely a misspelling.
 */
export function requireFiles(files: readonly string[], cwd: string): void {
  for (const file of files) {
    const path = relative(cwd, resolve(cwd, file))
    const [first = ''] = path.split(sep)
    if (existsSync(resolve(cwd, path)) || (path !== first && existsSync(resolve(cwd, first)))) continue
    if (existsSync(resolve(cwd, path, '..')) && path === first) continue
    throw usageError(`there is no ${file}, and no folder that it could have been in`)
  }
}

interface Context {
  readonly fleet: OfflineFleet
  readonly asked: OfflineApplications['asked']
  /** Folders that hold nothing but changed files, by repository: they may have come with them. */
  readonly folders: ReadonlyMap<string, ReadonlySet<string>>
  declaredIn(path: string, file: ChangedFile): boolean
}

function reasonsOf(
  file: ChangedFile,
  application: Application,
  { fleet, asked, declaredIn, folders }: Context,
): string[] {
  const reasons: string[] = []
  const { provenance, spec } = application
  const { set } = provenance
  if (set === undefined) {
    if (declaredIn(provenance.file, file)) reasons.push('declares the Application')
  } else {
    const declared = fleet.fleet.applicationSets.find(({ name }) => name === set)
    if (declared && declaredIn(declared.position.file, file)) reasons.push(`declares ApplicationSet "${set}"`)
    for (const one of asked.get(set) ?? []) {
      reasons.push(...generatorReasons(one, file, application, set, { repositories: fleet.repositories, folders }))
    }
  }
  for (const source of sourcesOf(application)) {
    const path = pathIn(fleet.repositories, source.repoURL, file)
    if (path !== undefined && hasSay(source, path))
      reasons.push(`is in its source ${normalPath(source.path ?? '') || '.'}`)
  }
  const project = fleet.fleet.projects.find(one => one.name === spec.project)
  if (project && declaredIn(project.position.file, file)) reasons.push(`declares Project "${project.name}"`)
  const { name, server } = spec.destination
  for (const cluster of fleet.fleet.clusters) {
    const bound = cluster.name === name || (server !== undefined && cluster.spec.servers.includes(server))
    if (bound && declaredIn(cluster.position.file, file)) reasons.push(`declares Cluster "${cluster.name}"`)
  }
  return reasons
}

/** Whether the renderer would look at it; of a source that cannot be rendered yet, every file below it may count. */
function hasSay(source: ApplicationSource, path: string): boolean {
  const folder = normalPath(source.path ?? '')
  if (!isUnder(path, folder)) return false
  const read = readDirectorySource(source)
  return read.kind === 'failed' || hasSayIn(read.source, folder === '' ? path : path.slice(folder.length + 1))
}

/**
 * A file that a generator reads may change any of its set's Applications. A folder that it lists is only a name to it:
 * one that holds other files as well is there whatever becomes of this one; else it may have come with it, and with it
 * the Applications that were made of it.
 */
function generatorReasons(
  { request, answer }: Asked,
  file: ChangedFile,
  { provenance }: Application,
  set: string,
  { repositories, folders }: { readonly repositories: Repositories; readonly folders: Context['folders'] },
): readonly string[] {
  if (!isGitRequest(request)) return []
  const path = pathIn(repositories, request.repoURL, file)
  if (path === undefined) return []
  if (request.kind === 'git-files') {
    const matches = fileMatcher(request.rules, request.dialect).matches(path)
    return matches ? [`is what ApplicationSet "${set}" generates from`] : []
  }
  const listed = new Set(answer.kind === 'git-directories' ? answer.directories : [])
  return foldersOf(path)
    .filter(folder => listed.has(folder) && folders.get(request.repoURL)?.has(folder) === true)
    .filter(folder => holdsText(provenance.params ?? {}, folder))
    .map(folder => `makes the folder ${folder}, which ApplicationSet "${set}" generates from`)
}

/** By repository, the folders that generators list and that would not be there without the changed files. */
async function foldersOfChange(
  changed: readonly ChangedFile[],
  repositories: Repositories,
  asked: OfflineApplications['asked'],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>()
  for (const { request, answer } of [...asked.values()].flat()) {
    if (request.kind !== 'git-directories' || answer.kind !== 'git-directories') continue
    const paths = new Set(changed.flatMap(file => pathIn(repositories, request.repoURL, file) ?? []))
    const listed = new Set(answer.directories)
    const folders = new Set([...paths].flatMap(foldersOf).filter(folder => listed.has(folder)))
    if (folders.size === 0) continue
    const opened = await repositories.open(request.repoURL)
    if (opened.kind !== 'found') continue
    const { repository, commit } = opened.snapshot
    const { tree } = await repository.readCommit(commit)
    const ours = found.get(request.repoURL) ?? new Set()
    found.set(request.repoURL, ours)
    for (const folder of folders) {
      const target = await findPath(repository, tree, folder)
      if (target.kind !== 'directory') continue
      if (!(await holdsOthers(repository, target.id, below => paths.has(`${folder}/${below}`)))) ours.add(folder)
    }
  }
  return found
}

async function holdsOthers(
  repository: GitRepository,
  tree: ObjectId,
  isChanged: (below: string) => boolean,
): Promise<boolean> {
  try {
    const others = await walkTree(repository, tree, { mayContain: () => true, matches: below => !isChanged(below) })
    return others.length > 0
  } catch (error) {
    // More files than are ever listed: these are not all changed.
    if (error instanceof WalkTooLarge) return true
    throw error
  }
}

/** Why a set may yield others than before: a file that it reads, a folder that it lists and that is new or gone. */
function setReasons({ request, answer }: Asked, file: ChangedFile, repositories: Repositories): readonly Reason[] {
  if (!isGitRequest(request)) return []
  const path = pathIn(repositories, request.repoURL, file)
  if (path === undefined) return []
  if (request.kind === 'git-files') {
    if (!fileMatcher(request.rules, request.dialect).matches(path)) return []
    const known = answer.kind === 'git-files' && answer.files.some(each => each.path === path)
    return [{ file: file.typed, reason: known ? 'is a file that it reads' : 'matches, and is not there' }]
  }
  const matcher = directoryMatcher(request.rules)
  const listed = new Set(answer.kind === 'git-directories' ? answer.directories : [])
  return foldersOf(path)
    .filter(folder => matcher.matches(folder) && !listed.has(folder))
    .map(folder => ({ file: file.typed, reason: `is in ${folder}, which matches and is not there` }))
}

function unknownReason(name: string, requests: readonly Asked[]): AffectedBy['unknown'] {
  const away = requests.find(({ answer }) => answer.kind === 'failed')
  if (away?.answer.kind !== 'failed') return []
  return [{ name, reason: away.answer.message }]
}

function holdsText(value: Json | undefined, text: string): boolean {
  if (typeof value === 'string') return value === text
  if (Array.isArray(value)) return value.some(item => holdsText(item as Json, text))
  return isJsonObject(value) && Object.values(value).some(item => holdsText(item, text))
}

function distinct(reasons: readonly Reason[]): readonly Reason[] {
  return [...new Map(reasons.map(one => [JSON.stringify([one.file, one.reason]), one])).values()]
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
