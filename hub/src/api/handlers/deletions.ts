import type { AccessObject } from '@flotilla/core/access/object'
import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { type DeletionView, viewDeletion } from '@flotilla/core/view/deletion-view'
import { z } from 'zod'
import { type ApplicationFacts, applicationObject, namedObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import { seenSets } from '../../access/seen-sets.ts'
import { searchText } from '../application-query.ts'
import { listOf } from '../list-of.ts'
import { nameParameter, selectorParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import { applicationSchema, deletionSchema } from '../schemas.ts'
import type { Caller } from '../tokens.ts'

const sourceParameter = nameParameter
  .optional()
  .meta({ description: 'Its config source, where two have a set of that name.' })
const named = z.strictObject({ name: nameParameter })
const ofSet = z.strictObject({ name: nameParameter, id: nameParameter })

const DELETION_STATES = ['held', 'rejected', 'approved', 'superseded'] as const
const stateParameter = z
  .enum([...DELETION_STATES, 'all'])
  .default('held')
  .meta({ description: 'Only in this state; those that wait without it.' })
const applications = listOf<ApplicationView>({
  name: 'applications of set',
  item: applicationSchema,
  sorts: {
    name: ({ name }) => name,
    project: ({ project }) => project,
    cluster: ({ cluster }) => cluster,
    namespace: ({ namespace }) => namespace,
    changedAt: ({ changedAt }) => changedAt,
  },
  sort: 'name',
  idOf: ({ name, id }) => `${name} ${id}`,
  words: ['name, project, cluster, namespace, set, source, images or labels', view => [searchText(view)]],
  labels: ({ labels }) => labels,
})
const deletions = listOf<DeletionView>({
  name: 'deletions',
  item: deletionSchema,
  sorts: {
    since: ({ since }) => since,
    set: ({ set }) => set ?? '',
    source: ({ source }) => source,
    state: ({ state }) => state,
    removed: ({ count }) => count.removed,
  },
  sort: 'since',
  idOf: ({ id }) => id,
  words: [
    'id, set, source, reason or Applications',
    ({ id, set, source, reason, applications: of }) => [id, set, source, reason, ...of.map(({ name }) => name)],
  ],
})

export const decisionBody = z
  .strictObject({
    reason: z.string().max(2000).default('').meta({ description: 'Why; kept with the decision.' }),
    digest: z
      .string()
      .max(200)
      .optional()
      .meta({ description: 'Of the list that was shown, as If-Match says it too.' }),
  })
  .meta({ id: 'DeletionDecision' })

const SUMMARIES = {
  approve: 'Let exactly these Applications go; a list that has changed is refused',
  reject: 'Keep these Applications until the list changes',
} as const

/** Removals that wait for a person: which they are, and what somebody says to them. */
export const deletionRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/applicationsets/{name}/applications',
    id: 'listApplicationsOfSet',
    tag: 'applicationsets',
    summary: 'What a set generated, a page at a time',
    access: each('applications', 'get'),
    parameters: named,
    query: z.strictObject({ source: sourceParameter, labels: selectorParameter, ...applications.query }),
    answers: { 200: { description: 'A page.', schema: applications.answer } },
    problems: ['CURSOR_INVALID'],
    handle({ path, query }, caller, context) {
      requireSet(path.name, query.source, caller, context)
      const { items } = context.services.view.applications(
        {
          filters: { set: new Set([path.name]) },
          words: [],
          labels: [],
          sort: 'name',
          descending: false,
          limit: Number.POSITIVE_INFINITY,
        },
        context.now,
        context.visible,
      )
      const mine = items.filter(({ provenance }) => query.source === undefined || provenance['source'] === query.source)
      return json(200, applications.page(mine, query, [path.name, query.source ?? null]))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applicationsets/{name}/deletions',
    id: 'listDeletionsOfSet',
    tag: 'applicationsets',
    summary: 'Removals of a set that wait for approval, and those that were decided',
    access: each('confirmations', 'get'),
    parameters: named,
    query: z.strictObject({ source: sourceParameter, state: stateParameter, ...deletions.query }),
    answers: { 200: { description: 'A page, oldest first.', schema: deletions.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ path, query }, caller, context) {
      requireSet(path.name, query.source, caller, context)
      const plans = (await plansSeen(caller, context)).filter(
        ({ set, source }) => set === path.name && (query.source === undefined || source === query.source),
      )
      const shown = plans.filter(({ state }) => query.state === 'all' || state === query.state).map(viewDeletion)
      return json(200, deletions.page(shown, query, [path.name, query.source ?? null, query.state]))
    },
  }),
  ...(['approve', 'reject'] as const).map(verdict =>
    route({
      method: 'post',
      path: `/api/v1/applicationsets/{name}/deletions/{id}/${verdict}`,
      id: `${verdict}DeletionOfSet`,
      ownIfMatch: true,
      tag: 'applicationsets',
      summary: SUMMARIES[verdict],
      access: one('confirmations', 'approve', 'of every Application in it'),
      parameters: ofSet,
      body: decisionBody,
      answers: { 200: { description: 'Decided, now or before.', schema: deletionSchema } },
      problems: ['DELETION_CHANGED', 'DELETION_DECIDED', 'DELETION_INPUTS_AWAY'],
      async handle({ path, body }, caller, context) {
        const plan = (await plansSeen(caller, context)).find(({ id }) => id === path.id)
        if (plan?.set !== path.name) throw new Problem('NOT_FOUND')
        return await decideDeletion(verdict, path.id, body, caller, context)
      },
    }),
  ),
]

