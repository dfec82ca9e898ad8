import type { JsonObject, MutableJsonObject } from '@flotilla/core/json/json'
import { branchSlug } from '../engines/go-template/functions/slug.ts'
import { type Failure, TemplateError } from '../failure.ts'
import { fileMatcher, malformedRules } from '../git-paths.ts'
import { PULL_REQUEST_PROVIDERS, type PullRequest, type PullRequestsRequest } from '../inputs.ts'
import { readValues, type ValueTemplates, withValues } from '../values.ts'
import { failedWith, type Generated, type Generator, type GeneratorContext } from './generator.ts'
import {
  hostFailure,
  type Pattern,
  readFilters,
  readPattern,
  readTexts,
  type SelectedHost,
  selectHost,
  shortSha,
} from './select-host.ts'

/** `pullRequest`: a parameter set for each pull request of a repository at a Git host (applicationsets.md 9.8). */
export const pullRequest: Generator = {
  key: 'pullRequest',
  fields: [
    ...PULL_REQUEST_PROVIDERS,
    ...['filters', 'continueOnRepoNotFoundError', 'changedPaths', 'requeueAfterSeconds', 'template', 'values'],
  ],
  additions: ['changedPaths'],
  defaultRequeueSeconds: 1800,
  generate,
}

const LISTING = 'error listing repos: '

/** Conditions that must all hold; one without conditions takes everything. */
interface PullRequestFilter {
  readonly branch?: Pattern
  readonly targetBranch?: Pattern
  readonly title?: Pattern
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const { host, labels } = ownLabels(select(body, context))
  const values = readValues(body['values'])
  const filters = listing(() => readFilters(body['filters'], readFilter))
  const changes = readChangedPaths(body)
  const { project, trust } = context.set
  const request: PullRequestsRequest = { kind: 'pull-requests', ...host, project, trust }
  const answer = context.ask(request)
  if (answer === undefined) return { kind: 'waiting' }
  if (answer.kind !== 'pull-requests') return failedWith(hostFailure(answer, LISTING))
  if (answer.repositoryMissing) {
    if (body['continueOnRepoNotFoundError'] === true) return { kind: 'sets', sets: [] }
    return failedWith({ code: 'HOST_NOT_FOUND', message: `${LISTING}repository not found`, path: [] })
  }
  const wanted = answer.pullRequests.filter(
    found => labels.every(label => found.labels.includes(label)) && matchesAny(filters, found),
  )
  const chosen = changes === undefined ? plain(wanted) : touching(wanted, changes, request, context)
  if (chosen.kind !== 'chosen') return chosen
  return {
    kind: 'sets',
    sets: chosen.pullRequests.map(found => parametersOf(found, values, context)),
    opaque: OPAQUE,
    // An open pull request that is not in its host's whole listing is closed: nobody has to wonder where it went.
    authoritative: true,
  }
}

/** A post-selector sees these lists as one text (applicationsets.md 7). */
const OPAQUE: ReadonlySet<string> = new Set(['labels', 'changedFiles'])

function select(body: JsonObject, context: GeneratorContext): SelectedHost<(typeof PULL_REQUEST_PROVIDERS)[number]> {
  try {
    return selectHost(body, PULL_REQUEST_PROVIDERS, context, 'no Pull Request provider implementation configured')
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw error.wrap('failed to select pull request service provider: ')
  }
}

/**
 * The labels that a pull request must all carry, taken out of the request, so that sets with different labels share one
 * listing. GitLab keeps them: it lists merge requests of every state, which are too many to leave out later.
 */
function ownLabels<Host extends SelectedHost<string>>(
  host: Host,
): { readonly host: Host; readonly labels: readonly string[] } {
  const labels = readTexts(host.config, 'labels', [host.provider]) ?? []
  if (host.provider === 'gitlab') return { host, labels: [] }
  const { labels: _taken, ...config } = host.config
  return { host: { ...host, config }, labels }
}

function readFilter(filter: JsonObject, path: Failure['path']): PullRequestFilter {
  return {
    branch: readPattern(filter, 'branchMatch', path),
    targetBranch: readPattern(filter, 'targetBranchMatch', path),
    title: readPattern(filter, 'titleMatch', path),
  }
}

