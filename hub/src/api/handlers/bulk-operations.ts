import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { BulkOperationItem } from '@flotilla/core/ports/store'
import { z } from 'zod'
import { applicationObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each } from '../../access/route-access.ts'
import type { DeskAnswer } from '../../operations/operation-desk.ts'
import { EVERY_APPLICATION } from '../application-query.ts'
import { CODES, deskOf } from '../desk-answers.ts'
import { BULK_KEPT_MS } from '../follow-bulk.ts'
import type { LabelSelector } from '../label-selector.ts'
import { reasonField, syncFields } from '../operation-fields.ts'
import { anyOf, selectorParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { wishOf } from '../retry-wish.ts'
import { type Context, json, type Route, route } from '../route.ts'

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
    id: z.string().nullable().meta({ description: 'To follow all of it at /api/v1/operations/{id}; null for a plan.' }),
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

/** Sync or terminate of many Applications in one request, and what would become of each. */
export const bulkOperationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/operations',
    id: 'operateOnMany',
    tag: 'operations',
    summary: 'Sync or terminate many Applications; with dryRun, what would become of each',
    access: each('applications', 'sync'),
    body: bulkBody,
    answers: {
      200: { description: 'The plan: what would become of each.', schema: bulkAnswer },
      202: { description: 'What was accepted is on its way, and can be followed.', schema: bulkAnswer },
    },
    async handle({ body }, caller, context) {
      const desk = deskOf(context)
      const rights = rightsOf(caller, context)
      const asker = { by: caller.name, reason: body.reason }
      const items: Decided[] = []
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
      if (body.dryRun) return json(200, { id: null, items, total: items.length })
      const id = await keepBulk(body, items, caller.name, context)
      return json(202, { id, items, total: items.length })
    },
  }),
]

type Decided = z.input<typeof bulkAnswer>['items'][number]

/** Written when each is decided: what is followed is what was answered. */
async function keepBulk(
  { action, reason }: { readonly action: 'sync' | 'terminate'; readonly reason: string },
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

function itemOf(application: string, cluster: string, answer: DeskAnswer, planned: boolean): Decided {
  if (answer.kind === 'refused') {
    const { message } = answer
    return { application, cluster, status: 'refused', id: null, code: CODES[answer.code], message }
  }
  const status = planned ? 'planned' : answer.kind
  return { application, cluster, status, id: planned ? null : answer.id, code: null, message: '' }
}
