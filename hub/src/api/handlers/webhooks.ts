import type { Json } from '@flotilla/core/json/json'
import type { Request } from 'express'
import { z } from 'zod'
import type { FailureLimiter } from '../../limits/failure-limiter.ts'
import { WEBHOOK_ADAPTERS } from '../../webhooks/adapters.ts'
import { type WebhookAdapter, WebhookError, type WebhookEvent } from '../../webhooks/event.ts'
import { pushTo } from '../../webhooks/match-event.ts'
import { equalText, provesHmac } from '../../webhooks/proof.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { acceptedSchema } from '../schemas.ts'

const url = z.string().min(1).max(2000)

/** Other fields are left alone: many senders can say no less than all they know. */
const genericBody = z
  .looseObject({
    repository: url.optional().meta({ description: "The repository's URL, in any spelling." }),
    repositories: z.array(url).max(100).optional(),
    plugins: z.array(z.string().min(1).max(253)).max(100).optional().meta({ description: 'Plugins to ask again.' }),
  })
  .refine(body => (body.repository ?? body.repositories ?? body.plugins) !== undefined, {
    message: 'names nothing: give "repository", "repositories" or "plugins"',
  })

/** Hosts send up to 25 MB; a push that is larger than this is found by the poll. */
const MOST_PAYLOAD = 4 * 1024 * 1024

const TITLES: { readonly [host in WebhookAdapter['host']]: string } = {
  github: 'GitHub: push, pull_request, repository, package',
  gitlab: 'GitLab: push, tag push, merge request and system hooks',
  gitea: 'Gitea and Forgejo: push, pull request, repository, package',
  bitbucket: 'Bitbucket Cloud and Server: push and pull request',
  azuredevops: 'Azure DevOps: git.push, git.pullrequest.*, git.repo.*',
}

export const webhookRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/webhooks/generic',
    id: 'genericWebhook',
    tag: 'webhooks',
    summary: 'Fetch these repositories now, because they were pushed to, or ask these plugins again',
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
      // Over ssh or https, with a user or without: hosts know one repository by several addresses.
      const events = named.flatMap(each => pushTo(each) ?? [])
      let concerned = known.size > 0
      if (events.length > 0 && (await services.actions.heard(events))) concerned = true
      for (const plugin of new Set(body.plugins)) {
        if (await services.actions.refreshPlugin(plugin)) concerned = true
      }
      services.metrics.webhooks.inc({ outcome: concerned ? 'refreshed' : 'unknown' })
      return json(202, { status: 'accepted' })
    },
  }),
  ...WEBHOOK_ADAPTERS.map(hostRoute),
]

function hostRoute(adapter: WebhookAdapter): Route {
  const { host } = adapter
  return route({
    method: 'post',
    path: `/api/v1/webhooks/${host}`,
    id: `${host}Webhook`,
    tag: 'webhooks',
    summary: TITLES[host],
    access: 'webhook',
    maxBodyBytes: MOST_PAYLOAD,
    admit: context => {
      const { services, request, rawBody } = context
      const secret = services.settings.webhookSecret
      if (secret === undefined || adapter.admits(name => request.get(name), rawBody, secret)) return
      refuseWebhook(context)
    },
    body: z.looseObject({}).meta({ description: 'As the host sends it.' }),
    answers: {
      202: { description: 'Heard. Whether it concerns anything here is not said.', schema: acceptedSchema },
    },
    problems: ['TOO_MANY_REQUESTS'],
    async handle({ body }, _caller, { services, request }) {
      const events = eventsOf(adapter, request, body as Json)
      const concerned = events.length > 0 && (await services.actions.heard(events))
      services.metrics.webhooks.inc({
        outcome: events.length === 0 ? 'ignored' : concerned ? 'refreshed' : 'unknown',
      })
      return json(202, { status: 'accepted' })
    },
  })
}

/** @throws Problem `REQUEST_INVALID` for what the host does not send. */
function eventsOf(adapter: WebhookAdapter, request: Request, body: Json): readonly WebhookEvent[] {
  const header = (name: string): string | undefined => request.get(name)
  const refuse = (message: string): Problem =>
    new Problem('REQUEST_INVALID', { errors: [{ pointer: '/body', message }] })
  if (!adapter.recognises(header)) throw refuse(`the headers are not those of a webhook of ${adapter.host}`)
  try {
    return adapter.read(header, body)
  } catch (error) {
    if (error instanceof WebhookError) throw refuse(error.message)
    throw error
  }
}

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
export function admitWebhook(context: Context): void {
  const { services, request, rawBody } = context
  const secret = services.settings.webhookSecret
  if (secret === undefined) return
  const token = request.get('X-Flotilla-Token')
  if (token !== undefined && equalText(token, secret)) return
  if (provesHmac(request.get('X-Hub-Signature-256'), rawBody, secret)) return
  refuseWebhook(context)
}

function refuseWebhook({ services }: Context): never {
  services.metrics.webhooks.inc({ outcome: 'refused' })
  throw new Problem('UNAUTHENTICATED')
}
