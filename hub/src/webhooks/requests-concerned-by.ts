import type { HostedRequest } from '@flotilla/generators/inputs'
import type { WebhookEvent } from './event.ts'
import { asksForPullRequests, asksHost, asksSameServer, isAbout, listsNamespace } from './match-event.ts'

/**
 * Whether the answer to a request may be another since an event. It is asked of requests that sets really made, with
 * everything filled in, so that matrices of any depth need no second look; what an event says of branches and labels is
 * not relied on, because asking once too often costs one conditional request.
 *
 * A plugin is never concerned: what it answers follows from its own world, which tells through `generic`. Repositories
 * are fetched at any push, tags included, and whatever their revisions stand for then decides.
 */
export function isConcerned(request: HostedRequest, event: WebhookEvent): boolean {
  const { repository, host } = event
  switch (request.kind) {
    case 'scm-branches':
    case 'scm-path':
      return (
        (event.kind === 'push' || event.kind === 'repository') &&
        asksHost(request.provider, host) &&
        (isAbout(repository, request.repository.url) || namesIt(request.repository, event))
      )
    case 'scm-repositories':
      return (
        (event.kind === 'repository' || (event.kind === 'push' && createsDefaultBranch(event))) &&
        asksHost(request.provider, host) &&
        asksSameServer(request.provider, request.config, repository) &&
        listsNamespace(request.provider, request.config, repository)
      )
    case 'pull-requests':
    case 'pull-request-files':
      return (
        (event.kind === 'pull-request' || (event.kind === 'repository' && request.kind === 'pull-requests')) &&
        asksHost(request.provider, host) &&
        asksSameServer(request.provider, request.config, repository) &&
        asksForPullRequests(request.provider, request.config, repository, 'own') &&
        (request.kind === 'pull-requests' || event.kind !== 'pull-request' || request.number === event.number)
      )
    case 'plugin':
    case 'decision-resources':
      return false
  }
}

/** A first push makes a repository one with a default branch: until then no listing has it. */
function createsDefaultBranch(event: WebhookEvent & { readonly kind: 'push' }): boolean {
  return event.oldSha === undefined && event.ref.startsWith('refs/heads/')
}

function namesIt(asked: { readonly organization: string; readonly repository: string }, event: WebhookEvent): boolean {
  const { namespace, name } = event.repository
  return (
    asked.organization.toLowerCase() === namespace.toLowerCase() &&
    asked.repository.toLowerCase() === name.toLowerCase()
  )
}
