import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Express } from 'express'
import { expectAnswer } from './expect-answer.ts'

/** What a test hears instead of an answer that is not as the description of the API says. */
const NOT_AS_DESCRIBED = 599

/**
 * The same app, whose every answer is held against the description of the API before it is sent: where it is another,
 * the test that asked hears so. Streams are held where they are read.
 */
export function checkedApp(app: Express): Express {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const end = response.end.bind(response) as (chunk?: unknown) => ServerResponse
    const write = response.write.bind(response)
    let isStream = false
    response.write = ((...given: Parameters<typeof write>) => {
      isStream = true
      return write(...given)
    }) as typeof response.write
    response.end = ((chunk?: unknown) => {
      if (isStream) return end(chunk)
      const mistake = mistakeIn(request, response, chunk)
      if (mistake === undefined || response.headersSent) return end(chunk)
      response.statusCode = NOT_AS_DESCRIBED
      for (const name of response.getHeaderNames()) response.removeHeader(name)
      return end(mistake)
    }) as typeof response.end
    app(request, response)
  }
  return Object.defineProperty(listener, 'router', { get: () => app.router }) as unknown as Express
}

function mistakeIn(request: IncomingMessage, response: ServerResponse, chunk: unknown): string | undefined {
  const { method = 'GET', url = '' } = request
  const text = chunk instanceof Uint8Array ? Buffer.from(chunk).toString('utf8') : String(chunk ?? '')
  const isJson = /^application\/(problem\+)?json(;|$)/.test(String(response.getHeader('content-type') ?? ''))
  try {
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : text
    const headers = response.getHeaders() as Record<string, string>
    expectAnswer({ method, path: url, status: response.statusCode, headers, body })
    return undefined
  } catch (error) {
    return `not as described: ${error instanceof Error ? error.message : String(error)}`
  }
}
