import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Generated, GeneratorContext } from '@flotilla/generators/generators/generator'
import { GENERATORS } from '@flotilla/generators/generators/registry'
import type { HostPolicy } from '@flotilla/generators/host-policy'
import type { HostedRepository, InputAnswer, InputRequest, Parameters, PullRequest } from '@flotilla/generators/inputs'
import type { Observed } from './appset-expect.ts'
import { contextOf, engineFor, messageOf } from './appset-inputs.ts'

interface Call {
  readonly receiver: JsonObject
  readonly args: JsonObject
}

/** `SCMProviderGenerator.GenerateParams`: the case's override of the provider stands for the host. */
export function runScmProvider({ receiver, args }: Call): Observed {
  const override = receiver['overrideProvider']
  const answer = isJsonObject(override) ? scmAnswer(override) : undefined
  return run('scmProvider', hosted(args, 'scmProvider', answer), contextFor(receiver, args, answer))
}

/** `PullRequestGenerator.GenerateParams`: the service that the case's selection returns stands for the host. */
export function runPullRequest({ receiver, args }: Call): Observed {
  const selection = receiver['selectServiceProviderFunc']
  const service = isJsonObject(selection) ? (selection['$returns'] as readonly Json[])[0] : undefined
  const answer = isJsonObject(service) ? pullRequestAnswer(service) : undefined
  return run('pullRequest', hosted(args, 'pullRequest', answer), contextFor(receiver, args, answer))
}

/** `scm_provider.ListRepos`: filtering, whose result we only see as parameters. */
export function runListRepos({ args }: Call): Observed {
  const answer = scmAnswer(args['provider'] as JsonObject)
  const body = { github: {}, filters: args['filters'] ?? [], cloneProtocol: args['cloneProtocol'] ?? '' }
  const fields = { Organization: 'organization', Repository: 'repository', URL: 'url', Branch: 'branch', SHA: 'sha' }
  return inGoFields(run('scmProvider', body, contextOf({ engine: engineFor(false, []), answer })), fields)
}

/** `pull_request.ListPullRequests`, likewise. */
export function runListPullRequests({ args }: Call): Observed {
  const answer = pullRequestAnswer(args['provider'] as JsonObject)
  const body = { github: {}, filters: args['filters'] ?? [] }
  const fields = {
    ...{ Number: 'number', Title: 'title', Branch: 'branch', TargetBranch: 'target_branch' },
    ...{ HeadSHA: 'head_sha', Author: 'author' },
  }
  return inGoFields(run('pullRequest', body, contextOf({ engine: engineFor(false, []), answer })), fields)
}

function run(key: string, body: JsonObject, context: GeneratorContext): Observed {
  const { value, error } = messageOf((): Generated => GENERATORS.get(key)!.generate!(body, context))
  if (error !== undefined) return { error }
  if (value?.kind === 'failed') return { error: value.failures[0]!.message }
  return { values: { result: value?.kind === 'sets' ? value.sets : null } }
}

/** A mocked host takes the place of any provider; where the case names none we name one. */
function hosted(args: JsonObject, key: string, mocked: unknown): JsonObject {
  const body = ((args['appSetGenerator'] as JsonObject)[key] ?? {}) as JsonObject
  return mocked === undefined ? body : { github: {}, ...body }
}

function contextFor(
  receiver: JsonObject,
  args: JsonObject,
  answer: ((request: InputRequest) => InputAnswer) | undefined,
): GeneratorContext {
  const spec = ((args['applicationSetInfo'] as JsonObject | undefined)?.['spec'] ?? {}) as JsonObject
  const engine = engineFor(spec['goTemplate'] === true, spec['goTemplateOptions'])
  const context = contextOf({ engine, ...(answer && { answer }) })
  const config = receiver['SCMConfig']
  if (!isJsonObject(config)) return context
  const hosts: HostPolicy = {
    enabled: config['enableSCMProviders'] === true,
    allowedProviders: (config['allowedSCMProviders'] ?? []) as readonly string[],
  }
  return { ...context, inputs: { ...context.inputs, hosts } }
}

/** Argo CD's mocked provider: a repository has the path of its own name, and each of its entries is a branch. */
export function scmAnswer(provider: JsonObject): (request: InputRequest) => InputAnswer {
  const found = ((provider['Repos'] ?? []) as readonly JsonObject[]).map(repositoryOf)
  return request => {
    switch (request.kind) {
      case 'scm-repositories': {
        const names = new Set<string>()
        const repositories = found.filter(({ repository }) => names.size < names.add(repository).size)
        return { kind: 'scm-repositories', repositories }
      }
      case 'scm-branches': {
        const repositories = found.filter(({ repository }) => repository === request.repository.repository)
        return { kind: 'scm-branches', repositories }
      }
      case 'scm-path':
        return { kind: 'scm-path', exists: request.repository.repository === request.path }
      default:
        throw new Error(`a mocked host is asked for ${request.kind}`)
    }
  }
}

function repositoryOf(found: JsonObject): HostedRepository {
  return {
    organization: String(found['Organization'] ?? ''),
    repository: String(found['Repository'] ?? ''),
    url: String(found['URL'] ?? ''),
    branch: String(found['Branch'] ?? ''),
    sha: String(found['SHA'] ?? ''),
    labels: (found['Labels'] ?? []) as readonly string[],
    repositoryId: found['RepositoryId'] ?? null,
  }
}

function pullRequestAnswer(service: JsonObject): (request: InputRequest) => InputAnswer {
  const error = service['listError']
  if (isJsonObject(error)) {
    const missing = error['$type'] === 'RepositoryNotFoundError'
    return () =>
      missing
        ? { kind: 'pull-requests', pullRequests: [], repositoryMissing: true }
        : { kind: 'failed', code: 'MOCK', message: String(error['$error']), retry: false }
  }
  const pullRequests = ((service['listPullReuests'] ?? []) as readonly JsonObject[]).map(pullRequestOf)
  return () => ({ kind: 'pull-requests', pullRequests })
}

function pullRequestOf(found: JsonObject): PullRequest {
  return {
    number: String(found['Number'] ?? ''),
    title: String(found['Title'] ?? ''),
    branch: String(found['Branch'] ?? ''),
    targetBranch: String(found['TargetBranch'] ?? ''),
    headSha: String(found['HeadSHA'] ?? ''),
    author: String(found['Author'] ?? ''),
    labels: (found['Labels'] ?? []) as readonly string[],
  }
}

function inGoFields(observed: Observed, fields: { readonly [goField: string]: string }): Observed {
  const sets = observed.values?.['result']
  if (!Array.isArray(sets)) return observed
  const result = (sets as readonly Parameters[]).map(set =>
    Object.fromEntries(Object.entries(fields).map(([goField, key]) => [goField, set[key]])),
  )
  return { values: { result } }
}
