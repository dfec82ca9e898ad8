import { HostError } from '../host-error.ts'
import type { HttpClient, HttpReply, HttpRequest } from '../http-client.ts'
import { finished, type HostCall, type HostReply, type Routes } from './host-server.ts'

/** A replayed host without a socket, for runs on a virtual clock; reached as {@link ReplayedHost.url}. */
export class ReplayedHost implements HttpClient {
  readonly url = 'https://git.host.example'
  readonly calls: HostCall[] = []
  /** What it answers from now on in place of its routes; `unreachable`: nothing at all. */
  trouble: ((call: HostCall) => HostReply | undefined) | 'unreachable' | undefined
  readonly #routes: Routes

  constructor(routes: Routes) {
    this.#routes = routes
  }

  async send({ method, url, headers, body, signal }: HttpRequest): Promise<HttpReply> {
    const call: HostCall = {
      method,
      segments: url.pathname.split('/').slice(1).map(decodeURIComponent),
      query: url.searchParams,
      headers,
      body: body === undefined ? null : JSON.parse(body),
      origin: url.origin,
      target: url.pathname + url.search,
    }
    this.calls.push(call)
    if (this.trouble === 'unreachable') {
      throw new HostError('HOST_UNREACHABLE', `${url.host} cannot be reached`, { retry: true })
    }
    const reply = this.trouble?.(call) ?? this.#routes(call)
    await reply.after
    signal?.throwIfAborted()
    const { status, headers: given, text } = finished(call, reply)
    return { status, headers: new Map(Object.entries(given)), text: method === 'HEAD' ? '' : text }
  }
}
