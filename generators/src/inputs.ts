import type { Json, JsonObject } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { ProjectSpec, Trust } from '@flotilla/core/model/fleet'
import type { ExpansionMemory } from './expansion-memory.ts'
import type { HostPolicy } from './host-policy.ts'

/**
 * What a generator needs from the world, as a value. `expand` is pure: it looks answers up by {@link inputKey} and
 * returns the requests that had none; the shell gathers those and calls again until nothing is missing.
 */
export type InputRequest = GitRequest | HostedRequest

/** Answered from the mirror of a repository. */
export type GitRequest = GitDirectoriesRequest | GitFilesRequest

/** Answered by a service over the network, through one cache that all sets share. */
export type HostedRequest =
  | RepositoriesRequest
  | BranchesRequest
  | RepositoryPathRequest
  | PullRequestsRequest
  | PullRequestFilesRequest
  | PluginRequest
  | DecisionResourcesRequest

export function isGitRequest(request: InputRequest): request is GitRequest {
  return request.kind === 'git-directories' || request.kind === 'git-files'
}

export interface PathRule {
  readonly path: string
  readonly exclude: boolean
}

/** Directories of a repository that match (Go `path.Match`, applicationsets.md 9.3.1). */
export interface GitDirectoriesRequest {
  readonly kind: 'git-directories'
  readonly repoURL: string
  readonly revision: string
  readonly rules: readonly PathRule[]
  /** The commit is a part of the answer: with another one, the set is made again. */
  readonly wantsCommit?: true
}

/** Files of a repository that match, with their text (applicationsets.md 9.3.2). */
export interface GitFilesRequest {
  readonly kind: 'git-files'
  readonly repoURL: string
  readonly revision: string
  readonly rules: readonly PathRule[]
  /** The commit is a part of the answer: with another one, the set is made again. */
  readonly wantsCommit?: true
  /** `pathspec`: `git ls-files`, where `*` crosses `/` (Argo CD's default). `doublestar`: `*` stays in one segment. */
  readonly dialect: 'pathspec' | 'doublestar'
}

export const SCM_PROVIDERS = [
  'github',
  'gitlab',
  'gitea',
  'bitbucketServer',
  'azureDevOps',
  'bitbucket',
  'awsCodeCommit',
] as const
export type ScmProvider = (typeof SCM_PROVIDERS)[number]

/** In the order in which they win when several are given (applicationsets.md 9.8). */
export const PULL_REQUEST_PROVIDERS = [
  'github',
  'gitlab',
  'gitea',
  'bitbucketServer',
  'bitbucket',
  'azuredevops',
] as const
export type PullRequestProvider = (typeof PULL_REQUEST_PROVIDERS)[number]

/** Which host, and as whom: the provider's configuration as the document has it, less what only filters. */
interface HostFacts<Provider> {
  readonly provider: Provider
  readonly config: JsonObject
  /** The set's project, before rendering: credentials may be limited to some. */
  readonly project: string
  /** What the set's config source may declare for. */
  readonly trust: Trust
}

/** Every repository of an organisation, group or project, with its default branch. */
export interface RepositoriesRequest extends HostFacts<ScmProvider> {
  readonly kind: 'scm-repositories'
  /** `''`, `ssh`, `https` … as written. */
  readonly cloneProtocol: string
}

/** The default branch of one repository, or all branches with `allBranches`, each with its commit. */
export interface BranchesRequest extends HostFacts<ScmProvider> {
  readonly kind: 'scm-branches'
  readonly repository: HostedRepository
}

/** Whether a file or folder exists at that commit of a repository (that branch, where the commit is not known). */
export interface RepositoryPathRequest extends HostFacts<ScmProvider> {
  readonly kind: 'scm-path'
  readonly repository: HostedRepository
  /** Without a slash at its end. */
  readonly path: string
}

/**
 * The pull requests of one repository, in the states that the provider's configuration asks for. Its `labels` are left
 * out where that is cheap, so that sets with different ones share a listing.
 */
export interface PullRequestsRequest extends HostFacts<PullRequestProvider> {
  readonly kind: 'pull-requests'
}

/** Paths that a pull request changes. */
export interface PullRequestFilesRequest extends HostFacts<PullRequestProvider> {
  readonly kind: 'pull-request-files'
  readonly number: string
  /** A new head is another question, and another target too. */
  readonly headSha: string
  readonly targetBranch: string
}

