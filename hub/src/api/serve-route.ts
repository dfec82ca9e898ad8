import express, { type Request, type RequestHandler, type Response } from 'express'
import { rightsOf } from '../access/rights-of.ts'
import { isPrivileged } from '../access/route-access.ts'
import { auditRequest } from '../audit/audit-request.ts'
import { type AuditTrail, openAuditTrail } from '../audit/audit-trail.ts'
import { DEFAULT_DENIALS_PER_MINUTE } from '../audit/limit-denials.ts'
import { FailureLimiter } from '../limits/failure-limiter.ts'
import { authenticate } from './authenticate.ts'
import { checkInput } from './check-input.ts'
import { requireOwnPage } from './csrf.ts'
import { FeedTotals } from './feed-totals.ts'
import { admitWebhook, limitWebhook } from './handlers/webhooks.ts'
import { KeptAnswers } from './idempotency.ts'
import { KnownCallers } from './known-callers.ts'
import { hasBody, requireAcceptable, requireJson } from './negotiate.ts'
import { GivenTags } from './preconditions.ts'
import { Problem } from './problem.ts'
import { problemOf } from './problem-of.ts'
import { readerOf } from './reader.ts'
import { DEFAULT_REQUEST_LIMITS, RequestLimits } from './request-limits.ts'
import { revisionIn } from './revision.ts'
import type { ApiServices, Context, KeepAnswer, Reply, Route } from './route.ts'
import { sendReply } from './send-reply.ts'
import type { Caller } from './tokens.ts'
import { NOTHING_VISIBLE } from './visible-set.ts'
import type { Watchers } from './watchers.ts'

const DEFAULT_MAX_BODY_BYTES = 256 * 1024
const DEFAULT_WEBHOOKS_PER_MINUTE = 60
const MINUTE_MS = 60_000
const LONGEST_QUERY = 300
const NOTHING_TO_COMPARE = {
  pointer: '/header/If-Match',
  message: 'this route has nothing to compare it with: leave it out',
}

/** The way of every request: who asks, how often, in which form; then what the route does, and how that is told. */
export class RouteServer {
  readonly #services: ApiServices
  readonly #watchers: Watchers
  readonly #routes: ReadonlyMap<string, Route>
  readonly #limits: RequestLimits
  readonly #webhooks: FailureLimiter
  readonly #denials: FailureLimiter
  readonly #trail: AuditTrail
  readonly #answers: KeptAnswers
  readonly #tags = new GivenTags()
  readonly #known: KnownCallers
  readonly #totals: FeedTotals

  constructor(services: ApiServices, watchers: Watchers, table: readonly Route[]) {
    const { clock, settings, store, random } = services
    this.#services = services
    this.#watchers = watchers
    this.#routes = new Map(table.map(route => [route.id, route]))
    this.#limits = new RequestLimits({ ...DEFAULT_REQUEST_LIMITS, ...settings.requestLimits }, clock)
    this.#webhooks = new FailureLimiter(clock, settings.webhooksPerMinute ?? DEFAULT_WEBHOOKS_PER_MINUTE, MINUTE_MS)
    this.#denials = new FailureLimiter(clock, settings.denialsPerMinute ?? DEFAULT_DENIALS_PER_MINUTE, MINUTE_MS)
    this.#trail = services.auditTrail ?? ownTrail(services)
    this.#known = new KnownCallers(store, clock)
    this.#totals = new FeedTotals(clock)
    this.#answers = new KeptAnswers(store, clock, Buffer.from(random.bytes(9)).toString('base64url'))
  }

