import type { MessageRow } from '@flotilla/core/ports/store'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { all } from '../../access/route-access.ts'
import type { Notifier } from '../../notify/notifier.ts'
import { listOf } from '../list-of.ts'
import { anyOfEnum, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'

const time = z.iso.datetime()
const STATES = ['waiting', 'sent', 'dead'] as const

const routeSchema = z
  .strictObject({
    name: z.string(),
    team: z.string().nullable().meta({ description: 'The team whose eyes it has; null: the whole fleet.' }),
    trouble: z.string().nullable().meta({ description: 'Why it tells nothing, while that is so.' }),
    triggers: z.array(z.string()),
    targets: z.array(z.strictObject({ name: z.string(), kind: z.string() })),
    incidents: z.array(
      z.strictObject({
        id: z.string(),
        trigger: z.string(),
        cause: z.string(),
        openedAt: time,
        firing: z.int(),
        total: z.int().meta({ description: 'Whoever was part of it.' }),
        toldAt: time.nullable(),
      }),
    ),
    waiting: z.int(),
    dead: z.int(),
    lastError: z.string().nullable(),
    at: z.strictObject({ file: z.string(), line: z.int() }),
  })
  .meta({ id: 'NotificationRoute' })

const messageSchema = z
  .strictObject({
    id: z.string().meta({ description: 'The same at each attempt: targets get it, too.' }),
    route: z.string(),
    target: z.string(),
    kind: z.enum(['firing', 'update', 'resolved', 'event', 'test']),
    state: z.enum(STATES),
    title: z.string(),
    createdAt: time,
    dueAt: time.meta({ description: 'Of one that waits: when it is tried.' }),
    attempts: z.int().meta({ description: 'Attempts that failed.' }),
    error: z.strictObject({ code: z.string(), message: z.string(), at: time }).nullable(),
    sentAt: time.nullable(),
  })
  .meta({ id: 'NotificationMessage' })

const routesList = listOf<z.input<typeof routeSchema>>({
  name: 'notifications',
  item: routeSchema,
  sorts: {
    name: ({ name }) => name,
    waiting: ({ waiting }) => waiting,
    dead: ({ dead }) => dead,
    incidents: ({ incidents }) => incidents.length,
  },
  sort: 'name',
  idOf: ({ name }) => name,
  words: [
    'name, team, trouble, triggers, targets or last error',
    ({ name, team, trouble, triggers, targets, lastError }) => [
      ...[name, team, trouble, lastError, ...triggers],
      ...targets.map(target => `${target.kind} ${target.name}`),
    ],
  ],
})
const messages = listOf<z.input<typeof messageSchema>>({
  name: 'notification-messages',
  item: messageSchema,
  sorts: {
    createdAt: ({ createdAt }) => createdAt,
    dueAt: ({ dueAt }) => dueAt,
    route: ({ route: name }) => name,
    state: ({ state }) => state,
    attempts: ({ attempts }) => attempts,
  },
  sort: '-createdAt',
  idOf: ({ id }) => id,
  words: [
    'id, route, target, title or error',
    ({ id, route: name, target, title, error }) => [id, name, target, title, error?.code, error?.message],
  ],
})

/** Who is told of what, and what became of it. Messages hold what routes see, so all of it is asked for together. */
export const notificationRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/notifications',
    id: 'listNotifications',
    tag: 'notifications',
    summary: 'Notification routes with their incidents, and whether their messages get through',
    access: all('hub', 'get'),
    query: z.strictObject(routesList.query),
    answers: { 200: { description: 'A page.', schema: routesList.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, { services }) {
      const { notifications } = services
      const { waiting, dead } = await services.store.read(async rows => ({
        waiting: await rows.messages('waiting'),
        dead: await rows.messages('dead'),
      }))
      const routes = (notifications?.routes ?? []).map(one => {
        const mine = ({ route: name }: MessageRow): boolean => name === one.name
        const failed = [...dead, ...waiting].filter(mine).flatMap(({ error }) => error ?? [])
        return {
          name: one.name,
          team: one.spec.team ?? null,
          trouble: one.trouble ?? null,
          triggers: one.triggers.map(({ name }) => name),
          targets: one.spec.targets.map(({ name, kind }) => ({ name, kind })),
          incidents: notifications!.incidentsOf(one.name).map(({ row, firing }) => ({
            ...{ id: row.id, trigger: row.trigger, cause: String(row.cause['text']), openedAt: isoTime(row.openedAt) },
            ...{ firing, total: row.total, toldAt: row.toldAt === undefined ? null : isoTime(row.toldAt) },
          })),
          waiting: waiting.filter(mine).length,
          dead: dead.filter(mine).length,
          lastError: failed.sort((a, b) => a.at - b.at).at(-1)?.message ?? null,
          at: { file: one.document.position.file, line: one.document.position.line },
        }
      })
      return json(200, routesList.page(routes, query))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/notifications/messages',
    id: 'listNotificationMessages',
    tag: 'notifications',
    summary: 'Messages, newest first: those that wait, those of a day, and for a week those that nobody took',
    access: all('hub', 'get'),
    query: z.strictObject({
      state: anyOfEnum('Only in this state', STATES),
      route: nameParameter.optional(),
      ...messages.query,
    }),
    answers: { 200: { description: 'A page.', schema: messages.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, { services }) {
      const { state, route: wanted } = query
      const rows = (await services.store.read(reader => reader.messages()))
        .filter(row => state === undefined || state.includes(row.state))
        .filter(row => wanted === undefined || row.route === wanted)
      return json(200, messages.page(rows.map(messageJson), query, [state?.toSorted() ?? null, wanted ?? null]))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/notifications/messages/{id}/retry',
    id: 'retryNotificationMessage',
    tag: 'notifications',
    summary: 'Tries a message again that waits or is dead',
    access: all('hub', 'update'),
    parameters: z.strictObject({ id: nameParameter }),
    answers: { 202: { description: 'It is tried now.', schema: messageSchema } },
    problems: ['NOT_FOUND', 'UNAVAILABLE'],
    async handle({ path }, _caller, context) {
      const row = await notifierOf(context).retry(path.id)
      if (row === undefined) throw new Problem('NOT_FOUND')
      return json(202, messageJson(row))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/notifications/{name}/test',
    id: 'testNotificationRoute',
    tag: 'notifications',
    summary: 'Sends a test message to each target of a route',
    access: all('hub', 'update'),
    parameters: z.strictObject({ name: nameParameter }),
    answers: {
      202: {
        description: 'The messages, which are sent now.',
        schema: z.strictObject({ items: z.array(messageSchema) }).meta({ id: 'TestMessages' }),
      },
    },
    problems: ['NOT_FOUND', 'UNAVAILABLE'],
    async handle({ path }, caller, context) {
      const rows = await notifierOf(context).test(path.name, caller.name)
      if (rows === undefined) throw new Problem('NOT_FOUND')
      return json(202, { items: rows.map(messageJson) })
    },
  }),
]

function notifierOf({ services }: Context): Notifier {
  if (!services.notifications) throw new Problem('UNAVAILABLE', { detail: 'this hub notifies nobody' })
  return services.notifications
}

function messageJson(row: MessageRow): z.input<typeof messageSchema> {
  const { error } = row
  return {
    ...{ id: row.id, route: row.route, target: row.target, kind: row.kind, state: row.state },
    title: String(row.content['title']),
    ...{ createdAt: isoTime(row.createdAt), dueAt: isoTime(row.dueAt), attempts: row.attempts },
    error: error === undefined ? null : { code: error.code, message: error.message, at: isoTime(error.at) },
    sentAt: row.sentAt === undefined ? null : isoTime(row.sentAt),
  }
}
