import { createServer } from 'node:net'

/**
 * A port of 127.0.0.1 that was free a moment ago, chosen by the system. The servers of a control plane cannot choose
 * their own, so another process may take it in between; the server then ends at once and is started with another.
 */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise<void>(resolve => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}