/** The plans that somebody sees: whoever may see what waits of every Application in one, because it names them all. */
export async function plansSeen(caller: Caller, context: Context): Promise<readonly DeletionPlan[]> {
  const plans = await context.services.store.read(rows => rows.deletionPlans())
  return plans.filter(plan => seesAll(removalsOf(plan), caller, context))
}

/** What waits for a person is about Applications, each in its Project. */
export type Concerned = Pick<ApplicationFacts, 'name' | 'project' | 'cluster'>

function removalsOf({ applications }: DeletionPlan): readonly Concerned[] {
  return applications
}

export function seesAll(concerned: readonly Concerned[], caller: Caller, context: Context): boolean {
  const rights = rightsOf(caller, context)
  return confirmationObjects(concerned, context).every(object => rights.sees(object))
}

/** @throws Problem `NOT_FOUND`, `FORBIDDEN` unless it may be decided on for every one of them. */
export function requireAll(concerned: readonly Concerned[], caller: Caller, context: Context): void {
  if (concerned.length === 0) return
  if (!seesAll(concerned, caller, context)) throw new Problem('NOT_FOUND')
  const rights = rightsOf(caller, context)
  for (const object of confirmationObjects(concerned, context)) rights.require('approve', object)
}

/** As they are stored; one that the view has not is as the plan has it. */
function confirmationObjects(concerned: readonly Concerned[], { services, now }: Context): readonly AccessObject[] {
  if (concerned.length === 0) return [namedObject('confirmations', '*')]
  return concerned.map(({ name, project, cluster }) => {
    const view = services.view.application(name, now)
    const facts = view?.project === project && view.cluster === cluster ? view : NO_FACTS
    return applicationObject({ ...facts, name, project, cluster }, 'confirmations')
  })
}

const NO_FACTS = { labels: {}, environment: null }

function requireSet(name: string, source: string | undefined, caller: Caller, context: Context): void {
  const sets = seenSets(context.services.view, rightsOf(caller, context))
  if (!sets.some(set => set.name === name && (source === undefined || set.source === source)))
    throw new Problem('NOT_FOUND')
}

/** @throws Problem when it cannot be decided so. */
export async function decideDeletion(
  verdict: 'approve' | 'reject',
  id: string,
  body: { readonly reason: string; readonly digest?: string | undefined },
  caller: Caller,
  context: Context,
): Promise<Reply> {
  const { services, request } = context
  const plan = (await services.store.read(rows => rows.deletionPlans())).find(each => each.id === id)
  if (plan === undefined) throw new Problem('NOT_FOUND')
  requireAll(removalsOf(plan), caller, context)
  const shown = matchOf(request.get('if-match'))
  if (shown !== undefined && body.digest !== undefined && shown !== body.digest) {
    throw new Problem('REQUEST_INVALID', {
      errors: [{ pointer: '/body/digest', message: 'If-Match names another list' }],
    })
  }
  const answer = await services.actions.decideDeletion(id, {
    verdict,
    by: caller.name,
    reason: body.reason,
    digest: body.digest ?? shown,
  })
  switch (answer.kind) {
    case 'decided':
      return json(200, viewDeletion(answer.plan))
    case 'unknown':
      throw new Problem('NOT_FOUND')
    case 'changed':
      throw new Problem('DELETION_CHANGED', {
        detail: answer.current
          ? `The list is another one now: ${answer.current.id}, with ${answer.current.applications.length} Applications.`
          : 'The list is another one now, and nothing waits any more.',
      })
    case 'too-late':
      throw new Problem('DELETION_DECIDED')
    case 'stale':
      throw new Problem('DELETION_INPUTS_AWAY')
  }
}

/** `"sha256:…"`, weak or not; anything else matches nothing. */
function matchOf(header: string | undefined): string | undefined {
  if (header === undefined || header.trim() === '*') return undefined
  return header
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1')
}
