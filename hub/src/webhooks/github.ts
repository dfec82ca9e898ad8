import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { EventRepository, WebhookAdapter, WebhookEvent } from './event.ts'
import { neededTextAt, pathsOf, repositoryWith, shasOf } from './payload.ts'
import { provesHmac } from './proof.ts'

/** GitHub lists no more commits in a push. */
const MOST_COMMITS = 2048

export const github: WebhookAdapter = {
  host: 'github',
  recognises: headers => headers('x-github-event') !== undefined && headers('x-gitea-event') === undefined,
  admits: (headers, rawBody, secret) => provesHmac(headers('x-hub-signature-256'), rawBody, secret),
  read(headers, body) {
    const event = headers('x-github-event') ?? ''
    const facts = (): { readonly host: 'github'; readonly repository: EventRepository } => ({
      host: 'github',
      repository: repositoryOf(valueAt(body, 'repository') ?? null),
    })
    switch (event) {
      case 'push':
        return [{ kind: 'push', ...facts(), ...pushOf(body) }]
      case 'create':
      case 'delete':
        // The push that comes with it says more.
        return []
      case 'pull_request':
        return [{ kind: 'pull-request', ...facts(), number: numberOf(body), action: neededTextAt(body, 'action') }]
      case 'repository':
        return [{ kind: 'repository', ...facts(), action: neededTextAt(body, 'action') }]
      case 'registry_package':
      case 'package':
        return valueAt(body, 'repository') === undefined
          ? []
          : [{ kind: 'package', ...facts(), ...packageOf(body, event) }]
      default:
        return []
    }
  },
}

/** The fields that Gitea and GitHub have in common. */
export function pushOf(body: Json): Pick<WebhookEvent & { kind: 'push' }, 'ref' | 'oldSha' | 'newSha' | 'paths'> {
  const commits = listAt(body, 'commits')
  const whole = commits.length < MOST_COMMITS && valueAt(body, 'forced') !== true
  const paths = pathsOf(commits, ['added', 'removed', 'modified'], whole)
  return {
    ref: neededTextAt(body, 'ref'),
    ...shasOf(textAt(body, 'before'), textAt(body, 'after')),
    ...(paths !== undefined && { paths }),
  }
}

export function numberOf(body: Json): string {
  return String(numberIfAny(body, 'number') ?? numberIfAny(body, 'pull_request', 'number') ?? '')
}

/** @throws WebhookError */
export function repositoryOf(repository: Json): EventRepository {
  const defaultBranch = textAt(repository, 'default_branch')
  return repositoryWith({
    urls: ['html_url', 'clone_url', 'ssh_url'].map(field => textAt(repository, field)),
    namespace: textAt(repository, 'owner', 'login') || textAt(repository, 'owner', 'name'),
    name: neededTextAt(repository, 'name'),
    ...(defaultBranch !== '' && { defaultBranch }),
  })
}

function packageOf(body: Json, event: string) {
  const found = valueAt(body, event) ?? null
  return {
    action: textAt(body, 'action'),
    packageName: textAt(found, 'name'),
    packageType: textAt(found, 'package_type').toLowerCase(),
    version: textAt(found, 'package_version', 'version'),
  }
}