/** What a plugin says to these parameters (applicationsets.md 9.9). */
export interface PluginRequest {
  readonly kind: 'plugin'
  readonly setName: string
  /** Name of the plugin's settings. */
  readonly configMapRef: string
  /** The set's project: a plugin may be limited to some. */
  readonly project: string
  /** What the set's config source may declare for. */
  readonly trust: Trust
  readonly input: JsonObject
}

/** Resources that decide which clusters are meant (applicationsets.md 9.10). */
export interface DecisionResourcesRequest {
  readonly kind: 'decision-resources'
  readonly configMapRef: string
  /** The set's project: the resources may be for some alone. */
  readonly project: string
  /** What the set's config source may declare for. */
  readonly trust: Trust
  readonly name?: string
  readonly labelSelector?: JsonObject
}

/** One branch of a repository at a host. */
export interface HostedRepository {
  readonly organization: string
  readonly repository: string
  readonly url: string
  readonly branch: string
  /** Empty where the host does not say (AWS CodeCommit). */
  readonly sha: string
  readonly labels: readonly string[]
  /** A number, a uuid or a text, as the host has it. */
  readonly repositoryId: Json
}

export interface PullRequest {
  readonly number: string
  readonly title: string
  readonly branch: string
  readonly targetBranch: string
  readonly headSha: string
  readonly author: string
  readonly labels: readonly string[]
}

export type InputAnswer =
  | { readonly kind: 'scm-repositories'; readonly repositories: readonly HostedRepository[] }
  | { readonly kind: 'scm-branches'; readonly repositories: readonly HostedRepository[] }
  | { readonly kind: 'scm-path'; readonly exists: boolean }
  /** `repositoryMissing`: the host says that there is no such repository (HTTP 404). */
  | {
      readonly kind: 'pull-requests'
      readonly pullRequests: readonly PullRequest[]
      readonly repositoryMissing?: boolean
    }
  /** `truncated`: the host lists no more paths, and there may be others. */
  | { readonly kind: 'pull-request-files'; readonly paths: readonly string[]; readonly truncated?: boolean }
  | { readonly kind: 'plugin'; readonly parameters: readonly JsonObject[] }
  | {
      readonly kind: 'decision-resources'
      readonly matchKey: string
      readonly statusListKey: string
      readonly resources: readonly JsonObject[]
    }
  | { readonly kind: 'git-directories'; readonly commit: string; readonly directories: readonly string[] }
  | {
      readonly kind: 'git-files'
      readonly commit: string
      readonly files: readonly { readonly path: string; readonly text: string }[]
    }
  /** The world said no; the generator's last good result stays in force. */
  | {
      readonly kind: 'failed'
      readonly code: string
      readonly message: string
      readonly hint?: string
      readonly retry: boolean
    }

/** A Cluster as the clusters generator and destinations see it. */
export interface ClusterFacts {
  readonly name: string
  /** Its first declared server URL, or the alias `https://<name>.clusters.flotilla.invalid` (decision 15). */
  readonly server: string
  readonly servers: readonly string[]
  readonly local: boolean
  readonly project: string
  readonly labels: { readonly [key: string]: string }
  readonly annotations: { readonly [key: string]: string }
  readonly environment?: string
}

export interface GeneratorInputs {
  /** Sorted by name. */
  readonly clusters: readonly ClusterFacts[]
  /** Names of the Projects in force (the git generator refuses an unknown one, applicationsets.md 9.3). */
  readonly projects: readonly string[]
  /** The rules of those that are declared, by name: what generators of a set that carries a project may see. */
  readonly projectSpecs?: ReadonlyMap<string, ProjectSpec>
  /**
   * As in Argo CD, a clusters generator without a selector also gives `in-cluster` when no Cluster has the server
   * `https://kubernetes.default.svc`. Off by default: the hub has no cluster of its own (decision 15).
   */
  readonly implicitLocalCluster?: boolean
  /** Which Git hosts may be asked; every one without it. */
  readonly hosts?: HostPolicy
  answer(request: InputRequest): InputAnswer | undefined
  /** What earlier expansions of the same document made; kept by whoever expands it again and again. */
  readonly memory?: ExpansionMemory
  /** For templates that ask for the time or for chance; without it they are an error. */
  readonly environment?: EngineEnvironment
}

/** What a template may learn that is not in its parameters. */
export interface EngineEnvironment {
  /** Milliseconds since 1970. */
  now(): number
  bytes(length: number): Uint8Array
}

/** Equal requests have equal keys. */
export function inputKey(request: InputRequest): string {
  return stringifyJson(request as unknown as JsonObject)
}

export type Parameters = JsonObject