function matchesAny(filters: readonly PullRequestFilter[], found: PullRequest): boolean {
  if (filters.length === 0) return true
  return filters.some(
    ({ branch, targetBranch, title }) =>
      (branch?.(found.branch) ?? true) &&
      (targetBranch?.(found.targetBranch) ?? true) &&
      (title?.(found.title) ?? true),
  )
}

interface ChosenPullRequest extends PullRequest {
  readonly changedFiles?: readonly string[]
}

type Chosen = { readonly kind: 'chosen'; readonly pullRequests: readonly ChosenPullRequest[] }

function plain(pullRequests: readonly PullRequest[]): Chosen {
  return { kind: 'chosen', pullRequests }
}

/** Whether a path lies under one of the patterns of `changedPaths`. */
type TouchesPath = (path: string) => boolean

/**
 * `changedPaths`: globs (`**` spans folders) of which a pull request must touch one; a folder stands for all that is in
 * it.
 *
 * @throws TemplateError
 */
function readChangedPaths(body: JsonObject): TouchesPath | undefined {
  const globs = readTexts(body, 'changedPaths')
  if (globs === undefined) return undefined
  const rules = globs.flatMap(glob => {
    const path = glob.replace(/^\.?\/+/, '').replace(/\/{1,9}$/, '')
    return [path, `${path}/**`].map(each => ({ path: each, exclude: false }))
  })
  const [malformed] = malformedRules(rules, 'doublestar')
  if (malformed !== undefined) {
    const path = ['changedPaths', Math.floor(malformed / 2)]
    throw new TemplateError('GENERATOR_INVALID', `"${globs[Math.floor(malformed / 2)]}" is not a glob`, { path })
  }
  const matcher = fileMatcher(rules, 'doublestar')
  return path => matcher.matches(path)
}

function touching(
  pullRequests: readonly PullRequest[],
  touches: TouchesPath,
  { provider, config, project, trust }: PullRequestsRequest,
  context: GeneratorContext,
): Chosen | Generated {
  const chosen: ChosenPullRequest[] = []
  let failure: Failure | undefined
  let waiting = false
  for (const found of pullRequests) {
    const { number, headSha, targetBranch } = found
    const kind = 'pull-request-files'
    const answer = context.ask({ kind, provider, config, project, trust, number, headSha, targetBranch })
    if (answer === undefined) waiting = true
    else if (answer.kind === 'pull-request-files') {
      // A host that stops counting leaves open what else is touched: better a preview too many than one too few.
      if (answer.truncated || answer.paths.some(touches)) chosen.push({ ...found, changedFiles: answer.paths })
    } else failure ??= hostFailure(answer, `error listing the files of pull request ${number}: `)
  }
  // The first says it all: whatever is wrong with one is as a rule wrong with each.
  if (failure !== undefined) return failedWith(failure)
  return waiting ? { kind: 'waiting' } : { kind: 'chosen', pullRequests: chosen }
}

function parametersOf(found: ChosenPullRequest, values: ValueTemplates, context: GeneratorContext): JsonObject {
  const { number, title, branch, targetBranch, headSha, author, labels, changedFiles } = found
  const parameters: MutableJsonObject = {
    number,
    title,
    branch,
    branch_slug: branchSlug(branch),
    target_branch: targetBranch,
    target_branch_slug: branchSlug(targetBranch),
    head_sha: headSha,
    head_short_sha: shortSha(headSha, 8),
    head_short_sha_7: shortSha(headSha, 7),
    author,
  }
  if (context.engine.shape === 'nested') {
    parameters['labels'] = labels
    if (changedFiles !== undefined) parameters['changedFiles'] = changedFiles
  }
  try {
    return withValues(parameters, values, context.engine, context.meter)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw error.wrap('failed to append templated values: ')
  }
}

/** Argo CD reads filters where it lists, and words their mistakes so. */
function listing<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof TemplateError) || error.code !== 'PATTERN_INVALID') throw error
    throw error.wrap(LISTING)
  }
}
