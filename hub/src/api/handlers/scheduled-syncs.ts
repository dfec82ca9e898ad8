import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { each, one } from '../../access/route-access.ts'
import { requireApplication, seesApplicationNamed } from '../../access/seen-application.ts'
import type { ScheduledSync } from '../../scheduled-sync/scheduled-sync.ts'
import type { ScheduleAnswer } from '../../scheduled-sync/sync-schedule.ts'
import { gatesOf, instantOf, reasonSchema, timeSchema } from '../gate-input.ts'
import { listOf } from '../list-of.ts'
import { anyOfEnum, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { json, type Reply, type Route, route } from '../route.ts'

const time = z.iso.datetime()
const STATES = ['waiting', 'started', 'expired', 'cancelled', 'failed'] as const
const LONGEST_AHEAD_MS = 90 * 86_400_000

const scheduledSchema = z
  .strictObject({
    id: z.string(),
    application: z.string(),
    state: z.enum(STATES),
    message: z.string().meta({ description: 'What it waits for, or why it ended.' }),
    notBefore: time,
    expires: time,
    prune: z.boolean(),
    reason: z.string(),
    by: z.string(),
    madeAt: time,
    operation: z.string().nullable().meta({ description: 'To follow at /api/v1/operations/{id}.' }),
    endedAt: time.nullable(),
  })
  .meta({ id: 'ScheduledSync' })

const schedules = listOf<z.input<typeof scheduledSchema>>({
  name: 'scheduled-syncs',
  item: scheduledSchema,
  sorts: {
    madeAt: ({ madeAt }) => madeAt,
    notBefore: ({ notBefore }) => notBefore,
    application: ({ application }) => application,
    state: ({ state }) => state,
  },
  sort: '-madeAt',
  idOf: ({ id }) => id,
  words: [
    'id, Application, who asked, reason or message',
    ({ id, application, by, reason, message }) => [id, application, by, reason, message],
  ],
})

/** "Sync at 02:00": a sync by hand that starts when its time has come and every gate is open. */
export const scheduledSyncRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/scheduled-syncs',
    id: 'listScheduledSyncs',
    tag: 'operations',
    summary: 'Syncs that somebody has asked for at a time, newest first',
    access: each('applications', 'get'),
    query: z.strictObject({
      state: anyOfEnum('Only in this state', STATES),
      application: nameParameter.optional(),
      ...schedules.query,
    }),
    answers: { 200: { description: 'A page.', schema: schedules.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { state, application } = query
      const all = await gatesOf(context).schedule.list()
      const wanted = all
        .filter(one => seesApplicationNamed(one.application, caller, context))
        .filter(each => state === undefined || state.includes(each.state))
        .filter(each => application === undefined || application === each.application)
        .map(scheduledJson)
      return json(200, schedules.page(wanted, query, [state?.toSorted() ?? null, application ?? null]))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/scheduled-syncs',
    id: 'scheduleSync',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Sync the Application from a time on, as soon as every gate is open',
    access: one('applications', 'sync'),
    parameters: z.strictObject({ name: nameParameter }),
    body: z
      .strictObject({
        notBefore: timeSchema,
        expires: timeSchema.optional().meta({ description: 'Not after; a day after notBefore without it.' }),
        prune: z.boolean().default(false),
        reason: reasonSchema.default(''),
      })
      .meta({ id: 'SyncSchedule' }),
    answers: { 201: { description: 'It waits.', schema: scheduledSchema } },
    problems: ['TOO_MANY_REQUESTS'],
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'sync', caller, context)
      const { now } = context
      const notBefore = instantOf(body.notBefore, now)!
      const expires = body.expires === undefined ? notBefore + 86_400_000 : instantOf(body.expires, now)!
      const wrong = (pointer: string, message: string) => {
        throw new Problem('REQUEST_INVALID', { errors: [{ pointer, message }] })
      }
      if (expires <= notBefore || expires <= now) wrong('/body/expires', 'is not after notBefore, or past')
      if (expires > now + LONGEST_AHEAD_MS) wrong('/body/expires', 'is more than ninety days away')
      const { prune, reason } = body
      const wish = { application: path.name, notBefore, expires, prune, reason }
      return told(await gatesOf(context).schedule.schedule(wish, caller), 201)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/scheduled-syncs/{id}/cancel',
    id: 'cancelScheduledSync',
    tag: 'operations',
    summary: 'Cancel a sync that has not started',
    access: one('applications', 'sync'),
    parameters: z.strictObject({ id: nameParameter }),
    body: z.strictObject({ reason: reasonSchema.default('') }).meta({ id: 'ScheduleCancellation' }),
    answers: { 200: { description: 'It is cancelled.', schema: scheduledSchema } },
    problems: ['SCHEDULE_ENDED'],
    async handle({ path, body }, caller, context) {
      const waiting = (await gatesOf(context).schedule.list()).find(({ id }) => id === path.id)
      if (waiting === undefined || !seesApplicationNamed(waiting.application, caller, context)) {
        throw new Problem('NOT_FOUND')
      }
      requireApplication(waiting.application, 'sync', caller, context)
      return told(await gatesOf(context).schedule.cancel(path.id, caller.name, body.reason), 200)
    },
  }),
]

function told(answer: ScheduleAnswer, status: number): Reply {
  switch (answer.kind) {
    case 'done':
      return json(status, scheduledJson(answer.value))
    case 'unknown':
      throw new Problem('NOT_FOUND')
    case 'too-many':
      throw new Problem('TOO_MANY_REQUESTS', { detail: 'Too many syncs wait for their time; cancel some.' })
    case 'too-late':
      throw new Problem('SCHEDULE_ENDED', { detail: `It is ${answer.value.state}: ${answer.value.message}.` })
  }
}

function scheduledJson(sync: ScheduledSync): z.input<typeof scheduledSchema> {
  const { id, application, state, message, notBefore, expires, prune, reason, by, madeAt, operation, endedAt } = sync
  return {
    ...{ id, application, state, message, notBefore: isoTime(notBefore), expires: isoTime(expires), prune, reason, by },
    ...{ madeAt: isoTime(madeAt), operation: operation ?? null },
    endedAt: endedAt === undefined ? null : isoTime(endedAt),
  }
}
