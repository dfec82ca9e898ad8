import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '@flotilla/core/json/json'
import { type ClusterRequest, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { MAXIMUM_BODY_BYTES, type User } from './api/request.ts'
import { ADMINISTRATOR, type SimulatedCluster } from './simulated-cluster.ts'

export interface ServeOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Bearer tokens and whom each stands for. Without it everyone is the administrator. */
  readonly tokens?: Readonly<Record<string, User>>
}

export interface ServedCluster {
  readonly name: string
  /** `http://127.0.0.1:40123` */
  readonly url: string
  /** One that the server takes, for {@link kubeconfigFor}. */
  readonly token: string | undefined
  /** Ends every open connection, watches too. */
  close(): Promise<void>
}

/** Serves a cluster's API on a socket, by the same handler, so that any client runs against it unmodified. */
export async function serveOverHttp(cluster: SimulatedCluster, options: ServeOptions): Promise<ServedCluster> {
  const { tokens } = options
  const server = createServer((incoming, outgoing) => {
    serve(cluster, tokens, incoming, outgoing).catch((error: unknown) => {
      outgoing.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  server.requestTimeout = 0
  server.keepAliveTimeout = 60_000
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    name: cluster.name,
    url: `http://${options.host}:${port}`,
    token: tokens && Object.keys(tokens)[0],
    close: () => closeServer(server),
  }
}

/** A kubeconfig (JSON is YAML) that points at a served cluster. */
export function kubeconfigFor(served: Pick<ServedCluster, 'name' | 'url' | 'token'>): JsonObject {
  const { name, url, token } = served
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url } }],
    users: [{ name, user: token === undefined ? {} : { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

async function serve(
  cluster: SimulatedCluster,
  tokens: ServeOptions['tokens'],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const user = userOf(tokens, incoming)
  if (!user) return refuse(outgoing, 401, 'Unauthorized')
  const body = await readBody(incoming)
  if (body === undefined) return refuse(outgoing, 413, 'RequestEntityTooLarge')
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort(new ClusterUnreachable('the client went away')))
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  const request: ClusterRequest = {
    method: (incoming.method ?? 'GET') as ClusterRequest['method'],
    path: incoming.url ?? '/',
    headers,
    body,
    signal: gone.signal,
  }
  try {
    const response = await cluster.handle(request, user)
    outgoing.writeHead(response.status, response.headers)
    outgoing.flushHeaders()
    for await (const chunk of response.body) {
      if (!outgoing.write(chunk)) await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close')])
    }
    outgoing.end()
  } catch (error) {
    if (!(error instanceof ClusterUnreachable)) throw error
    // A cut network answers nothing: the client sees its connection reset.
    outgoing.destroy()
  }
}

function userOf(tokens: ServeOptions['tokens'], incoming: IncomingMessage): User | undefined {
  if (!tokens) return ADMINISTRATOR
  const token = /^Bearer (.+)$/.exec(incoming.headers.authorization ?? '')?.[1]
  return token !== undefined && Object.hasOwn(tokens, token) ? tokens[token] : undefined
}

async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAXIMUM_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refuse(outgoing: ServerResponse, code: number, reason: string): void {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: reason, reason, code }
  outgoing.writeHead(code, { 'content-type': 'application/json', connection: 'close' })
  outgoing.end(JSON.stringify(status))
}
