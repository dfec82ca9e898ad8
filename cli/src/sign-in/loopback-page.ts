import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const PATH = '/callback'

/** A page on this machine alone that a browser comes back to once, with the provider's answer in its URL. */
export class LoopbackPage {
  /** The answer; undefined when the page was closed before. */
  readonly returned: Promise<URL | undefined>
  readonly url: string
  readonly #server: Server
  #come: (url: URL | undefined) => void = () => undefined

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`
    this.returned = new Promise(resolve => {
      this.#come = resolve
    })
    server.on('request', (request, response) => {
      const given = new URL(request.url ?? '/', this.url)
      const isAnswer = request.method === 'GET' && given.pathname === PATH && given.searchParams.has('state')
      const text = isAnswer ? 'You may close this page and go back to the terminal.' : 'There is nothing here.'
      response.writeHead(isAnswer ? 200 : 404, {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        connection: 'close',
      })
      response.end(`${text}\n`, () => {
        if (isAnswer) this.#come(given)
      })
    })
  }

  static async open(): Promise<LoopbackPage> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: '127.0.0.1', port: 0 }, resolve)
    })
    return new LoopbackPage(server)
  }

  close(): void {
    this.#come(undefined)
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
