import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { EventRepository, PushEvent, WebhookAdapter } from './event.ts'
import { neededTextAt, pathsOf, repositoryWith, shasOf } from './payload.ts'
import { equalText } from './proof.ts'

export const gitlab: WebhookAdapter = {
  host: 'gitlab',
  recognises: headers => headers('x-gitlab-event') !== undefined,
  admits(headers, _rawBody, secret) {
    const token = headers('x-gitlab-token')
    return token !== undefined && equalText(token, secret)
  },
  read(_headers, body) {
    // A system hook is every event under one header: the body says which.
    switch (textAt(body, 'object_kind') || textAt(body, 'event_name')) {
      case 'push':
      case 'tag_push':
        return [pushOf(body)]
      case 'merge_request':
        return [
          {
            kind: 'pull-request',
            host: 'gitlab',
            repository: targetOf(body),
            number: String(numberIfAny(body, 'object_attributes', 'iid') ?? ''),
            action: textAt(body, 'object_attributes', 'action') || 'update',
          },
        ]
      default:
        return /^project_(create|destroy|rename|transfer|update)$/.test(textAt(body, 'event_name'))
          ? projectEvent(body)
          : []
    }
  },
}

function pushOf(body: Json): PushEvent {
  const commits = listAt(body, 'commits')
  // GitLab names no more than twenty commits, and says how many there are.
  const whole = numberIfAny(body, 'total_commits_count') === commits.length
  const paths = pathsOf(commits, ['added', 'modified', 'removed'], whole)
  return {
    kind: 'push',
    host: 'gitlab',
    repository: repositoryOf(valueAt(body, 'project') ?? null),
    ref: neededTextAt(body, 'ref'),
    ...shasOf(textAt(body, 'before'), textAt(body, 'after')),
    ...(paths !== undefined && { paths }),
  }
}

/** A merge request belongs to the project it is to be merged into, which may not be the one it comes from. */
function targetOf(body: Json): EventRepository {
  const id = numberIfAny(body, 'object_attributes', 'target_project_id')
  const target = repositoryOf(valueAt(body, 'object_attributes', 'target') ?? valueAt(body, 'project') ?? null)
  return id === undefined ? target : { ...target, id: String(id) }
}

function repositoryOf(project: Json): EventRepository {
  const path = neededTextAt(project, 'path_with_namespace')
  const slash = path.lastIndexOf('/')
  const id = numberIfAny(project, 'id')
  const defaultBranch = textAt(project, 'default_branch')
  return repositoryWith({
    urls: ['web_url', 'git_http_url', 'git_ssh_url'].map(field => textAt(project, field)),
    namespace: path.slice(0, Math.max(slash, 0)),
    name: path.slice(slash + 1),
    ...(id !== undefined && { id: String(id) }),
    ...(defaultBranch !== '' && { defaultBranch }),
  })
}

/** System hooks about projects name no address: their host is whoever sends them, and only their path is compared. */
function projectEvent(body: Json) {
  const path = neededTextAt(body, 'path_with_namespace')
  const slash = path.lastIndexOf('/')
  const id = numberIfAny(body, 'project_id')
  const repository: EventRepository = {
    urls: [],
    hostName: '',
    namespace: path.slice(0, Math.max(slash, 0)),
    name: path.slice(slash + 1),
    ...(id !== undefined && { id: String(id) }),
  }
  return [{ kind: 'repository', host: 'gitlab', repository, action: textAt(body, 'event_name') } as const]
}