  handler(route: Route): (request: Request, response: Response) => Promise<void> {
    const { settings } = this.#services
    const limit = route.maxBodyBytes ?? settings.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES
    const readBody = bodyReader(limit)
    return async (request, response) => {
      this.#measure(route, request, response)
      sendReply(await this.#answer(route, readBody, request, response), request, response)
    }
  }

  /** Who asks. Each that is nobody counts. @throws Problem `UNAUTHENTICATED`, `TOO_MANY_REQUESTS` */
  async authenticate(request: Request, inQuery?: true): Promise<Caller> {
    this.#limits.admitAddress(request.ip)
    const { authorization } = request.headers
    const reads = authorization !== undefined && (request.method === 'GET' || request.method === 'HEAD')
    const known = reads ? this.#known.find(authorization) : undefined
    if (known !== undefined) return known
    const { rowsWritten } = this.#services.store.counters
    try {
      const caller = await authenticate(this.#services, request, inQuery)
      if (reads) this.#known.remember(authorization, caller, rowsWritten)
      return caller
    } catch (error) {
      if (error instanceof Problem && error.code === 'UNAUTHENTICATED') this.#limits.denied(request.ip)
      throw error
    }
  }

  async #answer(route: Route, readBody: RequestHandler, request: Request, response: Response): Promise<Reply> {
    if (route.access === 'public' || route.access === 'webhook') {
      if (route.access === 'webhook') limitWebhook(request, this.#webhooks)
      requireAcceptable(route, request)
      await this.#readBody(route, readBody, request, response)
      return await this.#perform(route, request, response, undefined)
    }
    const caller = await this.authenticate(request, route.tokenInQuery)
    this.#limits.admitPrincipal(caller.tokenId)
    const waitMs = this.#denials.waitMs(caller.tokenId)
    if (waitMs > 0 && (route.method !== 'get' || isPrivileged(route.access))) {
      const { ip: from } = request
      const denier = { principal: readerOf(caller), actor: caller.name, route: route.id }
      this.#trail.denials.leaveOut({ ...denier, ...(from !== undefined && { from }) })
      throw tooMany(waitMs)
    }
    requireOwnPage(request, caller.csrf)
    requireAcceptable(route, request)
    const writes = route.method !== 'get' && route.readsOnly !== true
    const key = writes ? request.get('Idempotency-Key') : undefined
    if (key === undefined) return await this.#audited(route, readBody, request, response, caller)
    await this.#readBody(route, readBody, request, response)
    const asked = {
      ...{ principal: readerOf(caller), key, requestId: requestIdOf(response), method: request.method },
      ...{ url: request.originalUrl, body: request.body as unknown, secretAnswer: route.secretAnswer === true },
    }
    return await this.#answers.once(asked, keep => {
      response.locals['keepAnswer'] = keep
      return this.#audited(route, readBody, request, response, caller)
    })
  }

