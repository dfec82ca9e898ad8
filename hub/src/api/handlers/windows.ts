import type { JsonObject } from '@flotilla/core/json/json'
import { z } from 'zod'
import { each, one } from '../../access/route-access.ts'
import { documentSchema, reasonSchema } from '../gate-input.ts'
import { nameParameter } from '../parameters.ts'
import { json, type Route, route } from '../route.ts'
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
const CHANGES = ['GATE_FROM_GIT', 'GATE_CHANGED', 'GATE_ENDED', 'OVERRIDE_REFUSED'] as const

/** Sync windows: those of config sources are read-only here; those made here close besides them, and open none of them. */
export const windowRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/windows',
    id: 'listWindows',
    tag: 'gates',
    summary: 'Sync windows: those of Projects, those with a scope of their own, and those made here',
    access: each('windows', 'get'),
    query: gatesQuery,
    answers: { 200: { description: 'A page, active ones first.', schema: gatesPage } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      return listed('windows', await allGates('windows', caller, context), query)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/windows/{name}',
    id: 'getWindow',
    tag: 'gates',
    summary: 'One sync window, how far it has got, and whom it concerns',
    access: one('windows', 'get'),
    parameters: named,
    answers: { 200: { description: 'The window.', schema: oneGateSchema } },
    async handle({ path }, caller, context) {
      return json(200, await oneGate('windows', path.name, caller, context))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/windows/{name}/yaml',
    id: 'exportWindow',
    tag: 'gates',
    summary: 'The window as a document for a config repository',
    access: one('windows', 'get'),
    parameters: named,
    answers: { 200: { description: 'YAML.', contentType: 'application/yaml' } },
    async handle({ path }, caller, context) {
      return await gateYaml('windows', path.name, caller, context)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/windows',
    id: 'createWindow',
    tag: 'gates',
    summary: 'Make a sync window; it closes besides those of Git, and opens nothing that they close',
    access: one('windows', 'create', 'of every Project that it concerns'),
    body: documentSchema.meta({ id: 'WindowDocument', description: 'A SyncWindow of flotilla.dev/v1alpha1.' }),
    answers: { 201: { description: 'The window, and whom it concerns.', schema: oneGateSchema } },
    problems: ['GATE_INVALID', 'GATE_EXISTS', 'GATE_FROM_GIT'],
    async handle({ body }, caller, context) {
      return await createGate('windows', body as JsonObject, caller, context)
    },
  }),
  route({
    method: 'patch',
    path: '/api/v1/windows/{name}',
    id: 'editWindow',
    tag: 'gates',
    summary: 'Change a sync window; one that closes now is made to close less only when somebody else approves',
    access: one('windows', 'update', 'its Team, where it has an owner'),
    parameters: named,
    body: patchSchema,
    ifMatch: 'getWindow',
    ifRevision: true,
    answers: {
      200: { description: 'The window as it is now.', schema: oneGateSchema },
      202: { description: 'It waits for approval.', schema: waitingSchema },
    },
    problems: ['GATE_INVALID', ...CHANGES],
    async handle({ path, body }, caller, context) {
      const { reason, ...patch } = body
      return await editGate('windows', path.name, { patch: patch as JsonObject, reason }, caller, context)
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/windows/{name}',
    id: 'deleteWindow',
    tag: 'gates',
    summary: 'Delete a sync window; one that closes now only when somebody else approves',
    access: one('windows', 'delete', 'its Team, where it has an owner'),
    parameters: named,
    query: z.strictObject({
      reason: reasonSchema.default('').meta({ description: 'Why; kept, and read by whoever approves.' }),
    }),
    ifMatch: 'getWindow',
    ifRevision: true,
    answers: {
      200: { description: 'The window, ended.', schema: oneGateSchema },
      202: { description: 'It waits for approval.', schema: waitingSchema },
    },
    problems: [...CHANGES],
    async handle({ path, query }, caller, context) {
      return await editGate('windows', path.name, { reason: query.reason }, caller, context, 'delete')
    },
  }),
]
