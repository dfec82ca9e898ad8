import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from '@flotilla/core/ports/log'

/** Scrapers that are served at once; others wait. */
const MOST_CONNECTIONS = 16
const REQUEST_MS = 10_000

export interface MetricsServer {
  /** `127.0.0.1:9464`, with the port that was given. */
  readonly address: string
  stop(): Promise<void>
}

/** HOST:PORT; undefined for text that is something else. IPv6 in brackets: `[::1]:9464`. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text)
  if (!match) return undefined
  const port = Number(match[3])
  return port > 65_535 ? undefined : { host: match[1] ?? match[2] ?? '', port }
}

/**
 * Serves figures at `/metrics`, and nothing else. An address that cannot be used is said and not fatal: the agent works
 * without it.
 */
export async function serveMetrics(
  address: { readonly host: string; readonly port: number },
  text: () => string,
  log: Log,
): Promise<MetricsServer | undefined> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    const [path] = (request.url ?? '').split('?', 1)
    const isAsked = path === '/metrics' && (request.method === 'GET' || request.method === 'HEAD')
    request.resume()
    response.statusCode = isAsked ? 200 : 404
    response.setHeader('content-type', `text/plain; version=0.0.4; charset=utf-8`)
    response.end(request.method === 'HEAD' ? '' : isAsked ? text() : 'figures are at /metrics\n')
  })
  server.maxConnections = MOST_CONNECTIONS
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address.port, address.host, resolve)
    })
  } catch (error) {
    log.warn('figures cannot be served', { ...address, error: (error as Error).message })
    return undefined
  }
  server.on('error', error => log.warn('figures are served with errors', { error: error.message }))
  server.unref()
  const { address: host, port, family } = server.address() as AddressInfo
  return {
    address: family === 'IPv6' ? `[${host}]:${port}` : `${host}:${port}`,
    async stop() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
