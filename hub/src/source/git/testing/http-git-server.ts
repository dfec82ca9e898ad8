import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { cleanEnvironment } from './fixture-repository.ts'

export interface HttpGitServerOptions {
  /** Folder whose repositories are served. */
  readonly root: string
  readonly auth?: { readonly username: string; readonly password: string }
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Answers before Git does; returns whether it did. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** A real smart-HTTP server: `git http-backend`, which forges use too, behind node's HTTP. */
export class HttpGitServer {
  readonly #server: Server
  readonly #secure: boolean
  #port = 0
  /** Method and path of every request, in order. */
  readonly requests: string[] = []

  private constructor(server: Server, secure: boolean) {
    this.#server = server
    this.#secure = secure
  }

  static async start(options: HttpGitServerOptions): Promise<HttpGitServer> {
    let served: HttpGitServer | undefined
    const listener: RequestListener = (request, response) => {
      served?.requests.push(`${request.method} ${request.url}`)
      if (options.intercept?.(request, response)) return
      if (options.auth && !isAuthorised(request, options.auth)) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?')
        return
      }
      serve(options.root, request, response)
    }
    const server = options.tls ? createSecureServer(options.tls, listener) : createServer(listener)
    served = new HttpGitServer(server, options.tls !== undefined)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    served.#port = (server.address() as AddressInfo).port
    return served
  }

  url(repository: string): string {
    return `${this.#secure ? 'https' : 'http'}://127.0.0.1:${this.#port}/${repository}`
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

function isAuthorised(
  request: IncomingMessage,
  auth: { readonly username: string; readonly password: string },
): boolean {
  const expected = Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
  return request.headers.authorization === `Basic ${expected}`
}

function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const backend = spawn('git', ['http-backend'], {
    env: {
      ...cleanEnvironment(),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      CONTENT_LENGTH: request.headers['content-length'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  // The client may go away, and the backend may refuse the body: both end with the answer.
  backend.stdin.on('error', () => response.destroy())
  request.pipe(backend.stdin)
  response.on('close', () => backend.kill())
  let head = Buffer.alloc(0)
  let inBody = false
  backend.stdout.on('data', (chunk: Buffer) => {
    if (inBody) {
      response.write(chunk)
      return
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    inBody = true
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s)
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.write(head.subarray(end + 4))
  })
  backend.once('close', () => response.end())
}
