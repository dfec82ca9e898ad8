import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { BulkOperationItem, BulkOperationRow } from '@flotilla/core/ports/store'
import { z } from 'zod'
import { applicationObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each } from '../../access/route-access.ts'
import type { DeskAnswer } from '../../operations/operation-desk.ts'
import type { PauseAnswer } from '../../operations/pause-desk.ts'
import { EVERY_APPLICATION } from '../application-query.ts'
import { CODES, deskOf, pauseEnd, pausesOf } from '../desk-answers.ts'
import { BULK_KEPT_MS } from '../follow-bulk.ts'
import type { LabelSelector } from '../label-selector.ts'
import { reasonField, syncFields } from '../operation-fields.ts'
import { anyOf, selectorParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { wishOf } from '../retry-wish.ts'
import { type Context, json, type Route, route } from '../route.ts'

const bulkBody = z
  .strictObject({
    action: z.enum(['sync', 'terminate', 'pause', 'resume']),
    applications: z.array(z.string().min(1).max(253)).max(1000).default([]).meta({ description: 'By name.' }),
    labels: selectorParameter,
    project: anyOf('Only of these Projects'),
    cluster: anyOf('Only for these clusters'),
    set: anyOf('Only of these ApplicationSets'),
    dryRun: z.boolean().default(false).meta({ description: 'Answers the plan, and does nothing.' }),
    sync: z.strictObject(syncFields).omit({ reason: true }).prefault({}),
    until: z.iso.datetime().optional().meta({ description: 'Of a pause: when it ends by itself.' }),
    reason: reasonField,
  })
  .meta({ id: 'BulkOperation' })

const bulkAnswer = z
  .strictObject({
    id: z.string().nullable().meta({ description: 'To follow all of it at /api/v1/operations/{id}; null for a plan.' }),
    items: z.array(
      z.strictObject({
        application: z.string(),
        cluster: z.string(),
        status: z.enum(['planned', 'accepted', 'done', 'cancelled', 'refused']),
        id: z.string().nullable(),
        code: z.string().nullable(),
        message: z.string(),
      }),
    ),
    total: z.int(),
  })
  .meta({ id: 'BulkOperationAnswer' })

/** What one may do to many Applications in one request, and what would become of each. */
export const bulkOperationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/operations',
    id: 'operateOnMany',
    tag: 'operations',
    summary: 'Sync, terminate, pause or resume many Applications; with dryRun, what would become of each',
    access: each('applications', 'sync', 'to pause and to resume: applications, rollback'),
    body: bulkBody,
    answers: {
      200: { description: 'The plan: what would become of each.', schema: bulkAnswer },
      202: { description: 'What was accepted is on its way, and can be followed.', schema: bulkAnswer },
    },
    async handle({ body }, caller, context) {
      const rights = rightsOf(caller, context)
      const { right, act } = actOf(body, caller.name, context)
      const items: Decided[] = []
      for (const { name, cluster, view } of chosen(body, context)) {
        if (view !== undefined && !rights.may(right, applicationObject(view))) {
          const { message } = new Problem('FORBIDDEN')
          items.push({ application: name, cluster, status: 'refused', id: null, code: 'FORBIDDEN', message })
          continue
        }
        if (view === undefined) {
          const { message } = new Problem('NOT_FOUND')
          items.push({ application: name, cluster, status: 'refused', id: null, code: 'NOT_FOUND', message })
          continue
        }
        items.push(itemOf(name, cluster, await act(name), body.dryRun))
      }
      if (body.dryRun) return json(200, { id: null, items, total: items.length })
      await showDone(items, context)
      const id = await keepBulk(body, items, caller.name, context)
      return json(202, { id, items, total: items.length })
    },
  }),
]

type Decided = z.input<typeof bulkAnswer>['items'][number]

interface Act {
  /** What it asks for, of each. */
  readonly right: 'sync' | 'rollback'
  readonly act: (name: string) => Promise<DeskAnswer | PauseAnswer>
}

/** @throws Problem `REQUEST_INVALID`, `UNAVAILABLE` */
function actOf(body: z.output<typeof bulkBody>, by: string, context: Context): Act {
  const { action, dryRun, reason, until } = body
  const asker = { by, reason }
  if (until !== undefined && action !== 'pause') {
    const errors = [{ pointer: '/body/until', message: 'only a pause has an end' }]
    throw new Problem('REQUEST_INVALID', { errors })
  }
  if (action === 'pause') {
    const [pauses, wish] = [pausesOf(context), { ...asker, ...pauseEnd(until, context) }]
    return { right: 'rollback', act: name => (dryRun ? pauses.wouldPause(name) : pauses.pause(name, wish)) }
  }
  if (action === 'resume') {
    const pauses = pausesOf(context)
    return { right: 'rollback', act: name => (dryRun ? pauses.wouldResume(name) : pauses.resume(name, asker)) }
  }
  const desk = deskOf(context)
  if (action === 'terminate')
    return { right: 'sync', act: name => (dryRun ? desk.wouldTerminate(name, asker) : desk.terminate(name, asker)) }
  const wish = { ...wishOf(body.sync), ...asker }
  return { right: 'sync', act: name => (dryRun ? desk.wouldSync(name, wish) : desk.sync(name, wish)) }
}

/** What was just written is shown, whenever the view would have been told of it. */
async function showDone(items: readonly Decided[], { services }: Context): Promise<void> {
  const { view, store, clock } = services
  const applications = items.flatMap(({ status, application }) =>
    status === 'done' ? (view.applicationRow(application)?.id ?? []) : [],
  )
  if (applications.length > 0) await view.refresh(store, { applications }, () => clock.now())
}

/** Written when each is decided: what is followed is what was answered. */
async function keepBulk(
  { action, reason }: Pick<BulkOperationRow, 'action' | 'reason'>,
  items: readonly Decided[],
  by: string,
  { services, now }: Context,
): Promise<string> {
  const id = uuidV7(now, services.random.bytes(10))
  await services.store.write(async rows => {
    const kept: BulkOperationItem[] = []
    for (const { application, cluster, status, id: operation, code, message } of items) {
      // Which one had the name when it was decided: another may have it when somebody looks.
      const row = cluster === '' ? undefined : await rows.applicationByName(application)
      kept.push({
        ...{ application, cluster, status: status === 'planned' ? 'accepted' : status, message },
        ...(row && { applicationId: row.id }),
        ...(operation !== null && { operation }),
        ...(code !== null && { code }),
      })
    }
    await rows.putBulkOperation({ id, action, by, reason, madeAt: now, items: kept })
    await rows.deleteBulkOperations(now - BULK_KEPT_MS)
  })
  return id
}

interface Choice {
  readonly applications: readonly string[]
  readonly labels?: { readonly selector: LabelSelector } | undefined
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
  const query = { ...EVERY_APPLICATION, filters, labels: labels?.selector ?? [] }
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

function itemOf(application: string, cluster: string, answer: DeskAnswer | PauseAnswer, planned: boolean): Decided {
  if (answer.kind === 'refused') {
    const { message } = answer
    return { application, cluster, status: 'refused', id: null, code: CODES[answer.code], message }
  }
  const status = planned ? 'planned' : answer.kind
  const id = planned || answer.kind === 'done' ? null : answer.id
  return { application, cluster, status, id, code: null, message: '' }
}
