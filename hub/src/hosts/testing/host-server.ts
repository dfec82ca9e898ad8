import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'

/** A request as a replayed host sees it. */
export interface HostCall {
  readonly method: string
  /** Decoded segments. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Json
  /** Where the host is reached, for links that it gives. */
  readonly origin: string
  /** Path and query as they came. */
  readonly target: string
}

export interface HostReply {
  readonly status: number
  readonly body?: Json
  /** In place of `body`, as it is. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The connection is cut after half of the body. */
  readonly cut?: true
  /** No byte of an answer before this. */
  readonly after?: Promise<void>
  /** Without marks for conditional requests. */
  readonly unmarked?: true
}

export type Routes = (call: HostCall) => HostReply

/** A host that is replayed on a socket of this machine. */
export interface HostServer {
  /** Without a slash at its end. */
  readonly url: string
  readonly calls: readonly HostCall[]
  /** What it answers from now on in place of its routes; undefined: the routes. */
  trouble: ((call: HostCall) => HostReply | undefined) | undefined
  /** Forgets the calls until now. */
  forget(): void
  close(): Promise<void>
}

/** Serves `routes` as hosts do: ETags and 304, compressed bodies, HEAD without one. */
export async function serveHost(routes: Routes): Promise<HostServer> {
  const calls: HostCall[] = []
  const server = createServer((request, response) => {
    void readCall(request).then(async call => {
      calls.push(call)
      const reply = host.trouble?.(call) ?? routes(call)
      await reply.after
      send(call, reply, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    trouble: undefined as HostServer['trouble'],
    forget: () => void calls.splice(0),
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return host
}

async function readCall(request: IncomingMessage): Promise<HostCall> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const origin = `http://${request.headers.host}`
  const target = request.url ?? '/'
  const url = new URL(target, origin)
  return {
    method: request.method ?? 'GET',
    segments: url.pathname.split('/').slice(1).map(decodeURIComponent),
    query: url.searchParams,
    headers: request.headers,
    body: text === '' ? null : parseJson(text),
    origin,
    target,
  }
}

function send(call: HostCall, reply: HostReply, response: ServerResponse): void {
  const { status, headers, text } = finished(call, reply)
  if (status === 304) {
    response.writeHead(status, headers).end()
    return
  }
  const zipped = call.headers['accept-encoding']?.includes('gzip') && text.length > 200
  const bytes = zipped ? gzipSync(text) : Buffer.from(text)
  const more = { ...(zipped && { 'content-encoding': 'gzip' }), 'content-length': String(bytes.byteLength) }
  response.writeHead(status, { ...headers, ...more })
  if (call.method === 'HEAD') response.end()
  else if (reply.cut) response.write(bytes.subarray(0, bytes.byteLength / 2), () => response.destroy())
  else response.end(bytes)
}

/** The reply with its mark, or 304 for who has it already. */
export function finished(
  call: Pick<HostCall, 'headers'>,
  reply: HostReply,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly text: string } {
  const text = reply.text ?? (reply.body === undefined ? '' : stringifyJson(reply.body))
  const etag = `W/"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`
  const marked = reply.status === 200 && !reply.unmarked
  if (marked && call.headers['if-none-match'] === etag) return { status: 304, headers: { etag }, text: '' }
  const headers = { 'content-type': 'application/json; charset=utf-8', ...(marked && { etag }), ...reply.headers }
  return { status: reply.status, headers, text }
}

/** One page of a list, by number from 1. */
export function pageOf<Item>(items: readonly Item[], page: number, size: number): readonly Item[] {
  return items.slice((page - 1) * size, page * size)
}

/** What a replayed host has, whatever kind of host it is. */
export interface HostContent {
  readonly organization: string
  readonly repositories: readonly {
    readonly id: number
    readonly name: string
    readonly defaultBranch: string
    readonly labels: readonly string[]
    readonly archived?: true
    readonly branches: readonly HostBranch[]
  }[]
  /** Of the repository `name`, its open pull requests. */
  readonly pulls: { readonly [name: string]: readonly HostPull[] }
}

export interface HostBranch {
  readonly name: string
  readonly sha: string
  readonly files: readonly string[]
}

export interface HostPull {
  readonly number: number
  readonly title: string
  readonly branch: string
  readonly target: string
  readonly sha: string
  readonly author: string
  readonly labels: readonly string[]
  readonly files: readonly { readonly path: string; readonly before?: string }[]
}

/** Whether a file or folder is on a branch or at a commit of one. */
export function hasPath(branches: readonly HostBranch[], ref: string, path: string): 'file' | 'folder' | undefined {
  const files = branches.find(branch => branch.name === ref || branch.sha === ref)?.files ?? []
  if (files.includes(path)) return 'file'
  return files.some(file => file.startsWith(`${path}/`)) ? 'folder' : undefined
}
