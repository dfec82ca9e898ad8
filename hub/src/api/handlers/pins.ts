import type { Digest } from '@flotilla/core/json/canonical-json'
import { z } from 'zod'
import { one } from '../../access/route-access.ts'
import { requireApplication } from '../../access/seen-application.ts'
import type { PinAnswer, PinTarget, RollbackPlan } from '../../operations/pin-desk.ts'
import { ManifestDiffs } from '../../preview/manifest-diffs.ts'
import { CODES, pauseEnd, pausesOf, refusalOf } from '../desk-answers.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import { applicationSchema } from '../schemas.ts'
import { acceptedSchema, changeSchema, revisionField } from '../schemas-of-operations.ts'
import { operationOfDigest } from './history.ts'
import { pinsOf, started } from './sync-revision.ts'

const named = z.strictObject({ name: nameParameter })
const reason = z.string().max(2000).default('').meta({ description: 'Why; kept in the audit log.' })
const until = z.iso.datetime().optional().meta({ description: 'Ends by itself then; without it when it is unpinned.' })
const operation = z.string().min(1).max(200).optional().meta({ description: 'One of its history, by id.' })
const digest = z.string().min(1).max(200).optional().meta({ description: 'As its history shows it.' })
const PROBLEMS = ['OPERATION_HELD', 'OPERATION_BUSY', 'AGENT_NOT_JOINED', 'REASON_REQUIRED', 'PIN_IMPOSSIBLE'] as const

const planSchema = z
  .strictObject({
    permitted: z.boolean().meta({ description: 'Whether it would begin now.' }),
    refusal: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'What it would be refused with.' }),
    from: z.strictObject({ revision: z.string().nullable(), digest: z.string().nullable() }),
    to: z.strictObject({ revision: z.string().nullable(), digest: z.string().nullable() }),
    changes: z
      .array(changeSchema)
      .meta({ description: 'From what was last synced with success to what it goes back to.' }),
    cut: z.int().meta({ description: 'Differences that were left out because there are too many.' }),
  })
  .meta({ id: 'RollbackPlan', description: 'What a rollback would do; nothing was done.' })

/** Of all differences of one plan. */
const MOST_DIFF_CHARACTERS = 500_000

/** Interventions: what people hold Applications to, whatever Git says meanwhile. */
export const pinRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/rollback',
    id: 'rollbackApplication',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Put back what was in force before, and hold it there until it is unpinned',
    access: one('applications', 'rollback'),
    parameters: named,
    body: z
      .strictObject({
        operation,
        digest,
        prune: z.boolean().default(false).meta({ description: 'Deletes what it did not have then.' }),
        until,
        reason,
        dryRun: z.boolean().default(false).meta({ description: 'Answers what it would do, and does nothing.' }),
      })
      .meta({ id: 'RollbackRequest', description: 'To the success before what is wanted now, without a word more.' }),
    answers: {
      200: { description: 'Of a dry run: what it would do.', schema: planSchema },
      202: { description: 'It is pinned, and its sync is on its way.', schema: acceptedSchema },
    },
    problems: PROBLEMS,
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'rollback', caller, context)
      const target = await targetOf(path.name, body, 'previous', context)
      const wish = { by: caller.name, reason: body.reason, prune: body.prune, target, ...untilOf(body) }
      if (body.dryRun)
        return await shownPlan(path.name, await pinsOf(context).planRollback(path.name, wish), wish, context)
      return started(await pinsOf(context).rollback(path.name, wish))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/pin',
    id: 'pinApplication',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Hold the Application to a revision; nothing is started',
    access: one('applications', 'rollback', 'a revision that is not in its history: applications, override'),
    parameters: named,
    body: z
      .strictObject({ operation, digest, revision: revisionField, until, reason })
      .meta({ id: 'PinRequest', description: 'To what it is now, without a word more.' }),
    answers: { 200: { description: 'Held.', schema: applicationSchema } },
    problems: PROBLEMS,
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'rollback', caller, context)
      if (body.revision !== undefined) requireApplication(path.name, 'override', caller, context)
      const target = await targetOf(path.name, body, 'now', context)
      const wish = { by: caller.name, reason: body.reason, target, ...untilOf(body) }
      return await shown(path.name, await pinsOf(context).pin(path.name, wish), context)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/unpin',
    id: 'unpinApplication',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Let Git say what is wanted again',
    access: one('applications', 'rollback'),
    parameters: named,
    body: z.strictObject({ reason }).meta({ id: 'UnpinRequest' }),
    answers: { 200: { description: 'Let go.', schema: applicationSchema } },
    problems: ['OPERATION_NONE'],
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'rollback', caller, context)
      const answer = await pinsOf(context).unpin(path.name, { by: caller.name, reason: body.reason })
      return await shown(path.name, answer, context)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/pause',
    id: 'pauseApplication',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Leave the Application alone: nothing of it starts by itself, and nothing is healed',
    access: one('applications', 'rollback'),
    parameters: named,
    body: z.strictObject({ until, reason }).meta({ id: 'PauseRequest' }),
    answers: { 200: { description: 'Paused.', schema: applicationSchema } },
    problems: ['OPERATION_HELD'],
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'rollback', caller, context)
      const wish = { by: caller.name, reason: body.reason, ...pauseEnd(body.until, context) }
      return await shown(path.name, await pausesOf(context).pause(path.name, wish), context)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/resume',
    id: 'resumeApplication',
    ifMatch: 'getApplication',
    tag: 'operations',
    summary: 'Go on with an Application that was paused',
    access: one('applications', 'rollback'),
    parameters: named,
    body: z.strictObject({ reason }).meta({ id: 'ResumeRequest' }),
    answers: { 200: { description: 'It goes on.', schema: applicationSchema } },
    problems: ['OPERATION_NONE', 'OPERATION_HELD'],
    async handle({ path, body }, caller, context) {
      requireApplication(path.name, 'rollback', caller, context)
      const answer = await pausesOf(context).resume(path.name, { by: caller.name, reason: body.reason })
      return await shown(path.name, answer, context)
    },
  }),
]

