import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { EventRepository, PushEvent, WebhookAdapter } from './event.ts'
import { neededTextAt, repositoryWith, shasOf } from './payload.ts'
import { equalText } from './proof.ts'

const HEADS = 'refs/heads/'
/** More refs in one push are nobody's work; the poll finds the rest. */
const MOST_REFS = 1000

/** Azure DevOps Services and Server; its service hooks sign nothing, and send a password instead. */
export const azureDevOps: WebhookAdapter = {
  host: 'azuredevops',
  recognises: headers => headers('x-vss-activityid') !== undefined,
  admits(headers, _rawBody, secret) {
    const encoded = /^Basic +([A-Za-z0-9+/=]{1,4000})$/i.exec(headers('authorization') ?? '')?.[1]
    if (encoded === undefined) return false
    const pair = Buffer.from(encoded, 'base64').toString('utf8')
    return equalText(pair.slice(pair.indexOf(':') + 1), secret)
  },
  read(_headers, body) {
    const event = neededTextAt(body, 'eventType')
    const repository = (): EventRepository => repositoryOf(valueAt(body, 'resource', 'repository') ?? null)
    switch (event) {
      case 'git.push':
        return pushesOf(listAt(body, 'resource', 'refUpdates').slice(0, MOST_REFS), repository())
      case 'git.pullrequest.created':
      case 'git.pullrequest.updated':
      case 'git.pullrequest.merged': {
        const number = String(numberIfAny(body, 'resource', 'pullRequestId') ?? '')
        return [{ kind: 'pull-request', host: 'azuredevops', repository: repository(), number, action: event }]
      }
      case 'git.repo.created':
      case 'git.repo.deleted':
      case 'git.repo.renamed':
        return [{ kind: 'repository', host: 'azuredevops', repository: repository(), action: event }]
      default:
        return []
    }
  },
}

function pushesOf(updates: readonly Json[], repository: EventRepository): readonly PushEvent[] {
  return updates.map(update => ({
    kind: 'push',
    host: 'azuredevops',
    repository,
    ref: neededTextAt(update, 'name'),
    ...shasOf(textAt(update, 'oldObjectId'), textAt(update, 'newObjectId')),
  }))
}

function repositoryOf(repository: Json): EventRepository {
  const defaultBranch = textAt(repository, 'defaultBranch')
  const name = neededTextAt(repository, 'name')
  const project = textAt(repository, 'project', 'name')
  return repositoryWith({
    urls: [textAt(repository, 'remoteUrl'), ...addressFromApi(textAt(repository, 'url'), project, name)],
    namespace: project,
    name,
    ...(defaultBranch.startsWith(HEADS) && { defaultBranch: defaultBranch.slice(HEADS.length) }),
  })
}

/** Some events give the API's address alone: `https://dev.azure.com/org/<project id>/_apis/git/…`. */
function addressFromApi(url: string, project: string, name: string): readonly string[] {
  const base = /^(https?:\/\/.+?)(?:\/[^/]+)?\/_apis\/git\//.exec(url)?.[1]
  return base === undefined || project === '' ? [] : [`${base}/${project}/_git/${name}`]
}
