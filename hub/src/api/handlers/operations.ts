import type { StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type FollowedView, viewCommand, viewGrant } from '@flotilla/core/view/followed-view'
import { z } from 'zod'
import { applicationObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import { requireApplication } from '../../access/seen-application.ts'
import type { DeskAnswer, OperationDesk, SyncWish } from '../../operations/operation-desk.ts'
import { pageOfList } from '../page-of-list.ts'
import { anyOf, cursorParameter, limitParameter, nameParameter, selectorParameter } from '../parameters.ts'
import { Problem, type ProblemCode } from '../problem.ts'
import { retrySchema, wishOf } from '../retry-wish.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import { pageOfSchema } from '../schemas.ts'
import { acceptedSchema, revisionField } from '../schemas-of-operations.ts'
import { EVERYTHING_VISIBLE } from '../visible-set.ts'
import { syncRevision } from './sync-revision.ts'

const named = z.strictObject({ name: nameParameter })
const reasonField = z.string().max(2000).default('').meta({ description: 'Why; kept in the audit log.' })
const keyFields = {
  group: z.string().max(253).default('').meta({ description: 'Empty for the core group.' }),
  kind: z.string().min(1).max(253),
  namespace: z.string().max(253).default('').meta({ description: 'Empty for what has none.' }),
  name: z.string().min(1).max(253),
}
const keySchema = z.strictObject(keyFields)

const syncFields = {
  dryRun: z.boolean().default(false).meta({ description: 'Writes nothing; the operation says what would be.' }),
  prune: z.boolean().default(false).meta({ description: 'Deletes what is no longer in the source.' }),
  resources: z.array(keySchema).max(1000).default([]).meta({ description: 'Only these objects; empty: all.' }),
  retry: retrySchema.optional(),
  reason: reasonField,
}

const time = z.iso.datetime()
const anyObject = z.record(z.string(), z.unknown())

export const followedSchema = z
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

const ACTIONS = ['restart', 'scale', 'suspend', 'resume', 'inspect'] as const

const actionBody = z
  .strictObject({
    ...keyFields,
    replicas: z.int().min(0).max(1_000_000).optional().meta({ description: 'Of scale: to how many.' }),
    reason: reasonField,
  })
  .meta({ id: 'ObjectAction' })

const bulkBody = z
  .strictObject({
    action: z.enum(['sync', 'terminate']),
    applications: z.array(z.string().min(1).max(253)).max(1000).default([]).meta({ description: 'By name.' }),
    labels: selectorParameter,
    project: anyOf('Only of these Projects'),
    cluster: anyOf('Only for these clusters'),
    set: anyOf('Only of these ApplicationSets'),
    dryRun: z.boolean().default(false).meta({ description: 'Answers the plan, and does nothing.' }),
    sync: z.strictObject(syncFields).omit({ reason: true }).prefault({}),
    reason: reasonField,
  })
  .meta({ id: 'BulkOperation' })

const bulkAnswer = z
  .strictObject({
    items: z.array(
      z.strictObject({
        application: z.string(),
        cluster: z.string(),
        status: z.enum(['planned', 'accepted', 'cancelled', 'refused']),
        id: z.string().nullable(),
        code: z.string().nullable(),
        message: z.string(),
      }),
    ),
    total: z.int(),
  })
  .meta({ id: 'BulkOperationAnswer' })

const REFUSALS = ['OPERATION_HELD', 'OPERATION_BUSY', 'OPERATION_NONE', 'AGENT_NOT_JOINED'] as const
const accepted = { 202: { description: 'It is on its way.', schema: acceptedSchema } }

/** What people do to Applications by hand, and what became of it. */
export const operationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/sync',
    id: 'syncApplication',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Sync what is offered now',
    access: one('applications', 'sync'),
    parameters: named,
    body: z.strictObject({ ...syncFields, revision: revisionField }).meta({ id: 'SyncRequest' }),
    answers: accepted,
    problems: [...REFUSALS, 'PIN_IMPOSSIBLE'],
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'sync', caller, context)
      const wish = { ...wishOf(body), reason: body.reason, by: caller.name }
      if (body.revision !== undefined) return await syncRevision(path.name, body.revision, wish, caller, context)
      return replyTo(await deskOf(context).sync(path.name, wish))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/terminate',
    id: 'terminateApplication',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'End the operation that runs, or take back the permission of one that has not begun',
    access: one('applications', 'sync'),
    parameters: named,
    body: z.strictObject({ reason: reasonField }).meta({ id: 'TerminateRequest' }),
    answers: accepted,
    problems: REFUSALS,
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'sync', caller, context)
      return replyTo(await deskOf(context).terminate(path.name, { by: caller.name, reason: body.reason }))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/actions/{action}',
    id: 'actOnObject',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Restart, scale, suspend or resume one object of the Application, or ask what it is now',
    access: one('applications', 'action/{group}/{kind}/{action}', '`inspect`: get'),
    parameters: z.strictObject({ name: nameParameter, action: z.enum(ACTIONS) }),
    body: actionBody,
    answers: accepted,
    problems: [...REFUSALS, 'ACTION_IMPOSSIBLE'],
    async handle({ path, body }, caller, context) {
      const { replicas, reason, ...object } = body
      const action = path.action === 'inspect' ? 'get' : `action/${object.group}/${object.kind}/${path.action}`
      requireApplication(path.name, action, caller, context)
      const asker = { by: caller.name, reason }
      const verb = path.action
      if (verb !== 'scale') return replyTo(await deskOf(context).command(path.name, { verb, object }, asker))
      if (replicas === undefined) {
        const errors = [{ pointer: '/body/replicas', message: 'to how many it is to be scaled' }]
        throw new Problem('REQUEST_INVALID', { errors })
      }
      return replyTo(await deskOf(context).command(path.name, { verb, object, replicas }, asker))
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/applications/{name}/resources',
    id: 'deleteResource',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Delete the one object of the Application that has this UID',
    access: one('applications', 'delete/{group}/{kind}/{namespace}/{name}'),
    parameters: named,
    query: z.strictObject({
      ...keyFields,
      uid: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'a UID')
        .meta({ description: 'As `inspect` has told it: another object of that name is left alone.' }),
      reason: reasonField,
    }),
    answers: accepted,
    problems: [...REFUSALS, 'ACTION_IMPOSSIBLE'],
    async handle({ path, query }, caller, context) {
      const { uid, reason, ...object } = query
      const { group, kind, namespace, name } = object
      requireApplication(path.name, `delete/${group}/${kind}/${namespace}/${name}`, caller, context)
      const asker = { by: caller.name, reason }
      return replyTo(await deskOf(context).command(path.name, { verb: 'delete', object, uid }, asker))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/operations',
    id: 'operateOnMany',
    tag: 'operations',
    summary: 'Sync or terminate many Applications; with dryRun, what would become of each',
    access: each('applications', 'sync'),
    body: bulkBody,
    answers: { 200: { description: 'What became, or would become, of each.', schema: bulkAnswer } },
    async handle({ body }, caller, context) {
      const desk = deskOf(context)
      const rights = rightsOf(caller, context)
      const asker = { by: caller.name, reason: body.reason }
      const items = []
      for (const { name, cluster, view } of chosen(body, context)) {
        if (view !== undefined && !rights.may('sync', applicationObject(view))) {
          const { message } = new Problem('FORBIDDEN')
          items.push({ application: name, cluster, status: 'refused', id: null, code: 'FORBIDDEN', message })
          continue
        }
        if (view === undefined) {
          const { message } = new Problem('NOT_FOUND')
          items.push({ application: name, cluster, status: 'refused', id: null, code: 'NOT_FOUND', message })
          continue
        }
        const answer =
          body.action === 'terminate'
            ? body.dryRun
              ? await desk.wouldTerminate(name, asker)
              : await desk.terminate(name, asker)
            : body.dryRun
              ? await desk.wouldSync(name, { ...wishOf(body.sync), ...asker })
              : await desk.sync(name, { ...wishOf(body.sync), ...asker })
        items.push(itemOf(name, cluster, answer, body.dryRun))
      }
      return json(200, { items, total: items.length })
    },
  }),
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
      limit: limitParameter,
      cursor: cursorParameter,
    }),
    answers: { 200: { description: 'A page.', schema: pageOfSchema(followedSchema) } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, context) {
      const { application, cluster } = query
      const wanted = (await underWay(context, cluster)).filter(
        each => application === undefined || each.application === application,
      )
      return json(
        200,
        pageOfList(`operations ${application ?? ''} ${cluster ?? ''}`, wanted, ({ id }) => id, query),
      )
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/operations/{id}',
    id: 'getOperation',
    tag: 'operations',
    summary: 'One operation or command: waiting, running, or what became of it',
    access: one('applications', 'get'),
    parameters: z.strictObject({ id: nameParameter }),
    answers: { 200: { description: 'It.', schema: followedSchema } },
    async handle({ path }, _caller, context) {
      const { services, now } = context
      const followed = await services.store.read(async rows => {
        const id = await applicationOf(rows, path.id)
        return id !== undefined && isSeen(id, context) ? await follow(rows, path.id, now) : undefined
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

/** By Grant or command; an operation that no Grant here names (of a hub before a restore) is in the history alone. */
export async function follow(rows: StoreReader, id: string, now: EpochMs): Promise<FollowedView | undefined> {
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
  const shown = services.view.applications({ ...EVERYTHING, filters }, now, context.visible).items
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

const EVERYTHING = {
  words: [],
  labels: [],
  sort: 'name',
  descending: false,
  limit: Number.POSITIVE_INFINITY,
} as const

interface Choice {
  readonly applications: readonly string[]
  readonly labels?:
    | { readonly selector: Parameters<Context['services']['view']['applications']>[0]['labels'] }
    | undefined
  readonly project?: readonly string[] | undefined
  readonly cluster?: readonly string[] | undefined
  readonly set?: readonly string[] | undefined
}

/** @throws Problem `REQUEST_INVALID`: everything is never meant by saying nothing. */
function chosen({ applications, labels, project, cluster, set }: Choice, { services, now, visible }: Context) {
  const filters = {
    ...(project && { project: new Set(project) }),
    ...(cluster && { cluster: new Set(cluster) }),
    ...(set && { set: new Set(set) }),
  }
  const names = new Set(applications)
  if (names.size === 0 && labels === undefined && Object.keys(filters).length === 0) {
    const errors = [{ pointer: '/body', message: 'say which: applications, labels, project, cluster or set' }]
    throw new Problem('REQUEST_INVALID', { errors })
  }
  const query = { ...EVERYTHING, filters, labels: labels?.selector ?? [] }
  const { items } = services.view.applications(query, now, visible)
  const wanted = names.size === 0 ? items : items.filter(({ name }) => names.delete(name))
  // A name that is not there, or may not be seen, is answered like any other that cannot be done.
  const missing =
    names.size === 0 || items === wanted ? [] : [...names].map(name => ({ name, cluster: '', view: undefined }))
  if (wanted.length + missing.length > MOST_AT_ONCE) {
    const errors = [{ pointer: '/body', message: `that is ${wanted.length}; at most ${MOST_AT_ONCE} at once` }]
    throw new Problem('REQUEST_INVALID', { errors })
  }
  return [...wanted.map(view => ({ name: view.name, cluster: view.cluster, view })), ...missing]
}

const MOST_AT_ONCE = 2000

function itemOf(application: string, cluster: string, answer: DeskAnswer, planned: boolean) {
  if (answer.kind === 'refused') {
    const { message } = answer
    return { application, cluster, status: 'refused', id: null, code: CODES[answer.code], message }
  }
  const status = planned ? 'planned' : answer.kind
  return { application, cluster, status, id: planned ? null : answer.id, code: null, message: '' }
}

export const CODES: Readonly<Record<Extract<DeskAnswer, { kind: 'refused' }>['code'], ProblemCode>> = {
  UNKNOWN: 'NOT_FOUND',
  HELD: 'OPERATION_HELD',
  REASON_REQUIRED: 'REASON_REQUIRED',
  BUSY: 'OPERATION_BUSY',
  IDLE: 'OPERATION_NONE',
  NO_AGENT: 'AGENT_NOT_JOINED',
  TOO_MANY: 'TOO_MANY_REQUESTS',
  VERB: 'ACTION_IMPOSSIBLE',
  NO_TARGET: 'PIN_IMPOSSIBLE',
}

/** @throws Problem for what was refused. */
export function replyTo(answer: DeskAnswer): Reply {
  if (answer.kind !== 'refused') return json(202, { id: answer.id, status: answer.kind })
  const code = CODES[answer.code]
  throw new Problem(code, code === 'NOT_FOUND' ? {} : { detail: answer.message })
}

/** @returns the operation's id, to follow. @throws Problem */
export async function syncByHand(name: string, wish: SyncWish, context: Context): Promise<string> {
  const answer = await deskOf(context).sync(name, wish)
  if (answer.kind !== 'refused') return answer.id
  const code = CODES[answer.code]
  throw new Problem(code, code === 'NOT_FOUND' ? {} : { detail: answer.message })
}

function deskOf({ services }: Context): OperationDesk {
  if (!services.desk) throw new Problem('UNAVAILABLE', { detail: 'this hub takes no operations by hand' })
  return services.desk
}
