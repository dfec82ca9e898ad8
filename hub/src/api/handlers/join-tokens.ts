import type { JoinTokenRow } from '@flotilla/core/ports/store'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { agentObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { all, each, one } from '../../access/route-access.ts'
import { admissionObject, admissionsOf } from '../admissions.ts'
import { labelsInput, labelsOutput } from '../cluster-labels.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { json, type Route, route } from '../route.ts'
import { joinTokenSchema } from '../schemas.ts'

const DAY_SECONDS = 24 * 60 * 60
const time = z.iso.datetime()

const tokenSchema = z
  .strictObject({
    id: z.string(),
    cluster: z.string().nullable(),
    pending: z.strictObject({ labels: labelsOutput, max: z.int(), asked: z.int() }).nullable(),
    state: z.enum(['open', 'used', 'expired', 'revoked']),
    createdAt: time,
    createdBy: z.string().nullable(),
    expiresAt: time,
  })
  .meta({
    id: 'JoinTokenRecord',
    description: 'A join token, without its secret, which nobody has but who was given it.',
  })

const pendingTokenSchema = z
  .strictObject({ id: z.string(), token: z.string(), labels: labelsOutput, max: z.int(), expiresAt: time })
  .meta({ id: 'PendingJoinToken', description: 'The token is shown this once.' })

const tokens = listOf<ReturnType<typeof shownToken>>({
  name: 'join-tokens',
  item: tokenSchema,
  sorts: {
    createdAt: ({ createdAt }) => createdAt,
    expiresAt: ({ expiresAt }) => expiresAt,
    cluster: ({ cluster }) => cluster ?? '',
    state: ({ state }) => state,
  },
  sort: 'createdAt',
  idOf: ({ id }) => id,
  words: ['id, cluster, maker or state', ({ id, cluster, createdBy, state }) => [id, cluster, createdBy, state]],
})

/** Tokens with which clusters join: of one, or of many that a person then approves. */
export const joinTokenRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/join-tokens',
    id: 'listJoinTokens',
    tag: 'clusters',
    summary: 'Join tokens that were made, without their secrets',
    sensitive: true,
    access: each('agents', 'register'),
    query: z.strictObject(tokens.query),
    answers: { 200: { description: 'A page.', schema: tokens.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { services, now } = context
      const rights = rightsOf(caller, context)
      const items = await services.store.read(async rows => {
        const asked = new Map<string, number>()
        for (const { tokenId } of await rows.enrolments()) asked.set(tokenId, (asked.get(tokenId) ?? 0) + 1)
        const seen = (await rows.joinTokens()).filter(token => rights.may('register', admissionObject(token)))
        return seen.map(token => shownToken(token, asked.get(token.id) ?? 0, now))
      })
      return json(200, tokens.page(items, query))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/join-tokens',
    id: 'createPendingJoinToken',
    secretAnswer: true,
    tag: 'clusters',
    summary: 'A token with which many clusters ask to join; each waits for approval',
    access: all('agents', 'register'),
    body: z
      .strictObject({
        labels: labelsInput.default({}).meta({ description: 'Of Clusters that become so by it.' }),
        max: z.int().min(1).max(100_000).meta({ description: 'How many agents may ask with it.' }),
        expiresInSeconds: z
          .int()
          .min(60)
          .max(30 * DAY_SECONDS)
          .default(7 * DAY_SECONDS),
      })
      .meta({ id: 'PendingJoinTokenRequest' }),
    answers: { 201: { description: 'The token, shown this once.', schema: pendingTokenSchema } },
    async handle({ body }, caller, { services }) {
      const { labels, max, expiresInSeconds } = body
      const wish = { labels, max, expiresInMs: expiresInSeconds * 1000, by: caller.name }
      const made = await services.actions.createPendingToken?.(wish)
      if (!made) throw new Problem('UNAVAILABLE')
      const { id, token, expiresAt } = made
      return json(201, { id, token, labels, max, expiresAt: isoTime(expiresAt) }, { 'Cache-Control': 'no-store' })
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/join-tokens/{id}/revoke',
    id: 'revokeJoinToken',
    tag: 'clusters',
    summary: 'A join token is good no more, for those who wait by it too',
    access: one('agents', 'register'),
    parameters: z.strictObject({ id: nameParameter }),
    answers: { 200: { description: 'The token.', schema: tokenSchema } },
    async handle({ path }, caller, context) {
      const { store } = context.services
      const token = (await store.read(rows => rows.joinTokens())).find(({ id }) => id === path.id)
      rightsOf(caller, context).require('register', token ? admissionObject(token) : agentObject(''))
      const revoked = await admissionsOf(context).revokeToken(path.id, caller.name)
      if (!revoked) throw new Problem('NOT_FOUND')
      const asked = (await store.read(rows => rows.enrolments(path.id))).length
      return json(200, shownToken(revoked, asked, context.now))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/clusters/{name}/join-tokens',
    id: 'createJoinToken',
    secretAnswer: true,
    tag: 'clusters',
    summary: 'A token with which this cluster joins, once',
    access: one('agents', 'register'),
    parameters: z.strictObject({ name: nameParameter }),
    answers: { 201: { description: 'The token, shown this once.', schema: joinTokenSchema } },
    async handle({ path }, caller, context) {
      const { services, now } = context
      const { name } = path
      rightsOf(caller, context).require('register', agentObject(name))
      if (services.view.cluster(name, now) === undefined) throw new Problem('NOT_FOUND')
      const { id, token, expiresAt } = await services.actions.createJoinToken(name, caller.name)
      const made = { id, cluster: name, token, expiresAt: isoTime(expiresAt) }
      return json(201, made, { 'Cache-Control': 'no-store' })
    },
  }),
]

function shownToken(token: JoinTokenRow, asked: number, now: number) {
  const state =
    token.revokedAt !== undefined
      ? 'revoked'
      : token.usedAt !== undefined
        ? 'used'
        : now >= token.expiresAt
          ? 'expired'
          : 'open'
  return {
    id: token.id,
    cluster: token.clusterName ?? null,
    pending: token.pending ? { ...token.pending, asked } : null,
    state,
    createdAt: isoTime(token.createdAt),
    createdBy: token.createdBy ?? null,
    expiresAt: isoTime(token.expiresAt),
  }
}
