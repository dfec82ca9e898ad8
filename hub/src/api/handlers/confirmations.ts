import type { Digest } from '@flotilla/core/json/canonical-json'
import { adoptionText } from '@flotilla/core/plan/adoptions'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { type DeletionView, viewDeletion } from '@flotilla/core/view/deletion-view'
import { z } from 'zod'
import { each, one as oneOf } from '../../access/route-access.ts'
import type { WaitingAdoption } from '../../loop/decide-adoption.ts'
import { EVERY_APPLICATION } from '../application-query.ts'
import { syncByHand } from '../desk-answers.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import type { adoptionSchema, pruneSchema } from '../schemas.ts'
import { confirmationSchema } from '../schemas.ts'
import type { Caller } from '../tokens.ts'
import { decideDeletion, decisionBody, plansSeen, requireAll, seesAll } from './deletions.ts'

type Adoption = z.infer<typeof adoptionSchema>
type HeldPrune = z.infer<typeof pruneSchema>

const one = z.strictObject({ id: nameParameter })
const STATES = ['held', 'rejected', 'approved', 'superseded', 'all'] as const
const KINDS = ['deletion', 'adoption', 'prune'] as const
const confirmations = listOf<DeletionView | Adoption | HeldPrune>({
  name: 'confirmations',
  item: confirmationSchema,
  sorts: { since: ({ since }) => since, kind: ({ kind }) => kind, state: ({ state }) => state },
  sort: 'since',
  idOf: ({ id }) => id,
  words: [
    'id, kind, reason, set or Applications',
    each => [
      ...[each.id, each.kind, each.reason, each.kind === 'deletion' ? each.set : undefined],
      ...(each.kind === 'prune' ? [each.application] : each.applications.map(({ name }) => name)),
    ],
  ],
})
const query = z.strictObject({
  state: z.enum(STATES).default('held').meta({ description: 'Only in this state; those that wait without it.' }),
  kind: z.enum(KINDS).optional().meta({ description: 'Only of this kind.' }),
  ...confirmations.query,
})
const body = decisionBody
  .extend({
    wholeProject: z
      .boolean()
      .default(false)
      .meta({ description: 'Of an adoption: for everything of the Projects concerned, now and later.' }),
  })
  .meta({ id: 'ConfirmationDecision' })

const SUMMARIES = {
  approve: 'Let exactly what was shown happen; a list that has changed is refused',
  reject: 'Keep it as it is',
} as const

/** Everything that waits for a person: removals of Applications, prunes, and objects of other tools. */
export const confirmationRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/confirmations',
    id: 'listConfirmations',
    tag: 'confirmations',
    summary: 'Everything that waits for a person',
    access: each('confirmations', 'get'),
    query,
    answers: { 200: { description: 'A page, oldest first.', schema: confirmations.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const all = await confirmationsOf(caller, context)
      const shown = all.filter(({ state, kind }) => {
        return (query.state === 'all' || state === query.state) && (query.kind === undefined || kind === query.kind)
      })
      return json(200, confirmations.page(shown, query, [query.state, query.kind ?? null]))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/confirmations/{id}',
    id: 'getConfirmation',
    tag: 'confirmations',
    summary: 'One of them',
    access: oneOf('confirmations', 'get'),
    parameters: one,
    answers: { 200: { description: 'What would happen, everything named.', schema: confirmationSchema } },
    async handle({ path }, caller, context) {
      const found = (await confirmationsOf(caller, context)).find(({ id }) => id === path.id)
      if (found === undefined) throw new Problem('NOT_FOUND')
      return json(200, found)
    },
  }),
  ...(['approve', 'reject'] as const).map(verdict =>
    route({
      method: 'post',
      path: `/api/v1/confirmations/{id}/${verdict}`,
      id: `${verdict}Confirmation`,
      ownIfMatch: true,
      tag: 'confirmations',
      summary: SUMMARIES[verdict],
      access: oneOf('confirmations', 'approve', 'of every Application in it'),
      parameters: one,
      body,
      answers: { 200: { description: 'Decided, now or before.', schema: confirmationSchema } },
      problems: [
        'DELETION_CHANGED',
        'DELETION_DECIDED',
        'DELETION_INPUTS_AWAY',
        'CONFIRMATION_CHANGED',
        'CONFIRMATION_STANDS',
        'OPERATION_HELD',
        'OPERATION_BUSY',
        'AGENT_NOT_JOINED',
        'REASON_REQUIRED',
      ],
      async handle({ path, body }, caller, context) {
        if (path.id.startsWith(PRUNE)) return await decidePrune(verdict, path.id, body, caller, context)
        if (path.id.startsWith('adoption-')) return await decideAdoption(verdict, path.id, body, caller, context)
        return await decideDeletion(verdict, path.id, body, caller, context)
      },
    }),
  ),
]

const PRUNE = 'prune-'

