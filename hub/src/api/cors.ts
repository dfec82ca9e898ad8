import type { RequestHandler } from 'express'

const METHODS = 'GET, HEAD, POST, PATCH, DELETE'
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, X-Request-Id, X-CSRF-Token'
const EXPOSED_HEADERS = 'ETag, X-Request-Id, Retry-After, Idempotency-Replayed, Flotilla-Changes, Flotilla-Audit-Head'
const PREFLIGHT_SECONDS = '600'

/**
 * Pages of other origins may ask only where the settings name their origin, letter by letter; without any, the browser
 * refuses them all. Cookies are never sent along: such a page needs a token.
 */
export function allowOrigins(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins)
  return (request, response, next) => {
    const origin = request.headers.origin
    if (origin === undefined || !allowed.has(origin)) return next()
    response.setHeader('Access-Control-Allow-Origin', origin)
    response.setHeader('Vary', 'Origin')
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      response
        .status(204)
        .set({
          'Access-Control-Allow-Methods': METHODS,
          'Access-Control-Allow-Headers': ALLOWED_HEADERS,
          'Access-Control-Max-Age': PREFLIGHT_SECONDS,
        })
        .end()
      return
    }
    response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS)
    next()
  }
}
