import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import { type EventRepository, type PushEvent, type WebhookAdapter, WebhookError } from './event.ts'
import { neededTextAt, repositoryWith, shasOf } from './payload.ts'
import { provesHmac } from './proof.ts'

/** More refs in one push are nobody's work; the poll finds the rest. */
const MOST_CHANGES = 1000

/** Bitbucket Cloud and Bitbucket Server: one header, two kinds of payload. Neither names files. */
export const bitbucket: WebhookAdapter = {
  host: 'bitbucket',
  recognises: headers => headers('x-event-key') !== undefined,
  admits: (headers, rawBody, secret) => provesHmac(headers('x-hub-signature'), rawBody, secret),
  read(headers, body) {
    const event = headers('x-event-key') ?? ''
    const host = 'bitbucket'
    if (event === 'repo:push') return cloudPushes(body)
    if (event === 'repo:refs_changed') return serverPushes(body)
    if (/^pullrequest:(created|updated|fulfilled|rejected|superseded)$/.test(event)) {
      const number = String(numberIfAny(body, 'pullrequest', 'id') ?? '')
      const repository = cloudRepository(valueAt(body, 'repository') ?? null)
      return [{ kind: 'pull-request', host, repository, number, action: event }]
    }
    if (/^pr:(opened|from_ref_updated|modified|merged|declined|deleted|reopened)$/.test(event)) {
      const number = String(numberIfAny(body, 'pullRequest', 'id') ?? '')
      const repository = serverRepository(valueAt(body, 'pullRequest', 'toRef', 'repository') ?? null)
      return [{ kind: 'pull-request', host, repository, number, action: event }]
    }
    if (/^repo:(created|deleted|updated|transfer|imported)$/.test(event)) {
      return [
        { kind: 'repository', host, repository: cloudRepository(valueAt(body, 'repository') ?? null), action: event },
      ]
    }
    if (event === 'repo:modified') {
      return [{ kind: 'repository', host, repository: serverRepository(valueAt(body, 'new') ?? null), action: event }]
    }
    return []
  },
}

function cloudPushes(body: Json): readonly PushEvent[] {
  const repository = cloudRepository(valueAt(body, 'repository') ?? null)
  return changes(valueAt(body, 'push', 'changes')).map(change => {
    const side = valueAt(change, 'new') ?? valueAt(change, 'old') ?? null
    const kind = textAt(side, 'type') === 'tag' ? 'tags' : 'heads'
    return {
      kind: 'push',
      host: 'bitbucket',
      repository,
      ref: `refs/${kind}/${neededTextAt(side, 'name')}`,
      ...shasOf(textAt(change, 'old', 'target', 'hash'), textAt(change, 'new', 'target', 'hash')),
    }
  })
}

function serverPushes(body: Json): readonly PushEvent[] {
  const repository = serverRepository(valueAt(body, 'repository') ?? null)
  return changes(valueAt(body, 'changes')).map(change => ({
    kind: 'push',
    host: 'bitbucket',
    repository,
    ref: textAt(change, 'refId') || neededTextAt(change, 'ref', 'id'),
    ...shasOf(textAt(change, 'fromHash'), textAt(change, 'toHash')),
  }))
}

function changes(found: Json | undefined): readonly Json[] {
  if (!Array.isArray(found)) throw new WebhookError('changes is needed: a list')
  return (found as readonly Json[]).slice(0, MOST_CHANGES)
}

function cloudRepository(repository: Json): EventRepository {
  const path = neededTextAt(repository, 'full_name')
  const slash = path.indexOf('/')
  const defaultBranch = textAt(repository, 'mainbranch', 'name')
  return repositoryWith({
    urls: [textAt(repository, 'links', 'html', 'href')],
    namespace: path.slice(0, Math.max(slash, 0)),
    name: path.slice(slash + 1),
    ...(defaultBranch !== '' && { defaultBranch }),
  })
}

function serverRepository(repository: Json): EventRepository {
  const links = listAt(repository, 'links', 'clone').map(link => textAt(link, 'href'))
  const pages = listAt(repository, 'links', 'self').map(link => textAt(link, 'href'))
  const namespace = textAt(repository, 'project', 'key')
  const name = neededTextAt(repository, 'slug')
  return repositoryWith({
    urls: [...links, ...pages.flatMap(page => cloneUrls(page, namespace, name))],
    namespace,
    name,
  })
}

/** The payload gives a repository's page alone; its clone addresses follow from that, under any path of the server. */
function cloneUrls(page: string, namespace: string, name: string): readonly string[] {
  const base = /^(https?:\/\/[^/]+(?:\/.*)?)\/(?:projects|users)\/[^/]+\/repos\//.exec(page)?.[1]
  if (base === undefined) return []
  const host = base.replace(/^https?:\/\/([^/:]+).*$/, '$1')
  return [`${base}/scm/${namespace}/${name}.git`, `ssh://git@${host}/${namespace}/${name}.git`]
}