async function confirmationsOf(caller: Caller, context: Context) {
  const { view, actions } = context.services
  const deletions = (await plansSeen(caller, context)).map(viewDeletion)
  const waiting = (await actions.waitingAdoptions()).map(viewAdoption)
  const adoptions = waiting.filter(({ applications }) => seesAll(applications, caller, context))
  const { items } = view.applications(EVERY_APPLICATION, context.now, context.visible)
  const prunes = items
    .filter(({ heldPrunes }) => heldPrunes !== null)
    .flatMap(application => (seesAll([application], caller, context) ? (viewPrune(application) ?? []) : []))
  return [...deletions, ...adoptions, ...prunes]
}

function viewAdoption({ id, scope, since, objects, applications, verdict }: WaitingAdoption): Adoption {
  return {
    id,
    kind: 'adoption',
    state: verdict?.verdict === 'rejected' ? 'rejected' : 'held',
    scope: { ...scope },
    reason: `would adopt ${adoptionText(objects)}`,
    since: isoTime(since),
    objects: objects.map(each => ({ ...each })),
    applications: applications.map(({ name, project, clusterName: cluster }) => ({ name, project, cluster })),
    decision: verdict ? { by: verdict.by, at: isoTime(verdict.at), reason: verdict.reason } : null,
  }
}

function viewPrune({
  id,
  name,
  project,
  cluster,
  heldPrunes,
  changedAt,
  state,
}: ApplicationView): HeldPrune | undefined {
  if (!heldPrunes) return undefined
  const { count, digest, reason } = heldPrunes
  return {
    id: `${PRUNE}${id}`,
    kind: 'prune',
    state: 'held',
    application: name,
    project,
    cluster,
    reason,
    since: changedAt,
    count,
    digest,
    removal: state === 'withdrawn',
    operation: null,
    decision: null,
  }
}

async function decideAdoption(
  verdict: 'approve' | 'reject',
  id: string,
  { reason, wholeProject }: { readonly reason: string; readonly wholeProject: boolean },
  caller: Caller,
  context: Context,
): Promise<Reply> {
  const { services } = context
  const held = (await services.actions.waitingAdoptions()).find(each => each.id === id)
  if (!held) throw new Problem('NOT_FOUND')
  const { applications } = viewAdoption(held)
  requireAll(applications, caller, context)
  // Later ones too: whoever says so may decide on everything of the Project.
  const projects = wholeProject ? [...new Set(applications.map(({ project }) => project))] : []
  requireAll(
    projects.map(project => ({ name: '*', project, cluster: '' })),
    caller,
    context,
  )
  const decided = await services.actions.decideAdoption(id, {
    verdict: verdict === 'approve' ? 'approved' : 'rejected',
    wholeProject,
    by: caller.name,
    reason,
  })
  if (!decided) throw new Problem('NOT_FOUND')
  const view = viewAdoption(decided)
  return json(200, verdict === 'approve' ? { ...view, state: 'approved' } : view)
}

/** A confirmed prune is a sync by hand that may delete exactly these objects. */
async function decidePrune(
  verdict: 'approve' | 'reject',
  id: string,
  { reason, digest }: { readonly reason: string; readonly digest?: string | undefined },
  caller: Caller,
  context: Context,
): Promise<Reply> {
  const held = (await confirmationsOf(caller, context)).find(each => each.id === id)
  if (held?.kind !== 'prune') throw new Problem('NOT_FOUND')
  requireAll([{ name: held.application, project: held.project, cluster: held.cluster }], caller, context)
  if (verdict === 'reject') {
    const detail = held.removal
      ? 'It waits for as long as nobody wants the Application: bring that back, or annotate these objects Delete=false.'
      : 'It waits for as long as the source lacks these objects: bring them back, or annotate them Prune=false.'
    throw new Problem('CONFIRMATION_STANDS', { detail })
  }
  if (digest !== undefined && digest !== held.digest) throw new Problem('CONFIRMATION_CHANGED')
  if (held.removal) return await confirmDeletion(id, held, { by: caller.name, reason }, context)
  const wish = { dryRun: false, prune: true, resources: [], confirms: held.digest as Digest, by: caller.name, reason }
  const operation = await syncByHand(held.application, wish, context)
  return json(200, { ...held, state: 'approved', operation })
}

/** In a removal there is nothing to sync: its Tombstone says what was confirmed. */
async function confirmDeletion(
  id: string,
  held: HeldPrune,
  asker: { readonly by: string; readonly reason: string },
  { services }: Context,
): Promise<Reply> {
  const answer = await services.actions.confirmRemoval(id.slice(PRUNE.length), { ...asker, digest: held.digest })
  if (answer.kind === 'unknown') throw new Problem('NOT_FOUND')
  if (answer.kind === 'changed') throw new Problem('CONFIRMATION_CHANGED')
  return json(200, { ...held, state: 'approved' })
}
