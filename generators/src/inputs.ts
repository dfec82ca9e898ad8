import type { JsonObject } from '@flotilla/core/json/json'

/**
 * What a generator needs from the world, as a value. `expand` is pure: it looks answers up by {@link inputKey} and
 * returns the requests that had none; the shell gathers those and calls again until nothing is missing.
 */
export type InputRequest = GitDirectoriesRequest | GitFilesRequest

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
}

/** Files of a repository that match, with their text (applicationsets.md 9.3.2). */
export interface GitFilesRequest {
  readonly kind: 'git-files'
  readonly repoURL: string
  readonly revision: string
  readonly rules: readonly PathRule[]
  /** `pathspec`: `git ls-files`, where `*` crosses `/` (Argo CD's default). `doublestar`: `*` stays in one segment. */
  readonly dialect: 'pathspec' | 'doublestar'
}

export type InputAnswer =
  | { readonly kind: 'git-directories'; readonly commit: string; readonly directories: readonly string[] }
  | {
      readonly kind: 'git-files'
      readonly commit: string
      readonly files: readonly { readonly path: string; readonly text: string }[]
    }
  /** The world said no; the generator's last good result stays in force. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retry: boolean }

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
  /**
   * As in Argo CD, a clusters generator without a selector also gives `in-cluster` when no Cluster has the server
   * `https://kubernetes.default.svc`. Off by default: the hub has no cluster of its own (decision 15).
   */
  readonly implicitLocalCluster?: boolean
  answer(request: InputRequest): InputAnswer | undefined
}

/** Equal requests have equal keys. */
export function inputKey(request: InputRequest): string {
  return JSON.stringify(request)
}

export type Parameters = JsonObject
