import type { BulkOperationRow, StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type FollowedView, viewCommand, viewGrant } from '@flotilla/core/view/followed-view'
import { z } from 'zod'
import { each, one } from '../../access/route-access.ts'
import { readBulk } from '../../operations/run-bulk.ts'
import { EVERY_APPLICATION } from '../application-query.ts'
import { followBulk, followedBulkSchema } from '../follow-bulk.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { EVERYTHING_VISIBLE } from '../visible-set.ts'

const time = z.iso.datetime()
const anyObject = z.record(z.string(), z.unknown())

const followedSchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['sync', 'removal', 'command']),
    application: z.string(),
    cluster: z.string(),
    state: z.enum(['waiting', 'running', 'succeeded', 'failed', 'refused', 'lapsed', 'cancelled', 'unknown']),
    message: z.string(),
    by: z.string(),
    trigger: z.string(),
    dryRun: z.boolean(),
    resources: z.array(anyObject),
    createdAt: time,
    startBefore: time,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    action: anyObject.nullable(),
    result: anyObject.nullable(),
    attempts: z.int().meta({ description: 'How often it was tried.' }),
    resumesAt: time.nullable().meta({ description: 'When a gate opens, or the next attempt begins.' }),
    results: z.array(anyObject),
    resultsCut: z.int(),
  })
  .meta({ id: 'FollowedOperation', description: 'What somebody asked for, from the asking to its end.' })

const underWayList = listOf<FollowedView>({
  name: 'operations',
  item: followedSchema,
  sorts: {
    createdAt: ({ createdAt }) => createdAt,
    startBefore: ({ startBefore }) => startBefore,
    startedAt: ({ startedAt }) => startedAt ?? '',
    application: ({ application }) => application,
    cluster: ({ cluster }) => cluster,
    state: ({ state }) => state,
    kind: ({ kind }) => kind,
  },
  sort: 'createdAt',
  idOf: ({ id }) => id,
  words: [
    'id, Application, cluster, kind, trigger, who asked or message',
    ({ id, application, cluster, kind, trigger, by, message }) => [
      id,
      application,
      cluster,
      kind,
      trigger,
      by,
      message,
    ],
  ],
})

/** What became of what people asked for: operations and commands from the asking to their end. */
export const followedOperationRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/operations',
    id: 'listOperations',
    tag: 'operations',
    summary: 'Operations and commands that wait or run, in order of making; what has ended is in each history',
    access: each('applications', 'get'),
    query: z.strictObject({
      application: z.string().max(253).optional().meta({ description: 'Only of this Application.' }),
      cluster: z.string().max(253).optional().meta({ description: 'Only for this cluster.' }),
      ...underWayList.query,
    }),
    answers: { 200: { description: 'A page.', schema: underWayList.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, context) {
      const { application, cluster } = query
      const wanted = (await underWay(context, cluster)).filter(
        each => application === undefined || each.application === application,
      )
      return json(200, underWayList.page(wanted, query, [application ?? null, cluster ?? null]))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/operations/{id}',
    id: 'getOperation',
    tag: 'operations',
    summary: 'One operation or command, or what was asked of many: waiting, running, or what became of it',
    access: one('applications', 'get'),
    parameters: z.strictObject({ id: nameParameter }),
    answers: { 200: { description: 'It.', schema: z.union([followedSchema, followedBulkSchema]) } },
    async handle({ path }, caller, context) {
      const { services, now } = context
      const followed = await services.store.read(async rows => {
        const id = await applicationOf(rows, path.id)
        if (id !== undefined) return isSeen(id, context) ? await follow(rows, path.id, now) : undefined
        const many = await readBulk(rows, path.id)
        const items = many ? itemsSeen(many, caller.name, context) : []
        return many && items.length > 0 ? await followBulk(many, items, rows, now, follow) : undefined
      })
      if (!followed) throw new Problem('NOT_FOUND')
      return json(200, followed)
    },
  }),
]

/** Of which Application it is. */
async function applicationOf(rows: StoreReader, id: string): Promise<string | undefined> {
  return ((await rows.grant(id)) ?? (await rows.command(id)))?.applicationId
}

/** By the Application's id: another one may have its name by now. Of one that is gone, who sees everything. */
function isSeen(applicationId: string, { services, visible }: Context): boolean {
  const view = services.view.applicationOf(applicationId)
  return view === undefined ? visible.key === EVERYTHING_VISIBLE.key : visible.sees(view)
}

/** Of what was asked of many: names that there were none of are only told to whoever has written them. */
function itemsSeen({ by, items }: BulkOperationRow, asker: string, context: Context): BulkOperationRow['items'] {
  return items.filter(({ applicationId }) =>
    applicationId === undefined ? by === asker : isSeen(applicationId, context),
  )
}

/** By Grant or command; an operation that no Grant here names (of a hub before a restore) is in the history alone. */
async function follow(rows: StoreReader, id: string, now: EpochMs): Promise<FollowedView | undefined> {
  const grant = await rows.grant(id)
  const command = grant ? undefined : await rows.command(id)
  const row = grant ?? command
  if (!row) return undefined
  const application = await rows.application(row.applicationId)
  const cluster = await rows.cluster(row.clusterId)
  const place = { application: application?.name ?? row.applicationId, cluster: cluster?.name ?? row.clusterId }
  if (command) return viewCommand(command, place)
  return grant && viewGrant(grant, await rows.operation(grant.clusterId, id), place, now)
}

/** What was asked for and has not ended: open Grants and commands, and what agents say that they are doing. */
async function underWay(context: Context, cluster: string | undefined): Promise<readonly FollowedView[]> {
  const { services, now } = context
  const filters = cluster === undefined ? {} : { cluster: new Set([cluster]) }
  const shown = services.view.applications({ ...EVERY_APPLICATION, filters }, now, context.visible).items
  const running = shown.flatMap(({ operation }) =>
    operation && operation.finishedAt === null && operation.trigger !== 'heal' ? [operation.id] : [],
  )
  const followed = await services.store.read(async rows => {
    const ids = new Set(running)
    for (const { id, name } of await rows.clusters()) {
      if (cluster !== undefined && name !== cluster) continue
      for (const grant of await rows.openGrants(id)) if (isSeen(grant.applicationId, context)) ids.add(grant.id)
      for (const command of await rows.openCommands(id)) {
        if (isSeen(command.applicationId, context)) ids.add(command.id)
      }
    }
    return await Promise.all([...ids].sort().map(id => follow(rows, id, now)))
  })
  return followed.flatMap(each => (each?.state === 'waiting' || each?.state === 'running' ? [each] : []))
}
