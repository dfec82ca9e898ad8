import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import type { AdminRight, AdminRights, AgreementAnswer } from '../../access/admin-rights.ts'
import { PEOPLE_NEEDED } from '../../access/agreements.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { all } from '../../access/route-access.ts'
import { reasonSchema } from '../gate-input.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'

const rightSchema = z
  .strictObject({
    id: z.string(),
    subject: z.string().meta({ description: 'A user, a group, a Team, or everybody.' }),
    row: z.string(),
    state: z.enum(['waiting', 'approved', 'unused']).meta({
      description: 'waiting: it is not in force; unused: it was agreed to, and no document gives it any more.',
    }),
    gives: z.array(z.string()).meta({ description: 'The rows that decide about others, which the subject has by it.' }),
    listOnly: z.boolean().meta({ description: 'Only `access.admins` of hub.yaml puts it in force.' }),
    source: z.string().nullable(),
    file: z.string().nullable(),
    line: z.int().nullable(),
    people: z.array(z.strictObject({ by: z.string(), at: z.iso.datetime(), comment: z.string() })),
    peopleNeeded: z.int(),
  })
  .meta({ id: 'AdminRight', description: 'A row that would make somebody an administrator.' })

const rights = listOf<z.input<typeof rightSchema>>({
  name: 'rights',
  item: rightSchema,
  sorts: { state: ({ state }) => state, subject: ({ subject }) => subject },
  sort: '-state',
  idOf: ({ id }) => id,
  words: ['id, subject, row or file', ({ id, subject, row, file }) => [id, subject, row, file]],
})
const one = z.strictObject({ id: nameParameter })

/** Two people for an administrator. */
export const adminRightRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/access/admin-rights',
    id: 'listAdminRights',
    tag: 'access',
    summary: 'Rows that would make somebody an administrator: which wait, and who has agreed to them',
    access: all('accounts', 'get'),
    query: z.strictObject(rights.query),
    answers: { 200: { description: 'A page, those that wait first.', schema: rights.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, context) {
      return json(200, rights.page((await deskOf(context).list()).map(rightJson), query))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/access/admin-rights/{id}/approve',
    id: 'approveAdminRight',
    tag: 'access',
    summary: 'Agree that somebody is an administrator; in force when two different people have who gain nothing by it',
    access: all('accounts', 'update'),
    parameters: one,
    body: z.strictObject({ comment: reasonSchema.default('') }).meta({ id: 'AdminRightApproval' }),
    answers: { 200: { description: 'The right as it is now.', schema: rightSchema } },
    problems: ['NOT_FOUND', 'RIGHT_OWN', 'RIGHT_NEEDS_PERSON', 'RIGHT_LIST_ONLY'],
    async handle({ path, body }, caller, context) {
      const mine = rightsOf(caller, context)
      return told(await deskOf(context).approve(path.id, caller, body.comment, team => mine.isOfTeam(team)))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/access/admin-rights/{id}/revoke',
    id: 'revokeAdminRight',
    tag: 'access',
    summary: 'Take back what was agreed to; one person is enough for that',
    access: all('accounts', 'update'),
    parameters: one,
    body: z.strictObject({ reason: reasonSchema.default('') }).meta({ id: 'AdminRightRevocation' }),
    answers: { 200: { description: 'The right as it is now.', schema: rightSchema } },
    problems: ['NOT_FOUND'],
    async handle({ path, body }, caller, context) {
      return told(await deskOf(context).revoke(path.id, caller, body.reason))
    },
  }),
]

/** @throws Problem `UNAVAILABLE` where the hub keeps no policy. */
function deskOf({ services }: Context): AdminRights {
  if (services.adminRights === undefined) throw new Problem('UNAVAILABLE', { headers: { 'Retry-After': '60' } })
  return services.adminRights
}

function told(answer: AgreementAnswer): Reply {
  if (answer.kind === 'done') return json(200, rightJson(answer.right))
  if (answer.kind === 'unknown') throw new Problem('NOT_FOUND')
  throw new Problem(answer.code, { detail: answer.detail })
}

function rightJson({ id, subject, text, state, right, people }: AdminRight): z.input<typeof rightSchema> {
  const { source = null, file = null, line = null } = right?.place ?? {}
  return {
    ...{ id, subject, row: text, state, gives: [...(right?.gives ?? [])], listOnly: right?.listOnly === true },
    ...{ source, file, line },
    people: people.map(({ by, at, comment }) => ({ by, at: isoTime(at), comment })),
    peopleNeeded: PEOPLE_NEEDED,
  }
}
