import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HubResponse, MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import { MAX_FRAME_BYTES } from '@flotilla/core/protocol/frames'
import { SUBPROTOCOL } from '@flotilla/core/protocol/versions'
import { type WebSocket, WebSocketServer } from 'ws'
import type { AgentGateway } from './agent-gateway.ts'
import { type HttpAdapterOptions, headersOf } from './http-adapter.ts'

/** With more than this waiting, a goodbye would wait as well: the connection is cut. */
const CUT_FROM_BYTES = 64 * 1024
/** How long a goodbye is waited for: a socket that is given up costs no memory for longer than that. */
const GOODBYE = { closeTimeout: 2_000 }

export interface AgentUpgrade {
  /** For the server's `upgrade` event; false when the path is not the agents'. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Cuts what still stands; the gateway's `stop` says goodbye first. */
  close(): void
}

export interface UpgradeOptions extends HttpAdapterOptions {
  /** Told of connections on which a socket was granted. */
  readonly granted?: (socket: Socket) => void
}

/**
 * Turns upgrade requests into the gateway's sockets: text frames of the subprotocol, bounded, not compressed. A request
 * that does not hold is answered by its status before anything is upgraded.
 */
export function createAgentUpgrade(gateway: AgentGateway, log: Log, options: UpgradeOptions = {}): AgentUpgrade {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    ...GOODBYE,
    handleProtocols: protocols => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const connect = {
      method: 'GET' as const,
      path: request.url ?? '/',
      headers: headersOf(request),
      remoteAddress: options.remoteAddress?.(request) ?? request.socket.remoteAddress ?? '',
    }
    const screening = await gateway.screen(connect)
    if (socket.destroyed) return
    if (screening.kind === 'answer') return refuseUpgrade(socket, screening.response)
    if (screening.kind !== 'proceed') return void socket.destroy()
    server.handleUpgrade(request, socket, head, webSocket => {
      options.granted?.(request.socket)
      // Between the screening and this nothing else has run: who asks is who asked.
      gateway.accept(connect, messageSocket(webSocket, log), screening.caller).catch((error: unknown) => {
        log.error('a socket could not be accepted', { error })
        webSocket.terminate()
      })
    })
  }
  return {
    handle(request, socket, head) {
      if (request.url?.split('?', 1)[0] !== '/agent/v1/connect') return false
      const onError = (error: unknown): void => log.debug('a socket broke while it was opened', { error })
      socket.on('error', onError)
      upgrade(request, socket, head)
        .catch((error: unknown) => {
          log.warn('an upgrade failed', { error })
          socket.destroy()
        })
        .finally(() => socket.off('error', onError))
      return true
    },
    close() {
      for (const client of server.clients) client.terminate()
      server.close()
    },
  }
}

/** One WebSocket as the gateway sees it. */
function messageSocket(webSocket: WebSocket, log: Log): MessageSocket {
  webSocket.on('error', error => log.debug('a socket of an agent broke', { error }))
  return {
    send: text => webSocket.send(text),
    get bufferedBytes() {
      return webSocket.bufferedAmount
    },
    onMessage: listener => {
      webSocket.on('message', (data, isBinary) => {
        if (isBinary) webSocket.close(1003, 'text only')
        else listener(data.toString())
      })
    },
    onClose: listener => {
      if (webSocket.readyState === webSocket.CLOSED) listener({ code: 1006, reason: 'closed before it was accepted' })
      else webSocket.on('close', (code, reason) => listener({ code, reason: reason.toString() }))
    },
    reading: wanted => {
      if (webSocket.readyState !== webSocket.OPEN) return
      if (wanted) webSocket.resume()
      else webSocket.pause()
    },
    close: (code, reason) => {
      // Who is not read from cannot be heard to say goodbye.
      if (webSocket.bufferedAmount > CUT_FROM_BYTES || webSocket.isPaused) webSocket.terminate()
      else webSocket.close(code, reason)
    },
  }
}

function refuseUpgrade(socket: Duplex, { status, headers, body }: HubResponse): void {
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': String(body.length) })
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]))
}
