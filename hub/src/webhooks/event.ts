import type { Json } from '@flotilla/core/json/json'

export const WEBHOOK_HOSTS = ['github', 'gitlab', 'gitea', 'bitbucket', 'azuredevops'] as const
export type WebhookHost = (typeof WEBHOOK_HOSTS)[number]

/**
 * What a host tells: one shape for all of them. It is a reason to look, never a truth: whoever sends one makes the hub
 * fetch what it reads anyway, and a repeated or lost one changes nothing but when.
 */
export type WebhookEvent = PushEvent | PullRequestEvent | RepositoryEvent | PackageEvent

export interface EventRepository {
  /** Its page and its clone addresses, as the host writes them. */
  readonly urls: readonly string[]
  /** The host's name without a port, in small letters; '' where no address says it. */
  readonly hostName: string
  /** Owner, group path, project key; for Azure DevOps the project. */
  readonly namespace: string
  /** Name or slug inside its namespace. */
  readonly name: string
  /** GitLab's number of the project, as text. */
  readonly id?: string
  /** `main` */
  readonly defaultBranch?: string
}

interface EventFacts {
  /** `generic`: whoever sent it, and nothing is known but the repository's address. */
  readonly host: WebhookHost | 'generic'
  readonly repository: EventRepository
}

/** A branch or tag came, moved or went. */
export interface PushEvent extends EventFacts {
  readonly kind: 'push'
  /** `refs/heads/main`, `refs/tags/v1` */
  readonly ref: string
  /** Undefined where it was not there before. */
  readonly oldSha?: string
  /** Undefined where it is gone. */
  readonly newSha?: string
  /** What changed, where the host gives the whole list. */
  readonly paths?: readonly string[]
}

/** Something about a pull request that a generator could see, its title and target included. */
export interface PullRequestEvent extends EventFacts {
  readonly kind: 'pull-request'
  readonly number: string
  /** The host's own word: `opened`, `merge`, `git.pullrequest.updated`. */
  readonly action: string
}

/** A repository came, went or is called otherwise: listings of its namespace are not what they were. */
export interface RepositoryEvent extends EventFacts {
  readonly kind: 'repository'
  readonly action: string
}

/** A package was published in a registry of the host. */
export interface PackageEvent extends EventFacts {
  readonly kind: 'package'
  readonly action: string
  readonly packageName: string
  /** `container`, `helm` … as the host calls it. */
  readonly packageType: string
  readonly version: string
}

/** The value of a header by its lower-case name. */
export type WebhookHeaders = (name: string) => string | undefined

/** One kind of host: knows its headers, its proof and its payloads, and nothing of what follows. Pure. */
export interface WebhookAdapter {
  readonly host: WebhookHost
  /** Whether a request with these headers is one of this host's. */
  recognises(headers: WebhookHeaders): boolean
  /** Whether the sender has the secret. Compares in constant time. */
  admits(headers: WebhookHeaders, rawBody: Uint8Array, secret: string): boolean
  /**
   * What the payload tells; nothing for events that concern nobody here, a ping among them.
   *
   * @throws WebhookError when it is not what the host documents.
   */
  read(headers: WebhookHeaders, body: Json): readonly WebhookEvent[]
}

/** A payload is not what its header says. The message names the field and repeats nothing of the payload. */
export class WebhookError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WebhookError'
  }
}
