import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { allowOrigins } from './cors.ts'
import { measureFleet } from './measure-fleet.ts'
import { Problem } from './problem.ts'
import { problemOf } from './problem-of.ts'
import { RequestIds } from './request-ids.ts'
import type { ApiServices } from './route.ts'
import { ROUTE_TABLE } from './route-table.ts'
import { securityHeaders } from './security-headers.ts'
import { sendProblem } from './send-reply.ts'
import { RouteServer } from './serve-route.ts'
import { Watchers } from './watchers.ts'

const DEFAULT_MAX_WATCHERS = 2_000

/** The people's API as an express app, made from {@link ROUTE_TABLE}. It opens no port; aborting the signal ends watches. */
export function createApi(services: ApiServices): Express {
  const { view, clock, log, settings } = services
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  // Each route reads its query itself: the parsed one would hide what was given twice.
  app.set('query parser', false)
  app.set('trust proxy', settings.trustProxy ?? false)
  const watchers = new Watchers(view, clock, log, settings.maxWatchers ?? DEFAULT_MAX_WATCHERS)
  services.signal?.addEventListener('abort', () => watchers.close(), { once: true })
  measureFleet(services, watchers)
  const server = new RouteServer(services, watchers, ROUTE_TABLE)

  const ids = new RequestIds(services.random)
  app.use((request, response, next) => {
    const id = ids.of(request.headers['x-request-id'])
    response.locals['requestId'] = id
    response.setHeader('X-Request-Id', id)
    next()
  })
  app.use(securityHeaders())
  app.use(allowOrigins(settings.allowedOrigins ?? []))

  const handlers = new Map(ROUTE_TABLE.map(route => [route, server.handler(route)]))
  // Paths without parameters are found by their text, instead of one pattern after the other.
  const plain = new Map([...handlers].map(([{ method, path }, handle]) => [`${method.toUpperCase()} ${path}`, handle]))
  app.use((request, response, next) => {
    const handle = plain.get(`${request.method === 'HEAD' ? 'GET' : request.method} ${request.path}`)
    if (handle === undefined) return next()
    return handle(request, response)
  })
  for (const [{ method, path }, handle] of handlers) app[method](expressPath(path), handle)
  // Who has no token learns nothing of the API, not even what does not exist.
  app.use('/api/', async (request: Request, response: Response) => {
    await server.authenticate(request)
    answerOptions(request, response)
  })
  app.use(answerOptions)
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const problem = problemOf(error)
    const fields = { method: request.method, requestId: response.locals['requestId'], code: problem.code }
    if (problem.code === 'INTERNAL') log.error('request failed', { ...fields, error: problem.cause })
    else if (problem.status >= 500) log.warn('request not served', { ...fields, error: problem.cause })
    if (response.headersSent) {
      response.destroy()
      return
    }
    sendProblem(problem, response)
  })
  return app
}

const PATHS = [...new Map(ROUTE_TABLE.map(({ path }) => [path, patternOf(path)]))]

/** What no route took: a question for the methods of a path, another method of it, or nothing at all. */
function answerOptions(request: Request, response: Response): void {
  const path = request.originalUrl.replace(/\?.*$/s, '')
  const paths = new Set(PATHS.filter(([, pattern]) => pattern.test(path)).map(([each]) => each))
  const methods = ROUTE_TABLE.filter(route => paths.has(route.path)).map(route => route.method.toUpperCase())
  if (methods.length === 0) throw new Problem('NOT_FOUND')
  const known = new Set([...(methods.includes('GET') ? ['HEAD'] : []), ...methods, 'OPTIONS'])
  const headers = { Allow: [...known].sort().join(', ') }
  if (request.method !== 'OPTIONS') throw new Problem('METHOD_NOT_ALLOWED', { headers })
  response.status(204).set(headers).end()
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`)
}

/** `/api/v1/applications/{name}` → `/api/v1/applications/:name`. */
export function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}
