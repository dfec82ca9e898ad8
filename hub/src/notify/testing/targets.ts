import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface Got {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface PlayedTarget {
  readonly url: string
  readonly got: Got[]
  /** Answers of the next requests, in order; 200 `ok` when there are none left. */
  readonly answers: { status: number; body?: string; headers?: Record<string, string> }[]
  close(): Promise<void>
}

/** A real HTTP server that plays a chat, a host or a receiver of webhooks. */
export async function playTarget(): Promise<PlayedTarget> {
  const got: Got[] = []
  const answers: PlayedTarget['answers'] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      got.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() })
      const { status, body = 'ok', headers } = answers.shift() ?? { status: 200 }
      response.writeHead(status, headers).end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...{ url: `http://127.0.0.1:${port}`, got, answers },
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export interface PlayedMailServer {
  readonly port: number
  readonly mails: {
    readonly from: string
    readonly to: readonly string[]
    readonly text: string
    readonly user?: string
  }[]
  close(): Promise<void>
}

/** A real SMTP server that keeps what it gets. */
export async function playMailServer(options: SMTPServerOptions = {}): Promise<PlayedMailServer> {
  const mails: PlayedMailServer['mails'][number][] = []
  const server = new SMTPServer({
    authOptional: true,
    // Its own certificate is nobody's: encryption has tests of its own.
    hideSTARTTLS: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const user = session.user === undefined ? {} : { user: session.user }
        mails.push({ from, to: rcptTo.map(({ address }) => address), text: Buffer.concat(chunks).toString(), ...user })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return { port, mails, close: () => new Promise(resolve => server.close(() => resolve())) }
}
