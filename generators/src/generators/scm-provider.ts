import type { Json, JsonObject } from '@flotilla/core/json/json'
import { type Failure, TemplateError } from '../failure.ts'
import { type HostedRepository, type RepositoriesRequest, SCM_PROVIDERS } from '../inputs.ts'
import { normalize } from '../normalize.ts'
import { readValues, withValues } from '../values.ts'
import { failedWith, type Generated, type Generator, type GeneratorContext, parameterSets } from './generator.ts'
import { hostFailure, type Pattern, readFilters, readPattern, readTexts, selectHost, shortSha } from './select-host.ts'

/** `scmProvider`: a parameter set for each repository, or each branch of it, at a Git host (applicationsets.md 9.7). */
export const scmProvider: Generator = {
  key: 'scmProvider',
  fields: [...SCM_PROVIDERS, 'filters', 'cloneProtocol', 'requeueAfterSeconds', 'template', 'values'],
  defaultRequeueSeconds: 1800,
  generate,
}

const LISTING = 'error listing repos: '

/**
 * A filter's conditions must all hold. One that looks at branches or files is asked of branches; one that looks at
 * repositories alone is asked before branches are listed; the two kinds stand as AND beside each other, as in Argo CD.
 */
interface ScmFilter {
  readonly kind: 'repository' | 'branch' | 'none'
  readonly repository?: Pattern
  readonly label?: Pattern
  readonly branch?: Pattern
  readonly pathsExist: readonly string[]
  readonly pathsDoNotExist: readonly string[]
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const host = selectHost(body, SCM_PROVIDERS, context, 'no SCM provider implementation configured')
  const values = readValues(body['values'])
  const filters = readingListing(() => readFilters(body['filters'], readFilter))
  const { project, trust } = context.set
  const request: RepositoriesRequest = {
    kind: 'scm-repositories',
    ...host,
    project,
    trust,
    cloneProtocol: readCloneProtocol(body),
  }
  const listed = context.ask(request)
  if (listed === undefined) return { kind: 'waiting' }
  if (listed.kind !== 'scm-repositories') return failedWith(hostFailure(listed, LISTING))
  const ofRepositories = filters.filter(({ kind }) => kind === 'repository')
  const repositories = listed.repositories.filter(
    repository => ofRepositories.length === 0 || ofRepositories.some(filter => matchesOwnFields(filter, repository)),
  )
  const asking = new Asking(request, context)
  const branches = asking.branches(repositories)
  const ofBranches = filters.filter(({ kind }) => kind === 'branch')
  const chosen = ofBranches.length === 0 ? branches : branches.filter(branch => asking.anyMatches(ofBranches, branch))
  if (asking.failures.length > 0) return failedWith(...asking.failures)
  if (asking.waiting) return { kind: 'waiting' }
  return parameterSets(
    chosen.map(repository => {
      try {
        return withValues(parametersOf(repository), values, context.engine, context.meter)
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error
        throw error.wrap('failed to append templated values: ')
      }
    }),
  )
}

/** Questions that follow from the listing; all that are known to be needed are asked in one round. */
class Asking {
  waiting = false
  readonly failures: Failure[] = []
  readonly #request: RepositoriesRequest
  readonly #context: GeneratorContext

  constructor(request: RepositoriesRequest, context: GeneratorContext) {
    this.#request = request
    this.#context = context
  }

  branches(repositories: readonly HostedRepository[]): readonly HostedRepository[] {
    const { provider, config, project, trust } = this.#request
    return repositories.flatMap(repository => {
      const answer = this.#context.ask({ kind: 'scm-branches', provider, config, project, trust, repository })
      if (answer === undefined) this.waiting = true
      else if (answer.kind === 'scm-branches') return answer.repositories
      else this.#fail(hostFailure(answer, LISTING))
      return []
    })
  }

  anyMatches(filters: readonly ScmFilter[], branch: HostedRepository): boolean {
    // Every filter is looked at, so that what several of them need is asked for at once.
    return filters.map(filter => this.#matches(filter, branch)).some(Boolean)
  }

  #matches(filter: ScmFilter, branch: HostedRepository): boolean {
    if (!matchesOwnFields(filter, branch)) return false
    const present = filter.pathsExist.map(path => this.#exists(branch, path))
    const absent = filter.pathsDoNotExist.map(path => this.#exists(branch, path))
    return present.every(exists => exists === true) && absent.every(exists => exists === false)
  }

  /** Undefined while it is not known. */
  #exists(repository: HostedRepository, path: string): boolean | undefined {
    // The root.
    if (path === '') return true
    const { provider, config, project, trust } = this.#request
    const answer = this.#context.ask({ kind: 'scm-path', provider, config, project, trust, repository, path })
    if (answer === undefined) this.waiting = true
    else if (answer.kind === 'scm-path') return answer.exists
    else this.#fail(hostFailure(answer, LISTING))
    return undefined
  }

  /** What fails alike for each of a thousand repositories is said once. */
  #fail(failure: Failure): void {
    if (!this.failures.some(({ message }) => message === failure.message)) this.failures.push(failure)
  }
}

function matchesOwnFields(filter: ScmFilter, { repository, branch, labels }: HostedRepository): boolean {
  if (filter.repository !== undefined && !filter.repository(repository)) return false
  if (filter.branch !== undefined && !filter.branch(branch)) return false
  return filter.label === undefined || labels.some(filter.label)
}

function readFilter(filter: JsonObject, path: Failure['path']): ScmFilter {
  const repository = readPattern(filter, 'repositoryMatch', path)
  const label = readPattern(filter, 'labelMatch', path)
  const branch = readPattern(filter, 'branchMatch', path)
  const pathsExist = readTexts(filter, 'pathsExist', path)
  const pathsDoNotExist = readTexts(filter, 'pathsDoNotExist', path)
  const ofBranches = (branch ?? pathsExist ?? pathsDoNotExist) !== undefined
  const ofRepositories = (repository ?? label) !== undefined
  return {
    kind: ofBranches ? 'branch' : ofRepositories ? 'repository' : 'none',
    repository,
    label,
    branch,
    pathsExist: (pathsExist ?? []).map(withoutSlashes),
    pathsDoNotExist: (pathsDoNotExist ?? []).map(withoutSlashes),
  }
}

function withoutSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

function readCloneProtocol(body: JsonObject): string {
  const value = body['cloneProtocol'] ?? ''
  if (typeof value === 'string') return value
  throw new TemplateError('GENERATOR_INVALID', 'cloneProtocol is a text', { path: ['cloneProtocol'] })
}

function parametersOf(found: HostedRepository): JsonObject {
  const { organization, repository, repositoryId, url, branch, sha, labels } = found
  return {
    organization,
    repository,
    repository_id: integer(repositoryId),
    url,
    branch,
    branchNormalized: normalize(branch),
    sha,
    short_sha: shortSha(sha, 8),
    short_sha_7: shortSha(sha, 7),
    labels: labels.join(','),
  }
}

/** The id of a repository is an integer in Argo CD, unlike numbers of a file: `12345678`, not `1.2345678e+07`. */
function integer(id: Json): Json {
  return typeof id === 'number' && Number.isSafeInteger(id) ? BigInt(id) : id
}

/** Argo CD reads filters where it lists, and words their mistakes so. */
function readingListing<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof TemplateError) || error.code !== 'PATTERN_INVALID') throw error
    throw error.wrap(LISTING)
  }
}