interface Target {
  readonly operation?: string | undefined
  readonly digest?: string | undefined
  readonly revision?: string | undefined
}

/** @throws Problem `REQUEST_INVALID`, `PIN_IMPOSSIBLE` */
async function targetOf(
  name: string,
  body: Target,
  otherwise: 'now' | 'previous',
  context: Context,
): Promise<PinTarget> {
  const given = [body.operation, body.digest, body.revision].filter(each => each !== undefined)
  if (given.length > 1) {
    const errors = [{ pointer: '/body', message: 'one of operation, digest and revision' }]
    throw new Problem('REQUEST_INVALID', { errors })
  }
  if (body.operation !== undefined) return { kind: 'operation', id: body.operation }
  if (body.revision !== undefined) return { kind: 'revision', revision: body.revision }
  if (body.digest === undefined) return { kind: otherwise }
  const found = await operationOfDigest(name, body.digest, true, context)
  if (!found) throw new Problem('PIN_IMPOSSIBLE', { detail: `${name} has no success with digest ${body.digest}` })
  return { kind: 'operation', id: found.id }
}

function untilOf({ until }: { readonly until?: string | undefined }): { readonly until?: number } {
  return until === undefined ? {} : { until: Date.parse(until) }
}

async function shownPlan(
  name: string,
  plan: RollbackPlan | Extract<PinAnswer, { kind: 'refused' }>,
  { prune }: { readonly prune: boolean },
  { services }: Context,
): Promise<Reply> {
  if (plan.kind === 'refused') throw refusalOf(plan)
  const { row, answer } = plan
  const { bundles, store, view } = services
  const report = await store.read(rows => rows.report(row.id))
  const before = view.applicationRow(name)
  // What is in force, or else what is wanted.
  const synced = report?.entry.lastSucceeded ?? before?.digest
  const held = synced === undefined ? undefined : await store.read(rows => rows.bundle(synced))
  const diffs = new ManifestDiffs(bundles, MOST_DIFF_CHARACTERS)
  const changes = await diffs.between(synced === undefined ? undefined : { ...row, digest: synced }, row, prune)
  const of = (digest: Digest | undefined, secrets: boolean | undefined): string | null =>
    digest === undefined ? null : view.shownDigest(digest, secrets)
  return json(200, {
    permitted: answer.kind !== 'refused',
    refusal: answer.kind === 'refused' ? { code: CODES[answer.code], message: answer.message } : null,
    from: { revision: before?.revision ?? null, digest: of(synced, held?.holdsSecrets) },
    to: { revision: row.revision ?? null, digest: of(row.digest, row.holdsSecrets) },
    ...{ changes, cut: diffs.cut },
  })
}

async function shown(name: string, answer: PinAnswer, { services }: Context): Promise<Reply> {
  if (answer.kind === 'refused') throw refusalOf(answer)
  const now = services.clock.now()
  const id = services.view.applicationRow(name)?.id
  // What was just written is shown, whenever the view would have been told of it.
  await services.view.refresh(services.store, { applications: id === undefined ? [] : [id] }, () => now)
  const view = services.view.application(name, now)
  if (view === undefined) throw new Problem('NOT_FOUND')
  return json(200, view)
}
