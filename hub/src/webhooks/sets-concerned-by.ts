import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { TemplateError } from '@flotilla/generators/failure'
import type { GeneratorContext, GeneratorRegistry } from '@flotilla/generators/generators/generator'
import { type Parameters, PULL_REQUEST_PROVIDERS } from '@flotilla/generators/inputs'
import { interpolation } from '@flotilla/generators/interpolate'
import { entryTransformer } from '@flotilla/generators/transform'
import type { PullRequestEvent, PushEvent, WebhookEvent } from './event.ts'
import {
  asksForPullRequests,
  asksHost,
  asksSameServer,
  isAbout,
  providerOf,
  revisionHasChanged,
  shortRef,
  touchesHead,
} from './match-event.ts'

/** A set, and what its generators may look at: the first child of a matrix is run to see what the second one reads. */
export interface SetToMatch {
  readonly set: Pick<Declared<ApplicationSetSpec>, 'spec'>
  readonly context: GeneratorContext
}

/** What of a pull request Argo CD takes note of; a changed title or target is not among it. */
const NOTED: { readonly [host: string]: readonly string[] } = {
  github: ['opened', 'closed', 'synchronize', 'labeled', 'reopened', 'unlabeled'],
  gitlab: ['open', 'close', 'reopen', 'update', 'merge'],
  azuredevops: ['git.pullrequest.created', 'git.pullrequest.updated', 'git.pullrequest.merged'],
}

/**
 * The sets that Argo CD refreshes for an event, by its own rules (applicationsets.md 16): changed paths and version
 * ranges are not considered, providers of repositories never match, and a plugin matches whatever happened. The hub
 * goes by what each set really read instead (`requests-concerned-by.ts`), which is less work and misses less.
 */
export function setsConcernedBy<Candidate extends SetToMatch>(
  event: WebhookEvent,
  sets: readonly Candidate[],
): readonly Candidate[] {
  if (event.kind !== 'push' && event.kind !== 'pull-request') return []
  const noted = NOTED[event.host]
  if (noted === undefined || (event.kind === 'pull-request' && !noted.includes(event.action))) return []
  return sets.filter(({ set, context }) =>
    (set.spec.generators ?? []).some(entry => entryMatches(event, entry, context)),
  )
}

function entryMatches(event: PushEvent | PullRequestEvent, entry: JsonObject, context: GeneratorContext): boolean {
  return leafMatches(event, entry) || bodyOf(entry, 'plugin') !== undefined || combinatorMatches(event, entry, context)
}

function combinatorMatches(event: PushEvent | PullRequestEvent, entry: JsonObject, context: GeneratorContext): boolean {
  const matrix = bodyOf(entry, 'matrix')
  if (matrix !== undefined && matrixMatches(event, matrix, context)) return true
  const merge = bodyOf(entry, 'merge')
  return (
    merge !== undefined &&
    childrenOf(merge, context).some(child => leafMatches(event, child) || combinatorMatches(event, child, context))
  )
}

function matrixMatches(event: PushEvent | PullRequestEvent, matrix: JsonObject, context: GeneratorContext): boolean {
  const [first, second, ...more] = childrenOf(matrix, context)
  if (first === undefined || second === undefined || more.length > 0) return false
  if (leafMatches(event, first) || combinatorMatches(event, first, context)) return true
  const parameters = parametersOf(first, context)
  if (parameters === undefined) return false
  const matches = (entry: JsonObject): boolean => entryMatches(event, entry, context)
  try {
    const interpolate = interpolation(second, context.engine, context.registry)
    if (parameters.some(each => matches(interpolate(each, context.meter)))) return true
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return false
  }
  return matches(second)
}

/** Undefined when the first child cannot be run now. */
function parametersOf(entry: JsonObject, context: GeneratorContext): readonly Parameters[] | undefined {
  const transformed = entryTransformer(entry, context)({})
  if (transformed.kind !== 'results') return undefined
  return transformed.results.flatMap(({ sets }) => sets.map(({ parameters }) => parameters))
}

function leafMatches(event: PushEvent | PullRequestEvent, entry: JsonObject): boolean {
  const { repository, host } = event
  if (event.kind === 'push') {
    const git = bodyOf(entry, 'git')
    return (
      git !== undefined &&
      isAbout(repository, textAt(git, 'repoURL')) &&
      revisionHasChanged(textAt(git, 'revision'), shortRef(event.ref), touchesHead(event))
    )
  }
  const pullRequest = bodyOf(entry, 'pullRequest')
  const asked = pullRequest && providerOf(pullRequest, PULL_REQUEST_PROVIDERS)
  if (asked === undefined) return false
  const { provider, config } = asked
  const server = provider === 'azuredevops' || asksSameServer(provider, config, repository)
  return server && asksHost(provider, host) && asksForPullRequests(provider, config, repository, 'argo')
}

function bodyOf(entry: JsonObject, key: string): JsonObject | undefined {
  const body = Object.hasOwn(entry, key) ? entry[key] : undefined
  return isJsonObject(body) ? body : undefined
}

/**
 * The children of a combinator, with the keys of generators and of their fields as they are spelt: Go reads what is
 * nested twice without regard to case (applicationsets.md 1.3).
 */
function childrenOf(body: JsonObject, { registry }: GeneratorContext): readonly JsonObject[] {
  return listAt(respelt(body, ['generators', 'mergeKeys']), 'generators')
    .filter(isJsonObject)
    .map(child => respeltEntry(child, registry))
}

function respeltEntry(entry: JsonObject, registry: GeneratorRegistry): JsonObject {
  const result: MutableJsonObject = {}
  const spelt = respelt(entry, [...registry.keys()])
  for (const key of Object.keys(spelt)) {
    const body: Json | undefined = spelt[key]
    const fields = registry.get(key)?.fields
    setKey(result, key, fields !== undefined && isJsonObject(body) ? respelt(body, fields) : (body ?? null))
  }
  return result
}

function respelt(object: JsonObject, names: readonly string[]): JsonObject {
  const result: MutableJsonObject = {}
  for (const key of Object.keys(object)) {
    const name = names.includes(key) ? key : names.find(each => each.toLowerCase() === key.toLowerCase())
    setKey(result, name ?? key, object[key] as Json)
  }
  return result
}
