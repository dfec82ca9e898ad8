import type { AccessObject } from '@flotilla/core/access/object'
import { compileScope, inScope } from '@flotilla/core/gates/compile-scope'
import type { GateAction } from '@flotilla/core/gates/rules'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { OverrideRow } from '@flotilla/core/ports/store'
import { z } from 'zod'
import { isOwner } from '../../access/gate-access.ts'
import { namedObject, targetObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one as oneOf } from '../../access/route-access.ts'
import type { OverrideAnswer } from '../../gate-desk/override-desk.ts'
import { actionsSchema, gatesOf, instantOf, reasonSchema, refuse, scopeSchema, timeSchema } from '../gate-input.ts'
import { overrideJson, overrideSchema } from '../gate-json.ts'
import { listOf } from '../list-of.ts'
import { anyOfEnum, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'
import { EVERYTHING_VISIBLE } from '../visible-set.ts'

const one = z.strictObject({ id: nameParameter })
const STATES = ['Pending', 'Active', 'Used', 'Expired', 'Revoked'] as const

const wishSchema = z
  .strictObject({
    scope: scopeSchema,
    covers: z
      .array(z.enum(['freeze', 'window']))
      .max(2)
      .default(['freeze', 'window']),
    actions: actionsSchema.default(['sync']),
    from: timeSchema.default('now'),
    until: timeSchema,
    bundle: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/, 'a digest: sha256: and 64 hexadecimal digits')
      .optional()
      .meta({ description: 'This content only.' }),
    maxUses: z.int().min(1).max(100_000).optional(),
    includeAutomated: z.boolean().optional(),
    reason: reasonSchema,
  })
  .meta({ id: 'OverrideRequest' })

const overrides = listOf<z.input<typeof overrideSchema>>({
  name: 'overrides',
  item: overrideSchema,
  sorts: {
    requestedAt: ({ requestedAt }) => requestedAt,
    from: ({ from }) => from,
    until: ({ until }) => until,
    state: ({ state }) => state,
    name: ({ name }) => name,
  },
  sort: '-requestedAt',
  idOf: ({ id }) => id,
  words: [
    'id, name, who asked, reason, rules or actions',
    ({ id, name, requestedBy, reason, rules, actions }) => [
      ...[id, name, requestedBy, reason, ...actions],
      ...rules.map(rule => rule.name),
    ],
  ],
})

