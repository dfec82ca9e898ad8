import type { BulkOperationItem, BulkOperationRow } from '@flotilla/core/ports/store'
import { z } from 'zod'
import { applicationObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each } from '../../access/route-access.ts'
import { currentStamp, noteDenial } from '../../audit/audited-store.ts'
import type { DeskAnswer, Within } from '../../operations/operation-desk.ts'
import type { PauseAnswer } from '../../operations/pause-desk.ts'
import { type Decided as BulkDecision, runBulk } from '../../operations/run-bulk.ts'
import { EVERY_APPLICATION } from '../application-query.ts'
import { CODES, deskOf, pauseEnd, pausesOf } from '../desk-answers.ts'
import type { LabelSelector } from '../label-selector.ts'
import { reasonField, syncFields } from '../operation-fields.ts'
import { anyOf, selectorParameter } from '../parameters.ts'
import { Problem, type ProblemCode } from '../problem.ts'
import { problemOf } from '../problem-of.ts'
import { wishOf } from '../retry-wish.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'

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
        status: z
          .enum(['planned', 'pending', 'accepted', 'done', 'cancelled', 'refused', 'failed', 'interrupted'])
          .meta({
            description:
              'pending: its turn is still to come. failed: it could not be decided. interrupted: its turn will not come; nothing was done to it.',
          }),
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
      const { right, plan, act } = actOf(body, caller.name, context)
      const items = chosen(body, context).map(each => admitted(each, right, caller, context))
      if (body.dryRun) {
        const planned: Decided[] = []
        for (const item of items) {
          const { application, cluster, status } = item
          if (status === 'pending') planned.push(plannedItem(application, cluster, await plan(application)))
          else planned.push(shownItem(item))
        }
        return json(200, { id: null, items: planned, total: planned.length })
      }
      const { action, reason } = body
      for (const item of items) if (item.status === 'refused') noteRefusal(item, caller.name, context)
      const { store, clock, random, log, signal } = context.services
      const row = await runBulk(
        { store, clock, random, log, ...(signal && { signal }) },
        { action, by: caller.name, reason, items },
        async (name, within) => {
          const denials = currentStamp()?.denials.length
          const answer = await act(name, (writer, done) => within(writer, decidedOf(done)))
          const decided = decidedOf(answer)
          // What gates deny they have told themselves.
          const isTold = currentStamp()?.denials.length !== denials
          if (answer.kind === 'refused' && !isTold) {
            noteRefusal({ application: name, cluster: '', ...decided }, caller.name, context)
          }
          return decided
        },
        // Whoever sends it again after a crash is answered the id, to follow what became of it.
        async (writer, begun) => await context.keepAnswer?.(writer, answerOf(begun)),
        error => {
          const { code, message } = problemOf(error)
          return { code, message }
        },
      )
      await showDone(row.items, context)
      return answerOf(row)
    },
  }),
]

type Decided = z.input<typeof bulkAnswer>['items'][number]

function answerOf({ id, items }: BulkOperationRow): Reply {
  return json(202, { id, items: items.map(shownItem), total: items.length })
}

function shownItem({ application, cluster, status, operation, code, message }: BulkOperationItem): Decided {
  return { application, cluster, status, id: operation ?? null, code: code ?? null, message }
}

/** One that was chosen, as far as it can be said before it is asked for. */
function admitted(
  { name, cluster, view }: ReturnType<typeof chosen>[number],
  right: Act['right'],
  caller: Caller,
  context: Context,
): BulkOperationItem {
  const refused = (code: ProblemCode): BulkOperationItem => {
    const { message } = new Problem(code)
    return { application: name, cluster, status: 'refused', code, message }
  }
  if (view === undefined) return refused('NOT_FOUND')
  if (!rightsOf(caller, context).may(right, applicationObject(view))) return refused('FORBIDDEN')
  return { application: name, cluster, status: 'pending', message: '' }
}

/** What was said no to is in the audit log, one by one, as if each had been asked for by itself. */
function noteRefusal({ application, code = '' }: BulkOperationItem, actor: string, { services }: Context): void {
  const about = { actor, action: 'operateOnMany', subject: `Application/${application}` }
  noteDenial({ at: services.clock.now(), ...about, outcome: 'refused', detail: { code } })
}

type Answer = DeskAnswer | PauseAnswer

interface Act {
  /** What it asks for, of each. */
  readonly right: 'sync' | 'rollback'
  /** What would become of it; nothing is done. */
  readonly plan: (name: string) => Promise<Answer>
  readonly act: (name: string, within: Within<Answer>) => Promise<Answer>
}

/** @throws Problem `REQUEST_INVALID`, `UNAVAILABLE` */
function actOf(body: z.output<typeof bulkBody>, by: string, context: Context): Act {
  const { action, reason, until } = body
  const asker = { by, reason }
  if (until !== undefined && action !== 'pause') {
    const errors = [{ pointer: '/body/until', message: 'only a pause has an end' }]
    throw new Problem('REQUEST_INVALID', { errors })
  }
  if (action === 'pause') {
    const [pauses, wish] = [pausesOf(context), { ...asker, ...pauseEnd(until, context) }]
    const act: Act['act'] = (name, within) => pauses.pause(name, wish, within)
    return { right: 'rollback', plan: name => pauses.wouldPause(name), act }
  }
  if (action === 'resume') {
    const pauses = pausesOf(context)
    const act: Act['act'] = (name, within) => pauses.resume(name, asker, within)
    return { right: 'rollback', plan: name => pauses.wouldResume(name), act }
  }
  const desk = deskOf(context)
  if (action === 'terminate') {
    const act: Act['act'] = (name, within) => desk.terminate(name, asker, within)
    return { right: 'sync', plan: name => desk.wouldTerminate(name, asker), act }
  }
  const wish = { ...wishOf(body.sync), ...asker }
  return {
    right: 'sync',
    plan: name => desk.wouldSync(name, wish),
    act: (name, within) => desk.sync(name, wish, within),
  }
}

/** What was just written is shown, whenever the view would have been told of it. */
async function showDone(items: readonly BulkOperationItem[], { services }: Context): Promise<void> {
  const { view, store, clock } = services
  const applications = items.flatMap(({ status, application }) =>
    status === 'done' ? (view.applicationRow(application)?.id ?? []) : [],
  )
  if (applications.length > 0) await view.refresh(store, { applications }, () => clock.now())
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

function decidedOf(answer: Answer): BulkDecision {
  if (answer.kind === 'refused') return { status: 'refused', code: CODES[answer.code], message: answer.message }
  if (answer.kind === 'done') return { status: 'done', message: '' }
  return { status: answer.kind, operation: answer.id, message: '' }
}

function plannedItem(application: string, cluster: string, answer: Answer): Decided {
  if (answer.kind === 'refused') return shownItem({ application, cluster, ...decidedOf(answer) })
  return { application, cluster, status: 'planned', id: null, code: null, message: '' }
}
