import type { Clock } from '@flotilla/core/ports/clock'
import {
  type HostedRepository,
  type InputAnswer,
  type InputRequest,
  isGitRequest,
  type PullRequest,
  type PullRequestProvider,
  type ScmProvider,
} from '@flotilla/generators/inputs'
import type { HostApis } from './host-api.ts'
import { HostError } from './host-error.ts'
import { FolderSecrets, type SecretSettings, secretsNamed } from './host-secrets.ts'
import type { HostProvider, HostSession } from './provider.ts'
import { PULL_REQUEST_HOSTS, SCM_HOSTS } from './providers.ts'

/** Requests to a Git host. */
export type GitHostRequest = Extract<InputRequest, { readonly provider: ScmProvider | PullRequestProvider }>

export function isGitHostRequest(request: InputRequest): request is GitHostRequest {
  return !isGitRequest(request) && 'provider' in request
}

/** A session is opened again this long before its host forgets it. */
const SESSION_MARGIN_MS = 60_000
/** More sessions than this are another mistake. */
const MOST_SESSIONS = 1_000

/** Asks Git hosts, each through its provider. */
export class GitHosts {
  readonly #apis: HostApis
  readonly #clock: Clock
  readonly #secrets: SecretSettings
  readonly #sessions = new Map<string, Promise<HostSession>>()

  constructor(apis: HostApis, clock: Clock, secrets: SecretSettings) {
    this.#apis = apis
    this.#clock = clock
    this.#secrets = secrets
  }

  /**
   * The answer to a request of which it is known that its asker may use the Secrets that it names.
   *
   * @throws HostError, or the signal's reason.
   */
  async ask(request: GitHostRequest, signal: AbortSignal): Promise<InputAnswer> {
    const provider = providerOf(request)
    const connection = await provider.connect(request.config, {
      secrets: new FolderSecrets(this.#secrets, secretsNamed(request.config)),
      now: () => this.#clock.now(),
      session: (key, open) => this.#session(key, open),
      api: connected => this.#apis.open(connected, signal),
    })
    const api = this.#apis.open(connection, signal)
    switch (request.kind) {
      case 'scm-repositories':
        return { kind: request.kind, repositories: sound(await having(provider.repositories, request)(request, api)) }
      case 'scm-branches':
        return {
          kind: request.kind,
          repositories: sound(await having(provider.branches, request)(request, api), 'branch'),
        }
      case 'scm-path':
        return { kind: request.kind, exists: await having(provider.pathExists, request)(request, api) }
      case 'pull-requests':
        try {
          const found = await having(provider.pullRequests, request)(request, api)
          return { kind: request.kind, pullRequests: found.map(soundPullRequest) }
        } catch (error) {
          if (!(error instanceof HostError) || error.code !== 'HOST_NOT_FOUND') throw error
          return { kind: request.kind, pullRequests: [], repositoryMissing: true }
        }
      case 'pull-request-files': {
        const { paths, complete } = await having(provider.pullRequestFiles, request)(request, api)
        return { kind: request.kind, paths, ...(!complete && { truncated: true }) }
      }
    }
  }

  async #session(key: string, open: () => Promise<HostSession>): Promise<string> {
    const known = await this.#sessions.get(key)?.catch(() => undefined)
    if (known !== undefined && known.expiresAt - SESSION_MARGIN_MS > this.#clock.now()) return known.value
    const opening = open()
    if (this.#sessions.size >= MOST_SESSIONS) this.#sessions.clear()
    this.#sessions.set(key, opening)
    try {
      return (await opening).value
    } catch (error) {
      if (this.#sessions.get(key) === opening) this.#sessions.delete(key)
      throw error
    }
  }
}

function providerOf(request: GitHostRequest): HostProvider {
  const pullRequests = request.kind === 'pull-requests' || request.kind === 'pull-request-files'
  const hosts: { readonly [name: string]: HostProvider | undefined } = pullRequests ? PULL_REQUEST_HOSTS : SCM_HOSTS
  const provider = Object.hasOwn(hosts, request.provider) ? hosts[request.provider] : undefined
  if (provider !== undefined) return provider
  const message = `the provider "${request.provider}" is not built yet`
  throw new HostError('HOST_UNSUPPORTED', message, { retry: false })
}

function having<Method>(method: Method | undefined, { provider, kind }: GitHostRequest): Method {
  if (method !== undefined) return method
  throw new HostError('HOST_UNSUPPORTED', `${provider} has no answer to ${kind}`, { retry: false })
}

/** What has no name is not what a host lists, and leaving it out would take away what it stood for. */
function sound(repositories: readonly HostedRepository[], named: 'repository' | 'branch' = 'repository') {
  for (const repository of repositories) if (repository[named] === '') throw unnamed(named)
  return repositories
}

function soundPullRequest(found: PullRequest): PullRequest {
  if (/^\d{1,18}$/.test(found.number) && found.branch !== '') return found
  throw unnamed('pull request')
}

function unnamed(what: string): HostError {
  return new HostError('HOST_ANSWER_INVALID', `the host lists a ${what} without its name`, { retry: true })
}
