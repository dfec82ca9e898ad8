import { z } from 'zod'
import { one } from '../../access/route-access.ts'
import { requireApplication } from '../../access/seen-application.ts'
import { accepted, deskOf, REFUSALS, replyTo } from '../desk-answers.ts'
import { keyFields, reasonField, syncFields } from '../operation-fields.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { wishOf } from '../retry-wish.ts'
import { type Route, route } from '../route.ts'
import { revisionField } from '../schemas-of-operations.ts'
import { syncRevision } from './sync-revision.ts'

const named = z.strictObject({ name: nameParameter })
const ACTIONS = ['restart', 'scale', 'suspend', 'resume', 'inspect'] as const

const actionBody = z
  .strictObject({
    ...keyFields,
    replicas: z.int().min(0).max(1_000_000).optional().meta({ description: 'Of scale: to how many.' }),
    reason: reasonField,
  })
  .meta({ id: 'ObjectAction' })

/** What people do by hand to one Application. */
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
]
