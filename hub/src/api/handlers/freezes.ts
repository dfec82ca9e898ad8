import type { GateScope } from '@flotilla/core/gates/rules'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { MadeGateRow } from '@flotilla/core/ports/store'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { prettyYaml } from '@flotilla/core/yaml/print-yaml'
import { z } from 'zod'
import { type GateFacts, projectsOf, requireGate, requireNewGate, seesGate } from '../../access/gate-access.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import type { EditAnswer } from '../../gate-desk/desk.ts'
import {
  documentSchema,
  gatesOf,
  instantOf,
  reasonSchema,
  refuse,
  revisionOf,
  scopeSchema,
  timeSchema,
} from '../gate-input.ts'
import { overrideJson, overrideSchema } from '../gate-json.ts'
import { concernedBy, freezesOf, GATE_STATES, type GateJson, gateSchema, windowsOf } from '../gate-list.ts'
import { listOf } from '../list-of.ts'
import { anyOfEnum, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'

const named = z.strictObject({ name: nameParameter })
const effectSchema = z.strictObject({
  applications: z.int(),
  clusters: z.int(),
  inForce: z.int().meta({ description: 'Clusters whose agents have said that they have it.' }),
  latestStart: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'After this nothing starts that it forbids, anywhere.' }),
})
const oneFreezeSchema = gateSchema.extend({ effect: effectSchema }).meta({ id: 'FreezeWithEffect' })
const waitingSchema = z.strictObject({ waiting: overrideSchema, because: z.array(z.string()) }).meta({
  id: 'FreezeChangeWaiting',
  description: 'It holds now, so this is break-glass: others approve the override.',
})

