import type { Json } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import { HostError } from './host-error.ts'
import type { ApiCall, ApiReply } from './provider.ts'

/**
 * A path of which every segment is one segment, whatever a document put into it.
 *
 * @throws HostError `HOST_CONFIG_INVALID` for a segment that is empty or leads elsewhere.
 *
 * @example
 * pathOf('repos', 'acme', 'a/b') // => 'repos/acme/a%2Fb'
 */
export function pathOf(...segments: readonly string[]): string {
  return segments.map(encodeSegment).join('/')
}

/** As {@link pathOf}, for a path of files: its slashes stay. */
export function filePathOf(path: string): string {
  return pathOf(...path.split('/').filter(segment => segment !== ''))
}

function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') {
    const message = `"${segment}" cannot be part of an address at the host`
    throw new HostError('HOST_CONFIG_INVALID', message, { retry: false })
  }
  return encodeURIComponent(segment)
}

/**
 * The next page as the header `Link` names it (RFC 8288): GitHub, GitLab, Gitea. Only the query of the link is taken:
 * behind a proxy hosts name themselves by an address that is not the one we know them by, and nobody is to be able to
 * lead us to another one.
 */
export function nextLink(reply: ApiReply, call: ApiCall): ApiCall | undefined {
  const header = reply.headers.get('link') ?? ''
  for (const [, url, parameters] of header.matchAll(/<([^<>]*)>([^,<>]*)/g)) {
    if (!/;\s*rel\s*=\s*"?next"?\s*(;|$)/i.test(parameters!)) continue
    if (!URL.canParse(url!, 'https://host.invalid')) return undefined
    const query = Object.fromEntries(new URL(url!, 'https://host.invalid').searchParams)
    return { ...call, query: { ...call.query, ...query } }
  }
  return undefined
}

/** The list at that place of a body, or the body itself; undefined when there is none. */
export function listIn(body: Json, ...path: readonly string[]): readonly Json[] | undefined {
  const found = path.length === 0 ? body : valueAt(body, ...path)
  return Array.isArray(found) ? (found as readonly Json[]) : undefined
}

/**
 * The base URL that a document gives, with a slash at its end.
 *
 * @throws HostError `HOST_CONFIG_INVALID` for what is no plain http(s) URL.
 */
export function baseUrlOf(api: string): URL {
  const url = URL.canParse(api) ? new URL(api) : undefined
  const plain = url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:')
  if (!plain || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    const message = 'api must be a URL like https://git.example.com, without user, query or fragment'
    throw new HostError('HOST_CONFIG_INVALID', message, { retry: false })
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}
