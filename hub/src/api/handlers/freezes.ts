import type { JsonObject } from '@flotilla/core/json/json'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { each, one } from '../../access/route-access.ts'
import { documentSchema, instantOf, reasonSchema, scopeSchema, timeSchema } from '../gate-input.ts'
import type { GateJson } from '../gate-list.ts'
import { nameParameter } from '../parameters.ts'
import { type Context, json, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'
import {
  allGates,
  createGate,
  editGate,
  gatesPage,
  gatesQuery,
  gateYaml,
  listed,
  oneGate,
  oneGateSchema,
  patchSchema,
  waitingSchema,
} from './made-gates.ts'

const named = z.strictObject({ name: nameParameter })

/** Scheduled freezes and "stop the line"; those of config sources are shown beside them and are read-only. */
export const freezeRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/freezes',
    id: 'listFreezes',
    tag: 'gates',
    summary: 'Freeze periods, declared in Git and made here',
    access: each('freezes', 'get'),
    query: gatesQuery,
    answers: { 200: { description: 'A page, active ones first.', schema: gatesPage } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      return listed('freezes', await allGates('freezes', caller, context), query)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/freezes/{name}',
    id: 'getFreeze',
    tag: 'gates',
    summary: 'One freeze period, how far it has got, and whom it concerns',
    access: one('freezes', 'get'),
    parameters: named,
    answers: { 200: { description: 'The freeze.', schema: oneGateSchema } },
    async handle({ path }, caller, context) {
      return json(200, await oneGate('freezes', path.name, caller, context))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/freezes/{name}/yaml',
    id: 'exportFreeze',
    tag: 'gates',
    summary: 'The freeze as a document for a config repository',
    sensitive: true,
    access: one('freezes', 'get'),
    parameters: named,
    answers: { 200: { description: 'YAML.', contentType: 'application/yaml' } },
    async handle({ path }, caller, context) {
      return await gateYaml('freezes', path.name, caller, context)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/freezes',
    id: 'createFreeze',
    tag: 'gates',
    summary: 'Make a freeze period; it cannot begin in the past',
    access: one('freezes', 'create', 'of every Project that it concerns'),
    body: documentSchema.meta({ id: 'FreezeDocument', description: 'A FreezePeriod of flotilla.dev/v1alpha1.' }),
    answers: { 201: { description: 'The freeze, and whom it concerns.', schema: oneGateSchema } },
    problems: ['GATE_INVALID', 'GATE_EXISTS', 'GATE_FROM_GIT'],
    async handle({ body }, caller, context) {
      return await createGate('freezes', body as JsonObject, caller, context)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/freezes/now',
    id: 'freezeNow',
    tag: 'gates',
    summary: 'Stop the line: freeze the fleet, or a part of it, at once',
    access: one('freezes', 'create', 'of every Project that it concerns'),
    body: z
      .strictObject({
        scope: scopeSchema.default({ all: true }),
        reason: reasonSchema.min(1),
        level: z.enum(['hard', 'soft']).default('hard'),
        until: timeSchema
          .default('+24h')
          .meta({ description: 'It ends by itself then; ending it earlier is break-glass.' }),
        inFlight: z.enum(['finish', 'pauseAtWave', 'terminate']).default('pauseAtWave'),
        name: nameParameter.optional(),
        owner: nameParameter.optional(),
      })
      .meta({ id: 'StopTheLine' }),
    answers: { 201: { description: 'The freeze, and how far it has got.', schema: oneGateSchema } },
    problems: ['GATE_INVALID', 'GATE_EXISTS', 'GATE_FROM_GIT'],
    async handle({ body }, caller, context) {
      const { now } = context
      const until = instantOf(body.until, now)!
      const name = body.name ?? `stop-${isoTime(now).slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`
      const document: JsonObject = {
        ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'FreezePeriod' },
        metadata: { name, ...(body.owner !== undefined && { owner: body.owner }) },
        spec: {
          ...{ level: body.level, reason: body.reason, scope: body.scope as unknown as JsonObject },
          ...{ inFlight: body.inFlight, when: [{ from: isoTime(now), until: isoTime(until) }] },
        },
      }
      return await createGate('freezes', document, caller, context, now)
    },
  }),
  route({
    method: 'patch',
    path: '/api/v1/freezes/{name}',
    id: 'editFreeze',
    tag: 'gates',
    summary: 'Change a freeze; one that holds now is made to hold less only when others approve it',
    access: one('freezes', 'update', 'its Team, where it has an owner'),
    parameters: named,
    body: patchSchema,
    ifMatch: 'getFreeze',
    ifRevision: true,
    answers: {
      200: { description: 'The freeze as it is now.', schema: oneGateSchema },
      202: { description: 'It waits for approval.', schema: waitingSchema },
    },
    problems: ['GATE_INVALID', 'GATE_FROM_GIT', 'GATE_CHANGED', 'GATE_ENDED', 'FREEZE_LOCKED', 'OVERRIDE_REFUSED'],
    async handle({ path, body }, caller, context) {
      const { reason, ...patch } = body
      return await editGate('freezes', path.name, { patch: patch as JsonObject, reason }, caller, context)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/freezes/{name}/end',
    id: 'endFreeze',
    tag: 'gates',
    summary: 'End a freeze; one that holds now only when others approve it',
    access: one('freezes', 'update', 'its Team, where it has an owner'),
    parameters: named,
    body: z.strictObject({ reason: reasonSchema.default('') }).meta({ id: 'FreezeEnd' }),
    ifMatch: 'getFreeze',
    ifRevision: true,
    answers: {
      200: { description: 'The freeze, ended.', schema: oneGateSchema },
      202: { description: 'It waits for approval.', schema: waitingSchema },
    },
    problems: ['GATE_FROM_GIT', 'GATE_CHANGED', 'GATE_ENDED', 'FREEZE_LOCKED', 'OVERRIDE_REFUSED'],
    async handle({ path, body }, caller, context) {
      return await editGate('freezes', path.name, { reason: body.reason }, caller, context)
    },
  }),
]

/** Freezes that hold now, of those that the caller sees; none where this hub keeps no gates. */
export async function activeFreezes(caller: Caller, context: Context): Promise<readonly GateJson[]> {
  if (context.services.gates === undefined) return []
  return (await allGates('freezes', caller, context)).filter(({ state }) => state === 'active')
}