const stateParameter = anyOfEnum('Only in this state; those that are neither over nor ended without it', [
  ...GATE_STATES,
  'all',
])
const gates = listOf<GateJson>({
  name: 'gates',
  item: gateSchema,
  sorts: {
    // Active ones first; of those of one state the one that is next.
    state: gate => `${GATE_STATES.indexOf(gate.state)} ${gate.intervals[0]?.from ?? ''}`,
    name: ({ name }) => name,
    level: ({ level }) => level,
    owner: ({ owner }) => owner ?? '',
    from: ({ intervals }) => intervals[0]?.from ?? '',
    until: ({ intervals }) => intervals[0]?.until ?? '',
  },
  sort: 'state',
  // An ended one has the name of the one that has come after it.
  idOf: ({ rule, origin, ended }) => `${rule} ${origin.madeAt ?? ''} ${ended?.at ?? ''}`,
  words: [
    'name, reason, owner, level or source',
    ({ name, rule, reason, owner, level, origin }) => [name, rule, reason, owner, level, origin.source, origin.file],
  ],
})
const gatesQuery = z.strictObject({ state: stateParameter, ...gates.query })

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
    answers: { 200: { description: 'A page, active ones first.', schema: gates.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      return listed('freezes', await allFreezes(caller, context), query)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/windows',
    id: 'listWindows',
    tag: 'gates',
    summary: 'Sync windows: those of Projects, and those with a scope of their own',
    access: each('windows', 'get'),
    query: gatesQuery,
    answers: { 200: { description: 'A page, active ones first.', schema: gates.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { services, now } = context
      const made = await services.store.read(rows => rows.windows())
      const desk = gatesOf(context)
      const all = windowsOf(desk.keeper.now(), desk.fleet(), made, now)
      return listed('windows', seenOf(all, caller, context), query)
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
    answers: { 200: { description: 'The freeze.', schema: oneFreezeSchema } },
    async handle({ path }, caller, context) {
      return json(200, await oneFreeze(path.name, caller, context))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/freezes/{name}/yaml',
    id: 'exportFreeze',
    tag: 'gates',
    summary: 'The freeze as a document for a config repository',
    access: one('freezes', 'get'),
    parameters: named,
    answers: { 200: { description: 'YAML.', contentType: 'application/yaml' } },
    async handle({ path }, caller, context) {
      const { document } = await oneFreeze(path.name, caller, context)
      return { kind: 'text', status: 200, contentType: 'application/yaml', body: prettyYaml(document as Json) }
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
    answers: { 201: { description: 'The freeze, and whom it concerns.', schema: oneFreezeSchema } },
    problems: ['GATE_INVALID', 'GATE_EXISTS', 'GATE_FROM_GIT'],
    async handle({ body }, caller, context) {
      const facts = factsOf(body as JsonObject)
      requireNewGate(facts, rightsOf(caller, context))
      return await made(await gatesOf(context).freezes.create(body as JsonObject, caller), facts.name, caller, context)
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
    answers: { 201: { description: 'The freeze, and how far it has got.', schema: oneFreezeSchema } },
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
      requireNewGate(factsOf(document), rightsOf(caller, context))
      return await made(await gatesOf(context).freezes.create(document, caller, now), name, caller, context)
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
    body: z
      .strictObject({
        metadata: documentSchema.optional(),
        spec: documentSchema.optional(),
        reason: reasonSchema.default('').meta({ description: 'Why; kept, and read by whoever approves.' }),
      })
      .meta({
        id: 'FreezePatch',
        description: 'RFC 7396: members replace, null takes out. If-Match takes the revision.',
      }),
    answers: {
      200: { description: 'The freeze as it is now.', schema: oneFreezeSchema },
      202: { description: 'It waits for approval.', schema: waitingSchema },
    },
    problems: ['GATE_INVALID', 'GATE_FROM_GIT', 'GATE_CHANGED', 'GATE_ENDED', 'FREEZE_LOCKED', 'OVERRIDE_REFUSED'],
    async handle({ path, body }, caller, context) {
      await requireFreeze(path.name, caller, context)
      const { reason, ...patch } = body
      requirePatch(patch as JsonObject, caller, context)
      const wish = { patch: patch as JsonObject, reason, ...seenRevision(context) }
      return await edited(await gatesOf(context).freezes.edit(path.name, wish, caller), caller, context)
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
    answers: {
      200: { description: 'The freeze, ended.', schema: oneFreezeSchema },
      202: { description: 'It waits for approval.', schema: waitingSchema },
    },
    problems: ['GATE_FROM_GIT', 'GATE_CHANGED', 'GATE_ENDED', 'FREEZE_LOCKED', 'OVERRIDE_REFUSED'],
    async handle({ path, body }, caller, context) {
      await requireFreeze(path.name, caller, context)
      const wish = { reason: body.reason, ...seenRevision(context) }
      return await edited(await gatesOf(context).freezes.edit(path.name, wish, caller), caller, context)
    },
  }),
]

function seenRevision(context: Context): { readonly revision?: number } {
  const revision = revisionOf(context)
  return revision === undefined ? {} : { revision }
}

/** Freezes that hold now, of those that the caller sees; none where this hub keeps no gates. */
export async function activeFreezes(caller: Caller, context: Context): Promise<readonly GateJson[]> {
  if (context.services.gates === undefined) return []
  return (await allFreezes(caller, context)).filter(({ state }) => state === 'active')
}

async function allFreezes(caller: Caller, context: Context): Promise<readonly GateJson[]> {
  const desk = gatesOf(context)
  const rows = await context.services.store.read(reader => reader.freezes())
  return seenOf(freezesOf(desk.keeper.now(), desk.fleet(), rows, context.now), caller, context)
}

/** A rule as a whole, with whom it concerns and who is exempt, is for those who may see the rule. */
function seenOf(gates: readonly GateJson[], caller: Caller, context: Context): readonly GateJson[] {
  const rights = rightsOf(caller, context)
  return gates.filter(gate => seesGate(gateFacts(gate), rights))
}

function gateFacts({ kind, name, owner, rule, document }: GateJson): GateFacts {
  const ofProject = /^Project\/(\S+) /.exec(rule)?.[1]
  return {
    ...factsOf(document as JsonObject),
    ...{ resource: kind === 'FreezePeriod' ? 'freezes' : 'windows', name, owner: owner ?? undefined },
    ...(ofProject !== undefined && { projects: [ofProject] }),
  }
}

/** What rights are asked about, as the document has it: what is written otherwise than it should is nobody's. */
function factsOf(document: JsonObject): GateFacts {
  const metadata = isJsonObject(document['metadata']) ? document['metadata'] : {}
  const spec = isJsonObject(document['spec']) ? document['spec'] : {}
  const { name, owner } = metadata
  return {
    ...{ resource: 'freezes', name: typeof name === 'string' ? name : '' },
    projects: projectsOf(isJsonObject(spec['scope']) ? (spec['scope'] as GateScope) : undefined),
    owner: typeof owner === 'string' ? owner : undefined,
  }
}

/** The standing freeze of that name, for whom it may be changed. @throws Problem `NOT_FOUND`, `FORBIDDEN` */
async function requireFreeze(name: string, caller: Caller, context: Context): Promise<void> {
  const found = (await allFreezes(caller, context)).filter(gate => gate.name === name)
  const gate = found.find(({ state }) => state !== 'ended') ?? found[0]
  if (gate === undefined) throw new Problem('NOT_FOUND')
  requireGate(gateFacts(gate), 'update', rightsOf(caller, context))
}

/** A change of whom it concerns, or of whose it is, is asked about like a new freeze: the place that it moves to. */
function requirePatch(patch: JsonObject, caller: Caller, context: Context): void {
  const { projects, owner } = factsOf(patch)
  const spec = isJsonObject(patch['spec']) ? patch['spec'] : {}
  if (!('scope' in spec) && owner === undefined) return
  const moved = 'scope' in spec ? { projects } : { projects: [] }
  requireNewGate({ resource: 'freezes', name: factsOf(patch).name, owner, ...moved }, rightsOf(caller, context))
}

function listed(list: string, seen: readonly GateJson[], query: z.output<typeof gatesQuery>): Reply {
  const states: readonly string[] = query.state ?? ['active', 'scheduled', 'indeterminate']
  const wanted = seen.filter(({ state }) => states.includes('all') || states.includes(state))
  return json(200, gates.page(wanted, query, [list, states.toSorted()]))
}

/** The standing one of that name; else the latest that has ended. */
async function oneFreeze(name: string, caller: Caller, context: Context): Promise<z.input<typeof oneFreezeSchema>> {
  const found = (await allFreezes(caller, context)).filter(gate => gate.name === name)
  const standing = found.find(({ state }) => state !== 'ended')
  const gate = standing ?? found.toSorted((a, b) => ((a.ended?.at ?? '') < (b.ended?.at ?? '') ? 1 : -1))[0]
  if (gate === undefined) throw new Problem('NOT_FOUND')
  const { keeper } = gatesOf(context)
  const progress = gate.state === 'ended' ? undefined : await keeper.progress(gate.rule)
  const concerned = gate.state === 'ended' ? NOBODY : concernedBy(gate.rule, keeper.now())
  const latestStart = progress?.latestStart
  return {
    ...gate,
    effect: {
      ...concerned,
      inForce: progress?.inForce ?? 0,
      latestStart: latestStart === undefined ? null : isoTime(latestStart),
    },
  }
}

const NOBODY = { applications: 0, clusters: 0 }

async function made(answer: EditAnswer<MadeGateRow>, name: string, caller: Caller, context: Context): Promise<Reply> {
  if (answer.kind === 'done') return json(201, await oneFreeze(answer.value.name, caller, context))
  if (answer.kind === 'waits') throw new Error('making a freeze waits for nobody')
  const taken = answer.kind === 'refused' && (answer.code === 'GATE_EXISTS' || answer.code === 'GATE_FROM_GIT')
  // That a name is taken has to be said; by whom, where, and since when is for those who may see it.
  if (taken && !(await allFreezes(caller, context)).some(gate => gate.name === name)) throw new Problem('GATE_EXISTS')
  return refuse(answer)
}

async function edited(answer: EditAnswer<MadeGateRow>, caller: Caller, context: Context): Promise<Reply> {
  if (answer.kind === 'done') return json(200, await oneFreeze(answer.value.name, caller, context))
  if (answer.kind !== 'waits') return refuse(answer)
  return json(202, { waiting: overrideJson(answer.request, context.now), because: [...answer.because] })
}
