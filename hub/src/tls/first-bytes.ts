import { createServer, type Server, type Socket } from 'node:net'

/** As long as a request may take to be said. */
const PATIENCE_MS = 20_000

/**
 * Listens in the place of an encrypting server, and hands it each connection with its first bytes. Node gives what an
 * encrypted connection hears a buffer of 64 KiB for as long as it lasts, however little comes; only when the first bytes
 * are there before the encryption is, the buffer is as large as those. A thousand idle agents: 20 MB.
 *
 * @param server It is not to listen itself; it sees the same `listening`, on which its own limits of time depend.
 * @param patienceMs Who connects and says nothing for so long is cut off.
 * @returns What listens, counts connections and is closed; closing it ends who has not said anything yet.
 */
export function listenWithFirstBytes(server: Server, patienceMs = PATIENCE_MS): Server {
  const silent = new Set<Socket>()
  const listening = createServer({ noDelay: true }, socket => {
    silent.add(socket)
    const ended = (): void => void silent.delete(socket)
    const tooLong = (): void => void socket.destroy()
    socket.on('error', tooLong)
    socket.once('close', ended)
    socket.setTimeout(patienceMs, tooLong)
    socket.once('data', bytes => {
      ended()
      socket.off('close', ended)
      socket.setTimeout(0, tooLong)
      socket.pause()
      socket.unshift(bytes)
      server.emit('connection', socket)
    })
  })
  listening.on('listening', () => server.emit('listening'))
  const close = listening.close.bind(listening)
  listening.close = ended => {
    for (const socket of silent) socket.destroy()
    server.close()
    return close(ended)
  }
  return listening
}
