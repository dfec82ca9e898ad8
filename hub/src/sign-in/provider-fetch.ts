import type { CustomFetch } from 'openid-client'
import type { HttpClient } from '../hosts/http-client.ts'

const TIMEOUT_MS = 10_000
const MOST_BYTES = 1024 * 1024
/** Answers that have no body, whatever came. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** The fetch of the identity libraries over the hub's own client: its proxies, certificates and limits count here too. */
export function providerFetch(http: HttpClient): CustomFetch {
  return async (url, options) => {
    const { body, headers, signal } = options
    if (options.method !== 'GET' && options.method !== 'POST') throw new TypeError(`no ${options.method} is sent`)
    const text = bodyText(body)
    const named: Record<string, string> = {}
    for (const [name, value] of new Headers(headers)) named[name.toLowerCase()] = value
    const reply = await http.send({
      method: options.method,
      url: new URL(url),
      headers: named,
      ...(text !== undefined && { body: text }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MOST_BYTES,
      ...(signal && { signal }),
    })
    const answered = new Headers()
    for (const [name, value] of reply.headers) if (name !== 'content-encoding') answered.set(name, value)
    return new Response(WITHOUT_BODY.has(reply.status) ? null : reply.text, { status: reply.status, headers: answered })
  }
}

function bodyText(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new TypeError('only texts and forms are sent')
}
