import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import { auditRequest } from '../audit/audit-request.ts'
import { FailureLimiter } from '../gateway/failure-limiter.ts'
import { authenticate } from './authenticate.ts'
import { checkInput } from './check-input.ts'
import { admitWebhook, limitWebhook } from './handlers/webhooks.ts'
import { measureFleet } from './measure-fleet.ts'
import { Problem } from './problem.ts'
import { problemOf } from './problem-of.ts'
import type { ApiServices, Context, Reply, Route } from './route.ts'
import { ROUTE_TABLE } from './route-table.ts'
import { sendProblem, sendReply } from './send-reply.ts'
import type { Caller } from './tokens.ts'
import { Watchers } from './watchers.ts'

const DEFAULT_MAX_BODY_BYTES = 256 * 1024
const DEFAULT_WEBHOOKS_PER_MINUTE = 60
const DEFAULT_DENIALS_PER_MINUTE = 300
const DEFAULT_MAX_WATCHERS = 500
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

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
  const webhooksPerMinute = settings.webhooksPerMinute ?? DEFAULT_WEBHOOKS_PER_MINUTE
  const webhookLimiter = new FailureLimiter(clock, webhooksPerMinute, 60_000)
  const denialLimiter = new FailureLimiter(clock, settings.denialsPerMinute ?? DEFAULT_DENIALS_PER_MINUTE, 60_000)
  measureFleet(services, watchers)

  app.use((request, response, next) => {
    const given = request.get('X-Request-Id')
    const id = given !== undefined && REQUEST_ID.test(given) ? given : newRequestId(services)
    response.locals['requestId'] = id
    response.set('X-Request-Id', id)
    next()
  })
  app.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"] } } }))

  const serve = (route: Route) => {
    const readBody = bodyReader(route.maxBodyBytes ?? settings.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES)
    return (request: Request, response: Response) => answer(route, readBody, request, response)
  }
  const answer = async (route: Route, readBody: RequestHandler, request: Request, response: Response) => {
    measure(services, route, request, response)
    if (route.access === 'public' || route.access === 'webhook') {
      sendReply(await perform(route, readBody, request, response, undefined), request, response)
      return
    }
    const caller = await authenticate(services, request, route.tokenInQuery)
    const waitMs = denialLimiter.waitMs(caller.tokenId)
    if (waitMs > 0 && (route.method !== 'get' || route.access === 'admin')) throw tooMany(waitMs)
    const asked = {
      id: route.id,
      writes: route.method !== 'get' && route.readsOnly !== true,
      path: request.originalUrl.replace(/\?.*$/s, ''),
      plans: () => (request.body as { readonly dryRun?: unknown } | undefined)?.dryRun === true,
      denied: () => denialLimiter.failed(caller.tokenId),
    }
    const stamp = {
      actor: caller.name,
      ...(request.ip !== undefined && { from: request.ip }),
      requestId: response.locals['requestId'] as string,
      policyVersion: () => services.gates?.keeper.now().version,
      entries: 0,
      denials: [],
    }
    const reply = await auditRequest(services, asked, stamp, problemOf, async () => {
      if (route.access === 'admin' && caller.role !== 'admin') throw new Problem('FORBIDDEN')
      return await perform(route, readBody, request, response, caller)
    })
    sendReply(reply, request, response)
  }
  const perform = async (
    route: Route,
    readBody: RequestHandler,
    request: Request,
    response: Response,
    caller: Caller | undefined,
  ): Promise<Reply> => {
    if (route.access === 'webhook') limitWebhook(request, webhookLimiter)
    if (route.method !== 'get' && hasBody(request)) {
      requireJson(request)
      await new Promise<void>((resolve, reject) => {
        readBody(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
      })
    }
    const context: Context = {
      services,
      watchers,
      now: clock.now(),
      requestId: response.locals['requestId'] as string,
      request,
      rawBody: (response.locals['rawBody'] as Uint8Array | undefined) ?? new Uint8Array(),
    }
    if (route.access === 'webhook') (route.admit ?? admitWebhook)(context)
    return await route.handle(checkInput(route, request), caller, context)
  }

  for (const route of ROUTE_TABLE) app[route.method](expressPath(route.path), serve(route))
  // Who has no token learns nothing of the API, not even what does not exist.
  app.use('/api/', async (request: Request) => {
    await authenticate(services, request)
    refuse(request)
  })
  app.use(refuse)
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

function tooMany(waitMs: number): Problem {
  return new Problem('TOO_MANY_REQUESTS', { headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) } })
}

function bodyReader(limit: number): RequestHandler {
  return express.json({
    type: () => true,
    strict: false,
    inflate: false,
    limit,
    verify: (_request, response, bytes) => {
      ;(response as Response).locals['rawBody'] = bytes
    },
  })
}

/** What no route took: another method of a path that there is, or nothing at all. */
function refuse(request: Request): never {
  const path = request.originalUrl.replace(/\?.*$/s, '')
  const methods = ROUTE_TABLE.filter(route => patternOf(route.path).test(path)).map(route => route.method.toUpperCase())
  if (methods.length === 0) throw new Problem('NOT_FOUND')
  const allowed = [...(methods.includes('GET') ? ['HEAD'] : []), ...methods].sort().join(', ')
  throw new Problem('METHOD_NOT_ALLOWED', { headers: { Allow: allowed } })
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`)
}

/** `/api/v1/applications/{name}` → `/api/v1/applications/:name`. */
export function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}

function hasBody(request: Request): boolean {
  const length = request.get('Content-Length')
  return request.get('Transfer-Encoding') !== undefined || (length !== undefined && length !== '0')
}

function requireJson(request: Request): void {
  const type = request.get('Content-Type') ?? ''
  if (!/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type)) throw new Problem('BODY_TYPE_UNSUPPORTED')
}

function newRequestId({ random }: ApiServices): string {
  return Buffer.from(random.bytes(12)).toString('base64url')
}

function measure({ metrics, clock }: ApiServices, route: Route, request: Request, response: Response): void {
  const start = clock.monotonicMs()
  response.on('close', () => {
    const labels = { method: request.method, route: route.path, status: String(response.statusCode) }
    metrics.requests.observe(labels, (clock.monotonicMs() - start) / 1000)
  })
}