  #audited(
    route: Route,
    readBody: RequestHandler,
    request: Request,
    response: Response,
    caller: Caller,
  ): Promise<Reply> {
    const services = this.#services
    const asked = {
      id: route.id,
      writes: route.method !== 'get' && route.readsOnly !== true,
      sensitive: route.sensitive === true,
      path: pathOf(request),
      query: () => queryOf(request),
      plans: () => (request.body as { readonly dryRun?: unknown } | undefined)?.dryRun === true,
      denied: () => this.#denials.failed(caller.tokenId),
    }
    const stamp = {
      actor: caller.name,
      reader: readerOf(caller),
      ...(request.ip !== undefined && { from: request.ip }),
      requestId: requestIdOf(response),
      policyVersion: () => versionOf(services),
      entries: 0,
      denials: [],
    }
    return auditRequest(this.#trail, asked, stamp, problemOf, async () => {
      await this.#readBody(route, readBody, request, response)
      await this.#requireUnchanged(route, request, response, caller)
      return await this.#perform(route, request, response, caller)
    })
  }

  async #perform(route: Route, request: Request, response: Response, caller: Caller | undefined): Promise<Reply> {
    const context = this.#contextOf(request, response, caller)
    if (route.access === 'webhook') (route.admit ?? admitWebhook)(context)
    const reply = await route.handle(checkInput(route, request), caller, context)
    if (caller !== undefined && this.#isGuarding(route)) this.#tags.remember(readerOf(caller), reply)
    return reply
  }

  #contextOf(request: Request, response: Response, caller: Caller | undefined): Context {
    const services = this.#services
    const keepAnswer = response.locals['keepAnswer'] as KeepAnswer | undefined
    const context: Context = {
      services,
      watchers: this.#watchers,
      now: services.clock.now(),
      requestId: requestIdOf(response),
      request,
      totals: this.#totals,
      get visible() {
        return caller === undefined ? NOTHING_VISIBLE : rightsOf(caller, context).visible
      },
      ...(keepAnswer && { keepAnswer }),
      rawBody: (response.locals['rawBody'] as Uint8Array | undefined) ?? new Uint8Array(),
    }
    return context
  }

  /**
   * Compares `If-Match` with what the caller would read now. Where there is nothing to compare it with it is refused:
   * whoever sends it wants to be held up.
   *
   * @throws Problem `PRECONDITION_FAILED`, `NOT_FOUND`, `REQUEST_INVALID`
   */
  async #requireUnchanged(route: Route, request: Request, response: Response, caller: Caller): Promise<void> {
    const header = request.get('If-Match')
    if (header === undefined || route.method === 'get' || route.readsOnly === true || route.ownIfMatch === true) return
    const reading = route.ifMatch === undefined ? undefined : this.#routes.get(route.ifMatch)
    if (reading === undefined) throw new Problem('REQUEST_INVALID', { errors: [NOTHING_TO_COMPARE] })
    // A revision is compared in the transaction that makes the next one.
    if (route.ifRevision === true && revisionIn(header) !== undefined) return
    const input = { path: request.params, query: {}, body: undefined } as never
    const current = await reading.handle(input, caller, this.#contextOf(request, response, caller))
    this.#tags.require(readerOf(caller), header, current)
  }

  #isGuarding({ id, method }: Route): boolean {
    return method === 'get' && this.#guards.has(id)
  }

  get #guards(): ReadonlySet<string> {
    this.#guardIds ??= new Set([...this.#routes.values()].flatMap(({ ifMatch }) => ifMatch ?? []))
    return this.#guardIds
  }
  #guardIds: ReadonlySet<string> | undefined

  /** Once a request, whoever needs it first. @throws Problem `BODY_TYPE_UNSUPPORTED`, and what the reader throws. */
  async #readBody(route: Route, readBody: RequestHandler, request: Request, response: Response): Promise<void> {
    if (route.method === 'get' || !hasBody(request) || response.locals['bodyRead'] === true) return
    requireJson(request)
    response.locals['bodyRead'] = true
    await new Promise<void>((resolve, reject) => {
      readBody(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)))
    })
  }

  #measure(route: Route, request: Request, response: Response): void {
    const { metrics, clock } = this.#services
    const start = clock.monotonicMs()
    // For traces, which begin before anybody knows the row.
    response.locals['route'] = route.path
    response.on('close', () => {
      const labels = { method: request.method, route: route.path, status: String(response.statusCode) }
      metrics.requests.observe(labels, (clock.monotonicMs() - start) / 1000)
    })
  }
}

/** Of the gates and of who may do what: a decision is by both. */
function versionOf({ gates, access }: ApiServices): string | undefined {
  const versions = [gates?.keeper.now().version, access?.now.version].filter(version => version !== undefined)
  return versions.length === 0 ? undefined : versions.join(' ')
}

function requestIdOf(response: Response): string {
  return response.locals['requestId'] as string
}

function pathOf({ originalUrl }: Request): string {
  const mark = originalUrl.indexOf('?')
  return mark < 0 ? originalUrl : originalUrl.slice(0, mark)
}

/** What was asked of a path. What the token is, and where in a list one is, says nothing of who looked at what. */
function queryOf({ originalUrl }: Request): string {
  const mark = originalUrl.indexOf('?')
  if (mark < 0) return ''
  const query = new URLSearchParams(originalUrl.slice(mark + 1))
  for (const name of ['token', 'cursor']) query.delete(name)
  return query.toString().slice(0, LONGEST_QUERY)
}

/** Of an API that nobody closes but by its signal. */
function ownTrail(services: ApiServices): AuditTrail {
  const { signal, settings } = services
  const { auditedReads: reads, denialsPerMinute } = settings
  const trail = openAuditTrail(services, {
    ...(reads !== undefined && { reads }),
    ...(denialsPerMinute !== undefined && { denialsPerMinute }),
  })
  signal?.addEventListener('abort', () => void trail.close(), { once: true })
  return trail
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
