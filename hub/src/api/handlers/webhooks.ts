import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Request } from 'express'
import { z } from 'zod'
import type { FailureLimiter } from '../../gateway/failure-limiter.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { acceptedSchema } from '../schemas.ts'

const url = z.string().min(1).max(2000)

/** Other fields are left alone: many senders can say no less than all they know. */
const genericBody = z
  .looseObject({
    repository: url.optional().meta({ description: "The repository's URL, in any spelling." }),
    repositories: z.array(url).max(100).optional(),
  })
  .refine(body => body.repository !== undefined || body.repositories !== undefined, {
    message: 'names no repository: give "repository" or "repositories"',
  })

export const webhookRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/webhooks/generic',
    id: 'genericWebhook',
    tag: 'webhooks',
    summary: 'Fetch these repositories now, because they were pushed to',
    access: 'webhook',
    body: genericBody,
    answers: {
      202: { description: 'Heard. Whether the repositories are in use is not said.', schema: acceptedSchema },
    },
    problems: ['TOO_MANY_REQUESTS'],
    async handle({ body }, _caller, { services }) {
      const named = [...(body.repository === undefined ? [] : [body.repository]), ...(body.repositories ?? [])]
      const known = new Set(named.map(each => services.view.knownRepository(each)).filter(each => each !== undefined))
      for (const repository of known) await services.actions.refreshRepository(repository)
      services.metrics.webhooks.inc({ outcome: known.size > 0 ? 'refreshed' : 'unknown' })
      return json(202, { status: 'accepted' })
    },
  }),
]

/**
 * Listens to an address not too often; asked before the body is read.
 *
 * @throws Problem `TOO_MANY_REQUESTS`
 */
export function limitWebhook(request: Request, limiter: FailureLimiter): void {
  const address = request.ip ?? 'unknown'
  const waitMs = limiter.waitMs(address)
  if (waitMs > 0) {
    throw new Problem('TOO_MANY_REQUESTS', { headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) } })
  }
  limiter.failed(address)
}

/**
 * Lets a webhook in that has the secret, where one is configured: either as it is in `X-Flotilla-Token` or as the HMAC
 * of the body in `X-Hub-Signature-256`.
 *
 * @throws Problem `UNAUTHENTICATED`
 */
export function admitWebhook({ services, request, rawBody }: Context): void {
  const secret = services.settings.webhookSecret
  if (secret === undefined) return
  const token = request.get('X-Flotilla-Token')
  const signature = request.get('X-Hub-Signature-256')
  const expected = `sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`
  const admitted =
    (token !== undefined && equalText(token, secret)) || (signature !== undefined && equalText(signature, expected))
  if (admitted) return
  services.metrics.webhooks.inc({ outcome: 'refused' })
  throw new Problem('UNAUTHENTICATED')
}

/** In constant time, lengths included. */
function equalText(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
