import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import helmet from 'helmet'

/**
 * The headers that keep browsers from guessing, framing and leaking. They are the same for every answer, so helmet is
 * asked once what they are.
 */
export function securityHeaders(): RequestHandler {
  const none = ["'none'"]
  const policy = { defaultSrc: none, baseUri: none, formAction: none, frameAncestors: none }
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const secure = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    // Of a page's whole site this hub knows nothing: it speaks for its own name alone.
    strictTransportSecurity: { includeSubDomains: false },
  })
  secure(response.req, response, () => undefined)
  const headers = Object.entries(response.getHeaders()).map(([name, value]) => [nameOf(name), String(value)] as const)
  return (_request, answer, next) => {
    for (const [name, value] of headers) answer.setHeader(name, value)
    next()
  }
}

/** `x-frame-options` → `X-Frame-Options` */
function nameOf(lower: string): string {
  return lower.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
}
