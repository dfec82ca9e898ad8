import type { IncomingMessage } from 'node:http'
import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterReader } from './decision-resources.ts'
import { HostError } from './host-error.ts'
import type { ClusterAccess, OpenedAccess } from './kube-access.ts'

const TIMEOUT_MS = 30_000
const MOST_BYTES = 32 * 1024 * 1024

/**
 * GET requests to one cluster over HTTPS. The kubeconfig is read when the first question comes, and again after a
 * question that failed: a mended file or a new token needs no restart.
 */
export class ManagementCluster implements ClusterReader {
  readonly #access: ClusterAccess
  readonly #clock: Clock
  #opened: OpenedAccess | undefined

  constructor(access: ClusterAccess, clock: Clock) {
    this.#access = access
    this.#clock = clock
  }

  async get(path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: Json }> {
    try {
      const reply = await this.#exchange(path, signal)
      if (reply.status === 401) this.#opened = undefined
      return reply
    } catch (error) {
      this.#opened = undefined
      throw error
    }
  }

  async #exchange(path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: Json }> {
    const { openAccess } = await import('./kube-access.ts')
    this.#opened ??= openAccess(this.#access)
    const opened = this.#opened
    const { server } = opened
    const ending = new AbortController()
    const late = new HostError('HOST_TIMEOUT', `${server.host} did not answer in ${TIMEOUT_MS} ms`, { retry: true })
    const timer = this.#clock.setTimer(TIMEOUT_MS, () => ending.abort(late))
    const forward = (): void => ending.abort(signal.reason)
    if (signal.aborted) forward()
    signal.addEventListener('abort', forward, { once: true })
    try {
      const message = await begin(opened, path, ending.signal)
      const text = await readText(message, server)
      return { status: message.statusCode ?? 0, body: readBody(text, message.statusCode ?? 0, server) }
    } catch (error) {
      if (ending.signal.aborted) throw ending.signal.reason
      throw error instanceof HostError ? error : unreachable(server, error)
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', forward)
    }
  }
}

async function begin(opened: OpenedAccess, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { server } = opened
  const options = await opened.options()
  return await new Promise((resolve, reject) => {
    const request = opened.send({
      ...options,
      method: 'GET',
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      path: server.pathname.replace(/\/$/, '') + path,
      headers: { 'user-agent': 'flotilla-hub', accept: 'application/json', ...options.headers },
      signal,
    })
    request.on('error', reject)
    request.on('response', resolve)
    request.end()
  })
}

async function readText(message: IncomingMessage, server: URL): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of message) {
      size += (chunk as Buffer).byteLength
      if (size > MOST_BYTES) {
        const text = `${server.host} answers with more than ${MOST_BYTES} bytes`
        throw new HostError('HOST_ANSWER_TOO_LARGE', text, { retry: false })
      }
      chunks.push(chunk as Buffer)
    }
  } finally {
    message.destroy()
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A proxy's page of HTML is no answer of a cluster, but its status is one. */
function readBody(text: string, status: number, server: URL): Json {
  try {
    return parseJson(text)
  } catch (cause) {
    if (status !== 200) return null
    const message = `${server.host} answers with something that is not JSON`
    throw new HostError('HOST_ANSWER_INVALID', message, { retry: true, cause })
  }
}

/** Not the error's own words: they name local ports, which differ each time. */
function unreachable(server: URL, cause: unknown): HostError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const why = code === '' ? '' : ` (${code})`
  return new HostError('HOST_UNREACHABLE', `${server.host} cannot be reached${why}`, { retry: true, cause })
}
