import type { Server } from 'node:http'
import type { Server as ListeningServer, Socket } from 'node:net'
import { addressKey } from '../limits/address-key.ts'

export interface ConnectionLimits {
  /** All connections together: beyond them the machine's memory and file numbers are at stake. */
  readonly maxConnections: number
  /** Of one address (of a /64, in IPv6), while no request on them was granted. 0 where all come from one proxy. */
  readonly maxStrangersOfOneAddress: number
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = { maxConnections: 20_000, maxStrangersOfOneAddress: 1_024 }

/**
 * Bounds the connections of a server before anything is known of who is at their other end. A connection stops being a
 * stranger's when a request on it is granted; until then its address can hold so many of them, so that nobody without
 * an identity can take all that there are.
 *
 * @param listening What accepts the connections, where that is not the server itself.
 * @returns To be called when a connection was granted something that is no answer to a request: an upgrade.
 */
export function limitConnections(
  server: Server,
  limits: ConnectionLimits = DEFAULT_CONNECTION_LIMITS,
  listening: ListeningServer = server,
): (socket: Socket) => void {
  listening.maxConnections = limits.maxConnections
  if (limits.maxStrangersOfOneAddress <= 0) return () => undefined
  const strangers = new Map<string, number>()
  /** By address and port, which a socket and the encryption on top of it share. */
  const unknown = new Map<string, () => void>()
  listening.on('connection', (socket: Socket) => {
    const address = addressKey(socket.remoteAddress ?? '')
    const held = strangers.get(address) ?? 0
    if (held >= limits.maxStrangersOfOneAddress) {
      socket.destroy()
      return
    }
    strangers.set(address, held + 1)
    const end = endOf(socket)
    const forget = (): void => {
      if (unknown.get(end) !== forget) return
      unknown.delete(end)
      const left = (strangers.get(address) ?? 1) - 1
      if (left > 0) strangers.set(address, left)
      else strangers.delete(address)
    }
    unknown.set(end, forget)
    socket.once('close', forget)
  })
  const granted = (socket: Socket): void => unknown.get(endOf(socket))?.()
  server.on('request', ({ socket }, response) => {
    response.once('finish', () => {
      if (response.statusCode < 400) granted(socket)
    })
  })
  return granted
}

function endOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
