import type { JsonObject } from '@flotilla/core/json/json'
import type { RouteTarget } from '@flotilla/core/notify/route'
import { postJson } from './post-json.ts'
import type { Sending, SendParts } from './send.ts'

/** What hosts show of a description. */
const MOST_DESCRIPTION = 140

/**
 * Sets the status of the commit that a message is about: failure while the state lasts, success when it is over. What
 * is about no commit, or about one of another host, has no status to set.
 *
 * @throws SendError
 */
export async function setCommitStatus(
  target: RouteTarget & { readonly kind: 'github' | 'gitlab' },
  { message, content, signal }: Sending,
  parts: SendParts,
): Promise<void> {
  const commit = commitOf(content.context, target)
  if (commit === undefined) return
  const well = message.kind === 'resolved' || message.kind === 'event'
  const api = target.api.replace(/\/$/, '')
  const description = content.title.slice(0, MOST_DESCRIPTION)
  const context = `${target.context}/${message.route}`
  const github = target.kind === 'github'
  const url = new URL(
    github
      ? `${api}/repos/${commit.path.split('/').map(encodeURIComponent).join('/')}/statuses/${commit.revision}`
      : `${api}/projects/${encodeURIComponent(commit.path)}/statuses/${commit.revision}`,
  )
  const token = await parts.secrets.read(target.tokenRef, url)
  const body = github
    ? { state: well ? 'success' : 'failure', description, context }
    : { state: well ? 'success' : 'failed', description, name: context }
  const headers: Record<string, string> = github
    ? { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }
    : { 'private-token': token }
  await postJson({ url, body: JSON.stringify(body), headers, signal }, parts)
}

/** The commit and its repository's path at the host of the API; undefined where there is none. */
function commitOf(
  { cause }: JsonObject,
  { api, kind }: { readonly api: string; readonly kind: 'github' | 'gitlab' },
): { readonly revision: string; readonly path: string } | undefined {
  const { revision, repository } = cause as { readonly revision: string; readonly repository: string }
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(revision)) return undefined
  const place = placeOf(repository)
  const { hostname, host } = new URL(api)
  // The public host's API has a name of its own.
  const wanted = hostname === 'api.github.com' ? 'github.com' : host
  if (place === undefined || (place.host !== wanted && place.host.split(':')[0] !== wanted.split(':')[0]))
    return undefined
  const depth = place.path.split('/').length
  const right = kind === 'github' ? depth === 2 : depth >= 2
  return right && /^[A-Za-z0-9._/-]+$/.test(place.path) && !/(^|\/)\.{1,2}(\/|$)/.test(place.path)
    ? { revision, path: place.path }
    : undefined
}

/** `https://github.com/shop/deploy.git`, `git@github.com:shop/deploy`, `ssh://git@github.com/shop/deploy`. */
function placeOf(repository: string): { readonly host: string; readonly path: string } | undefined {
  const short = /^[\w.-]+@([\w.-]+):(?!\/\/)(.+)$/.exec(repository)
  const [host, path] = short
    ? [short[1]!, short[2]!]
    : URL.canParse(repository)
      ? [new URL(repository).host, new URL(repository).pathname]
      : ['', '']
  const bare = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
  return host === '' || bare === '' ? undefined : { host, path: bare }
}
