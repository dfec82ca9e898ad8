import type { Json, JsonObject } from '@flotilla/core/json/json'
import type {
  BranchesRequest,
  HostedRepository,
  PullRequest,
  PullRequestFilesRequest,
  PullRequestsRequest,
  RepositoriesRequest,
  RepositoryPathRequest,
} from '@flotilla/generators/inputs'
import type { HostTrust } from './http-client.ts'

/**
 * One kind of Git host. A provider knows addresses, fields and paging of its host and nothing else: sending,
 * remembering, waiting, limits and errors are {@link HostApi}'s. A question that its host has no answer to is left out.
 */
export interface HostProvider {
  /**
   * Where the host is and how it knows us, from the configuration in the document.
   *
   * @throws HostError `HOST_CONFIG_INVALID`, `HOST_SECRET_MISSING`, `HOST_SECRET_FORBIDDEN`.
   */
  connect(config: JsonObject, context: ConnectContext): Promise<Connection>
  /** Every repository with the name of its default branch; `sha` only where the listing has it. */
  repositories?(request: RepositoriesRequest, api: HostApi): Promise<readonly HostedRepository[]>
  /** The default branch, or all of them with `allBranches`, each with its commit. */
  branches?(request: BranchesRequest, api: HostApi): Promise<readonly HostedRepository[]>
  /** Whether a file or folder is at that commit (that branch, where the commit is not known). */
  pathExists?(request: RepositoryPathRequest, api: HostApi): Promise<boolean>
  /** @throws HostError `HOST_NOT_FOUND` when there is no such repository. */
  pullRequests?(request: PullRequestsRequest, api: HostApi): Promise<readonly PullRequest[]>
  pullRequestFiles?(request: PullRequestFilesRequest, api: HostApi): Promise<ChangedFiles>
}

export interface ChangedFiles {
  /** Old and new names of what was moved. */
  readonly paths: readonly string[]
  /** False when the host stops before the last one: then the pull request counts as one that touches everything. */
  readonly complete: boolean
}

/** What a connection is made of besides the document. */
export interface ConnectContext {
  readonly secrets: HostSecrets
  /** Milliseconds since 1970. */
  now(): number
  /**
   * What has to be fetched before anything can be asked (an installation's token, a role's session), remembered until a
   * minute before it expires and fetched once for all who want it at the same time.
   *
   * @param key Names it in full, with a digest of the secret that opens it, so that a rotated secret opens another.
   */
  session(key: string, open: () => Promise<HostSession>): Promise<string>
  /** For `session`: the same host, asked as somebody else. */
  api(connection: Connection): HostApi
}

export interface HostSession {
  readonly value: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Secrets and ConfigMaps as documents name them, as far as the asking project may use them with that host. */
export interface HostSecrets {
  /**
   * The text under `{ secretName, key }`; empty for a reference that is absent, as in Argo CD.
   *
   * @param baseUrl The host it will be sent to: a Secret may be bound to hosts.
   * @throws HostError `HOST_SECRET_MISSING`, `HOST_SECRET_FORBIDDEN`, `HOST_CONFIG_INVALID`.
   */
  secret(reference: Json | undefined, baseUrl: string): Promise<string>
  /** Every key of a Secret. @throws HostError as `secret` does. */
  secretKeys(name: string, baseUrl: string): Promise<ReadonlyMap<string, string>>
  /** The text under `{ configMapName, key }`; undefined for a reference that is absent. @throws HostError */
  configMap(reference: Json | undefined): Promise<string | undefined>
}

export interface Connection {
  /** Ends in a slash: every request lies below it. */
  readonly baseUrl: string
  readonly trust: HostTrust
  /**
   * Names who asks, so that an answer for one is never given to another: the reference of the credential, never its
   * value. Empty for nobody.
   */
  readonly identity: string
  /** Headers by lower-case name that let us in, for exactly this call. */
  headers(call: OutgoingCall): Promise<Readonly<Record<string, string>>>
}

export interface OutgoingCall {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** A question to a host. */
export interface ApiCall {
  /** Below the base URL: see {@link pathOf}. Or a whole URL that the host gave, which must be of the same origin. */
  readonly path: string
  readonly query?: Query
  /** By lower-case name; `accept: application/json` unless said. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sent by POST, as JSON. A call with a body is never answered from memory. */
  readonly body?: Json
}

export interface ApiReply {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** `null` for an empty body. */
  readonly body: Json
}

/** A connection with everything that calls have in common: conditional requests, limits, rates, errors. */
export interface HostApi {
  readonly connection: Connection
  /** @throws HostError for everything but 2xx. */
  ask(call: ApiCall): Promise<ApiReply>
  /** As `ask`, and undefined for 404. */
  find(call: ApiCall): Promise<ApiReply | undefined>
  /** Whether there is something, without its content: HEAD, 2xx or 404. @throws HostError */
  exists(call: ApiCall): Promise<boolean>
  /**
   * Page after page, until `next` knows none. `items` takes a page's items from its body: see {@link listIn}.
   *
   * @throws HostError also for a body without a list (`HOST_ANSWER_INVALID`): to take it for an empty one would take
   *   everything away that was listed before. And for more pages or items than are taken (`HOST_ANSWER_TOO_LARGE`): a listing that is cut
   *   off would look like one from which much was removed.
   */
  list(
    first: ApiCall,
    items: (body: Json) => readonly Json[] | undefined,
    next: (reply: ApiReply, call: ApiCall) => ApiCall | undefined,
  ): Promise<readonly Json[]>
}
