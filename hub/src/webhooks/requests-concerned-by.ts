import type { HostedRequest } from '@flotilla/generators/inputs'
import type { WebhookEvent } from './event.ts'
import { addressKey, asksForPullRequests, asksHost, asksSameServer, isAboutKey, listsNamespace } from './match-event.ts'

/**
 * Decides whether the answer to a request may be another since these events. It is asked of requests that sets really
 * made, with everything filled in, so that matrices of any depth need no second look; what an event says of branches and
 * labels is not relied on, because asking once too often costs one conditional request.
 *
 * A plugin is never concerned: what it answers follows from its own world, which tells through `generic`. Repositories
 * are fetched at any push, tags included, and whatever their revisions stand for then decides.
 */
export function concernedBy(events: readonly WebhookEvent[]): (request: HostedRequest) => boolean {
  const different = withoutDoubles(events)
  return request => {
    if (request.kind === 'plugin' || request.kind === 'decision-resources') return false
    const ofRepository = request.kind === 'scm-branches' || request.kind === 'scm-path'
    // Once for all events: a hub has thousands of requests, and a push may name a thousand refs.
    const key = ofRepository ? addressKey(request.repository.url) : undefined
    return different.some(event => isConcerned(request, event, key))
  }
}

type HostRequest = Exclude<HostedRequest, { readonly kind: 'plugin' | 'decision-resources' }>

function isConcerned(request: HostRequest, event: WebhookEvent, key: string | undefined): boolean {
  const { repository, host } = event
  if (!asksHost(request.provider, host)) return false
  switch (request.kind) {
    case 'scm-branches':
    case 'scm-path':
      return (
        (event.kind === 'push' || event.kind === 'repository') &&
        (isAboutKey(repository, key) || namesIt(request.repository, event))
      )
    case 'scm-repositories':
      return (
        (event.kind === 'repository' || (event.kind === 'push' && createsBranch(event))) &&
        asksSameServer(request.provider, request.config, repository) &&
        listsNamespace(request.provider, request.config, repository)
      )
    case 'pull-requests':
    case 'pull-request-files':
      return (
        (event.kind === 'pull-request' || (event.kind === 'repository' && request.kind === 'pull-requests')) &&
        asksSameServer(request.provider, request.config, repository) &&
        asksForPullRequests(request.provider, request.config, repository, 'own') &&
        (request.kind === 'pull-requests' || event.kind !== 'pull-request' || request.number === event.number)
      )
  }
}

/** Events that concern the same requests, once: refs of one push differ in nothing that matters here. */
function withoutDoubles(events: readonly WebhookEvent[]): readonly WebhookEvent[] {
  const seen = new Map<WebhookEvent['repository'], Set<string>>()
  return events.filter(event => {
    const what =
      event.kind === 'push' ? String(createsBranch(event)) : event.kind === 'pull-request' ? event.number : ''
    const known = seen.get(event.repository) ?? new Set()
    seen.set(event.repository, known)
    return known.size < known.add(`${event.kind} ${what}`).size
  })
}

/** A first push makes a repository one with a default branch: until then no listing has it. */
function createsBranch(event: WebhookEvent & { readonly kind: 'push' }): boolean {
  return event.oldSha === undefined && event.ref.startsWith('refs/heads/')
}

function namesIt(asked: { readonly organization: string; readonly repository: string }, event: WebhookEvent): boolean {
  const { namespace, name } = event.repository
  return (
    asked.organization.toLowerCase() === namespace.toLowerCase() &&
    asked.repository.toLowerCase() === name.toLowerCase()
  )
}