/** Break-glass. It opens gates and gives no permission: whoever syncs under it needs that as ever. */
export const overrideRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/overrides',
    id: 'listOverrides',
    tag: 'gates',
    summary: 'Break-glass: what was asked for, who approved it, what it was used for',
    access: each('overrides', 'get'),
    query: z.strictObject({
      state: anyOfEnum('Only in this state', STATES),
      review: z.enum(['open']).optional().meta({ description: 'Only those that somebody has to look back at.' }),
      ...overrides.query,
    }),
    answers: { 200: { description: 'A page, newest first.', schema: overrides.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { services, now } = context
      const all = await services.store.read(reader => reader.overrides())
      const rows = all.filter(row => isSeen(row, caller, context))
      const { state, review } = query
      const wanted = rows
        .map(row => overrideJson(row, now))
        .filter(
          each => (state === undefined || state.includes(each.state)) && (review === undefined || each.needsReview),
        )
      return json(200, overrides.page(wanted, query, [state?.toSorted() ?? null, review ?? null]))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/overrides/{id}',
    id: 'getOverride',
    tag: 'gates',
    summary: 'One override',
    access: oneOf('overrides', 'get'),
    parameters: one,
    answers: { 200: { description: 'The override.', schema: overrideSchema } },
    async handle({ path }, caller, context) {
      const { services, now } = context
      const row = await services.store.read(rows => rows.override(path.id))
      if (row === undefined || !isSeen(row, caller, context)) throw new Problem('NOT_FOUND')
      return json(200, overrideJson(row, now))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/overrides',
    id: 'requestOverride',
    tag: 'gates',
    summary: 'Ask for break-glass; somebody else approves it',
    access: each('overrides', 'create', 'of every Application that it concerns'),
    body: wishSchema,
    answers: { 201: { description: 'It waits for approval.', schema: overrideSchema } },
    problems: ['OVERRIDE_REFUSED'],
    async handle({ body }, caller, context) {
      const { now } = context
      const { bundle, maxUses, includeAutomated } = body
      const rights = rightsOf(caller, context)
      const answer = await gatesOf(context).overrides.request(
        {
          ...{ scope: body.scope, covers: body.covers, actions: body.actions as GateAction[], reason: body.reason },
          ...{ from: instantOf(body.from, now)!, until: instantOf(body.until, now)! },
          ...(bundle !== undefined && { bundle: bundle as Digest }),
          ...(maxUses !== undefined && { maxUses }),
          ...(includeAutomated !== undefined && { includeAutomated }),
        },
        caller,
        {
          all: rights.visible.key === EVERYTHING_VISIBLE.key,
          sees: target => rights.sees(targetObject(target)),
          may: target => rights.may('create', targetObject(target, 'overrides')),
        },
        now,
      )
      return told(answer, context, 201)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/overrides/{id}/approve',
    id: 'approveOverride',
    ifMatch: 'getOverride',
    tag: 'gates',
    summary: 'Approve break-glass that somebody else has asked for; also a change of an active freeze',
    access: oneOf('overrides', 'approve', 'of every Application that it concerns'),
    parameters: one,
    body: z.strictObject({ comment: reasonSchema.default('') }).meta({ id: 'OverrideApproval' }),
    answers: { 200: { description: 'The override as it is now.', schema: overrideSchema } },
    problems: ['OVERRIDE_OWN', 'OVERRIDE_NEEDS_PERSON', 'OVERRIDE_NOT_PENDING', 'GATE_CHANGED'],
    async handle({ path, body }, caller, context) {
      await requireOverride(path.id, 'approve', caller, context)
      return told(await gatesOf(context).overrides.approve(path.id, caller, body.comment), context, 200)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/overrides/{id}/revoke',
    id: 'revokeOverride',
    ifMatch: 'getOverride',
    tag: 'gates',
    summary: 'End break-glass at once, or take back the request',
    access: oneOf('overrides', 'delete', 'of every Application that it concerns'),
    parameters: one,
    body: z.strictObject({ reason: reasonSchema.default('') }).meta({ id: 'OverrideRevocation' }),
    answers: { 200: { description: 'The override as it is now.', schema: overrideSchema } },
    problems: ['OVERRIDE_NOT_ACTIVE'],
    async handle({ path, body }, caller, context) {
      await requireOverride(path.id, 'delete', caller, context)
      return told(await gatesOf(context).overrides.revoke(path.id, caller, body.reason), context, 200)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/overrides/{id}/review',
    id: 'reviewOverride',
    ifMatch: 'getOverride',
    tag: 'gates',
    summary: 'Close the review of break-glass that is over, with a comment',
    access: oneOf('overrides', 'approve', 'of every Application that it concerns'),
    parameters: one,
    body: z.strictObject({ comment: reasonSchema.min(1) }).meta({ id: 'OverrideReview' }),
    answers: { 200: { description: 'The override as it is now.', schema: overrideSchema } },
    problems: ['OVERRIDE_NEEDS_PERSON', 'OVERRIDE_NOT_ENDED'],
    async handle({ path, body }, caller, context) {
      await requireOverride(path.id, 'approve', caller, context)
      return told(await gatesOf(context).overrides.review(path.id, caller, body.comment), context, 200)
    },
  }),
]

/** Whoever sees it of every Application that it concerns: its scope, its uses and its rules name them all. */
function isSeen(row: OverrideRow, caller: Caller, context: Context): boolean {
  const rights = rightsOf(caller, context)
  return objectsOf(row, context).every(object => rights.sees(object))
}

/**
 * Lets pass who may do it to every Application that is concerned. What covers rules that a Team owns is approved by that
 * Team's people, or by whoever may approve all break-glass.
 *
 * @throws Problem `NOT_FOUND`, `FORBIDDEN`
 */
async function requireOverride(
  id: string,
  action: 'approve' | 'delete',
  caller: Caller,
  context: Context,
): Promise<void> {
  const row = await context.services.store.read(rows => rows.override(id))
  if (row === undefined || !isSeen(row, caller, context)) throw new Problem('NOT_FOUND')
  const rights = rightsOf(caller, context)
  if (rights.may(action, namedObject('overrides', '*'))) return
  const { teams } = rights.inForce.policy
  const owned = row.rules.filter(({ owner }) => owner !== undefined && teams.named(owner) !== undefined)
  const ownersAgree = action !== 'approve' || owned.every(({ owner }) => isOwner({ owner }, rights))
  if (ownersAgree && objectsOf(row, context).every(object => rights.may(action, object))) return
  throw new Problem('FORBIDDEN')
}

/** What rights on break-glass are about: each Application of its scope, or itself where there is none any more. */
function objectsOf({ id, scope }: OverrideRow, context: Context): readonly AccessObject[] {
  const compiled = compileScope(scope)
  const { targets } = gatesOf(context).keeper.now()
  const concerned = compiled.kind === 'scope' ? targets.filter(target => inScope(compiled.scope, target)) : []
  const objects = concerned.map(target => targetObject(target, 'overrides'))
  return objects.length === 0 ? [namedObject('overrides', id)] : objects
}

function told(answer: OverrideAnswer, { now }: Context, status: number): Reply {
  return answer.kind === 'done' ? json(status, overrideJson(answer.row, now)) : refuse(answer)
}
